/**
 * The key of each swarm, for our own clients to know each other by (`wire/swarm-key.ts`). It is made from a
 * secret, so nothing is kept for a swarm, and it changes every day: whose grant ended knows it for two at most.
 */
import { createHmac } from 'node:crypto'
import { bytesOf, type InfoHash } from '../core/ids.ts'
import { hours } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { type SwarmKey, swarmKeyOfBytes } from '../wire/swarm-key.ts'
import { Lru } from './lru.ts'

/** Clients hold the key of this period and that of the one before. */
const PERIOD = hours(24)
/** Keys kept at hand: one costs some microseconds, which an announce need not pay each time. */
const AT_HAND_MAX = 20_000

export interface SwarmKeysParts {
  readonly clock: Clock
  /** At least 32 bytes, the same in every process that answers for this tracker. */
  readonly secret: Uint8Array
}

export class SwarmKeys {
  readonly #parts: SwarmKeysParts
  readonly #atHand = new Lru<InfoHash, SwarmKey>({ capacity: AT_HAND_MAX })
  #period = 0

  constructor(parts: SwarmKeysParts) {
    this.#parts = parts
  }

  of(infoHash: InfoHash): SwarmKey {
    const period = Math.floor(this.#parts.clock.epoch() / PERIOD)
    if (period !== this.#period) this.#atHand.clear()
    this.#period = period
    const atHand = this.#atHand.get(infoHash)
    if (atHand !== undefined) return atHand
    const made = createHmac('sha256', this.#parts.secret)
      .update(`shoal swarm key 1 ${String(period)} `)
      .update(bytesOf(infoHash))
      .digest()
    const key = swarmKeyOfBytes(made)
    this.#atHand.set(infoHash, key)
    return key
  }
}

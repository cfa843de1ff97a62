/** What one torrent knows that helps it while no tracker answers: peers that worked, and the keys of its swarm. */
import { type Endpoint, formatEndpoint } from '../core/address.ts'
import { type EpochMillis, type Millis, minutes } from '../core/units.ts'
import { limits } from '../wire/limits.ts'
import type { SwarmKey } from '../wire/swarm-key.ts'
import { type Remembered, type RememberedPeer, SWARM_KEYS_MAX } from './remembered-peers.ts'

/** How it stands with the trackers: `unheard` before the first outcome; `away` when the last round got no answer. */
export type TrackerStanding = 'unheard' | 'answers' | 'refuses' | 'away'

/** A peer that goes on working is noted anew no more often than this. */
const NOTED_EVERY = minutes(60)

export class SwarmMemory {
  tracker: TrackerStanding = 'unheard'
  /** The file is behind. */
  isDirty = false
  savedAt: Millis | undefined
  saving: Promise<void> | undefined
  /** When the peers remembered were last handed to those who dial. */
  namedAt: Millis | undefined
  readonly startedAt: Millis
  /** Those that worked last at the end. */
  readonly #peers = new Map<string, RememberedPeer>()
  #keys: readonly SwarmKey[] = []

  constructor(startedAt: Millis) {
    this.startedAt = startedAt
  }

  /** The newest first. */
  get keys(): readonly SwarmKey[] {
    return this.#keys
  }

  get size(): number {
    return this.#peers.size
  }

  /** Oldest first. */
  get endpoints(): readonly Endpoint[] {
    return Array.from(this.#peers.values(), ({ endpoint }) => endpoint)
  }

  get content(): Remembered {
    return { peers: [...this.#peers.values()], keys: this.#keys }
  }

  /** What an earlier run left, which what this run has learned goes before. */
  recall({ peers, keys }: Remembered): void {
    const learned = [...this.#peers.values()]
    this.#peers.clear()
    for (const { endpoint, seenAt } of [...peers, ...learned]) this.#note(endpoint, seenAt)
    this.#keys = [...new Set([...this.#keys, ...keys])].slice(0, SWARM_KEYS_MAX)
  }

  /** A peer that was dialled there is connected. */
  worked(endpoint: Endpoint, now: EpochMillis): void {
    const known = this.#peers.get(formatEndpoint(endpoint))
    this.isDirty ||= known === undefined || Math.abs(now - known.seenAt) > NOTED_EVERY
    this.#note(endpoint, now)
  }

  /** The tracker names the swarm's key; true when it is a new one. */
  learn(key: SwarmKey): boolean {
    if (this.#keys[0] === key) return false
    this.#keys = [key, ...this.#keys.filter((other) => other !== key)].slice(0, SWARM_KEYS_MAX)
    this.isDirty = true
    return true
  }

  #note(endpoint: Endpoint, seenAt: EpochMillis): void {
    const name = formatEndpoint(endpoint)
    this.#peers.delete(name)
    this.#peers.set(name, { endpoint, seenAt })
    const [oldest] = this.#peers.keys()
    if (this.#peers.size > limits.rememberedPeersMax && oldest !== undefined) this.#peers.delete(oldest)
  }
}

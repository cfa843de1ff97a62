/** Addresses where peers of one torrent may listen, with what came of dialling them. Bounded. */
import { type Endpoint, formatEndpoint } from '../core/address.ts'
import type { Random } from '../core/random.ts'
import { type Millis, millis, minutes } from '../core/units.ts'
import { limits } from '../wire/limits.ts'
import { dialBackoff, mayDial } from './dial-policy.ts'

export type DialState = 'idle' | 'dialling' | 'connected'

export interface KnownPeer {
  readonly endpoint: Endpoint
  state: DialState
  failures: number
  /** Reading of the clock before which it is left alone. */
  notBefore: Millis
}

/** A peer that failed so often in a row and was not named again is forgotten. */
const FAILURES_MAX = 8
/** A peer that cannot help us now: another seed while we seed, ourselves, a banned one. */
const USELESS_FOR = minutes(30)

export class KnownPeers {
  readonly #peers = new Map<string, KnownPeer>()

  /** False when it is not taken: an address not to be dialled, or no room. Repetition is harmless. */
  add(endpoint: Endpoint): boolean {
    if (!mayDial(endpoint)) return false
    const key = formatEndpoint(endpoint)
    const known = this.#peers.get(key)
    if (known !== undefined) {
      known.failures = Math.min(known.failures, 3) // somebody saw it: it is worth another try
      return true
    }
    if (this.#peers.size >= limits.knownPeersMax && !this.#forgetWorst()) return false
    this.#peers.set(key, { endpoint, state: 'idle', failures: 0, notBefore: millis(0) })
    return true
  }

  get(endpoint: Endpoint): KnownPeer | undefined {
    return this.#peers.get(formatEndpoint(endpoint))
  }

  /** Those that are neither connected nor being dialled. */
  idle(): Iterable<KnownPeer> {
    return this.#in('idle')
  }

  dialling(): Iterable<KnownPeer> {
    return this.#in('dialling')
  }

  get size(): number {
    return this.#peers.size
  }

  /** Dialling failed, or the connection was lost. */
  failed(endpoint: Endpoint, now: Millis, random: Random): void {
    const peer = this.get(endpoint)
    if (peer === undefined) return
    peer.state = 'idle'
    peer.failures++
    peer.notBefore = millis(now + dialBackoff(peer.failures, random))
    if (peer.failures > FAILURES_MAX) this.#peers.delete(formatEndpoint(endpoint))
  }

  /** Not dialled again unless it is named again. */
  forget(endpoint: Endpoint): void {
    this.#peers.delete(formatEndpoint(endpoint))
  }

  /** Not worth dialling for a good while. */
  shelve(endpoint: Endpoint, now: Millis): void {
    const peer = this.get(endpoint)
    if (peer === undefined) return
    peer.state = 'idle'
    peer.notBefore = millis(now + USELESS_FOR)
  }

  *#in(state: DialState): Generator<KnownPeer> {
    for (const peer of this.#peers.values()) if (peer.state === state) yield peer
  }

  #forgetWorst(): boolean {
    let worst: [string, KnownPeer] | undefined
    for (const entry of this.#peers) {
      if (entry[1].state === 'idle' && entry[1].failures > (worst?.[1].failures ?? 0)) worst = entry
    }
    return worst !== undefined && this.#peers.delete(worst[0])
  }
}

/**
 * Who fetches what from the server at this moment, so that the others wait for it in place of fetching it, too. Said by BEP 6's
 * `suggest piece`, which means "this will be worth asking me for", and repeated while it lasts. Who does not keep its word a few
 * times is not believed any more: a liar costs seconds, not the film.
 */
import type { PeerId } from '../../core/ids.ts'
import type { PieceIndex } from '../../core/piece-layout.ts'
import { RecentCounts } from '../../core/recent-counts.ts'
import type { EngineClock } from './channel.ts'
import type { ViewerPeer } from './viewer-peer.ts'

/** Unless it is repeated; and at most, however often it is. */
const HELD_FOR = 4_000
const HELD_AT_MOST = 7_000
const REPEATED_AFTER = 2_500
const BROKEN_MAX = 3
/** Of those the ones that broke a promise last are remembered. */
const BREAKERS_MAX = 1_000
/** One peer cannot have so many under way. */
const OF_ONE_PEER_MAX = 64

interface Held {
  readonly peer: ViewerPeer
  readonly since: number
  until: number
}

export class Promises {
  readonly #clock: EngineClock
  readonly #held = new Map<PieceIndex, Held>()
  /** By name: with another connection nobody begins anew. */
  readonly #broken = new RecentCounts<PeerId>(BREAKERS_MAX)
  readonly #said = new Map<PieceIndex, number>()

  constructor(clock: EngineClock) {
    this.#clock = clock
  }

  /** We fetch these. */
  make(pieces: readonly PieceIndex[], peers: Iterable<ViewerPeer>): void {
    const now = this.#clock.now()
    for (const piece of pieces) this.#said.set(piece, now)
    for (const peer of peers)
      if (peer.hasFast && !peer.isGateway)
        for (const piece of pieces) peer.send({ kind: 'suggest', piece }, now)
  }

  heard(peer: ViewerPeer, piece: PieceIndex): void {
    if (this.#broken.of(peer.id) >= BROKEN_MAX) return
    const now = this.#clock.now()
    const held = this.#held.get(piece)
    if (held?.peer === peer) held.until = now + HELD_FOR
    else if (held === undefined && this.#countOf(peer) < OF_ONE_PEER_MAX)
      this.#held.set(piece, { peer, since: now, until: now + HELD_FOR })
  }

  /** For how long somebody has been fetching it; undefined: nobody is. */
  heldForMs(piece: PieceIndex, now: number): number | undefined {
    const held = this.#held.get(piece)
    if (held === undefined || held.until <= now) return undefined
    const heldFor = now - held.since
    return heldFor > HELD_AT_MOST ? undefined : heldFor
  }

  left(peer: ViewerPeer): void {
    let hadPromised = false
    for (const [piece, held] of this.#held) if (held.peer === peer) hadPromised = this.#held.delete(piece)
    if (hadPromised) this.#broken.add(peer.id)
  }

  /** Each second: `underway` is what we fetch. */
  review(underway: readonly PieceIndex[], peers: Iterable<ViewerPeer>): void {
    const now = this.#clock.now()
    for (const [piece, { peer, until }] of this.#held) {
      const isKept = peer.has.has(piece)
      if (!isKept && until > now) continue
      this.#held.delete(piece)
      if (!isKept) this.#broken.add(peer.id)
    }
    for (const piece of this.#said.keys()) if (!underway.includes(piece)) this.#said.delete(piece)
    const old = underway.filter((piece) => now - (this.#said.get(piece) ?? 0) > REPEATED_AFTER)
    if (old.length > 0) this.make(old, peers)
  }

  #countOf(peer: ViewerPeer): number {
    let count = 0
    for (const held of this.#held.values()) if (held.peer === peer) count++
    return count
  }
}

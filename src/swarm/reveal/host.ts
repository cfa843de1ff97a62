/** One peer as the origin sees it when it decides what to show: what it was shown, and what of that is under way. */
import { Bitfield } from '../../core/bitfield.ts'
import type { PieceIndex } from '../../core/piece-layout.ts'
import { type Millis, seconds } from '../../core/units.ts'
import { RateMeter } from '../rate-meter.ts'
import { FadingMost } from './fading-most.ts'
import type { HeldPieces } from './piece-ledger.ts'
import type { SiteFeed } from './site-feed.ts'

/** What is read of a connected peer. */
export interface RevealPeer {
  readonly has: HeldPieces
  readonly isInterested: boolean
  readonly isChoked: boolean
  /** Its requests that wait with us, and bytes that its connection has not taken yet. */
  readonly up: { readonly queue: readonly unknown[] }
  readonly connection: { readonly queuedBytes: number }
}

/** Where a peer is, and what it may be trusted with. */
export interface PeerFacts {
  readonly site: string
  /** It brings pieces into its site. Undefined: nobody has said; the first of a site do it. */
  readonly isBridge: boolean | undefined
  /** It is of our kind: it shares out by itself what comes into its site. */
  readonly isOurs: boolean
}

/** Transmission sees every ten seconds whether somebody has what it lacks. */
const REACTION_MAX = seconds(10)

interface Pending {
  readonly shownAt: Millis
  unsentBytes: number
}

export class Host<P extends RevealPeer> {
  readonly peer: P
  readonly facts: PeerFacts
  readonly site: SiteFeed<P>
  readonly shown: Bitfield
  /** What it has told piece by piece. */
  readonly counted: Bitfield
  /** Given to it first, and seen nowhere else since. */
  readonly held = new Set<PieceIndex>()
  /** Shown to be fetched, and not there yet. */
  readonly pending = new Map<PieceIndex, Pending>()
  readonly meter = new RateMeter()
  /** Bytes of {@link pending} that have not been sent. */
  unsentBytes = 0
  /** Shown pieces that it has told to have. */
  arrived = 0
  /** It was shown something and took nothing: others go first until it does. */
  isSlack = false
  /** It is fed by us whatever its site does. */
  isHelped = false
  /** Nothing is left that it could be shown; until the next tick. */
  isSated = false
  /** It has everything. */
  isSeed = false
  /** It said so at once: not piece by piece. */
  isCountedWhole = false
  readonly cameAt: Millis
  /** When it last got something, from whomever; before that, when it came. */
  newAt: Millis
  /** When it last asked or was sent anything here. */
  askedAt: Millis
  shownAt: Millis
  /** When it was first shown something since it last asked or was sent anything, and nothing of it waited with us. */
  #offeredAt: Millis | undefined
  /** How long it took to ask again once it had run dry, in ms. Our own client asks at once: what it takes is its line's delay. */
  readonly reaction = new FadingMost()

  constructor(peer: P, facts: PeerFacts, parts: { site: SiteFeed<P>; pieces: number; now: Millis }) {
    this.peer = peer
    this.facts = facts
    this.site = parts.site
    this.shown = new Bitfield(parts.pieces)
    this.counted = new Bitfield(parts.pieces)
    this.cameAt = parts.now
    this.newAt = parts.now
    this.askedAt = parts.now
    this.shownAt = parts.now
  }

  /** Bytes that it can still ask for, or wait for, of what it was shown to fetch. */
  get openBytes(): number {
    return this.unsentBytes + this.peer.connection.queuedBytes
  }

  /** Pieces that it lacks and was not shown. */
  get unseen(): number {
    return this.isSeed ? 0 : this.shown.size - this.counted.count - this.shown.count + this.arrived
  }

  /** It has everything, or sees all that it lacks and wants none of it. */
  get isDone(): boolean {
    return this.isSeed || (this.unseen === 0 && this.pending.size === 0 && !this.peer.isInterested)
  }

  mayBeShown(piece: PieceIndex): boolean {
    return !this.isSeed && !this.shown.has(piece) && !this.counted.has(piece)
  }

  /**
   * What it sees it neither has nor asks for: it may want other pieces than these. `patience`: since the first of
   * them was shown, `pause`: since the last was.
   */
  looksElsewhere(now: Millis, patience: Millis, pause: Millis): boolean {
    const { isInterested, isChoked, up } = this.peer
    if (this.unseen === 0 || this.shown.count === this.arrived || up.queue.length > 0) return false
    if (isInterested && isChoked) return false
    const idleSince = Math.max(this.askedAt, this.newAt, this.#offeredAt ?? 0)
    return now - idleSince >= patience && now - this.shownAt >= pause
  }

  show(piece: PieceIndex, bytes: number, now: Millis): void {
    this.shown.add(piece)
    this.#offer(now)
    this.pending.set(piece, { shownAt: now, unsentBytes: bytes })
    this.unsentBytes += bytes
  }

  /** Shown only so that it may find what it wants: nothing is expected of it. */
  glimpse(piece: PieceIndex, now: Millis): void {
    this.shown.add(piece)
    this.#offer(now)
  }

  #offer(now: Millis): void {
    if (this.peer.up.queue.length === 0) this.#offeredAt ??= now
    this.shownAt = now
  }

  asked(now: Millis): void {
    if (this.#offeredAt !== undefined && !this.facts.isOurs)
      this.reaction.add(Math.min(REACTION_MAX, now - this.#offeredAt), now)
    this.#offeredAt = undefined
    this.askedAt = now
    this.isSlack = false
  }

  sent(piece: PieceIndex, bytes: number, now: Millis): void {
    this.meter.add(bytes, now)
    this.#offeredAt = undefined
    this.askedAt = now
    const pending = this.pending.get(piece)
    if (pending === undefined) return
    const counted = Math.min(bytes, pending.unsentBytes)
    pending.unsentBytes -= counted
    this.unsentBytes -= counted
  }

  /** No longer waited for. Answers how long it took so far, or undefined when it was not. */
  settle(piece: PieceIndex, now: Millis): number | undefined {
    const pending = this.pending.get(piece)
    if (pending === undefined) return undefined
    this.pending.delete(piece)
    this.unsentBytes -= pending.unsentBytes
    return now - pending.shownAt
  }
}

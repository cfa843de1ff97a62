/**
 * The work of a site, divided: each piece that nobody here has is fetched from elsewhere by one of us, and the others
 * take it from that one a moment later. Who is slow, silent or gone is overtaken, after a time that follows from what
 * is usual here. Told what happens, it answers what may be fetched and says what others should hear; it sends
 * nothing itself. (`swarm-algorithm.md` of the design.)
 */
import type { PeerId } from '../../core/ids.ts'
import type { PieceIndex } from '../../core/piece-layout.ts'
import { type Millis, millis, seconds } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import { limits } from '../../wire/limits.ts'
import { RateMeter } from '../rate-meter.ts'
import { RecentMedian } from '../recent-median.ts'
import { Claims } from './claims.ts'
import { Members } from './members.ts'

export type SiteWord =
  | { readonly kind: 'fetch'; readonly piece: PieceIndex; readonly lease: Millis }
  | { readonly kind: 'unfetch'; readonly piece: PieceIndex }

export interface SiteWorkParts {
  readonly clock: Clock
  readonly self: PeerId
  readonly pieces: number
  readonly pieceLength: number
  /** To every member that is connected to us. */
  readonly say: (word: SiteWord) => void
  /** A fetch has begun: from now on {@link SiteWork.tick} is due several times a second. */
  readonly onBegan: () => void
}

interface Fetch {
  readonly since: Millis
  saidAt: Millis
  /** Blocks have come since it was said last. */
  isMoving: boolean
}

/** Pieces that one of us fetches from elsewhere at a time. */
const FAR_PIECES_MAX = 32
/**
 * All of us together have under way what our rate makes of the delay, times this: else we could not become faster. And
 * never less than so many pieces. Twelve behind a thin link with two pieces each would each wait for ten seconds.
 */
const SITE_TIMES = 3
const SITE_PIECES_MIN = 4
/** A lease, and the time after which an unheard one is overtaken: so many times what a fetch usually takes. */
const LEASE_TIMES = 3
const LEASE_MIN = seconds(0.5)
/** How often {@link SiteWork.tick} is due. */
export const TICK_EVERY = millis(50)
/** Who has heard nothing waits so long for each who comes before. */
const WAIT_A_RANK = millis(100)
/** Or so many times what our own ticks were late by: who is kept waiting for a processor hears late. */
const LAG_TIMES = 3
const LAG_KEPT = 0.95
/** Who else is there is counted anew so often at most. */
const REFRESH_EVERY = seconds(1)
/** Longer than this nobody waits for those before, however many there are. */
const WAIT_MAX = seconds(10)

export class SiteWork {
  readonly members: Members
  readonly claims = new Claims()
  readonly #parts: SiteWorkParts
  readonly #fetches = new Map<PieceIndex, Fetch>()
  readonly #usual = new RecentMedian()
  /** Pieces that others said lately to be fetching, as of the last tick. One that only says so is not waited for by all. */
  #othersFetch = 0
  /** Bytes that are new to our site, whoever brought them. */
  readonly #intake = new RateMeter()
  #refreshedAt = millis(0)
  #tickedAt: Millis | undefined
  /** The most that a tick was late by, of late. */
  #lag = 0
  /** Since when a piece waits for somebody of the site, plus 1 so that 0 says "not known". */
  readonly #openSince: Float64Array

  constructor(parts: SiteWorkParts) {
    this.#parts = parts
    this.members = new Members(parts.self, parts.pieces)
    this.#openSince = new Float64Array(parts.pieces)
  }

  get isAlone(): boolean {
    return this.members.isAlone
  }

  /** Nobody to talk to, and nothing under way. */
  get isQuiet(): boolean {
    return this.isAlone && this.#fetches.size === 0
  }

  /** As much is on its way to the site as should be, where a piece comes `delay` after it was asked for. */
  isLineFull(delay: number): boolean {
    if (this.isAlone) return false
    if (this.#fetches.size >= FAR_PIECES_MAX) return true
    const now = this.#parts.clock.now()
    const bytes = (SITE_TIMES * this.#intake.rate(now) * delay) / 1_000
    return (
      this.#fetches.size + this.#othersFetch >= Math.max(SITE_PIECES_MIN, bytes / this.#parts.pieceLength)
    )
  }

  isFetching(piece: PieceIndex): boolean {
    return this.#fetches.has(piece)
  }

  /** Somebody elsewhere has it, and nobody here. */
  opened(piece: PieceIndex): void {
    if (this.#openSince[piece] === 0) this.#openSince[piece] = this.#parts.clock.now() + 1
  }

  /** For how long it has been waiting for one of us. */
  openFor(piece: PieceIndex): number {
    this.opened(piece)
    return this.#parts.clock.now() + 1 - (this.#openSince[piece] ?? 0)
  }

  /** Nobody is bringing it, and whoever comes before us had the time to begin. */
  mayFetch(piece: PieceIndex): boolean {
    if (this.isAlone) return true
    if (this.claims.holderOf(piece) !== undefined) return false
    if (this.members.isFirst(piece)) return true
    const { rank, isUnheard } = this.members.standing(piece)
    return this.openFor(piece) >= Math.min(WAIT_MAX, rank * (isUnheard ? this.#lease : this.#waitARank))
  }

  /** One of us has been at it for longer than it usually takes: who can have it faster should. */
  isSlow(piece: PieceIndex): boolean {
    const since = this.#fetches.get(piece)?.since ?? this.claims.heldSince(piece)
    return since !== undefined && this.#parts.clock.now() - since > this.#lease
  }

  /** An origin offers it to us, and nobody else of the site has just begun. */
  mayTakeOffer(piece: PieceIndex): boolean {
    const isFree = this.claims.holderOf(piece) === undefined && !this.#fetches.has(piece)
    return isFree || this.isSlow(piece)
  }

  /** We have begun to fetch it from elsewhere. */
  began(piece: PieceIndex): void {
    if (this.#fetches.has(piece)) return
    const now = this.#parts.clock.now()
    this.#fetches.set(piece, { since: now, saidAt: now, isMoving: false })
    this.#say(piece)
    this.#parts.onBegan()
  }

  /** A block of it came. */
  moved(piece: PieceIndex): void {
    const fetch = this.#fetches.get(piece)
    if (fetch !== undefined) fetch.isMoving = true
  }

  /** It is here, and the others are told so by HAVE. */
  arrived(piece: PieceIndex): void {
    this.claims.over(piece)
    const fetch = this.#fetches.get(piece)
    if (fetch === undefined) return
    this.#fetches.delete(piece)
    const now = this.#parts.clock.now()
    this.#usual.add(now - fetch.since)
    this.#intake.add(this.#parts.pieceLength, now)
  }

  /** Somebody of the site has brought what nobody here had. */
  brought(): void {
    this.#intake.add(this.#parts.pieceLength, this.#parts.clock.now())
  }

  /** A peer of the site has it. True: we were fetching it from elsewhere, and need not any more. */
  isHere(piece: PieceIndex, at: PeerId): boolean {
    this.claims.arrived(piece, at)
    return this.#fetches.delete(piece)
  }

  /** We do not fetch it any more. */
  gaveUp(piece: PieceIndex): void {
    if (!this.#fetches.delete(piece)) return
    this.#reopen(piece)
    if (!this.isAlone) this.#parts.say({ kind: 'unfetch', piece })
  }

  /**
   * A member says that it is fetching the piece. True: we are too, and it is for us to leave it, since it comes before us
   * and we have `share` (0..1) of it, less than half.
   */
  heard(piece: PieceIndex, by: PeerId, lease: Millis, share: number): boolean {
    const now = this.#parts.clock.now()
    const span = { now, until: millis(now + lease) }
    if (!this.#fetches.has(piece)) {
      this.claims.made(piece, by, span)
      return false
    }
    if (share >= 0.5 || !this.members.isBefore(by, piece)) return false
    return this.claims.made(piece, by, span)
  }

  /** A member has given up. */
  heardUnfetch(piece: PieceIndex, by: PeerId): void {
    if (this.claims.withdrawn(piece, by)) this.#reopen(piece)
  }

  memberLeft(id: PeerId): void {
    this.members.left(id)
    for (const piece of this.claims.left(id)) this.#reopen(piece)
  }

  /** Several times a second. */
  tick(): void {
    const now = this.#parts.clock.now()
    if (this.#tickedAt !== undefined)
      this.#lag = Math.max(this.#lag * LAG_KEPT, now - this.#tickedAt - TICK_EVERY)
    // With nothing to mind there are no ticks for a while.
    this.#tickedAt = this.isQuiet ? undefined : now
    if (now - this.#refreshedAt >= REFRESH_EVERY) {
      this.#refreshedAt = now
      this.members.refresh()
    }
    for (const piece of this.claims.expire(now)) this.#reopen(piece)
    this.#othersFetch = this.claims.countYoung(now, this.#lease)
    for (const [piece, fetch] of this.#fetches) {
      if (!fetch.isMoving || now - fetch.saidAt < this.#lease / 2) continue
      fetch.saidAt = now
      fetch.isMoving = false
      this.#say(piece)
    }
  }

  #say(piece: PieceIndex): void {
    if (!this.isAlone) this.#parts.say({ kind: 'fetch', piece, lease: this.#lease })
  }

  /** From now on those who come before have their time again. */
  #reopen(piece: PieceIndex): void {
    this.#openSince[piece] = this.#parts.clock.now() + 1
  }

  get #waitARank(): number {
    return Math.max(WAIT_A_RANK, LAG_TIMES * this.#lag)
  }

  get #lease(): Millis {
    return millis(Math.min(limits.fetchLeaseMax, Math.max(LEASE_MIN, LEASE_TIMES * this.#usual.value)))
  }
}

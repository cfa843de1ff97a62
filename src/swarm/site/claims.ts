/** Pieces that others of our site are fetching from elsewhere, each by the word of one of them and for a time. */
import type { PeerId } from '../../core/ids.ts'
import type { PieceIndex } from '../../core/piece-layout.ts'
import { type Millis, seconds } from '../../core/units.ts'
import { limits } from '../../wire/limits.ts'

interface Claim {
  readonly by: PeerId
  /** When this one first said so. */
  readonly since: Millis
  readonly until: Millis
}

interface Claimant {
  readonly pieces: Set<PieceIndex>
  /** Claims in a row that came to nothing. */
  broken: number
}

/** Whoever breaks its word so often in a row is not believed until it brings a piece. */
const BROKEN_MAX = 8
/** However often it says so again: a piece of 8 MiB takes 34 s over 2 Mbit/s. */
const CLAIM_LIFE = seconds(60)

export class Claims {
  readonly #claims = new Map<PieceIndex, Claim>()
  readonly #claimants = new Map<PeerId, Claimant>()

  /** False when it is not believed: it keeps too much to itself, or has kept none of its promises. */
  made(
    piece: PieceIndex,
    by: PeerId,
    { now, until }: { readonly now: Millis; readonly until: Millis },
  ): boolean {
    const claimant = this.#claimants.get(by) ?? { pieces: new Set(), broken: 0 }
    this.#claimants.set(by, claimant)
    const isTooMuch = claimant.pieces.size >= limits.fetchesToldMax && !claimant.pieces.has(piece)
    if (isTooMuch || claimant.broken >= BROKEN_MAX) return false
    const before = this.#claims.get(piece)
    if (before !== undefined && before.by !== by) this.#claimants.get(before.by)?.pieces.delete(piece)
    const since = before?.by === by ? before.since : now
    if (now - since > CLAIM_LIFE) {
      claimant.broken++
      this.#drop(piece, by)
      return false
    }
    this.#claims.set(piece, { by, since, until })
    claimant.pieces.add(piece)
    return true
  }

  /** Pieces that somebody has been bringing for no longer than that. */
  countYoung(now: Millis, age: Millis): number {
    let count = 0
    for (const { since } of this.#claims.values()) if (now - since <= age) count++
    return count
  }

  /** Who is bringing it. */
  holderOf(piece: PieceIndex): PeerId | undefined {
    return this.#claims.get(piece)?.by
  }

  /** Since when somebody is. */
  heldSince(piece: PieceIndex): Millis | undefined {
    return this.#claims.get(piece)?.since
  }

  /** True when it was the one who was bringing it. */
  withdrawn(piece: PieceIndex, by: PeerId): boolean {
    if (this.#claims.get(piece)?.by !== by) return false
    this.#drop(piece, by)
    this.#brokeWord(by)
    return true
  }

  /** Somebody here has it now. */
  arrived(piece: PieceIndex, at: PeerId): void {
    this.over(piece)
    const claimant = this.#claimants.get(at)
    if (claimant !== undefined) claimant.broken = 0
  }

  /** Answers what it was bringing. */
  left(by: PeerId): PieceIndex[] {
    const claimant = this.#claimants.get(by)
    this.#claimants.delete(by)
    const pieces = [...(claimant?.pieces ?? [])]
    for (const piece of pieces) this.#claims.delete(piece)
    return pieces
  }

  /** Answers the pieces whose time is over. */
  expire(now: Millis): PieceIndex[] {
    const over: PieceIndex[] = []
    for (const [piece, { by, until }] of this.#claims) {
      if (until > now) continue
      over.push(piece)
      this.#brokeWord(by)
      this.#drop(piece, by)
    }
    return over
  }

  /** We have it, from wherever. */
  over(piece: PieceIndex): void {
    const claim = this.#claims.get(piece)
    if (claim !== undefined) this.#drop(piece, claim.by)
  }

  #brokeWord(by: PeerId): void {
    const claimant = this.#claimants.get(by)
    if (claimant !== undefined) claimant.broken++
  }

  #drop(piece: PieceIndex, by: PeerId): void {
    this.#claims.delete(piece)
    this.#claimants.get(by)?.pieces.delete(piece)
  }
}

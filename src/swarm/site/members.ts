/**
 * Our own clients at our site, as far as we know: those we are connected to, and those whom these are connected to.
 * For each piece they have an order, the same for all who see the same members, without a word about it.
 */
import type { PeerId } from '../../core/ids.ts'
import type { PieceIndex } from '../../core/piece-layout.ts'
import { limits } from '../../wire/limits.ts'
import { rankScore, rankSeed } from '../../wire/site-messages.ts'

export interface Standing {
  /** How many members come before us: 0 is first. */
  readonly rank: number
  /** Of those before us, one is not connected to us: what it says we do not hear. */
  readonly isUnheard: boolean
}

interface Other {
  readonly seed: number
  readonly isHeard: boolean
}

/** A byte of {@link Members.#known}: the rank, with a bit for "unheard"; all ones when it was not counted yet. */
const UNHEARD = 0x80
const RANK_BITS = 0x7f
const RANK_MAX = 0x7e
const UNKNOWN = 0xff

export class Members {
  readonly #self: PeerId
  readonly #selfSeed: number
  /** Whom each one that is connected to us is connected to. */
  readonly #told = new Map<PeerId, readonly PeerId[]>()
  #others: readonly Other[] | undefined
  #isBehind = false
  readonly #known: Uint8Array

  constructor(self: PeerId, pieces: number) {
    this.#self = self
    this.#selfSeed = rankSeed(self)
    this.#known = new Uint8Array(pieces).fill(UNKNOWN)
  }

  /** Nobody else is here. */
  get isAlone(): boolean {
    return this.#told.size === 0
  }

  /** Those connected to us. */
  get ids(): readonly PeerId[] {
    return [...this.#told.keys()]
  }

  has(id: PeerId): boolean {
    return this.#told.has(id)
  }

  came(id: PeerId): void {
    if (this.#told.has(id)) return
    this.#told.set(id, [])
    this.#changed()
  }

  left(id: PeerId): void {
    if (this.#told.delete(id)) this.#changed()
  }

  /** Whom a member says to be connected to. */
  told(id: PeerId, ids: readonly PeerId[]): void {
    const before = this.#told.get(id)
    if (before === undefined || isSame(before, ids)) return
    this.#told.set(id, ids)
    this.#isBehind = true
  }

  /** What members have told counts from now on. Not at once: everybody's place with every piece may change. */
  refresh(): void {
    if (this.#isBehind) this.#changed()
  }

  standing(piece: PieceIndex): Standing {
    let known = this.#known[piece] ?? UNKNOWN
    if (known === UNKNOWN) {
      known = this.#count(piece)
      this.#known[piece] = known
    }
    return { rank: known & RANK_BITS, isUnheard: (known & UNHEARD) !== 0 }
  }

  /** The same as `standing(piece).rank === 0`, without an object for each piece of a torrent. */
  isFirst(piece: PieceIndex): boolean {
    const known = this.#known[piece] ?? UNKNOWN
    return known === UNKNOWN ? this.standing(piece).rank === 0 : (known & RANK_BITS) === 0
  }

  isBefore(id: PeerId, piece: PieceIndex): boolean {
    return rankScore(rankSeed(id), piece) > rankScore(this.#selfSeed, piece)
  }

  #count(piece: PieceIndex): number {
    const own = rankScore(this.#selfSeed, piece)
    let rank = 0
    let unheard = 0
    for (const { seed, isHeard } of this.#list()) {
      if (rankScore(seed, piece) <= own) continue
      rank++
      if (!isHeard) unheard = UNHEARD
    }
    return Math.min(RANK_MAX, rank) | unheard
  }

  #list(): readonly Other[] {
    if (this.#others !== undefined) return this.#others
    const heard = new Set(this.#told.keys())
    const unheard = new Set<PeerId>()
    for (const ids of this.#told.values())
      for (const id of ids)
        if (id !== this.#self && !heard.has(id) && unheard.size < limits.siteMembersMax) unheard.add(id)
    this.#others = [
      ...Array.from(heard, (id) => ({ seed: rankSeed(id), isHeard: true })),
      ...Array.from(unheard, (id) => ({ seed: rankSeed(id), isHeard: false })),
    ]
    return this.#others
  }

  #changed(): void {
    this.#isBehind = false
    this.#others = undefined
    this.#known.fill(UNKNOWN)
  }
}

const isSame = (a: readonly PeerId[], b: readonly PeerId[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i])

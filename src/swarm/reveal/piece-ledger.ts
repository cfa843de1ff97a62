/**
 * What of a torrent is out in the world, as its origin sees it: how many peers have each piece, which pieces were
 * given to whom and are not seen anywhere else yet, and which nobody was given. Knows nothing of whom to give to.
 */
import type { PieceIndex } from '../../core/piece-layout.ts'
import { type Random, shuffled } from '../../core/random.ts'

/** A peer's own account of what it has. */
export interface HeldPieces {
  readonly isFull: boolean
  has(piece: PieceIndex): boolean
  /** Every piece, one by one; nothing when it has them all. */
  partial(): Iterable<PieceIndex>
}

export class PieceLedger<H> {
  readonly pieces: number
  readonly #copies: Uint16Array
  #seeds = 0
  /** Given to that host, and not seen at another one since. */
  readonly #given = new Map<PieceIndex, H>()
  /** In random order: peers of one swarm should hold different pieces from the first moment on. */
  readonly #fresh: readonly PieceIndex[]
  #freshAt = 0
  /** Given once and free again: these go before all others. */
  #freed: PieceIndex[] = []
  /** Those that we have no more ourselves. */
  readonly #gone = new Set<PieceIndex>()

  constructor(pieces: number, random: Random) {
    this.pieces = pieces
    this.#copies = new Uint16Array(pieces)
    this.#fresh = shuffled(
      Array.from({ length: pieces }, (_, piece) => piece as PieceIndex),
      random,
    )
  }

  /** Peers that have it. */
  copiesOf(piece: PieceIndex): number {
    return (this.#copies[piece] ?? 0) + this.#seeds
  }

  /** Somebody has it, or has been given it. */
  isOut(piece: PieceIndex): boolean {
    return this.copiesOf(piece) > 0 || this.#given.has(piece)
  }

  isGone(piece: PieceIndex): boolean {
    return this.#gone.has(piece)
  }

  /** We cannot give it any more. */
  goes(piece: PieceIndex): void {
    this.#gone.add(piece)
  }

  /** Who was given it, as long as nobody else has it. */
  holderOf(piece: PieceIndex): H | undefined {
    return this.#given.get(piece)
  }

  /** A piece that is not out, freed ones first; it is taken off the list: {@link give} it or {@link putBack} it. */
  takeFresh(): PieceIndex | undefined {
    for (let piece = this.#freed.shift(); piece !== undefined; piece = this.#freed.shift())
      if (this.#isFresh(piece)) return piece
    while (this.#freshAt < this.#fresh.length) {
      const piece = this.#fresh[this.#freshAt++]
      if (piece !== undefined && this.#isFresh(piece)) return piece
    }
    return undefined
  }

  give(piece: PieceIndex, host: H): void {
    this.#given.set(piece, host)
  }

  /** Nobody is thought to be bringing it any more. */
  free(piece: PieceIndex): void {
    this.#given.delete(piece)
    if (!this.isOut(piece)) this.#freed.push(piece)
  }

  /** It was taken and not given. */
  putBack(piece: PieceIndex): void {
    if (!this.isOut(piece)) this.#freed.push(piece)
  }

  /** `host` has it now. Answers who had been given it, when this is the first to have it besides that one. */
  seen(piece: PieceIndex, host: H): H | undefined {
    this.#copies[piece] = (this.#copies[piece] ?? 0) + 1
    const holder = this.#given.get(piece)
    if (holder === undefined || holder === host) return undefined
    this.#given.delete(piece)
    return holder
  }

  /** One copy less. The last one gone: free again. */
  lost(piece: PieceIndex): void {
    const copies = this.#copies[piece] ?? 0
    if (copies > 0) this.#copies[piece] = copies - 1
    if (!this.isOut(piece)) this.#freed.push(piece)
  }

  seedCame(): void {
    this.#seeds++
  }

  /** A seed that goes may take the last copy of anything with it. */
  seedLeft(): void {
    this.#seeds--
    if (this.#seeds === 0) this.#freshAt = 0
  }

  #isFresh(piece: PieceIndex): boolean {
    return !this.isOut(piece) && !this.#gone.has(piece)
  }
}

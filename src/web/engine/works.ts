/** Pieces on their way: begun, or whole and being hashed. */
import type { PieceIndex, PieceLayout } from '../../core/piece-layout.ts'
import { PieceWork } from './piece-work.ts'

/** Pieces that are begun at a time hold memory. */
const BYTES_MAX = 64 * 1_024 * 1_024
const PIECES_MIN = 4

export class Works {
  /** So many at a time. */
  readonly most: number
  readonly #layout: PieceLayout
  readonly #begun = new Map<PieceIndex, PieceWork>()
  /** Nobody is asked for these. */
  readonly #judged = new Set<PieceIndex>()

  constructor(layout: PieceLayout) {
    this.#layout = layout
    this.most = Math.max(PIECES_MIN, Math.floor(BYTES_MAX / layout.pieceLength))
  }

  /** Of a piece that is begun. */
  get(piece: PieceIndex): PieceWork | undefined {
    return this.#begun.get(piece)
  }

  /** Begins it, unless that was done. */
  of(piece: PieceIndex): PieceWork {
    const known = this.#begun.get(piece)
    if (known !== undefined) return known
    const work = new PieceWork(this.#layout, piece)
    this.#begun.set(piece, work)
    return work
  }

  /** It is whole, and will be judged. */
  whole(piece: PieceIndex): void {
    this.#begun.delete(piece)
    this.#judged.add(piece)
  }

  judged(piece: PieceIndex): void {
    this.#judged.delete(piece)
  }

  has(piece: PieceIndex): boolean {
    return this.#begun.has(piece) || this.#judged.has(piece)
  }

  isJudged(piece: PieceIndex): boolean {
    return this.#judged.has(piece)
  }

  missingBlocksOf(piece: PieceIndex): number {
    if (this.#judged.has(piece)) return 0
    return this.#begun.get(piece)?.missingBlocks ?? this.#layout.blockCount(piece)
  }

  /** What the server sends, by whatever way. */
  underway(): PieceIndex[] {
    const fetched = [...this.#begun.values()].filter((work) => work.isWithServer || work.isOfGateway)
    return fetched.map((work) => work.piece)
  }

  /** Gives up what nobody needs any more, but what the server is sending. */
  review(isWanted: (piece: PieceIndex) => boolean): void {
    for (const [piece, work] of this.#begun)
      if (!isWanted(piece) && !work.isWithServer) this.#begun.delete(piece)
  }
}

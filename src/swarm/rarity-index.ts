/**
 * The pieces that could be started next, in order of how many connected peers have them. One array, grouped by
 * count; a piece moves between groups by one swap, so a HAVE costs the same in a torrent of ten pieces and of
 * two hundred thousand. Peers that have everything would move every piece alike and are not counted.
 */
import type { PieceIndex } from '../core/piece-layout.ts'
import type { Random } from '../core/random.ts'

const ABSENT = -1

export class RarityIndex {
  /** Copies of each piece among the peers that do not have everything. */
  readonly #copies: Uint16Array
  readonly #order: PieceIndex[] = []
  /** Where each piece stands in `#order`. */
  readonly #position: Int32Array
  /** `#groupEnd[c]`: end in `#order` of the pieces with at most `c` copies. */
  readonly #groupEnd: number[] = [0]

  constructor(pieces: number) {
    this.#copies = new Uint16Array(pieces)
    this.#position = new Int32Array(pieces).fill(ABSENT)
  }

  /** Pieces that can be started. */
  get size(): number {
    return this.#order.length
  }

  has(piece: PieceIndex): boolean {
    return this.#positionOf(piece) !== ABSENT
  }

  copiesOf(piece: PieceIndex): number {
    return this.#copies[piece] ?? 0
  }

  /** The piece may be started (again). */
  add(piece: PieceIndex): void {
    if (this.#position[piece] !== ABSENT) return
    const copies = this.copiesOf(piece)
    this.#reachTo(copies)
    this.#position[piece] = this.#order.length
    this.#order.push(piece)
    // It stands behind all others: let each higher group pass one of its own behind it.
    for (let c = this.#groupEnd.length - 1; c > copies; c--) {
      this.#swap(this.#positionOf(piece), this.#groupEnd[c - 1] ?? 0)
      this.#groupEnd[c] = (this.#groupEnd[c] ?? 0) + 1
    }
    this.#groupEnd[copies] = (this.#groupEnd[copies] ?? 0) + 1
  }

  /** The piece is being fetched, is there, or is not wanted. */
  remove(piece: PieceIndex): void {
    if (this.#position[piece] === ABSENT) return
    for (let c = this.copiesOf(piece); c < this.#groupEnd.length; c++) {
      const end = (this.#groupEnd[c] ?? 0) - 1
      this.#swap(this.#positionOf(piece), end)
      this.#groupEnd[c] = end
    }
    this.#order.pop()
    this.#position[piece] = ABSENT
  }

  /** One more peer has the piece. */
  increment(piece: PieceIndex): void {
    const copies = this.copiesOf(piece)
    if (this.#position[piece] !== ABSENT) {
      this.#reachTo(copies + 1)
      const end = (this.#groupEnd[copies] ?? 0) - 1
      this.#swap(this.#positionOf(piece), end)
      this.#groupEnd[copies] = end
    }
    this.#copies[piece] = copies + 1
  }

  /** One peer less has it. */
  decrement(piece: PieceIndex): void {
    const copies = this.copiesOf(piece)
    if (copies === 0) return
    if (this.#position[piece] !== ABSENT) {
      const end = this.#groupEnd[copies - 1] ?? 0
      this.#swap(this.#positionOf(piece), end)
      this.#groupEnd[copies - 1] = end + 1
    }
    this.#copies[piece] = copies - 1
  }

  /** The rarest piece that suits; among equally rare ones, chance decides. */
  find(suits: (piece: PieceIndex) => boolean, random: Random): PieceIndex | undefined {
    let start = 0
    for (const end of this.#groupEnd) {
      const size = end - start
      const skip = Math.floor(random() * size)
      for (let i = 0; i < size; i++) {
        const piece = this.#order[start + ((i + skip) % size)]
        if (piece !== undefined && suits(piece)) return piece
      }
      start = end
    }
    return undefined
  }

  #positionOf(piece: PieceIndex): number {
    return this.#position[piece] ?? ABSENT
  }

  #reachTo(copies: number): void {
    while (this.#groupEnd.length <= copies) this.#groupEnd.push(this.#order.length)
  }

  #swap(a: number, b: number): void {
    if (a === b) return
    const pieceA = this.#order[a]
    const pieceB = this.#order[b]
    if (pieceA === undefined || pieceB === undefined) throw new RangeError('rarity index out of step')
    this.#order[a] = pieceB
    this.#order[b] = pieceA
    this.#position[pieceA] = b
    this.#position[pieceB] = a
  }
}

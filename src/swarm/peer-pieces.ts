/**
 * Which pieces one peer says to have. Before the metadata is there nobody knows how many pieces there are:
 * then claims are kept within the bounds of any torrent, and judged when the number is known.
 */
import { Bitfield } from '../core/bitfield.ts'
import type { PieceIndex } from '../core/piece-layout.ts'
import { limits } from '../wire/limits.ts'

/** More piece hashes than this do not fit in metadata of the size that we take. */
const PIECES_MAX = Math.floor(limits.metadataBytesMax / 20)

export class PeerPieces {
  #size: number | undefined
  /** Claims, of `#size` pieces or of any number; undefined while `#isAll`, or while there are none. */
  #bits: Bitfield | undefined
  #isAll = false
  /** A bitfield whose length cannot be judged yet. */
  #early: Uint8Array | undefined

  /** `size`: pieces of the torrent, where known. */
  constructor(size: number | undefined) {
    this.#size = size
  }

  /** The number is known now. False when what was claimed does not fit it: hang up. */
  setSize(size: number): boolean {
    if (this.#size !== undefined) return this.#size === size
    const haves = this.#bits
    this.#size = size
    this.#bits = undefined
    if (this.#early !== undefined && !this.setBitfield(this.#early)) return false
    for (const piece of haves ?? []) if (!this.add(piece)) return false
    return true
  }

  /** False when it is malformed: hang up. Keeps its own copy. */
  setBitfield(bits: Uint8Array): boolean {
    if (this.#size === undefined) {
      if (bits.length > Math.ceil(PIECES_MAX / 8)) return false
      this.#early = new Uint8Array(bits) // a Buffer's slice would be a view
      return true
    }
    const parsed = Bitfield.parse(bits, this.#size)
    if (parsed === undefined) return false
    this.#early = undefined
    if (parsed.isFull) this.setAll()
    else this.#bits = parsed
    return true
  }

  /** Always true: nothing can be wrong with it. */
  setAll(): boolean {
    this.#isAll = true
    this.#bits = undefined
    this.#early = undefined
    return true
  }

  /** False when there is no such piece: hang up. */
  add(piece: number): boolean {
    if (piece >= (this.#size ?? PIECES_MAX)) return false
    if (!this.#isAll) this.#own().add(piece as PieceIndex)
    return true
  }

  /** BEP 54. False when there is no such piece. */
  remove(piece: number): boolean {
    if (piece >= (this.#size ?? PIECES_MAX)) return false
    if (this.#isAll && this.#size !== undefined) {
      this.#bits = Bitfield.full(this.#size)
      this.#isAll = false
    }
    this.#bits?.delete(piece as PieceIndex)
    return true
  }

  has(piece: PieceIndex): boolean {
    return this.#isAll || this.#bits?.has(piece) === true
  }

  /** It has the whole torrent. */
  get isFull(): boolean {
    return this.#isAll || (this.#size !== undefined && this.#bits?.count === this.#size)
  }

  get count(): number {
    return this.#isAll ? (this.#size ?? 0) : (this.#bits?.count ?? 0)
  }

  /** It has a piece that `closed` lacks. */
  hasBeyond(closed: Bitfield): boolean {
    return this.#isAll ? !closed.isFull : this.#bits !== undefined && closed.lacksSomeOf(this.#bits)
  }

  /** Every piece, one by one; nothing when it has all of them, as {@link isFull} tells at once. */
  *partial(): Generator<PieceIndex> {
    if (this.#bits !== undefined) yield* this.#bits
  }

  #own(): Bitfield {
    this.#bits ??= new Bitfield(this.#size ?? PIECES_MAX)
    return this.#bits
  }
}

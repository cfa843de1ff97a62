/** A set of piece indices as BEP 3 sends it: the high bit of the first byte is piece 0, spare bits are zero. */
import type { PieceIndex } from './piece-layout.ts'

export class Bitfield {
  readonly size: number
  readonly #bytes: Uint8Array
  #count = 0

  constructor(size: number) {
    this.size = size
    this.#bytes = new Uint8Array(Math.ceil(size / 8))
  }

  static full(size: number): Bitfield {
    const all = new Bitfield(size)
    for (let i = 0; i < size; i++) all.add(i as PieceIndex)
    return all
  }

  /** `undefined` when the length is wrong or a spare bit is set: BEP 3 says to drop such a peer. */
  static parse(bytes: Uint8Array, size: number): Bitfield | undefined {
    if (bytes.length !== Math.ceil(size / 8)) return undefined
    const spare = bytes.length * 8 - size
    const last = bytes.at(-1) ?? 0
    if (spare > 0 && (last & ((1 << spare) - 1)) !== 0) return undefined
    const field = new Bitfield(size)
    field.#bytes.set(bytes)
    for (const byte of bytes) field.#count += ones(byte)
    return field
  }

  /** How many pieces are in the set. */
  get count(): number {
    return this.#count
  }

  get isFull(): boolean {
    return this.#count === this.size
  }

  has(piece: PieceIndex): boolean {
    return ((this.#bytes[piece >> 3] ?? 0) & (0x80 >> (piece & 7))) !== 0
  }

  /** True when the piece was not there before. */
  add(piece: PieceIndex): boolean {
    if (this.has(piece)) return false
    this.#bytes[piece >> 3] = (this.#bytes[piece >> 3] ?? 0) | (0x80 >> (piece & 7))
    this.#count++
    return true
  }

  /** True when the piece was there before. */
  delete(piece: PieceIndex): boolean {
    if (!this.has(piece)) return false
    this.#bytes[piece >> 3] = (this.#bytes[piece >> 3] ?? 0) & ~(0x80 >> (piece & 7))
    this.#count--
    return true
  }

  *[Symbol.iterator](): Generator<PieceIndex> {
    for (let i = 0; i < this.size; i++) if (this.has(i as PieceIndex)) yield i as PieceIndex
  }

  /** True when `other` has a piece that this lacks. */
  lacksSomeOf(other: Bitfield): boolean {
    return this.#bytes.some((byte, i) => (~byte & (other.#bytes[i] ?? 0)) !== 0)
  }

  clone(): Bitfield {
    const copy = new Bitfield(this.size)
    copy.#bytes.set(this.#bytes)
    copy.#count = this.#count
    return copy
  }

  /** A copy, ready for the wire or a state file. */
  toBytes(): Uint8Array {
    return this.#bytes.slice()
  }
}

function ones(byte: number): number {
  let n = 0
  for (let rest = byte; rest !== 0; rest &= rest - 1) n++
  return n
}

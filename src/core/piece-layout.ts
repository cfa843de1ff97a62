/**
 * Piece arithmetic, all of it: which bytes are piece 7, which blocks it has, which files it touches.
 * Nothing else in the tree divides by a piece length.
 */
import { KiB, MiB } from './units.ts'

declare const checked: unique symbol
/** An index some {@link PieceLayout} has vouched for: `0 <= index < count`. */
export type PieceIndex = number & { readonly [checked]: 'PieceIndex' }

/** What one request asks for (BEP 3): every client cuts pieces into blocks of 16 KiB. */
export const BLOCK_BYTES = 16 * KiB
export const PIECE_LENGTH_MIN = 16 * KiB
export const PIECE_LENGTH_MAX = 16 * MiB
/** Enough that early pieces can be passed on early, few enough that hashes and HAVEs stay small. */
const PIECES_WANTED = 2_000

/** The power of two in 16 KiB..16 MiB that cuts `sizeBytes` into at most about 2,000 pieces. */
export function pieceLengthFor(sizeBytes: number): number {
  let length = PIECE_LENGTH_MIN
  while (length < PIECE_LENGTH_MAX && sizeBytes / length > PIECES_WANTED * 1.5) length *= 2
  return length
}

/** A stretch of one file that lies in one piece. */
export interface FileSpan {
  /** Index into the list of files. */
  readonly file: number
  /** Where in the file, in bytes. */
  readonly fileOffset: number
  /** Where in the piece, in bytes. */
  readonly pieceOffset: number
  readonly length: number
}

export class PieceLayout {
  readonly sizeBytes: number
  readonly pieceLength: number
  /** How many pieces there are. */
  readonly count: number

  /** `sizeBytes` > 0; `pieceLength` > 0. Callers took both from a parsed torrent, or from a walk. */
  constructor(sizeBytes: number, pieceLength: number) {
    this.sizeBytes = sizeBytes
    this.pieceLength = pieceLength
    this.count = Math.ceil(sizeBytes / pieceLength)
  }

  /** The only way to make a {@link PieceIndex}; `undefined` when a peer names a piece we lack. */
  index(n: number): PieceIndex | undefined {
    return Number.isInteger(n) && n >= 0 && n < this.count ? (n as PieceIndex) : undefined
  }

  /** Every index, in order. */
  *indices(): Generator<PieceIndex> {
    for (let i = 0; i < this.count; i++) yield i as PieceIndex
  }

  /** Bytes in the piece: the piece length, but for the last. */
  pieceBytes(piece: PieceIndex): number {
    return Math.min(this.pieceLength, this.sizeBytes - piece * this.pieceLength)
  }

  /** Where the piece begins in the whole, in bytes. */
  pieceStart(piece: PieceIndex): number {
    return piece * this.pieceLength
  }

  /** Every piece that holds bytes of `[start, end)` of the whole, in order; none when that is empty. */
  *touching(start: number, end: number): Generator<PieceIndex> {
    const from = Math.max(0, Math.floor(start / this.pieceLength))
    const to = Math.min(this.count, Math.ceil(end / this.pieceLength))
    if (start < end) for (let i = from; i < to; i++) yield i as PieceIndex
  }

  blockCount(piece: PieceIndex): number {
    return Math.ceil(this.pieceBytes(piece) / BLOCK_BYTES)
  }

  /** The block as requests name it. */
  rangeOf(
    piece: PieceIndex,
    block: number,
  ): { readonly piece: PieceIndex; readonly offset: number; readonly length: number } {
    return { piece, offset: block * BLOCK_BYTES, length: this.blockBytes(piece, block) }
  }

  /** Bytes in the `block`th block of the piece; 0 when there is no such block. */
  blockBytes(piece: PieceIndex, block: number): number {
    return Math.max(0, Math.min(BLOCK_BYTES, this.pieceBytes(piece) - block * BLOCK_BYTES))
  }

  /** True when `[offset, offset + length)` lies in the piece and is not empty: what a request must satisfy. */
  holds(piece: PieceIndex, offset: number, length: number): boolean {
    return offset >= 0 && length > 0 && offset + length <= this.pieceBytes(piece)
  }
}

/** Where files lie in the whole: their sizes, one after the other, with no padding (ADR 0008). */
export class FileLayout {
  readonly #layout: PieceLayout
  readonly #sizes: readonly number[]
  readonly #starts: readonly number[]

  constructor(layout: PieceLayout, fileSizes: readonly number[]) {
    this.#layout = layout
    this.#sizes = fileSizes
    let at = 0
    this.#starts = fileSizes.map((size) => {
      const start = at
      at += size
      return start
    })
  }

  /** The stretches of files that make up the piece, in order; empty files are never named. */
  spansOf(piece: PieceIndex): FileSpan[] {
    const start = this.#layout.pieceStart(piece)
    const end = start + this.#layout.pieceBytes(piece)
    const spans: FileSpan[] = []
    for (let file = this.#firstFileEndingAfter(start); file < this.#sizes.length; file++) {
      const fileStart = this.#starts[file] ?? 0
      if (fileStart >= end) break
      const from = Math.max(start, fileStart)
      const to = Math.min(end, fileStart + (this.#sizes[file] ?? 0))
      if (to > from)
        spans.push({ file, fileOffset: from - fileStart, pieceOffset: from - start, length: to - from })
    }
    return spans
  }

  /**
   * The first bytes of `[from, end)` of the file that lie in one piece: which, from where in it, how many.
   * Undefined when there are none.
   */
  stretchOf(
    file: number,
    from: number,
    end: number,
  ): { readonly piece: PieceIndex; readonly offset: number; readonly length: number } | undefined {
    const until = Math.min(end, this.#sizes[file] ?? 0)
    const at = (this.#starts[file] ?? 0) + from
    const piece = this.#layout.index(Math.floor(at / this.#layout.pieceLength))
    if (from < 0 || from >= until || piece === undefined) return undefined
    const offset = at - this.#layout.pieceStart(piece)
    return { piece, offset, length: Math.min(until - from, this.#layout.pieceBytes(piece) - offset) }
  }

  /** Where the file begins in the whole, in bytes. */
  startOf(file: number): number {
    return this.#starts[file] ?? 0
  }

  /** First and last piece that hold bytes of the file; `undefined` for an empty file. */
  piecesOf(file: number): { readonly first: PieceIndex; readonly last: PieceIndex } | undefined {
    const size = this.#sizes[file] ?? 0
    const start = this.#starts[file] ?? 0
    if (size === 0) return undefined
    const first = this.#layout.index(Math.floor(start / this.#layout.pieceLength))
    const last = this.#layout.index(Math.floor((start + size - 1) / this.#layout.pieceLength))
    return first === undefined || last === undefined ? undefined : { first, last }
  }

  #firstFileEndingAfter(offset: number): number {
    let low = 0
    let high = this.#sizes.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#starts[middle] ?? 0) + (this.#sizes[middle] ?? 0) > offset) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** One file of a release, as it is watched: which pieces it lies in, and what their bytes hash to. */
import type { InfoHash } from '../../core/ids.ts'
import type { PieceIndex, PieceLayout } from '../../core/piece-layout.ts'

/** SHA-1. */
export const HASH_BYTES = 20

export interface Watched {
  readonly infoHash: InfoHash
  /** Of the whole release. */
  readonly layout: PieceLayout
  readonly first: PieceIndex
  readonly last: PieceIndex
  /** Of the pieces from `first` to `last`, one after the other. */
  readonly hashes: Uint8Array
  /** Where the file begins in the whole, and how long it is, in bytes. */
  readonly fileStart: number
  readonly fileBytes: number
  /** How long it plays; of a file of which nobody knows, a guess will do. */
  readonly durationMs: number
}

/** How long one piece plays, on the average. */
export function pieceMsOf({ layout, fileBytes, durationMs }: Watched): number {
  return (durationMs * layout.pieceLength) / Math.max(1, fileBytes)
}

/** Which piece a byte of the file lies in; the last one for what lies behind its end. */
export function pieceAt({ layout, fileStart, fileBytes, last }: Watched, offset: number): PieceIndex {
  const at = fileStart + Math.min(offset, fileBytes - 1)
  return layout.index(Math.floor(at / layout.pieceLength)) ?? last
}

export function isHashOf({ hashes, first }: Watched, piece: PieceIndex, hash: Uint8Array): boolean {
  const at = HASH_BYTES * (piece - first)
  return hash.length === HASH_BYTES && hash.every((byte, i) => byte === hashes[at + i])
}

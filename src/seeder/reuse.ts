/**
 * Which pieces of a new release are known already, because the same bytes were hashed for an older one: all
 * their files are untouched since (size, modification time, inode) and lie in the piece at the same offsets.
 * Pure.
 */
import { FileLayout, PieceLayout, type FileSpan, type PieceIndex } from '../core/piece-layout.ts'
import { isUnchanged, type FileStamp } from './walk.ts'

/** A release as it was hashed: its files then, and their hashes. */
export interface HashedFiles {
  readonly files: readonly FileStamp[]
  readonly pieceLengthBytes: number
  /** 20 bytes a piece. */
  readonly pieces: Uint8Array
}

/** Hashes by new piece. Both releases are of the same folder; empty when their piece lengths differ. */
export function reusableHashes(
  files: readonly FileStamp[],
  layout: PieceLayout,
  old: HashedFiles,
): Map<PieceIndex, Uint8Array> {
  const known = new Map<PieceIndex, Uint8Array>()
  const oldLayout = new PieceLayout(
    old.files.reduce((sum, file) => sum + file.sizeBytes, 0),
    layout.pieceLength,
  )
  if (old.pieceLengthBytes !== layout.pieceLength || old.pieces.length !== 20 * oldLayout.count) return known
  const spans = new FileLayout(layout, sizesOf(files))
  const oldSpans = new FileLayout(oldLayout, sizesOf(old.files))
  const oldPieceBySignature = new Map<string, PieceIndex>()
  for (const piece of oldLayout.indices())
    oldPieceBySignature.set(signatureOf(oldSpans.spansOf(piece), old.files), piece)

  const untouched = untouchedFiles(files, old.files)
  for (const piece of layout.indices()) {
    const there = spans.spansOf(piece)
    if (!there.every((span) => untouched.has(span.file))) continue
    const from = oldPieceBySignature.get(signatureOf(there, files))
    if (from !== undefined) known.set(piece, old.pieces.subarray(20 * from, 20 * from + 20))
  }
  return known
}

/** Equal for pieces that are made of the same stretches of files of the same paths. */
function signatureOf(spans: readonly FileSpan[], files: readonly FileStamp[]): string {
  return spans
    .map(({ file, fileOffset, length }) => `${files[file]?.path ?? ''}\0${fileOffset}\0${length}`)
    .join('\0')
}

/** Indices into `files`. */
function untouchedFiles(files: readonly FileStamp[], old: readonly FileStamp[]): Set<number> {
  const byPath = new Map(old.map((file) => [file.path, file]))
  const untouched = new Set<number>()
  files.forEach((file, index) => {
    const before = byPath.get(file.path)
    if (before !== undefined && isUnchanged(before, file)) untouched.add(index)
  })
  return untouched
}

const sizesOf = (files: readonly FileStamp[]): number[] => files.map((file) => file.sizeBytes)

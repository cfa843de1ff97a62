/** Which pieces to hash next, in portions that suit a worker. Pure. */
import { FileLayout, type PieceIndex, type PieceLayout } from '../core/piece-layout.ts'
import { MiB } from '../core/units.ts'
import type { Stretch } from './hash-batch.ts'
import type { FileStamp } from './walk.ts'

/** A portion is read in one go by one worker: long enough for the disk, short enough for progress. */
const RUN_BYTES = 16 * MiB
/** Files in one portion, so that all workers get their share of a folder of tiny ones. A piece is never split. */
const RUN_STRETCHES = 512

export interface PieceRun {
  readonly firstPiece: PieceIndex
  readonly pieces: number
  readonly sizeBytes: number
  readonly stretches: readonly Stretch[]
}

/**
 * Runs of neighbouring pieces that `isNeeded`, in order; together they are all that is needed.
 *
 * @param absoluteOf where a file is on this machine.
 */
export function* pieceRuns(
  files: readonly FileStamp[],
  layout: PieceLayout,
  isNeeded: (piece: PieceIndex) => boolean,
  absoluteOf: (file: FileStamp) => string,
): Generator<PieceRun> {
  const fileLayout = new FileLayout(
    layout,
    files.map((file) => file.sizeBytes),
  )
  let open: { firstPiece: PieceIndex; pieces: number; sizeBytes: number; stretches: Stretch[] } | undefined
  for (const piece of layout.indices()) {
    const isFull =
      open !== undefined && (open.sizeBytes >= RUN_BYTES || open.stretches.length >= RUN_STRETCHES)
    if (open !== undefined && (isFull || !isNeeded(piece))) {
      yield open
      open = undefined
    }
    if (!isNeeded(piece)) continue
    open ??= { firstPiece: piece, pieces: 0, sizeBytes: 0, stretches: [] }
    open.pieces++
    open.sizeBytes += layout.pieceBytes(piece)
    for (const span of fileLayout.spansOf(piece)) {
      const file = files[span.file]
      if (file === undefined) continue
      append(open.stretches, file, absoluteOf(file), span.fileOffset, span.length)
    }
  }
  if (open !== undefined) yield open
}

function append(
  stretches: Stretch[],
  file: FileStamp,
  absolute: string,
  offset: number,
  lengthBytes: number,
): void {
  const last = stretches.at(-1)
  if (last?.absolute === absolute) {
    stretches[stretches.length - 1] = { ...last, lengthBytes: last.lengthBytes + lengthBytes }
    return
  }
  const { sizeBytes, mtimeNs, ino } = file
  stretches.push({ absolute, sizeBytes, mtimeNs, ino, offset, lengthBytes })
}

/** `shoal verify`: hash what lies on the disk again, file by file, against the torrent it came from. */
import { hash } from 'node:crypto'
import { lstat, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../core/errors.ts'
import { fileLayoutOf, landingPath, pieceHashOf, pieceLayoutOf, type Torrent } from '../core/metainfo.ts'
import type { FileSpan, PieceIndex } from '../core/piece-layout.ts'

/** `differs`: at least one piece that holds bytes of the file is not what was published. */
export type FileVerdict = 'ok' | 'missing' | 'differs'

export interface VerifiedFile {
  readonly path: string
  readonly sizeBytes: number
  readonly verdict: FileVerdict
}

/**
 * Reads every byte of the files that `wants` names. A piece that also holds bytes of a file that is not
 * wanted, or that is missing, cannot be checked as a whole: the wanted file then passes by its size.
 * @throws the system's error when a file is there and cannot be read.
 */
export async function verifyFolder(
  folder: string,
  torrent: Torrent,
  wants: (landing: string) => boolean,
  onProgress: (bytes: number, total: number) => void,
  signal: AbortSignal,
): Promise<VerifiedFile[]> {
  const { metainfo } = torrent
  const layout = pieceLayoutOf(metainfo)
  const files = fileLayoutOf(metainfo)
  const paths = metainfo.files.map((file) => join(folder, landingPath(metainfo, file)))
  const verdicts: FileVerdict[] = []
  for (const [i, file] of metainfo.files.entries()) {
    verdicts.push(
      wants(landingPath(metainfo, file)) ? await bySize(paths[i] ?? '', file.sizeBytes) : 'missing',
    )
  }
  await using handles = new FileReader(paths)
  const piece = Buffer.allocUnsafe(Math.min(metainfo.pieceLength, layout.sizeBytes))
  for (const index of layout.indices()) {
    signal.throwIfAborted()
    const spans = files.spansOf(index)
    const bytes = piece.subarray(0, layout.pieceBytes(index))
    if (
      spans.every((span) => verdicts[span.file] !== 'missing') &&
      !(await matches(handles, spans, bytes, index, torrent))
    ) {
      for (const span of spans) verdicts[span.file] = 'differs'
    }
    onProgress(layout.pieceStart(index) + bytes.length, layout.sizeBytes)
  }
  return metainfo.files.flatMap((file, i) => {
    const path = landingPath(metainfo, file)
    return wants(path) ? [{ path, sizeBytes: file.sizeBytes, verdict: verdicts[i] ?? 'missing' }] : []
  })
}

async function matches(
  handles: FileReader,
  spans: readonly FileSpan[],
  bytes: Buffer,
  index: PieceIndex,
  torrent: Torrent,
): Promise<boolean> {
  for (const span of spans) {
    const into = bytes.subarray(span.pieceOffset, span.pieceOffset + span.length)
    if (!(await handles.read(span.file, into, span.fileOffset))) return false
  }
  return hash('sha1', bytes, 'buffer').equals(pieceHashOf(torrent.metainfo, index))
}

/** Looks at kind and size only. */
async function bySize(path: string, sizeBytes: number): Promise<FileVerdict> {
  try {
    const stat = await lstat(path)
    return stat.isFile() && stat.size === sizeBytes ? 'ok' : 'differs'
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return 'missing'
    throw error
  }
}

/** One file open at a time: pieces are read in the order of the torrent. */
class FileReader implements AsyncDisposable {
  readonly #paths: readonly string[]
  #current: { readonly file: number; readonly handle: FileHandle } | undefined

  constructor(paths: readonly string[]) {
    this.#paths = paths
  }

  /** False when the file ends early. */
  async read(file: number, into: Buffer, offset: number): Promise<boolean> {
    if (this.#current?.file !== file) {
      await this.#current?.handle.close()
      this.#current = { file, handle: await open(this.#paths[file] ?? '') }
    }
    const { bytesRead } = await this.#current.handle.read(into, 0, into.length, offset)
    return bytesRead === into.length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#current?.handle.close()
  }
}

/**
 * Piece hashes as they are made, so that a hashing that was killed goes on where it was. One append-only file
 * for one state of the files: its name is the hash of their list, so a changed file finds no journal.
 *
 * A record is the piece's number (4 bytes, big endian), its SHA-1, and the first 4 bytes of the SHA-1 of those
 * 24: what a crash left half-written, or the disk filled with zeros, is skipped.
 */
import { createHash, hash } from 'node:crypto'
import { mkdir, open, readdir, rm, stat, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../core/errors.ts'
import type { PieceIndex, PieceLayout } from '../core/piece-layout.ts'
import { hours, type EpochMillis } from '../core/units.ts'
import { readFileBounded } from '../platform/files.ts'
import { limits } from '../wire/limits.ts'
import type { FileStamp } from './walk.ts'

const RECORD_BYTES = 28
/** A piece is written once, or twice after a crash between write and read. 20 of 28 bytes are its hash. */
const JOURNAL_BYTES_MAX = 4 * limits.torrentBytesMax
/** A journal that nobody came back for. */
const KEPT_FOR = hours(30 * 24)

/** Names the state of the files: any change of any of them gives another key. */
export function journalKey(root: string, files: readonly FileStamp[], pieceLengthBytes: number): string {
  const sum = createHash('sha256')
  sum.update(JSON.stringify(['shoal journal 1', root, pieceLengthBytes]))
  for (const { path, sizeBytes, mtimeNs, ino } of files)
    sum.update(JSON.stringify([path, sizeBytes, mtimeNs, ino]))
  return sum.digest('hex')
}

export class HashJournal implements AsyncDisposable {
  readonly #path: string
  readonly #file: FileHandle
  #tail: Promise<unknown> = Promise.resolve()

  private constructor(path: string, file: FileHandle) {
    this.#path = path
    this.#file = file
  }

  /** Opens or makes the journal; `known` is what it holds of this layout. */
  static async open(
    folder: string,
    key: string,
    layout: PieceLayout,
  ): Promise<{ journal: HashJournal; known: Map<PieceIndex, Uint8Array> }> {
    await mkdir(folder, { recursive: true })
    const path = join(folder, `${key}.hashes`)
    const file = await open(path, 'a+', 0o600)
    try {
      const { size } = await file.stat()
      // A torn last record would put all later ones out of step.
      if (size % RECORD_BYTES !== 0) await file.truncate(size - (size % RECORD_BYTES))
      return { journal: new HashJournal(path, file), known: parseRecords(await readAll(path), layout) }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  /** Hashes of neighbouring pieces, 20 bytes each. Resolves when the system has them: a kill loses nothing. */
  async append(firstPiece: PieceIndex, hashes: Uint8Array): Promise<void> {
    const count = hashes.length / 20
    const bytes = Buffer.alloc(count * RECORD_BYTES)
    for (let i = 0; i < count; i++) {
      const record = bytes.subarray(i * RECORD_BYTES, (i + 1) * RECORD_BYTES)
      record.writeUInt32BE(firstPiece + i, 0)
      record.set(hashes.subarray(20 * i, 20 * i + 20), 4)
      record.set(checkOf(record), 24)
    }
    const written = this.#tail.then(() => this.#file.appendFile(bytes))
    this.#tail = written.catch(() => undefined)
    await written
  }

  /** The release is stored, or its files changed: the journal has no more use. */
  async remove(): Promise<void> {
    await this.#tail
    await rm(this.#path, { force: true })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#tail
    await this.#file.close()
  }
}

/** Removes journals of publishes that were given up long ago. */
export async function pruneJournals(folder: string, now: EpochMillis): Promise<void> {
  let names: string[]
  try {
    names = await readdir(folder)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return
    throw error
  }
  for (const name of names.filter((one) => one.endsWith('.hashes'))) {
    const path = join(folder, name)
    if (now - (await touchedAt(path)) > KEPT_FOR) await rm(path, { force: true })
  }
}

/** Another publish may be done with its journal since the folder was listed: then nothing is old any more. */
async function touchedAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return Infinity
    throw error
  }
}

async function readAll(path: string): Promise<Uint8Array> {
  return readFileBounded(path, JOURNAL_BYTES_MAX)
}

function parseRecords(bytes: Uint8Array, layout: PieceLayout): Map<PieceIndex, Uint8Array> {
  const known = new Map<PieceIndex, Uint8Array>()
  const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at + RECORD_BYTES <= all.length; at += RECORD_BYTES) {
    const record = all.subarray(at, at + RECORD_BYTES)
    const piece = layout.index(record.readUInt32BE(0))
    if (piece !== undefined && checkOf(record).equals(record.subarray(24)))
      known.set(piece, record.subarray(4, 24))
  }
  return known
}

function checkOf(record: Buffer): Buffer {
  return hash('sha1', record.subarray(0, 24), 'buffer').subarray(0, 4)
}

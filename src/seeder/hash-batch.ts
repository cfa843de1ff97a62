/**
 * The unit of work of a hashing worker: a run of whole pieces, as the stretches of files they lie in. Reads
 * into one buffer, in order, and cuts at piece boundaries; what it holds is bounded by that buffer.
 */
import { createHash, hash, type Hash } from 'node:crypto'
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { systemCode } from '../core/errors.ts'

/** Bytes of one file, and how that file must look. */
export interface Stretch {
  /** Where it is on this machine. */
  readonly absolute: string
  readonly sizeBytes: number
  readonly mtimeNs: string
  readonly ino: string
  readonly offset: number
  readonly lengthBytes: number
}

export interface HashBatch {
  readonly pieceLengthBytes: number
  /** In order and without a gap: they begin at the start of a piece and end at the end of one. */
  readonly stretches: readonly Stretch[]
}

/** `hashes`: 20 bytes a piece. `changed`: the file no longer is what was walked; the batch is worthless. */
export type HashedBatch =
  | { readonly kind: 'hashed'; readonly hashes: Uint8Array<ArrayBuffer> }
  | { readonly kind: 'changed'; readonly absolute: string; readonly reason: string }

/** Synchronous: for a worker. `buffer` is scratch space of any size. */
export function hashBatch(batch: HashBatch, buffer: Uint8Array): HashedBatch {
  const cutter = new PieceCutter(batch)
  for (const stretch of batch.stretches) {
    const reason = hashStretch(stretch, buffer, cutter)
    if (reason !== undefined) return { kind: 'changed', absolute: stretch.absolute, reason }
  }
  return { kind: 'hashed', hashes: cutter.finish() }
}

/** Why it could not be read as it was walked; `undefined` when all went well. */
function hashStretch(stretch: Stretch, buffer: Uint8Array, cutter: PieceCutter): string | undefined {
  let fd: number
  try {
    // A file may have been replaced by a link or a pipe since it was walked: neither is followed or waited for.
    fd = openSync(stretch.absolute, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? 'is gone' : `cannot be opened (${systemCode(error) ?? 'error'})`
  }
  try {
    const stat = fstatSync(fd, { bigint: true })
    const isSame =
      stat.isFile() &&
      Number(stat.size) === stretch.sizeBytes &&
      stat.mtimeNs.toString() === stretch.mtimeNs &&
      stat.ino.toString() === stretch.ino
    if (!isSame) return 'changed while it was hashed'
    let at = stretch.offset
    const end = stretch.offset + stretch.lengthBytes
    while (at < end) {
      const got = readSync(fd, buffer, 0, Math.min(buffer.length, end - at), at)
      if (got === 0) return 'became shorter while it was hashed'
      cutter.push(buffer.subarray(0, got))
      at += got
    }
    return undefined
  } catch (error) {
    return `cannot be read (${systemCode(error) ?? 'error'})`
  } finally {
    closeSync(fd)
  }
}

/** Turns a stream of bytes into the hashes of its pieces. */
class PieceCutter {
  readonly #pieceLength: number
  readonly #hashes: Uint8Array<ArrayBuffer>
  #at = 0
  #open: Hash | undefined
  #openBytes = 0

  constructor(batch: HashBatch) {
    this.#pieceLength = batch.pieceLengthBytes
    const total = batch.stretches.reduce((sum, stretch) => sum + stretch.lengthBytes, 0)
    this.#hashes = new Uint8Array(20 * Math.ceil(total / batch.pieceLengthBytes))
  }

  push(bytes: Uint8Array): void {
    for (let rest = bytes; rest.length > 0;) {
      const part = rest.subarray(0, this.#pieceLength - this.#openBytes)
      rest = rest.subarray(part.length)
      if (part.length === this.#pieceLength) {
        this.#put(hash('sha1', part, 'buffer'))
        continue
      }
      this.#open ??= createHash('sha1')
      this.#open.update(part)
      this.#openBytes += part.length
      if (this.#openBytes === this.#pieceLength) this.#close()
    }
  }

  finish(): Uint8Array<ArrayBuffer> {
    this.#close()
    return this.#hashes
  }

  #close(): void {
    if (this.#open === undefined) return
    this.#put(this.#open.digest())
    this.#open = undefined
    this.#openBytes = 0
  }

  #put(digest: Uint8Array): void {
    this.#hashes.set(digest, this.#at)
    this.#at += digest.length
  }
}

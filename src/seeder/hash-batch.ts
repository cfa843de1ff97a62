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
  const cutter = new PieceCutter(batch, buffer)
  for (const stretch of batch.stretches) {
    const reason = hashStretch(stretch, cutter)
    if (reason !== undefined) return { kind: 'changed', absolute: stretch.absolute, reason }
  }
  return { kind: 'hashed', hashes: cutter.finish() }
}

/** Why it could not be read as it was walked; `undefined` when all went well. */
function hashStretch(stretch: Stretch, cutter: PieceCutter): string | undefined {
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
      const got = readSync(fd, cutter.buffer, cutter.filled, Math.min(cutter.room, end - at), at)
      if (got === 0) return 'became shorter while it was hashed'
      cutter.took(got)
      at += got
    }
    return undefined
  } catch (error) {
    return `cannot be read (${systemCode(error) ?? 'error'})`
  } finally {
    closeSync(fd)
  }
}

/**
 * Turns a stream of bytes into the hashes of its pieces. What is read gathers in the buffer, over the ends of files,
 * and is hashed when the buffer is full, a whole piece in one call: a call for each small file would cost more than
 * its hash. A piece that is larger than the buffer is hashed by and by.
 */
class PieceCutter {
  /** Read into it from {@link filled} on, at most {@link room} bytes, then tell {@link took}. */
  readonly buffer: Uint8Array
  readonly #pieceLength: number
  readonly #hashes: Uint8Array<ArrayBuffer>
  readonly #capacity: number
  #filled = 0
  #at = 0
  #open: Hash | undefined
  #openBytes = 0

  constructor(batch: HashBatch, buffer: Uint8Array) {
    this.buffer = buffer
    this.#pieceLength = batch.pieceLengthBytes
    this.#capacity = buffer.length - (buffer.length % Math.min(buffer.length, batch.pieceLengthBytes))
    const total = batch.stretches.reduce((sum, stretch) => sum + stretch.lengthBytes, 0)
    this.#hashes = new Uint8Array(20 * Math.ceil(total / batch.pieceLengthBytes))
  }

  get filled(): number {
    return this.#filled
  }

  get room(): number {
    return this.#capacity - this.#filled
  }

  took(bytes: number): void {
    this.#filled += bytes
    if (this.#filled === this.#capacity) this.#flush()
  }

  finish(): Uint8Array<ArrayBuffer> {
    this.#flush()
    this.#close()
    return this.#hashes
  }

  #flush(): void {
    const bytes = this.buffer.subarray(0, this.#filled)
    this.#filled = 0
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

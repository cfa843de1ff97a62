/** A file as a reader of foreign formats may have it: so many bytes at once, so many altogether. For threads: reads are synchronous. */
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { MiB } from '../../core/units.ts'

/** The description of a film of three hours takes 16 MiB; a stream without one is read until its length is known. */
const READ_BYTES_MAX = 64 * MiB
const READ_AT_ONCE_BYTES_MAX = 32 * MiB

export class BoundedFile implements Disposable {
  readonly sizeBytes: number
  readonly #fd: number
  #leftBytes: number

  /** @throws Error for what is no regular file; nothing else is waited for, and no link followed. */
  constructor(path: string, readBytesMax = READ_BYTES_MAX) {
    this.#fd = openSync(path, constants.O_RDONLY | (constants.O_NONBLOCK || 0) | (constants.O_NOFOLLOW || 0))
    this.#leftBytes = readBytesMax
    const stat = fstatSync(this.#fd)
    this.sizeBytes = stat.size
    if (stat.isFile()) return
    closeSync(this.#fd)
    throw new Error('no regular file')
  }

  /** All of the stretch. @throws RangeError when it is too much, or more than there is. */
  read(start: number, end: number): Uint8Array {
    const wanted = end - start
    if (wanted > READ_AT_ONCE_BYTES_MAX || wanted > this.#leftBytes)
      throw new RangeError('more is to be read than a file of this kind should need')
    this.#leftBytes -= wanted
    const bytes = new Uint8Array(wanted)
    for (let at = 0; at < wanted;) {
      const read = readSync(this.#fd, bytes, at, wanted - at, start + at)
      if (read === 0) throw new RangeError('the file ends too early')
      at += read
    }
    return bytes
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd)
  }
}

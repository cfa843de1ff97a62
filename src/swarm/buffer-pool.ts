/** Memory for whole pieces, used again and again: a fresh 256 KiB costs more in page faults than in copying. */
export class BufferPool {
  readonly #freeBytesMax: number
  readonly #free = new Map<number, Uint8Array[]>()
  #freeBytes = 0

  /** `freeBytesMax`: how much is kept for later; what is released beyond goes to the garbage collector. */
  constructor(freeBytesMax: number) {
    this.#freeBytesMax = freeBytesMax
  }

  /** Exactly `size` bytes, with whatever was in them. */
  acquire(size: number): Uint8Array {
    const buffer = this.#free.get(size)?.pop()
    if (buffer === undefined) return Buffer.allocUnsafeSlow(size)
    this.#freeBytes -= size
    return buffer
  }

  /** The caller must not touch it afterwards. */
  release(buffer: Uint8Array): void {
    if (this.#freeBytes + buffer.length > this.#freeBytesMax) return
    this.#freeBytes += buffer.length
    const same = this.#free.get(buffer.length)
    if (same === undefined) this.#free.set(buffer.length, [buffer])
    else same.push(buffer)
  }
}

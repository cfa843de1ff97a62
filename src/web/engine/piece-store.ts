/** Where verified pieces are kept: on the disk where the browser lets us, else in memory, for as long as the page is open. */

export interface PieceStore {
  /** So much of what is newest it keeps. */
  readonly roomBytes: number
  /** It can be had from now on, though it may not be written yet. The caller never changes the bytes. */
  put(piece: number, bytes: Uint8Array<ArrayBuffer>): void
  /** Undefined when it is not there any more. */
  get(piece: number, offset: number, length: number): Promise<Uint8Array | undefined>
  /** Nothing of it stays. */
  close(): void
}

/** The newest pieces, up to so many bytes. */
export class MemoryStore implements PieceStore {
  readonly #bytesMax: number
  readonly #onDropped: (piece: number) => void
  readonly #pieces = new Map<number, Uint8Array>()
  #bytes = 0

  constructor(options: { readonly bytesMax: number; readonly onDropped?: (piece: number) => void }) {
    this.#bytesMax = options.bytesMax
    this.#onDropped = options.onDropped ?? (() => undefined)
  }

  put(piece: number, bytes: Uint8Array<ArrayBuffer>): void {
    this.#bytes += bytes.length - (this.#pieces.get(piece)?.length ?? 0)
    this.#pieces.delete(piece)
    this.#pieces.set(piece, bytes)
    for (const [oldest, old] of this.#pieces) {
      if (this.#bytes <= this.#bytesMax || oldest === piece) break
      this.#pieces.delete(oldest)
      this.#bytes -= old.length
      this.#onDropped(oldest)
    }
  }

  get roomBytes(): number {
    return this.#bytesMax
  }

  close(): void {
    this.#pieces.clear()
    this.#bytes = 0
  }

  get(piece: number, offset: number, length: number): Promise<Uint8Array | undefined> {
    const bytes = this.#pieces.get(piece)
    return Promise.resolve(bytes?.subarray(offset, offset + length))
  }
}

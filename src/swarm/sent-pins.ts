/** Which cached pieces the unsent bytes of one connection still point into. */
import type { CachedPiece, PieceCache } from './piece-cache.ts'

interface Pin {
  readonly piece: CachedPiece
  /** Position in the stream behind the last byte that comes from the piece. */
  end: number
}

export class SentPins {
  readonly #cache: PieceCache
  #pins: Pin[] = []
  /** Bytes written to the connection since it began. */
  #written = 0

  constructor(cache: PieceCache) {
    this.#cache = cache
  }

  wrote(bytes: number): void {
    this.#written += bytes
  }

  wrotePiece(piece: CachedPiece, bytes: number): void {
    this.#written += bytes
    const last = this.#pins.at(-1)
    if (last?.piece === piece) {
      last.end = this.#written
      return
    }
    piece.pins++
    this.#pins.push({ piece, end: this.#written })
  }

  /** `queuedBytes`: what of the written has not left yet. */
  release(queuedBytes: number): void {
    const sent = this.#written - queuedBytes
    let done = 0
    for (const pin of this.#pins) {
      if (pin.end > sent) break
      this.#cache.unpin(pin.piece)
      done++
    }
    if (done > 0) this.#pins = this.#pins.slice(done)
  }

  releaseAll(): void {
    for (const pin of this.#pins) this.#cache.unpin(pin.piece)
    this.#pins = []
  }
}

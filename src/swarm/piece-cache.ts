/**
 * Whole pieces in memory whose hash was checked: what is sent comes from here and from nowhere else. Least
 * recently used first out, by bytes. The memory of a piece that is still on its way to a socket is pinned: it
 * is not used again before the last byte has left.
 */
import type { BufferPool } from './buffer-pool.ts'

export interface CachedPiece {
  readonly key: string
  readonly bytes: Uint8Array
  pins: number
  isEvicted: boolean
}

export class PieceCache {
  readonly #pool: BufferPool
  readonly #bytesMax: number
  /** In the order of use: the first is the next to go. */
  readonly #pieces = new Map<string, CachedPiece>()
  #bytes = 0

  constructor(pool: BufferPool, bytesMax: number) {
    this.#pool = pool
    this.#bytesMax = bytesMax
  }

  /** The piece, marked as just used. */
  get(key: string): CachedPiece | undefined {
    const piece = this.#pieces.get(key)
    if (piece === undefined) return undefined
    this.#pieces.delete(key)
    this.#pieces.set(key, piece)
    return piece
  }

  has(key: string): boolean {
    return this.#pieces.has(key)
  }

  /** Takes over `bytes`, a pooled buffer whose hash the caller has just checked. */
  put(key: string, bytes: Uint8Array): CachedPiece {
    this.drop(key)
    const piece: CachedPiece = { key, bytes, pins: 0, isEvicted: false }
    this.#pieces.set(key, piece)
    this.#bytes += bytes.length
    for (const oldest of this.#pieces.values()) {
      if (this.#bytes <= this.#bytesMax || oldest === piece) break
      this.drop(oldest.key)
    }
    return piece
  }

  /** Harmless when it is not there. */
  drop(key: string): void {
    const piece = this.#pieces.get(key)
    if (piece === undefined) return
    this.#pieces.delete(key)
    this.#bytes -= piece.bytes.length
    piece.isEvicted = true
    if (piece.pins === 0) this.#pool.release(piece.bytes)
  }

  /** Everything whose key begins so. */
  dropAll(prefix: string): void {
    for (const key of [...this.#pieces.keys()]) if (key.startsWith(prefix)) this.drop(key)
  }

  unpin(piece: CachedPiece): void {
    piece.pins--
    if (piece.pins === 0 && piece.isEvicted) this.#pool.release(piece.bytes)
  }
}

/**
 * Reads pieces from the disk into the cache, a few at a time over all torrents, and hashes each before anybody
 * may have it: a piece that rotted, or was changed under us, never leaves the machine.
 */
import { messageOf, ShoalError } from '../core/errors.ts'
import type { PieceIndex } from '../core/piece-layout.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Content } from './content.ts'
import type { CachedPiece, PieceCache } from './piece-cache.ts'

export interface PieceSource {
  readonly key: string
  readonly piece: PieceIndex
  readonly bytes: number
  readonly content: Content
  readonly isGood: (bytes: Uint8Array) => boolean
}

export type LoadOutcome =
  | { readonly kind: 'loaded'; readonly cached: CachedPiece }
  /** Missing, shorter, or of another content. */
  | { readonly kind: 'bad'; readonly reason: string }
  /** The system would not let us look (too many open files, a network disk away): nothing is known of the bytes. */
  | { readonly kind: 'unreadable'; readonly reason: string }

interface Waiting {
  readonly source: PieceSource
  readonly resolve: (outcome: LoadOutcome) => void
}

export class PieceLoader {
  readonly #pool: BufferPool
  readonly #cache: PieceCache
  readonly #concurrentMax: number
  readonly #underWay = new Map<string, Promise<LoadOutcome>>()
  readonly #waiting: Waiting[] = []
  #running = 0

  constructor(pool: BufferPool, cache: PieceCache, options: { readonly concurrentMax: number }) {
    this.#pool = pool
    this.#cache = cache
    this.#concurrentMax = options.concurrentMax
  }

  isLoading(key: string): boolean {
    return this.#underWay.has(key)
  }

  /** Never rejects. Asking twice for the same piece reads it once. */
  load(source: PieceSource): Promise<LoadOutcome> {
    const known = this.#underWay.get(source.key)
    if (known !== undefined) return known
    const loading = new Promise<LoadOutcome>((resolve) => {
      this.#waiting.push({ source, resolve })
    }).finally(() => this.#underWay.delete(source.key))
    this.#underWay.set(source.key, loading)
    this.#next()
    return loading
  }

  #next(): void {
    while (this.#running < this.#concurrentMax) {
      const waiting = this.#waiting.shift()
      if (waiting === undefined) return
      this.#running++
      void this.#read(waiting.source).then((outcome) => {
        this.#running--
        waiting.resolve(outcome)
        this.#next()
      })
    }
  }

  async #read(source: PieceSource): Promise<LoadOutcome> {
    const bytes = this.#pool.acquire(source.bytes)
    const failure = await this.#fill(source, bytes)
    if (failure === undefined) return { kind: 'loaded', cached: this.#cache.put(source.key, bytes) }
    this.#pool.release(bytes)
    return failure
  }

  async #fill(source: PieceSource, bytes: Uint8Array): Promise<LoadOutcome | undefined> {
    try {
      if (!(await source.content.read(source.piece, bytes)))
        return { kind: 'bad', reason: 'it is missing or shorter than it was' }
    } catch (error) {
      const reason = `it cannot be read: ${messageOf(error)}`
      // Ours: a link or a folder is where the file was.
      return { kind: error instanceof ShoalError ? 'bad' : 'unreadable', reason }
    }
    return source.isGood(bytes) ? undefined : { kind: 'bad', reason: 'its bytes are not what was published' }
  }
}

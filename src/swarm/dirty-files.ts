/**
 * Files that were written to and are not on the disk yet. Of those that are whole, some at a time are brought there while
 * others are still being fetched: so little is left to do at the end, and what was just written is still open then.
 */
import { inLanes } from './file-lanes.ts'

/** Of the four threads that node has for files, writing keeps the others. */
const EARLY_AT_ONCE = 2

export class DirtyFiles {
  readonly #bring: (file: number) => Promise<void>
  readonly #dirty = new Set<number>()
  readonly #whole: number[] = []
  readonly #early = new Set<Promise<void>>()
  #failure: { readonly error: unknown } | undefined

  /** `bring` resolves when all that was written to the file is on the disk. */
  constructor(bring: (file: number) => Promise<void>) {
    this.#bring = bring
  }

  wrote(file: number): void {
    this.#dirty.add(file)
  }

  /** It is not expected to be written to again. */
  isWhole(file: number): void {
    this.#whole.push(file)
    if (this.#early.size >= EARLY_AT_ONCE) return
    const lane = this.#bringWhole().finally(() => this.#early.delete(lane))
    this.#early.add(lane)
  }

  /** Brings all that was written before. Rejects with the first failure, also of what went on by itself meanwhile. */
  async sync(): Promise<void> {
    await this.stopEarly()
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure.error
    await inLanes([...this.#dirty], (file) => this.#bringOne(file))
  }

  /** Resolves when nothing goes on by itself any more. */
  async stopEarly(): Promise<void> {
    this.#whole.length = 0
    await Promise.all(this.#early)
  }

  async #bringWhole(): Promise<void> {
    try {
      for (let file = this.#whole.shift(); file !== undefined; file = this.#whole.shift())
        if (this.#dirty.has(file)) await this.#bringOne(file)
    } catch (error) {
      this.#whole.length = 0
      this.#failure ??= { error }
    }
  }

  async #bringOne(file: number): Promise<void> {
    this.#dirty.delete(file) // before: what is written meanwhile puts it back
    try {
      await this.#bring(file)
    } catch (error) {
      this.#dirty.add(file)
      throw error
    }
  }
}

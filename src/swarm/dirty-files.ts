/**
 * Files that were written to and are not on the disk yet. Of those that are whole, some at a time are brought there while
 * others are still being fetched: so little is left to do at the end, and what was just written is still open then.
 */
import { inLanes } from './file-lanes.ts'

/** As many as node has threads for files: file systems bring them in one go. */
const EARLY_AT_ONCE = 4
/** Far below the number of files that are kept open: to open one again costs more than to bring it. */
const WAITING_MAX = 64

export class DirtyFiles {
  readonly #bring: (file: number) => Promise<void>
  readonly #dirty = new Set<number>()
  readonly #whole: number[] = []
  readonly #early = new Set<Promise<void>>()
  #roomMade: PromiseWithResolvers<void> | undefined
  #syncs = 0
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
    if (this.#syncs > 0) return // what is brought by itself now would not be waited for
    this.#whole.push(file)
    if (this.#early.size >= EARLY_AT_ONCE) return
    const lane = this.#bringWhole().finally(() => this.#early.delete(lane))
    this.#early.add(lane)
  }

  /** Resolves when few enough wait that what is written next will still be open when it is brought. */
  async room(): Promise<void> {
    while (this.#whole.length >= WAITING_MAX) {
      this.#roomMade ??= Promise.withResolvers()
      await this.#roomMade.promise
    }
  }

  /** Brings all that was written before. Rejects with the first failure, also of what went on by itself meanwhile. */
  async sync(): Promise<void> {
    this.#syncs++
    try {
      await this.stopEarly()
      const failure = this.#failure
      this.#failure = undefined
      if (failure !== undefined) throw failure.error
      await inLanes([...this.#dirty], (file) => this.#bringOne(file))
    } finally {
      this.#syncs--
    }
  }

  /** Resolves when nothing goes on by itself any more. */
  async stopEarly(): Promise<void> {
    this.#dropWaiting()
    await Promise.all(this.#early)
  }

  async #bringWhole(): Promise<void> {
    try {
      for (let file = this.#whole.shift(); file !== undefined; file = this.#whole.shift()) {
        this.#tellOfRoom()
        if (this.#dirty.has(file)) await this.#bringOne(file)
      }
    } catch (error) {
      this.#failure ??= { error }
      this.#dropWaiting()
    }
  }

  #dropWaiting(): void {
    this.#whole.length = 0
    this.#tellOfRoom()
  }

  #tellOfRoom(): void {
    if (this.#whole.length >= WAITING_MAX) return
    this.#roomMade?.resolve()
    this.#roomMade = undefined
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

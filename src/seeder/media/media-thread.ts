/**
 * The thread that reads foreign media files. It may run out of time or memory on any of them: then it is ended, the
 * file counts as one that we cannot read, and the next file gets a new thread.
 */
import { Worker } from 'node:worker_threads'
import { seconds, type Millis } from '../../core/units.ts'
import { systemClock, type Clock } from '../../platform/clock.ts'
import type { Container } from './container.ts'
import type { MediaAnswer } from './media-worker.ts'

const WORKER = new URL('./media-worker.ts', import.meta.url)
/** A second is long for any file on a disk; a network folder may be asleep. */
const TIME_MAX = seconds(20)
/** Lists of a million frames fit; memory of arrays is bounded by what is read (`bounded-file.ts`). */
const MEMORY_MAX = { maxOldGenerationSizeMb: 192, maxYoungGenerationSizeMb: 16, stackSizeMb: 2 }

export interface MediaThreadOptions {
  /** For the time limit. */
  readonly clock?: Clock
  /** For one file. */
  readonly timeMax?: Millis
  /** Another reader: for tests. */
  readonly worker?: URL
}

export class MediaThread implements AsyncDisposable {
  readonly #options: MediaThreadOptions
  #worker: Worker | undefined

  constructor(options: MediaThreadOptions = {}) {
    this.#options = options
  }

  /**
   * Undefined for what cannot be read, also within bounds. One file at a time.
   * @throws the signal's reason when it is aborted.
   */
  async read(path: string, signal?: AbortSignal): Promise<Container | undefined> {
    signal?.throwIfAborted()
    const worker = this.#worker ?? this.#start()
    const { promise, resolve } = Promise.withResolvers<Container | undefined>()
    const onAnswer = ({ found }: MediaAnswer): void => resolve(found)
    const giveUp = (): void => {
      this.#drop(worker)
      resolve(undefined)
    }
    const { clock = systemClock, timeMax = TIME_MAX } = this.#options
    const timer = clock.after(timeMax, giveUp)
    worker.on('message', onAnswer).on('error', giveUp).on('exit', giveUp)
    signal?.addEventListener('abort', giveUp, { once: true })
    try {
      worker.postMessage(path)
      const found = await promise
      signal?.throwIfAborted()
      return found
    } finally {
      timer.cancel()
      worker.off('message', onAnswer).off('error', giveUp).off('exit', giveUp)
      signal?.removeEventListener('abort', giveUp)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate()
    this.#worker = undefined
  }

  #start(): Worker {
    const worker = new Worker(this.#options.worker ?? WORKER, { resourceLimits: MEMORY_MAX })
    // Also of one that fails while nothing is asked of it, or after it was given up.
    worker.on('error', () => this.#drop(worker))
    worker.unref()
    this.#worker = worker
    return worker
  }

  /** Not waited for: one that hangs in a read of a dead network folder ends when that does. */
  #drop(worker: Worker): void {
    if (this.#worker === worker) this.#worker = undefined
    void worker.terminate()
  }
}

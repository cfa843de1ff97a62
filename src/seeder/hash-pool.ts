/**
 * Worker threads that hash. Started when there is work, kept for more of it; idle ones do not keep the
 * process alive. Callers wait for their turn: first come, first served.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { HashBatch, HashedBatch } from './hash-batch.ts'

/** More than this many readers only make a disk seek. */
const WORKERS_MAX = 16

interface Job {
  readonly batch: HashBatch
  readonly resolve: (answer: HashedBatch) => void
  readonly reject: (error: Error) => void
}

export class HashPool implements AsyncDisposable {
  /** How many batches run at once. */
  readonly size: number
  readonly #idle: Worker[] = []
  readonly #busy = new Map<Worker, Job>()
  readonly #queue: Job[] = []
  #isClosed = false

  constructor(options: { readonly workers?: number } = {}) {
    this.size = options.workers ?? Math.min(availableParallelism(), WORKERS_MAX)
  }

  /** Rejects only for a bug or a worker that died (out of memory, say); what is wrong with files is in the answer. */
  run(batch: HashBatch): Promise<HashedBatch> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(new Error('the hashing pool is closed'))
        return
      }
      this.#queue.push({ batch, resolve, reject })
      this.#next()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    const workers = [...this.#idle, ...this.#busy.keys()]
    for (const job of [...this.#queue.splice(0), ...this.#busy.values()])
      job.reject(new Error('hashing was stopped'))
    this.#busy.clear()
    this.#idle.length = 0
    await Promise.all(workers.map((worker) => worker.terminate()))
  }

  #next(): void {
    while (this.#queue.length > 0) {
      const worker = this.#idle.pop() ?? (this.#busy.size < this.size ? this.#start() : undefined)
      if (worker === undefined) return
      const job = this.#queue.shift()
      if (job === undefined) return
      this.#busy.set(worker, job)
      worker.ref()
      worker.postMessage(job.batch)
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL('./hash-worker.ts', import.meta.url))
    worker.on('message', (answer: HashedBatch) => {
      const job = this.#busy.get(worker)
      if (job === undefined) return
      this.#busy.delete(worker)
      this.#idle.push(worker)
      worker.unref()
      job.resolve(answer)
      this.#next()
    })
    worker.on('error', (error) =>
      this.#lose(worker, error instanceof Error ? error : new Error(String(error))),
    )
    worker.on('exit', (code) => this.#lose(worker, new Error(`a hashing worker ended with code ${code}`)))
    return worker
  }

  #lose(worker: Worker, error: Error): void {
    const job = this.#busy.get(worker)
    this.#busy.delete(worker)
    const at = this.#idle.indexOf(worker)
    if (at !== -1) this.#idle.splice(at, 1)
    job?.reject(error)
    if (!this.#isClosed) this.#next()
  }
}

/**
 * Worker threads that hash, and look at many files. Started when there is work, kept for more of it; idle ones do
 * not keep the process alive. Callers wait for their turn: first come, first served.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Looker } from './file-look.ts'
import type { HashBatch, HashedBatch } from './hash-batch.ts'
import type { WorkerAnswer, WorkerTask } from './hash-worker.ts'
import type { FindTouched } from './known-looks.ts'

/** More than this many readers only make a disk seek. */
const WORKERS_MAX = 16

interface Job {
  readonly task: WorkerTask
  readonly resolve: (answer: WorkerAnswer) => void
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

  /** Starts the workers ahead of the work: it takes as long as to hash 100 MB. */
  warm(): void {
    while (this.#idle.length + this.#busy.size < this.size) {
      const worker = this.#start()
      worker.unref()
      this.#idle.push(worker)
    }
  }

  /** Rejects only for a bug or a worker that died (out of memory, say); what is wrong with files is in the answer. */
  async run(batch: HashBatch): Promise<HashedBatch> {
    const answer = await this.#ask({ kind: 'hash', batch })
    if (answer.kind !== 'hash') throw new TypeError('a hashing worker answered something else')
    return answer.hashed
  }

  /** As {@link run}. */
  readonly looker: Looker = async (batch) => {
    const answer = await this.#ask({ kind: 'look', batch })
    if (answer.kind !== 'look') throw new TypeError('a hashing worker answered something else')
    return answer.looks
  }

  /** As {@link run}. */
  readonly findTouched: FindTouched = async (known) => {
    const answer = await this.#ask({ kind: 'find-touched', known })
    if (answer.kind !== 'find-touched') throw new TypeError('a hashing worker answered something else')
    return answer.touched
  }

  #ask(task: WorkerTask): Promise<WorkerAnswer> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(new Error('the hashing pool is closed'))
        return
      }
      this.#queue.push({ task, resolve, reject })
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
      worker.postMessage(job.task)
    }
  }

  #start(): Worker {
    const worker = new Worker(new URL('./hash-worker.ts', import.meta.url))
    worker.on('message', (answer: WorkerAnswer) => {
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

/** Notices what happens in the entries of a folder, as far as the system tells. */
import { Worker } from 'node:worker_threads'
import { messageOf } from '../core/errors.ts'
import type { WatchOrder, WatchReport } from './watch-worker.ts'

const WORKER = new URL('./watch-worker.ts', import.meta.url)

export interface FolderListener {
  /** Something happened in it or below, or it came or went; its name, directly in the folder. */
  onEntry(name: string): void
  /** Not everything is noticed any more. May come again. */
  onBroken(reason: string): void
}

export class FolderWatcher implements AsyncDisposable {
  readonly #worker: Worker

  private constructor(worker: Worker) {
    this.#worker = worker
  }

  /** Resolves when all that happens from now on is noticed, or when it is known that it will not be. */
  static async start(order: WatchOrder, listener: FolderListener): Promise<FolderWatcher> {
    const worker = new Worker(WORKER, { workerData: order })
    const started = Promise.withResolvers<undefined>()
    const broken = (reason: string): void => {
      listener.onBroken(reason)
      started.resolve(undefined)
    }
    worker.on('message', (report: WatchReport) => {
      if (report.kind === 'ready') started.resolve(undefined)
      else if (report.kind === 'failed') broken(report.reason)
      else for (const name of report.entries) listener.onEntry(name)
    })
    worker.on('error', (error) => broken(messageOf(error)))
    await started.promise
    return new FolderWatcher(worker)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate()
  }
}

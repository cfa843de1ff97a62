/**
 * The ledger before its worker thread. One group is under way at a time; acts that arrive meanwhile make the
 * next one. So a lone act is committed at once, and under load a group grows to what one commit's time brings.
 */
import { Worker } from 'node:worker_threads'
import { ShoalError } from '../../core/errors.ts'
import { seconds } from '../../core/units.ts'
import type { Clock, Timer } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { Journal } from '../journal.ts'
import type { GrantLedger, GroupResult, LedgerAct } from './ledger.ts'

/** Acts that wait: ten seconds of the load we aim at. Who comes then is told at once to try again. */
const WAITING_MAX = 10_000
/** A group: bounds how long other writers wait for it. */
const GROUP_MAX = 1_000
/** Before a dead worker is replaced: a broken disk must not become a busy loop. */
const RESTART_AFTER = seconds(1)

interface Pending {
  readonly act: LedgerAct
  readonly resolve: (touched: number) => void
  readonly reject: (error: Error) => void
}

export interface WorkerLedgerParts {
  readonly clock: Clock
  readonly log: Logger
  readonly journal: Journal
  /** The database's file: the worker has a connection of its own. */
  readonly file: string
}

export class WorkerLedger implements GrantLedger {
  readonly #parts: WorkerLedgerParts
  readonly #waiting: Pending[] = []
  #underWay: readonly Pending[] = []
  #worker: Worker | undefined
  #isReady = false
  #isClosing = false
  #restart: Timer | undefined
  #wakeIdle: (() => void) | undefined

  private constructor(parts: WorkerLedgerParts) {
    this.#parts = parts
  }

  /** Resolves when the worker has the database open. */
  static async start(parts: WorkerLedgerParts): Promise<WorkerLedger> {
    const ledger = new WorkerLedger(parts)
    await ledger.#startWorker()
    return ledger
  }

  get isReady(): boolean {
    return this.#isReady && !this.#isClosing
  }

  /** The thread, for a test that kills it. */
  get workerThread(): Worker | undefined {
    return this.#worker
  }

  commit(act: LedgerAct): Promise<number> {
    if (!this.isReady)
      return Promise.reject(new ShoalError('unavailable', 'grants cannot be written right now: try again'))
    if (this.#waiting.length >= WAITING_MAX)
      return Promise.reject(new ShoalError('unavailable', 'too many grants at once: try again'))
    return new Promise((resolve, reject) => {
      this.#waiting.push({ act, resolve, reject })
      this.#sendNext()
    })
  }

  /** Commits what waits, then ends the thread. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosing = true
    this.#restart?.cancel()
    while (this.#worker !== undefined && this.#underWay.length + this.#waiting.length > 0)
      await new Promise<void>((resolve) => (this.#wakeIdle = resolve))
    const worker = this.#worker
    if (worker === undefined) return
    const ended = new Promise((resolve) => worker.once('exit', resolve))
    worker.postMessage('close')
    await ended
  }

  #startWorker(): Promise<void> {
    const worker = new Worker(new URL('./ledger-worker.ts', import.meta.url), {
      workerData: this.#parts.file,
      name: 'shoal-ledger',
    })
    this.#worker = worker
    return new Promise((resolve, reject) => {
      worker.on('message', (message: GroupResult | 'ready') => {
        if (message === 'ready') {
          this.#isReady = true
          resolve()
        } else {
          this.#settle(message)
        }
      })
      worker.on('error', (error: unknown) => {
        this.#parts.log.error({ err: error }, 'the ledger of grants stopped')
        reject(new ShoalError('unavailable', 'the ledger of grants could not start', { cause: error }))
      })
      worker.on('exit', () => {
        this.#onExit(worker)
        reject(new ShoalError('unavailable', 'the ledger of grants could not start'))
      })
    })
  }

  #sendNext(): void {
    if (this.#underWay.length > 0 || this.#waiting.length === 0 || this.#worker === undefined) return
    this.#underWay = this.#waiting.splice(0, GROUP_MAX)
    this.#worker.postMessage(this.#underWay.map((pending) => pending.act))
  }

  #settle({ results, hasEvents }: GroupResult): void {
    const group = this.#underWay
    this.#underWay = []
    this.#sendNext()
    if (hasEvents) this.#parts.journal.wake()
    for (const [i, pending] of group.entries()) {
      const result = results[i]
      if (result !== undefined && 'touched' in result) {
        pending.resolve(result.touched)
      } else {
        this.#parts.log.error({ failure: result?.failure }, 'an act of the ledger failed')
        const why = result?.reason === undefined ? '' : `, ${result.reason} where the portal keeps its things`
        pending.reject(new ShoalError('unavailable', `the grant could not be written${why}: try again`))
      }
    }
    this.#wakeIdle?.()
  }

  #onExit(worker: Worker): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    this.#isReady = false
    const lost = [...this.#underWay, ...this.#waiting.splice(0)]
    this.#underWay = []
    for (const pending of lost)
      pending.reject(new ShoalError('unavailable', 'the grant may not have been written: try again'))
    this.#wakeIdle?.()
    if (this.#isClosing) return
    this.#parts.log.error({ lost: lost.length }, 'the ledger of grants ended; starting it again')
    this.#restart = this.#parts.clock.after(RESTART_AFTER, () => {
      this.#startWorker().catch((error: unknown) =>
        this.#parts.log.error({ err: error }, 'no ledger of grants'),
      )
    })
  }
}

/** Requests under way: what they work with may be closed when they are answered, and not before. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { seconds } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'

type Handler = (req: IncomingMessage, res: ServerResponse) => void

/** Who reads its answer this slowly is not waited for. */
const WAIT_MAX = seconds(2)

export class InFlight implements AsyncDisposable {
  readonly #clock: Clock
  #count = 0
  #wakeIdle: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  counted(handler: Handler): Handler {
    return (req, res) => {
      this.#count++
      res.once('close', () => {
        this.#count--
        if (this.#count === 0) this.#wakeIdle?.()
      })
      handler(req, res)
    }
  }

  /** Resolves when none is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#count === 0) return
    const { promise, resolve } = Promise.withResolvers<undefined>()
    this.#wakeIdle = () => {
      resolve(undefined)
    }
    const timer = this.#clock.after(WAIT_MAX, this.#wakeIdle)
    await promise
    timer.cancel()
  }
}

/** So many lines in a minute: a child that was taken over fills no disk with its log. */
import { minutes, type Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'

const WINDOW = minutes(1)
const LINES_MAX = 60

export class LogRation {
  readonly #clock: Clock
  #since: Millis
  #lines = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#since = clock.now()
  }

  /** Whether one more may be written; how many were dropped in a minute that is over, once. */
  take(): { readonly isAllowed: boolean; readonly dropped: number } {
    const now = this.#clock.now()
    let dropped = 0
    if (now - this.#since >= WINDOW) {
      dropped = Math.max(0, this.#lines - LINES_MAX)
      this.#since = now
      this.#lines = 0
    }
    this.#lines++
    return { isAllowed: this.#lines <= LINES_MAX, dropped }
  }
}

/** A walk over all peers that rests after each part, so that no announce waits for the whole of it. */
import { millis } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Next, Part } from './swarm-store.ts'

/** About ten milliseconds of looking at grants and sites. */
const PART = 5_000
const REST = millis(1)

export class Stepwise {
  readonly #clock: Clock
  readonly #step: (part: Part) => Next
  #timer: Timer | undefined

  constructor(clock: Clock, step: (part: Part) => Next) {
    this.#clock = clock
    this.#step = step
  }

  /** From the beginning; the first part at once. A walk under way is given up for it. */
  start(): void {
    this.#timer?.cancel()
    this.#goOn(0)
  }

  cancel(): void {
    this.#timer?.cancel()
  }

  #goOn(from: number): void {
    const next = this.#step({ from, most: PART })
    if (next === undefined) return
    this.#timer = this.#clock.after(REST, () => {
      this.#goOn(next)
    })
  }
}

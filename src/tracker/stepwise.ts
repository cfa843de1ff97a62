/** Walks over all peers, one after the other, that rest after each part, so that no announce waits for the whole. */
import { millis } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Next, Part } from './swarm-store.ts'

/** A few milliseconds of looking at grants and sites, or of freeing what is over. */
const PART = 2_000
const REST = millis(1)

export type Walk = (part: Part) => Next

export class Stepwise {
  readonly #clock: Clock
  readonly #walks: readonly Walk[]
  #timer: Timer | undefined
  #isWantedAgain = false

  constructor(clock: Clock, ...walks: readonly Walk[]) {
    this.#clock = clock
    this.#walks = walks
  }

  /**
   * From the beginning; the first part at once. What is under way goes to its end first, and then begins again: who
   * starts it again and again must not keep it from those at the end.
   */
  start(): void {
    if (this.#timer === undefined) this.#goOn(0, 0)
    else this.#isWantedAgain = true
  }

  /** From the beginning, unless it is under way: what is started again and again is to come to its end too. */
  startIfIdle(): void {
    if (this.#timer === undefined) this.start()
  }

  cancel(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#isWantedAgain = false
  }

  /** Walks that end within their first part need no rest before the next one: there is little to do. */
  #goOn(at: number, from: number): void {
    this.#timer = undefined
    for (let i = at, start = from; ; i++, start = 0) {
      const next = this.#walks[i]?.({ from: start, most: PART })
      if (next === undefined && i + 1 < this.#walks.length) continue
      if (next !== undefined)
        this.#timer = this.#clock.after(REST, () => {
          this.#goOn(i, next)
        })
      else if (this.#isWantedAgain) {
        this.#isWantedAgain = false
        this.#timer = this.#clock.after(REST, () => {
          this.#goOn(0, 0)
        })
      }
      return
    }
  }
}

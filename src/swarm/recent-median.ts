/** The median of the last few durations: what is usual here, whatever a single one was. */
import { type Millis, millis } from '../core/units.ts'

const KEPT_MAX = 15

export class RecentMedian {
  readonly #kept: number[] = []
  #median: number | undefined

  add(duration: number): void {
    this.#kept.push(duration)
    if (this.#kept.length > KEPT_MAX) this.#kept.shift()
    this.#median = undefined
  }

  /** 0 before there was any. */
  get value(): Millis {
    this.#median ??= this.#kept.toSorted((a, b) => a - b)[Math.floor(this.#kept.length / 2)] ?? 0
    return millis(this.#median)
  }
}

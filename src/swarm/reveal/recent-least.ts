/** The least of what was seen in the last ten to twenty seconds. */
import { type Millis, millis, seconds } from '../../core/units.ts'

const WINDOW = seconds(10)

export class RecentLeast {
  #since = millis(0)
  #now = Infinity
  #before = Infinity

  add(value: number, now: Millis): void {
    this.#turn(now)
    this.#now = Math.min(this.#now, value)
  }

  /** 0 before anything was seen. */
  get value(): number {
    const least = Math.min(this.#now, this.#before)
    return Number.isFinite(least) ? least : 0
  }

  #turn(now: Millis): void {
    if (now - this.#since < WINDOW) return
    this.#since = now
    this.#before = this.#now
    this.#now = Infinity
  }
}

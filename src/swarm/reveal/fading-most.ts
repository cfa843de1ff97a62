/** The most that was seen, which fades: half of it after 30 seconds in which nothing more was. */
import { type Millis, millis, seconds } from '../../core/units.ts'

const HALF_LIFE = seconds(30)

export class FadingMost {
  #most = 0
  #at = millis(0)

  add(value: number, now: Millis): void {
    this.#most = Math.max(value, this.at(now))
    this.#at = now
  }

  /** 0 before anything was seen. */
  at(now: Millis): number {
    return this.#most * 0.5 ** ((now - this.#at) / HALF_LIFE)
  }
}

/** Bytes a second over the last few seconds: an average that forgets exponentially and is right from its first second on. */
import type { Millis } from '../core/units.ts'

const FORGET_MS = 2_000

export class RateMeter {
  #startedAt: number | undefined
  #at = 0
  /** Bytes, each weighted by how long ago it came. */
  #weighted = 0
  #total = 0

  get totalBytes(): number {
    return this.#total
  }

  add(bytes: number, now: Millis): void {
    this.#startedAt ??= now
    this.#weighted = this.#weighted * Math.exp((this.#at - now) / FORGET_MS) + bytes
    this.#at = now
    this.#total += bytes
  }

  /** Bytes a second; 0 before anything came. */
  rate(now: Millis): number {
    if (this.#startedAt === undefined) return 0
    const age = Math.max(100, now - this.#startedAt)
    const seen = (FORGET_MS / 1_000) * (1 - Math.exp(-age / FORGET_MS))
    return (this.#weighted * Math.exp((this.#at - now) / FORGET_MS)) / seen
  }
}

/** A rate limit: tokens are bytes, a quarter of a second's worth can be saved up. */
import { type BytesPerSecond, type Millis, millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'

const BURST_SECONDS = 0.25

export class TokenBucket {
  readonly #clock: Clock
  readonly #rate: BytesPerSecond | undefined
  readonly #burstBytes: number
  #tokens: number
  #filledAt: Millis

  /** No rate: no limit. `grainBytes`: the largest single take; the bucket holds at least that. */
  constructor(clock: Clock, rate: BytesPerSecond | undefined, grainBytes: number) {
    this.#clock = clock
    this.#rate = rate
    this.#burstBytes = Math.max(grainBytes, (rate ?? 0) * BURST_SECONDS)
    this.#tokens = this.#burstBytes
    this.#filledAt = clock.now()
  }

  get isLimited(): boolean {
    return this.#rate !== undefined
  }

  /** False, and nothing taken, when there are not `bytes` tokens. */
  take(bytes: number): boolean {
    if (this.#rate === undefined) return true
    this.#fill(this.#rate)
    if (this.#tokens < bytes) return false
    this.#tokens -= bytes
    return true
  }

  /** Gives back what was taken for something that did not happen. */
  giveBack(bytes: number): void {
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + bytes)
  }

  /** How long until `bytes` could be taken, at least a millisecond. */
  waitFor(bytes: number): Millis {
    if (this.#rate === undefined) return millis(0)
    this.#fill(this.#rate)
    return millis(Math.max(1, Math.ceil(((bytes - this.#tokens) / this.#rate) * 1_000)))
  }

  #fill(rate: BytesPerSecond): void {
    const now = this.#clock.now()
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + (rate * (now - this.#filledAt)) / 1_000)
    this.#filledAt = now
  }
}

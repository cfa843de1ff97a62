/**
 * Bytes that may pass, as tokens that come at a steady rate; and the line of those who wait for them. Who waits is
 * served before who comes, and of these first who has had least (start-time fair queueing, Goyal and others 1996), so
 * that neither the busiest peer nor the one with the largest requests gets more than its share.
 *
 * Whoever finds a token left may take more than there are, and the next one waits until that is made up for: a large
 * request is not overtaken by small ones for ever, and the rate holds all the same.
 */
import { BLOCK_BYTES } from '../../core/piece-layout.ts'
import type { Rate } from '../../core/rate-schedule.ts'
import { type Millis, millis } from '../../core/units.ts'
import type { Clock, Timer } from '../../platform/clock.ts'

export interface Waiter {
  /** It is its turn: now it may take. It comes again later if it does not. */
  resume(): void
}

/**
 * What can be saved up. All that it may be over in ten seconds is half of one, and a block may be overdrawn as well;
 * but an event loop on a busy machine is late by some tenths, and what is lost by then is not made up for.
 */
const BURST_SECONDS_MAX = 0.35
const OVER_SECONDS_MAX = 0.45
/** Tokens are given out in portions of so much: waking for each block would cost more than sending it. */
const PORTION_SECONDS = 0.05

const burstBytes = (rate: number): number =>
  Math.max(rate * PORTION_SECONDS, Math.min(rate * BURST_SECONDS_MAX, rate * OVER_SECONDS_MAX - BLOCK_BYTES))

export class RateBucket {
  readonly #clock: Clock
  #rate: Rate
  #tokens = 0
  #filledAt: Millis
  readonly #line = new Set<Waiter>()
  /** Bytes that each had while others waited, with those that it would have had by its share while it did not wait. */
  readonly #had = new WeakMap<Waiter, number>()
  /** The same of who was served last: nobody who comes is behind. */
  #served = 0
  #turn: { readonly of: Waiter; leftBytes: number } | undefined
  #timer: Timer | undefined

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock
    this.#rate = rate
    this.#filledAt = clock.now()
    this.#tokens = (rate ?? 0) * PORTION_SECONDS
  }

  get rate(): Rate {
    return this.#rate
  }

  /** True: the bytes may pass. False: nothing was taken, and `waiter` is resumed when it is its turn. */
  take(waiter: Waiter, bytes: number): boolean {
    if (this.#rate === undefined) return true
    this.#fill(this.#rate)
    const turn = this.#turn?.of === waiter ? this.#turn : undefined
    const isItsTurn = turn === undefined ? this.#line.size === 0 : turn.leftBytes > 0
    if (!isItsTurn || this.#tokens <= 0) {
      this.#had.set(waiter, this.#hadOf(waiter))
      this.#line.add(waiter)
      this.#wakeLater(this.#rate)
      return false
    }
    this.#tokens -= bytes
    if (turn === undefined) return true
    turn.leftBytes -= bytes
    this.#had.set(waiter, this.#hadOf(waiter) + bytes)
    return true
  }

  /** They have passed already: later ones wait longer for it. */
  charge(bytes: number): void {
    this.#tokens -= bytes
  }

  /** What was taken for something that did not happen. */
  giveBack(bytes: number): void {
    if (this.#rate === undefined) return
    this.#tokens = Math.min(burstBytes(this.#rate), this.#tokens + bytes)
  }

  /** Takes effect at once; who waits goes on waiting unless there is no limit any more. */
  setRate(rate: Rate): void {
    if (rate === this.#rate) return
    if (this.#rate === undefined) this.#tokens = (rate ?? 0) * PORTION_SECONDS
    else this.#fill(this.#rate)
    this.#rate = rate
    this.#filledAt = this.#clock.now()
    this.#timer?.cancel()
    this.#timer = undefined
    if (rate !== undefined) this.#wakeLater(rate)
    else for (const waiter of this.#drainLine()) waiter.resume()
  }

  /** It wants nothing more. Harmless when it does not wait. */
  leave(waiter: Waiter): void {
    this.#line.delete(waiter)
  }

  /** Nobody is resumed any more. */
  stop(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#line.clear()
  }

  #fill(rate: number): void {
    const now = this.#clock.now()
    const came = (rate * (now - this.#filledAt)) / 1_000
    this.#tokens = Math.min(burstBytes(rate), this.#tokens + came)
    this.#filledAt = now
  }

  #wakeLater(rate: number): void {
    if (this.#timer !== undefined || this.#line.size === 0) return
    const lacking = rate * PORTION_SECONDS - this.#tokens
    this.#timer = this.#clock.after(millis(Math.max(1, (lacking / rate) * 1_000)), () => this.#serveLine())
  }

  /** Shares out what there is. Whoever has its turn takes some or leaves the line, so that it ends. */
  #serveLine(): void {
    this.#timer = undefined
    if (this.#rate === undefined) return
    this.#fill(this.#rate)
    const share = Math.max(1, this.#tokens / this.#line.size)
    for (let next = this.#next(); next !== undefined; next = this.#next()) {
      this.#line.delete(next)
      this.#served = this.#hadOf(next)
      this.#turn = { of: next, leftBytes: share }
      next.resume()
    }
    this.#turn = undefined
    this.#wakeLater(this.#rate)
  }

  /** Who has had least, and came first of these. */
  #next(): Waiter | undefined {
    if (this.#tokens <= 0) return undefined
    let least: Waiter | undefined
    for (const waiter of this.#line)
      if (least === undefined || this.#hadOf(waiter) < this.#hadOf(least)) least = waiter
    return least
  }

  #hadOf(waiter: Waiter): number {
    return Math.max(this.#had.get(waiter) ?? 0, this.#served)
  }

  #drainLine(): Waiter[] {
    const waiters = [...this.#line]
    this.#line.clear()
    return waiters
  }
}

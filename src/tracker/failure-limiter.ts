/** Counts failures an address, so that guessing costs the guesser its turn and us no signatures. */
import { networkOf, type IpAddress } from '../core/address.ts'
import { minutes } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { Lru } from './lru.ts'

interface Window {
  readonly startedAt: number
  failures: number
}

/** Addresses whose failures are remembered; the longest quiet one is forgotten for a new one. */
const ADDRESSES_MAX = 10_000
const WINDOW = minutes(1)

export class FailureLimiter {
  readonly #clock: Clock
  readonly #failuresMax: number
  readonly #windows = new Lru<string, Window>({ capacity: ADDRESSES_MAX })

  constructor(parts: { readonly clock: Clock }, options: { readonly failuresPerMinuteMax: number }) {
    this.#clock = parts.clock
    this.#failuresMax = options.failuresPerMinuteMax
  }

  /** True while the address has used up the failures of its minute. */
  isLimited(host: IpAddress): boolean {
    const window = this.#windows.get(networkOf(host))
    return window !== undefined && !this.#isOver(window) && window.failures >= this.#failuresMax
  }

  addFailure(host: IpAddress): void {
    const key = networkOf(host)
    const window = this.#windows.get(key)
    if (window === undefined || this.#isOver(window))
      this.#windows.set(key, { startedAt: this.#clock.now(), failures: 1 })
    else window.failures++
  }

  #isOver(window: Window): boolean {
    return this.#clock.now() - window.startedAt >= WINDOW
  }
}

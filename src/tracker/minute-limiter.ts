/**
 * Counts what an address does in a minute: bad grants, so that guessing costs the guesser its turn and us no signatures,
 * or tests of reachability, each of which is a socket.
 */
import { networkOf, type IpAddress } from '../core/address.ts'
import { minutes } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { Lru } from './lru.ts'

interface Window {
  readonly startedAt: number
  count: number
}

/** Addresses that are remembered; the longest quiet one is forgotten for a new one. */
const ADDRESSES_MAX = 10_000
const WINDOW = minutes(1)

export class MinuteLimiter {
  readonly #clock: Clock
  readonly #perMinuteMax: number
  readonly #windows = new Lru<string, Window>({ capacity: ADDRESSES_MAX })

  constructor(parts: { readonly clock: Clock }, options: { readonly perMinuteMax: number }) {
    this.#clock = parts.clock
    this.#perMinuteMax = options.perMinuteMax
  }

  /** True while the address has used up its minute. */
  isLimited(host: IpAddress): boolean {
    const window = this.#windows.get(networkOf(host))
    return window !== undefined && !this.#isOver(window) && window.count >= this.#perMinuteMax
  }

  /** One more of what is counted. */
  count(host: IpAddress): void {
    const key = networkOf(host)
    const window = this.#windows.get(key)
    if (window === undefined || this.#isOver(window))
      this.#windows.set(key, { startedAt: this.#clock.now(), count: 1 })
    else window.count++
  }

  #isOver(window: Window): boolean {
    return this.#clock.now() - window.startedAt >= WINDOW
  }
}

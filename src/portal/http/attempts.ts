/**
 * Failures of one address, counted: wrong tokens, wrong login links, junk grants. They are random and cannot be
 * guessed; the bound keeps guessing from costing us anything.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import { TooManyFailures } from './problems.ts'

export class Attempts {
  readonly #limiter: RateLimiterMemory

  constructor(options: { readonly perMinuteMax: number }) {
    this.#limiter = new RateLimiterMemory({ points: options.perMinuteMax, duration: 60 })
  }

  /** @throws TooManyFailures when this address has used up its failures. */
  async mustBeOpen(address: string): Promise<void> {
    const state = await this.#limiter.get(address)
    if (state !== null && state.remainingPoints <= 0 && state.consumedPoints >= this.#limiter.points)
      throw tooMany(state)
  }

  /** Counts one. @throws TooManyFailures when it was one too many. */
  async failed(address: string): Promise<void> {
    try {
      await this.#limiter.consume(address)
    } catch (state) {
      if (state instanceof RateLimiterRes) throw tooMany(state)
      throw state
    }
  }
}

function tooMany(state: RateLimiterRes): TooManyFailures {
  return new TooManyFailures(Math.max(1, Math.ceil(state.msBeforeNext / 1_000)))
}

/**
 * Failures counted, of one address or one name. Tokens, links and grants are random and cannot be guessed: there the bound
 * keeps guessing from costing us anything. Passwords can.
 */
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible'
import type { Millis } from '../../core/units.ts'
import { TooManyFailures } from './problems.ts'

export class Attempts {
  readonly #limiter: RateLimiterMemory

  constructor(options: { readonly max: number; readonly within: Millis }) {
    this.#limiter = new RateLimiterMemory({ points: options.max, duration: options.within / 1_000 })
  }

  /** @throws TooManyFailures when `key` has used up its failures. */
  async mustBeOpen(key: string): Promise<void> {
    const state = await this.#limiter.get(key)
    if (state !== null && state.remainingPoints <= 0 && state.consumedPoints >= this.#limiter.points)
      throw tooMany(state)
  }

  /**
   * Counts one before it is known whether it fails, for what takes a while to find out: of a hundred at the same time no more are tried
   * than one after the other. {@link giveBack} where it did not. @throws TooManyFailures.
   */
  async spend(key: string): Promise<void> {
    await this.failed(key)
  }

  async giveBack(key: string): Promise<void> {
    await this.#limiter.reward(key, 1)
  }

  /** Counts one. @throws TooManyFailures when it was one too many. */
  async failed(key: string): Promise<void> {
    try {
      await this.#limiter.consume(key)
    } catch (state) {
      if (state instanceof RateLimiterRes) throw tooMany(state)
      throw state
    }
  }
}

function tooMany(state: RateLimiterRes): TooManyFailures {
  return new TooManyFailures(Math.max(1, Math.ceil(state.msBeforeNext / 1_000)))
}

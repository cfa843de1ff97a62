/**
 * One-time login links. A code is 32 random bytes, good once and for a quarter of an hour; only its SHA-256 is
 * held, in memory: a restart ends it, and whoever made it can make another.
 */
import { randomBytes } from 'node:crypto'
import { type Millis, millis, minutes } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Account } from '../account.ts'
import { sha256Hex } from './tokens.ts'

const CODE_LIFE = minutes(15)
/** Codes that wait to be used; the oldest gives way. */
const CODES_MAX = 1_000

export interface Redeemed {
  readonly account: Account
  /** It is the link of the first start: whoever has it is to make an account. */
  readonly isSetUp: boolean
}

export class LoginCodes {
  readonly #clock: Clock
  readonly #waiting = new Map<string, Redeemed & { readonly until: Millis }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  create(account: Account, { isSetUp = false } = {}): string {
    const code = randomBytes(32).toString('base64url')
    const oldest = this.#waiting.keys().next()
    if (this.#waiting.size >= CODES_MAX && oldest.done !== true) this.#waiting.delete(oldest.value)
    this.#waiting.set(sha256Hex(code), {
      account,
      isSetUp,
      until: millis(this.#clock.now() + CODE_LIFE),
    })
    return code
  }

  /** Takes the code: a second time it is as unknown as any other text. */
  redeem(code: string): Redeemed | undefined {
    const hash = sha256Hex(code)
    const found = this.#waiting.get(hash)
    this.#waiting.delete(hash)
    return found !== undefined && found.until > this.#clock.now() ? found : undefined
  }
}

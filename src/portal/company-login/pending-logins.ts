/**
 * Sign-ins that have gone to the company's login and not come back. Each is bound to the browser that began it by a cookie,
 * so that nobody is signed in as whoever sent them a link. In memory: after a restart one presses the button once more.
 */
import { randomBytes } from 'node:crypto'
import { minutes, type Millis, millis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import { sha256Hex } from '../people/tokens.ts'

const LIFE = minutes(10)
/** The oldest gives way: whoever fills this makes others press the button again. */
const PENDING_MAX = 10_000

export interface PendingLogin {
  readonly nonce: string
  readonly codeVerifier: string
  /** Where to go afterwards: a path here. */
  readonly next: string
  /** The code of an invitation: who signs in is the person whom it invites. */
  readonly invitation: string | undefined
}

export class PendingLogins {
  readonly #clock: Clock
  readonly #byState = new Map<string, PendingLogin & { readonly until: Millis; readonly browser: string }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Answers what the browser is to show when it comes back. */
  add(state: string, login: PendingLogin): string {
    const oldest = this.#byState.keys().next()
    if (this.#byState.size >= PENDING_MAX && oldest.done !== true) this.#byState.delete(oldest.value)
    const secret = randomBytes(32).toString('base64url')
    const until = millis(this.#clock.now() + LIFE)
    this.#byState.set(state, { ...login, until, browser: sha256Hex(secret) })
    return secret
  }

  /** Once only; undefined for what is unknown, over, or begun by another browser. */
  take(state: string, secret: string): PendingLogin | undefined {
    const found = this.#byState.get(state)
    if (found?.browser !== sha256Hex(secret)) return undefined
    this.#byState.delete(state)
    return found.until > this.#clock.now() ? found : undefined
  }
}

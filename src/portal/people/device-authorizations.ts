/**
 * `shoal login`: a terminal asks for a token, a person who is signed in on a page allows it (OAuth 2.0 Device Authorization
 * Grant, RFC 8628). In memory: after a restart one types the command once more.
 */
import { randomBytes, randomInt } from 'node:crypto'
import { ShoalError } from '../../core/errors.ts'
import { hours, type Millis, millis, minutes, seconds } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { LoginPolled, LoginStarted, PersonRole } from '../../wire/api.ts'
import { mayHold } from './roles.ts'
import type { People } from './people.ts'
import { sha256Hex, type Tokens } from './tokens.ts'

const LIFE = minutes(10)
const INTERVAL = seconds(3)
/** By so much slower whoever asks too often has to ask from then on (RFC 8628, 3.5). */
const SLOWER = seconds(5)
/** The oldest gives way. */
const WAITING_MAX = 1_000
const WAITING_PER_ADDRESS_MAX = 20
/** No vowels, so no words; nothing that looks like something else (RFC 8628, 6.1). */
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const CODE_LETTERS = 8
export const TOKEN_LIFE = hours(24 * 90)

/** What a terminal has asked for, as the person is shown it. */
export interface AskedLogin {
  readonly client: string
  readonly from: string
}

interface Waiting extends AskedLogin {
  readonly userCode: string
  readonly until: Millis
  interval: Millis
  polledAt: Millis | undefined
  answer: { readonly person: string; readonly role: PersonRole } | 'denied' | undefined
}

export interface DeviceAuthorizationsParts {
  readonly clock: Clock
  readonly people: People
  readonly tokens: Tokens
  readonly publicUrl: string
}

export class DeviceAuthorizations {
  readonly #parts: DeviceAuthorizationsParts
  /** By the hash of the device code. */
  readonly #waiting = new Map<string, Waiting>()
  readonly #byUserCode = new Map<string, Waiting>()

  constructor(parts: DeviceAuthorizationsParts) {
    this.#parts = parts
  }

  /**
   * `client`: how the terminal calls itself; `from`: the address from which it asks.
   * @throws ShoalError `over-limit` when many wait that were begun there.
   */
  start(asked: AskedLogin): LoginStarted {
    const { clock, publicUrl } = this.#parts
    this.#forgetOver()
    const same = this.#waiting.values().filter(({ from }) => from === asked.from)
    if ([...same].length >= WAITING_PER_ADDRESS_MAX)
      throw new ShoalError('over-limit', 'many sign-ins wait from your address: try again in ten minutes')
    const oldest = this.#waiting.entries().next()
    if (this.#waiting.size >= WAITING_MAX && oldest.done !== true) this.#forget(...oldest.value)
    const deviceCode = randomBytes(32).toString('base64url')
    const userCode = this.#freeUserCode()
    const until = millis(clock.now() + LIFE)
    const waiting: Waiting = {
      ...asked,
      userCode,
      until,
      interval: INTERVAL,
      polledAt: undefined,
      answer: undefined,
    }
    this.#waiting.set(sha256Hex(deviceCode), waiting)
    this.#byUserCode.set(userCode, waiting)
    return {
      deviceCode,
      userCode,
      verificationUrl: `${publicUrl}/activate`,
      verificationUrlComplete: `${publicUrl}/activate?code=${userCode}`,
      expiresInSeconds: LIFE / 1_000,
      intervalSeconds: INTERVAL / 1_000,
    }
  }

  /** What waits under this code, however it was typed; undefined for one that is unknown, over or answered. */
  asked(userCode: string): AskedLogin | undefined {
    return this.#find(userCode)
  }

  /** @throws ShoalError `not-found`; `not-granted` for a role that the person does not hold. */
  async allow(
    userCode: string,
    answer: { readonly person: string; readonly role: PersonRole },
  ): Promise<void> {
    const person = await this.#parts.people.find(answer.person)
    const waiting = this.#find(userCode)
    if (waiting === undefined) throw over()
    if (person === undefined || person.disabledAt !== null || !mayHold(person.role, answer.role))
      throw new ShoalError('not-granted', 'you may not give a token of this role')
    waiting.answer = answer
  }

  /** @throws ShoalError `not-found`. */
  deny(userCode: string): void {
    const waiting = this.#find(userCode)
    if (waiting === undefined) throw over()
    waiting.answer = 'denied'
  }

  /**
   * What has become of it; the token is given once.
   * @throws ShoalError `not-found` for a code that is unknown, over or used; `not-granted` when the person said no.
   */
  async poll(deviceCode: string): Promise<LoginPolled> {
    const hash = sha256Hex(deviceCode)
    const waiting = this.#waiting.get(hash)
    const now = this.#parts.clock.now()
    if (waiting === undefined || waiting.until <= now) {
      if (waiting !== undefined) this.#forget(hash, waiting)
      throw over()
    }
    const { answer } = waiting
    if (answer === undefined) {
      if (waiting.polledAt !== undefined && now - waiting.polledAt < waiting.interval - seconds(1))
        waiting.interval = millis(waiting.interval + SLOWER)
      waiting.polledAt = now
      return { state: 'pending', intervalSeconds: waiting.interval / 1_000 }
    }
    this.#forget(hash, waiting)
    if (answer === 'denied') throw new ShoalError('not-granted', 'the person on the page said no')
    const { person, role } = answer
    if ((await this.#parts.people.accountOf(person)) === undefined)
      throw new ShoalError('not-granted', 'the person on the page has no account any more')
    const made = await this.#parts.tokens.create(
      {
        name: waiting.client,
        role,
        user: person,
        groups: [],
        expiresInSeconds: TOKEN_LIFE / 1_000,
      },
      person,
    )
    return { state: 'done', user: person, role, token: made.token, expiresAt: made.expiresAt }
  }

  #find(typed: string): Waiting | undefined {
    const letters = typed.toUpperCase().replaceAll(/[^A-Z]/g, '')
    const found = this.#byUserCode.get(withDash(letters))
    const isOpen = found?.answer === undefined && (found?.until ?? 0) > this.#parts.clock.now()
    return isOpen ? found : undefined
  }

  #forget(hash: string, waiting: Waiting): void {
    this.#waiting.delete(hash)
    this.#byUserCode.delete(waiting.userCode)
  }

  #forgetOver(): void {
    const now = this.#parts.clock.now()
    for (const [hash, waiting] of this.#waiting) if (waiting.until <= now) this.#forget(hash, waiting)
  }

  #freeUserCode(): string {
    for (;;) {
      const letters = Array.from({ length: CODE_LETTERS }, () => LETTERS[randomInt(LETTERS.length)]).join('')
      if (!this.#byUserCode.has(withDash(letters))) return withDash(letters)
    }
  }
}

const withDash = (letters: string): string => `${letters.slice(0, 4)}-${letters.slice(4)}`

const over = (): ShoalError =>
  new ShoalError('not-found', 'this code is unknown, or is over: run "shoal login" again')

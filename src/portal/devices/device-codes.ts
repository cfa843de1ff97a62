/**
 * One-time codes by which a machine without an API token enrols. Ten characters that are easy to type, good once and
 * for a quarter of an hour; only the SHA-256 is held, in memory: a restart ends it. Fifty bits at twenty tries a
 * minute and address are not guessed in that time.
 */
import { randomInt } from 'node:crypto'
import { addMillis, type EpochMillis, type Millis, millis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Account } from '../account.ts'
import type { Journal } from '../journal.ts'
import { sha256Hex } from '../people/tokens.ts'

/** Without letters and digits that look alike. */
const ALPHABET = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789'
const CODE_CHARS = 10
/** Codes that wait to be used; the oldest gives way. */
const CODES_MAX = 1_000

export class DeviceCodes {
  readonly #clock: Clock
  readonly #journal: Journal
  readonly #waiting = new Map<string, { readonly account: Account; readonly until: Millis }>()

  constructor(parts: { readonly clock: Clock; readonly journal: Journal }) {
    this.#clock = parts.clock
    this.#journal = parts.journal
  }

  /** The machine will be `account`'s. Written down in the audit trail, without the code. */
  async create(
    account: Account,
    { life, by }: { readonly life: Millis; readonly by: string },
  ): Promise<{ code: string; expiresAt: EpochMillis }> {
    await this.#journal.change((_tx, notes) => {
      notes.audit({ actor: by, action: 'device-code-created', subject: account.user })
      return Promise.resolve()
    })
    const code = newCode()
    const oldest = this.#waiting.keys().next()
    if (this.#waiting.size >= CODES_MAX && oldest.done !== true) this.#waiting.delete(oldest.value)
    this.#waiting.set(sha256Hex(code), { account, until: millis(this.#clock.now() + life) })
    return { code: `${code.slice(0, 5)}-${code.slice(5)}`, expiresAt: addMillis(this.#clock.epoch(), life) }
  }

  /** Takes the code, in capitals or not, with its hyphen or not: a second time it is as unknown as any other. */
  redeem(text: string): Account | undefined {
    const hash = sha256Hex(text.toUpperCase().replaceAll('-', ''))
    const found = this.#waiting.get(hash)
    this.#waiting.delete(hash)
    return found !== undefined && found.until > this.#clock.now() ? found.account : undefined
  }
}

const newCode = (): string =>
  Array.from({ length: CODE_CHARS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')

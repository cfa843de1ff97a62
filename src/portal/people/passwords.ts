/**
 * Passwords, hashed with Argon2id as OWASP advises (19 MiB, two passes, one lane). A few at a time: each takes memory and a
 * thread of the pool that files and look-ups wait for too.
 */
import { hash, hashRaw, verify, type Options } from '@node-rs/argon2'
import { ShoalError } from '../../core/errors.ts'
import { limits } from '../../wire/limits.ts'
import { isEasilyGuessed } from './password-strength.ts'

/** Argon2id is the library's default. */
const OPTIONS: Options = { memoryCost: 19 * 1_024, timeCost: 2, parallelism: 1 }

export class Passwords {
  readonly #waiting: (() => void)[] = []
  #running = 0
  /** Of a password that nobody has: to compare with where there is nothing to compare with. */
  #nobodys: Promise<string> | undefined

  /**
   * `about`: what others know of the person.
   * @throws ShoalError `bad-input` for one that is easily guessed, `unavailable` when too many wait.
   */
  async hash(password: string, about: readonly string[]): Promise<string> {
    await mustBeGood(password, about)
    return this.#inTurn(() => hash(password, OPTIONS))
  }

  /** @throws ShoalError `bad-input` for one that is easily guessed. */
  mustBeGood(password: string, about: readonly string[]): Promise<void> {
    return mustBeGood(password, about)
  }

  /** 32 bytes, to encrypt with: the same for the same; of another password it is another. @throws ShoalError `unavailable` when too many wait. */
  key(password: string, salt: Uint8Array): Promise<Uint8Array> {
    return this.#inTurn(() => hashRaw(password, { ...OPTIONS, salt, outputLen: 32 }))
  }

  /**
   * `stored`: undefined where there is nobody of that name, or no password: that takes as long, so that the time tells
   * nothing of who has an account.
   * @throws ShoalError `unavailable` when too many wait.
   */
  async isRight(stored: string | undefined, password: string): Promise<boolean> {
    if (password.length > limits.passwordCharsMax) return false
    return this.#inTurn(async () => {
      this.#nobodys ??= hash(crypto.randomUUID(), OPTIONS)
      const isEqual = await verify(stored ?? (await this.#nobodys), password)
      return isEqual && stored !== undefined
    })
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    if (this.#running >= limits.passwordsAtOnceMax) {
      if (this.#waiting.length >= limits.passwordsWaitingMax)
        throw new ShoalError('unavailable', 'many people are signing in: try again in a moment')
      await new Promise<void>((resolve) => this.#waiting.push(resolve))
    } else this.#running++
    try {
      return await work()
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
  }
}

async function mustBeGood(password: string, about: readonly string[]): Promise<void> {
  if (await isEasilyGuessed(password, about))
    throw new ShoalError(
      'bad-input',
      'this password is easily guessed: four words that have nothing to do with each other are a good one',
    )
}

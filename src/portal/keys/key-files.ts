/** Private keys on disk: `DATA/keys/NAME.jwk.json`, readable by this user only. */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { randomBytes } from 'node:crypto'
import { ShoalError } from '../../core/errors.ts'
import { readSecretFile, writeSecretFile } from '../../platform/files.ts'
import type { KeyPurpose } from '../../wire/keys.ts'
import { generateSigningKey, loadSigningKey, type SigningKey } from '../../wire/signing-key.ts'

export class KeyFiles {
  readonly #folder: string

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'keys')
  }

  /**
   * `undefined` when there is none.
   * @throws ShoalError `not-granted` when others may read the file, `unavailable` when it holds no key.
   */
  async load(name: string): Promise<SigningKey | undefined> {
    const text = await readSecretFile(this.#fileOf(name))
    if (text === undefined) return undefined
    try {
      return await loadSigningKey(JSON.parse(text))
    } catch (cause) {
      throw new ShoalError('unavailable', `keys/${name}.jwk.json holds no key: restore it from a backup`, {
        cause,
      })
    }
  }

  /** A new key, on the disk before it is returned. `name` may depend on its kid. */
  async create(purpose: KeyPurpose, name: (kid: string) => string): Promise<SigningKey> {
    const { key, privateJwk } = await generateSigningKey(purpose)
    await writeSecretFile(this.#fileOf(name(key.kid)), `${JSON.stringify(privateJwk)}\n`)
    return key
  }

  async remove(name: string): Promise<void> {
    await rm(this.#fileOf(name), { force: true })
  }

  /** 32 random bytes as hex, made at the first call: what the session cookie is signed with. */
  async sessionSecret(): Promise<string> {
    const file = join(this.#folder, 'session.secret')
    const there = await readSecretFile(file)
    if (there !== undefined) return there
    const secret = randomBytes(32).toString('hex')
    await writeSecretFile(file, `${secret}\n`)
    return secret
  }

  /** Another secret, as text; `undefined` when there is none. @throws ShoalError `not-granted` when others may read it. */
  readText(file: string): Promise<string | undefined> {
    return readSecretFile(join(this.#folder, file))
  }

  writeText(file: string, text: string): Promise<void> {
    return writeSecretFile(join(this.#folder, file), text)
  }

  #fileOf(name: string): string {
    return join(this.#folder, `${name}.jwk.json`)
  }
}

/**
 * Links that ask for a password: a page of the portal at an address that nobody guesses, on which the link itself is shown for
 * the password. What is kept is the link encrypted by it (Argon2id, AES-256-GCM), so that a stolen database opens none. It
 * ends with its grant.
 */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { GrantId } from '../../core/ids.ts'
import { epochMillis, type EpochMillis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Link } from '../../wire/api.ts'
import type { Database } from '../database/tables.ts'
import type { Journal } from '../journal.ts'
import type { Passwords } from '../people/passwords.ts'
import { sha256Hex } from '../people/tokens.ts'
import type { GrantReader } from './grant-reader.ts'

const CODE = /^[A-Za-z0-9_-]{43}$/
const CIPHER = 'aes-256-gcm'
const SALT_BYTES = 16
const NONCE_BYTES = 12
const TAG_BYTES = 16

const zSealed = z.object({ magnet: z.string(), torrentUrl: z.string(), name: z.string() })

export interface OpenedLink {
  readonly magnet: string
  readonly torrentUrl: string
  /** Of the content, for people. */
  readonly name: string
  readonly expiresAt: EpochMillis
}

export interface SealedLinksParts {
  readonly db: Database
  readonly journal: Journal
  readonly clock: Clock
  readonly passwords: Passwords
  readonly grants: GrantReader
  readonly publicUrl: string
}

export class SealedLinks {
  readonly #parts: SealedLinksParts

  constructor(parts: SealedLinksParts) {
    this.#parts = parts
  }

  /** The address of the page. Whether the password is good was decided before. */
  async seal(
    link: Link,
    { password, name, by }: { readonly password: string; readonly name: string; readonly by: string },
  ): Promise<string> {
    const { passwords, journal, publicUrl } = this.#parts
    const code = randomBytes(32).toString('base64url')
    const salt = randomBytes(SALT_BYTES)
    const key = await passwords.key(password, salt)
    const nonce = randomBytes(NONCE_BYTES)
    const cipher = createCipheriv(CIPHER, key, nonce)
    const { magnet, torrentUrl, grant } = link
    const text = JSON.stringify({ magnet, torrentUrl, name } satisfies z.input<typeof zSealed>)
    const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()])
    await journal.change(async (tx, notes) => {
      await tx
        .insertInto('sealed_links')
        .values({
          hash: sha256Hex(code),
          grant_id: grant.id,
          salt,
          sealed,
          expires_at: Date.parse(grant.expiresAt),
        })
        .execute()
      notes.audit({ actor: by, action: 'link-sealed', subject: grant.id })
    })
    return `${publicUrl}/l/${code}`
  }

  /** Whether there is one behind the code that is still good. */
  async isGood(code: string): Promise<boolean> {
    return (await this.#find(code)) !== undefined
  }

  /** Undefined when the password is another, or there is none. @throws ShoalError `unavailable` when many are opened. */
  async open(code: string, password: string): Promise<OpenedLink | undefined> {
    const row = await this.#find(code)
    if (row === undefined) return undefined
    const sealed = Buffer.from(row.sealed)
    const key = await this.#parts.passwords.key(password, Buffer.from(row.salt))
    const decipher = createDecipheriv(CIPHER, key, sealed.subarray(0, NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    })
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES))
    let text: string
    try {
      const body = sealed.subarray(NONCE_BYTES, -TAG_BYTES)
      text = Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8')
    } catch {
      return undefined // another key
    }
    await this.#parts.journal.change((_tx, notes) => {
      notes.audit({ actor: 'whoever has the password', action: 'link-opened', subject: row.grant_id })
      return Promise.resolve()
    })
    return { ...zSealed.parse(JSON.parse(text)), expiresAt: epochMillis(row.expires_at) }
  }

  async sweep(): Promise<void> {
    const { db, clock } = this.#parts
    await db.deleteFrom('sealed_links').where('expires_at', '<=', clock.epoch()).execute()
  }

  async #find(
    code: string,
  ): Promise<{ grant_id: GrantId; salt: Uint8Array; sealed: Uint8Array; expires_at: number } | undefined> {
    if (!CODE.test(code)) return undefined
    const { db, clock, grants } = this.#parts
    const row = await db
      .selectFrom('sealed_links')
      .selectAll()
      .where('hash', '=', sha256Hex(code))
      .where('expires_at', '>', clock.epoch())
      .executeTakeFirst()
    if (row === undefined) return undefined
    const grant = await grants.find(row.grant_id)
    return grant?.revoked_at === null ? row : undefined
  }
}

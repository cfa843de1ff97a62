/**
 * API tokens: `shoal_` and 32 random bytes, shown once, kept as their SHA-256. A fast hash is right here: the
 * token is random, so there is nothing to guess that a slow one would protect.
 */
import { createHash, randomBytes } from 'node:crypto'
import { sql } from 'kysely'
import type { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import type { Clock } from '../../platform/clock.ts'
import type { PersonRole, zCreatedToken, zNewToken, zTokenInfo } from '../../wire/api.ts'
import type { Account } from '../account.ts'
import { isoTime, textList } from '../catalogue/rows.ts'
import { revokeOriginsOf } from '../devices/devices.ts'
import type { Database, TokenRow } from '../database/tables.ts'
import { revokeServingGrants } from '../grants/serving-grants.ts'
import type { Journal, RecordParts } from '../journal.ts'
import { PendingUses } from './pending-uses.ts'
import { groupsOf } from './memberships.ts'
import { roleWithin } from './roles.ts'

export type TokenInfo = z.infer<typeof zTokenInfo>
export type CreatedToken = z.infer<typeof zCreatedToken>
export type TokenDraft = z.output<typeof zNewToken>

const TOKEN = /^shoal_[A-Za-z0-9_-]{43}$/

/** With what is known of the person whose it is; nulls: of nobody. */
type FoundToken = TokenRow & { person_role: PersonRole | null; disabled_at: number | null }

export const sha256Hex = (text: string): string => createHash('sha256').update(text).digest('hex')
export const newTokenText = (): string => `shoal_${randomBytes(32).toString('base64url')}`

export class Tokens {
  readonly #db: Database
  readonly #journal: Journal
  readonly #clock: Clock
  /** Uses that are not in the table yet, by token id: of good tokens only, so no more than there are. */
  readonly #uses = new PendingUses()

  constructor(parts: RecordParts) {
    this.#db = parts.db
    this.#journal = parts.journal
    this.#clock = parts.clock
  }

  /** `text`: for one that must stand in a file before it is valid. */
  async create(draft: TokenDraft, by: string, text = newTokenText()): Promise<CreatedToken> {
    const now = this.#clock.epoch()
    const row: TokenRow = {
      id: randomBytes(9).toString('base64url'),
      hash: sha256Hex(text),
      name: draft.name,
      role: draft.role,
      user: draft.user ?? draft.name,
      groups: JSON.stringify([...new Set(draft.groups)]),
      created_at: now,
      expires_at: draft.expiresInSeconds === undefined ? null : now + draft.expiresInSeconds * 1_000,
      last_used_at: null,
    }
    await this.#journal.change(async (tx, notes) => {
      await tx.insertInto('tokens').values(row).execute()
      notes.audit({
        actor: by,
        action: 'token-created',
        subject: row.id,
        detail: `${row.role} token "${row.name}" of ${row.user}`,
      })
    })
    return { ...infoOf(row), token: text }
  }

  /** All, or those of one account. */
  async list(of?: string): Promise<readonly TokenInfo[]> {
    const all = this.#db.selectFrom('tokens').selectAll()
    const some = of === undefined ? all : all.where('user', '=', of)
    const rows = await some.orderBy('created_at').orderBy('id').execute()
    return rows.map((row) => infoOf({ ...row, last_used_at: this.#uses.of(row.id) ?? row.last_used_at }))
  }

  /** `of`: only if it is that account's. @throws ShoalError `not-found`. */
  async delete(id: string, by: string, { of }: { readonly of?: string } = {}): Promise<void> {
    await this.#journal.change(async (tx, notes) => {
      const named = tx.deleteFrom('tokens').where('id', '=', id)
      const own = of === undefined ? named : named.where('user', '=', of)
      const gone = await own.returning('name').executeTakeFirst()
      if (gone === undefined) throw new ShoalError('not-found', 'no such token')
      await revokeServingGrants(tx, notes, { tokenId: id, by, at: this.#clock.epoch() })
      notes.audit({ actor: by, action: 'token-deleted', subject: id, detail: `"${gone.name}"` })
      await revokeOriginsOf(tx, notes, { tokenId: id, at: this.#clock.epoch(), by })
    })
  }

  /** Whose token this is; `undefined` for one that is not ours, or no more. */
  async accountOf(text: string): Promise<Account | undefined> {
    if (!TOKEN.test(text)) return undefined
    return this.#account(await this.#find('hash', sha256Hex(text)))
  }

  /** The account of a session that came by this token; `undefined` once the token is deleted or expired. */
  async accountById(id: string): Promise<Account | undefined> {
    return this.#account(await this.#find('id', id))
  }

  /** What the tokens of somebody who has no account of their own stand for. */
  async accountsOf(user: string): Promise<readonly Account[]> {
    const rows = await this.#db.selectFrom('tokens').selectAll().where('user', '=', user).execute()
    const now = this.#clock.epoch()
    return rows
      .filter(({ expires_at }) => expires_at === null || expires_at > now)
      .map(({ role, groups, id: tokenId }) => ({ user, role, groups: textList(groups), tokenId }))
  }

  async isEmpty(): Promise<boolean> {
    return (await this.#db.selectFrom('tokens').select('id').limit(1).executeTakeFirst()) === undefined
  }

  /** Writes when each token was last used. To be called every minute and at the end. */
  async noteUses(): Promise<void> {
    await this.#uses.writeBy((pairs) =>
      sql`
        update tokens set last_used_at = u.value ->> 1 from json_each(${pairs}) u
        where tokens.id = u.value ->> 0`.execute(this.#db),
    )
  }

  #find(column: 'hash' | 'id', value: string): Promise<FoundToken | undefined> {
    return this.#db
      .selectFrom('tokens')
      .leftJoin('people', 'people.name', 'tokens.user')
      .selectAll('tokens')
      .select(['people.role as person_role', 'people.disabled_at'])
      .where(column, '=', value)
      .executeTakeFirst()
  }

  /** The token of a person is worth no more than the person: their groups, and no role that they do not hold. */
  async #account(row: FoundToken | undefined): Promise<Account | undefined> {
    const now = this.#clock.epoch()
    if (row === undefined || (row.expires_at !== null && row.expires_at <= now)) return undefined
    if (row.disabled_at !== null) return undefined
    this.#uses.note(row.id, now)
    const { user, id: tokenId, person_role } = row
    if (person_role === null) return { user, role: row.role, groups: textList(row.groups), tokenId }
    const role = roleWithin(person_role, row.role)
    return { user, role, groups: await groupsOf(this.#db, user), tokenId }
  }
}

function infoOf(row: TokenRow): TokenInfo {
  return {
    id: row.id,
    name: row.name,
    role: row.role,
    user: row.user,
    groups: textList(row.groups),
    createdAt: isoTime(row.created_at),
    expiresAt: row.expires_at === null ? null : isoTime(row.expires_at),
    lastUsedAt: row.last_used_at === null ? null : isoTime(row.last_used_at),
  }
}

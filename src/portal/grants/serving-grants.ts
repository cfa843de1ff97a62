/**
 * Serving grants: an origin or mirror, which announces nothing, holds one for all that it serves. It opens no
 * swarm; with it the tracker answers who has a lease in any (`wire/lease.ts`). One a token, handed out with each
 * answer to a presence report, a fresh one each hour, and revoked with the token or its person.
 */
import type { z } from 'zod'
import { addMillis, epochMillis, hours, type EpochMillis } from '../../core/units.ts'
import type { GrantId } from '../../core/ids.ts'
import type { Clock } from '../../platform/clock.ts'
import type { zServing } from '../../wire/api.ts'
import { issuedAtOf, signGrant } from '../../wire/grant.ts'
import { SERVING_INFO_HASH } from '../../wire/lease.ts'
import { limits } from '../../wire/limits.ts'
import type { Account } from '../account.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { Database, Tx } from '../database/tables.ts'
import type { RefusedBefore } from './refused-before.ts'
import type { Journal, Notes } from '../journal.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { endOfToken } from '../people/live-token.ts'

export interface ServingGrantsParts {
  readonly db: Database
  readonly clock: Clock
  readonly journal: Journal
  readonly keys: KeyRing
  readonly refused: RefusedBefore
  /** Origin of the tracker, without a trailing slash. */
  readonly trackerUrl: string
}

/** Longer than an outage of the portal usually is; what ends a machine's right is a revocation. */
const LIFE = hours(6)
const FRESH_EVERY = hours(1)

interface Held {
  readonly id: GrantId
  readonly token: string
  readonly expiresAt: EpochMillis
}

export class ServingGrants {
  readonly #parts: ServingGrantsParts
  /** By token id: no more than there are tokens that serve. */
  readonly #held = new Map<string, Held>()

  constructor(parts: ServingGrantsParts) {
    this.#parts = parts
  }

  /** The grant of this account's token; undefined for an account that came by none. */
  async of(account: Account): Promise<z.input<typeof zServing> | undefined> {
    const { tokenId, user } = account
    if (tokenId === undefined) return undefined
    const held = this.#held.get(tokenId)
    const isGood = held !== undefined && !this.#isDue(held) && (await this.#isLive(held.id))
    const { id, token, expiresAt } = isGood ? held : await this.#issue(tokenId, user)
    const leaseUrl = `${this.#parts.trackerUrl}/lease?g=${token}`
    return { id, expiresAt: isoTime(expiresAt), leaseUrl }
  }

  #isDue({ id, expiresAt }: Held): boolean {
    const now = this.#parts.clock.epoch()
    return now - issuedAtOf(id) > FRESH_EVERY || expiresAt <= now
  }

  async #isLive(id: GrantId): Promise<boolean> {
    const row = await this.#parts.db
      .selectFrom('serving_grants')
      .select(['kid', 'revoked_at'])
      .where('id', '=', id)
      .executeTakeFirst()
    if (row?.revoked_at !== null || !this.#parts.keys.grantKeys.has(row.kid)) return false
    const grant = { infohash: SERVING_INFO_HASH, kid: row.kid, issued_at: issuedAtOf(id) }
    return this.#parts.refused.refusalOf(grant) === undefined
  }

  /** On the disk before it is handed out: what is not known can never be revoked. */
  async #issue(tokenId: string, user: string): Promise<Held> {
    const { clock, journal, keys, refused } = this.#parts
    const now = clock.epoch()
    const { kid } = keys.grant
    const id = refused.newId({ infohash: SERVING_INFO_HASH, kid })
    const expiresAt = await journal.change(async (tx, notes) => {
      const end = await endOfToken(tx, tokenId, now)
      const until = epochMillis(Math.min(issuedAtOf(id) + LIFE, end ?? Infinity))
      await tx
        .deleteFrom('serving_grants')
        .where('expires_at', '<', now - limits.clockLeeway)
        .execute()
      await tx
        .insertInto('serving_grants')
        .values({ id, token_id: tokenId, user, kid, expires_at: until, revoked_at: null })
        .execute()
      const detail = `for the machine of token ${tokenId} until ${isoTime(until)}`
      notes.audit({ actor: user, action: 'serving-grant-issued', subject: id, detail })
      return until
    })
    const token = await signGrant({ infoHash: SERVING_INFO_HASH, id, expiresAt }, keys.grant)
    const held = { id, token, expiresAt }
    this.#held.set(tokenId, held)
    return held
  }
}

/** In the transaction that ends the token. */
export async function revokeServingGrants(
  tx: Tx,
  notes: Notes,
  { tokenId, by, at }: { readonly tokenId: string; readonly by: string; readonly at: EpochMillis },
): Promise<void> {
  const rows = await tx
    .updateTable('serving_grants')
    .set({ revoked_at: at })
    .where('token_id', '=', tokenId)
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', at - limits.clockLeeway)
    .returning(['id', 'expires_at'])
    .execute()
  for (const row of rows) {
    notes.audit({ actor: by, action: 'grant-revoked', subject: row.id })
    const until = isoTime(addMillis(epochMillis(row.expires_at), limits.clockLeeway))
    notes.event({ kind: 'grant-revoked', id: row.id, until })
  }
}

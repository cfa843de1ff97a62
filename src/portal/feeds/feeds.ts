/**
 * A feed of one's own, for BitTorrent clients that subscribe: an address that stands for the person, until it is renewed or taken
 * back. No grant stands in it: one is given when a client fetches a .torrent that the feed names.
 */
import { randomBytes } from 'node:crypto'
import { ShoalError } from '../../core/errors.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Account } from '../account.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { Database } from '../database/tables.ts'
import type { Journal } from '../journal.ts'
import type { People } from '../people/people.ts'
import { sha256Hex } from '../people/tokens.ts'

const TOKEN = /^[A-Za-z0-9_-]{43}$/

export interface FeedInfo {
  readonly createdAt: string
}

export interface FeedsParts {
  readonly db: Database
  readonly journal: Journal
  readonly clock: Clock
  readonly people: People
  readonly publicUrl: string
}

export class Feeds {
  readonly #parts: FeedsParts

  constructor(parts: FeedsParts) {
    this.#parts = parts
  }

  /** The address of the feed, shown this once; the one before is worth nothing then. */
  async create(person: string): Promise<string> {
    const { journal, clock, publicUrl } = this.#parts
    const token = randomBytes(32).toString('base64url')
    await journal.change(async (tx, notes) => {
      await tx.deleteFrom('feeds').where('person', '=', person).execute()
      await tx
        .insertInto('feeds')
        .values({ hash: sha256Hex(token), person, created_at: clock.epoch() })
        .execute()
      notes.audit({ actor: person, action: 'feed-created', subject: person })
    })
    return `${publicUrl}/feeds/${token}/all.xml`
  }

  async find(person: string): Promise<FeedInfo | undefined> {
    const { db } = this.#parts
    const row = await db
      .selectFrom('feeds')
      .select('created_at')
      .where('person', '=', person)
      .executeTakeFirst()
    return row === undefined ? undefined : { createdAt: isoTime(row.created_at) }
  }

  /** @throws ShoalError `not-found`. */
  async delete(person: string): Promise<void> {
    await this.#parts.journal.change(async (tx, notes) => {
      const gone = await tx.deleteFrom('feeds').where('person', '=', person).executeTakeFirst()
      if (gone.numDeletedRows === 0n) throw new ShoalError('not-found', 'there is no feed')
      notes.audit({ actor: person, action: 'feed-deleted', subject: person })
    })
  }

  /** Whose feed it is; undefined for one that is worth nothing, and for whoever is disabled. */
  async accountOf(token: string): Promise<Account | undefined> {
    if (!TOKEN.test(token)) return undefined
    const { db, people } = this.#parts
    const row = await db
      .selectFrom('feeds')
      .select('person')
      .where('hash', '=', sha256Hex(token))
      .executeTakeFirst()
    return row === undefined ? undefined : people.accountOf(row.person)
  }
}

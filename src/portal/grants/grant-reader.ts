/** Grants as they stand in the database, and whether one is still good here. */
import { sql } from 'kysely'
import { z } from 'zod'
import type { GrantId } from '../../core/ids.ts'
import type { zGrant, zSharedGrants } from '../../wire/api.ts'
import { pageOf, parseCursor, type Page } from '../cursor.ts'
import type { Database, GrantRow } from '../database/tables.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { Journal } from '../journal.ts'

export type GrantView = z.infer<typeof zGrant>

const zPosition = z.tuple([z.number().int(), z.string()])
type Position = z.output<typeof zPosition>

export interface GrantQuery {
  /** Only those given to this account or by it; without it, all. */
  readonly concerning?: string | undefined
  /** Only those given to this account. */
  readonly forUser?: string | undefined
  readonly limit: number
  readonly cursor?: string | undefined
}

export class GrantReader {
  readonly #db: Database
  readonly #journal: Journal

  constructor({ db, journal }: { readonly db: Database; readonly journal: Journal }) {
    this.#db = db
    this.#journal = journal
  }

  async find(id: GrantId): Promise<GrantRow | undefined> {
    return this.#db.selectFrom('grants').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /** A row of the audit trail for each of these that is ours and still good. */
  async noteShared(items: z.output<typeof zSharedGrants>['items'], by: string): Promise<void> {
    await this.#journal.change(async (tx, notes) => {
      for (const { id, addresses, isFull } of items) {
        const row = await tx.selectFrom('grants').selectAll().where('id', '=', id).executeTakeFirst()
        if (row === undefined || row.revoked_at !== null) continue
        const turned = isFull ? ', and others are turned away' : ''
        const detail = `${row.bundle}@${row.release} for ${row.for_user}: used from ${addresses} of ${row.peers_max} addresses${turned}`
        notes.audit({ actor: by, action: 'grant-shared', subject: id, detail })
      }
    })
  }

  /** Newest first. */
  async list(query: GrantQuery): Promise<Page<GrantView>> {
    const { concerning, forUser, limit } = query
    const after = parseCursor(zPosition, query.cursor)
    const rows =
      concerning === undefined || concerning === forUser
        ? await this.#newest({ after, limit, forUser }).execute()
        : forUser !== undefined
          ? await this.#newest({ after, limit, forUser, issuedBy: concerning }).execute()
          : await this.#newestConcerning(concerning, { after, limit }).execute()
    return pageOf(rows, limit, { item: viewOf, position: (row) => [row.issued_at, row.id] })
  }

  /** Each by its index: one condition for both would walk through the grants of everybody. */
  #newestConcerning(account: string, at: { readonly after: Position | undefined; readonly limit: number }) {
    const given = this.#db.selectFrom(this.#newest({ ...at, forUser: account }).as('given')).selectAll()
    const byThem = this.#db.selectFrom(this.#newest({ ...at, issuedBy: account }).as('by_them')).selectAll()
    return given
      .union(byThem)
      .orderBy('issued_at', 'desc')
      .orderBy('id', 'desc')
      .limit(at.limit + 1)
  }

  /** One more than asked for, where there are more. */
  #newest(of: {
    readonly after: Position | undefined
    readonly limit: number
    readonly forUser?: string | undefined
    readonly issuedBy?: string | undefined
  }) {
    let select = this.#db.selectFrom('grants').selectAll()
    if (of.forUser !== undefined) select = select.where('for_user', '=', of.forUser)
    if (of.issuedBy !== undefined) select = select.where('issued_by', '=', of.issuedBy)
    if (of.after !== undefined)
      select = select.where(sql<boolean>`(issued_at, id) < (${of.after[0]}, ${of.after[1]})`)
    return select
      .orderBy('issued_at', 'desc')
      .orderBy('id', 'desc')
      .limit(of.limit + 1)
  }
}

function viewOf(row: GrantRow): GrantView {
  return {
    id: row.id,
    bundle: row.bundle,
    release: row.release,
    for: row.for_user,
    issuedBy: row.issued_by,
    issuedAt: isoTime(row.issued_at),
    expiresAt: isoTime(row.expires_at),
    revokedAt: row.revoked_at === null ? null : isoTime(row.revoked_at),
    peersMax: row.peers_max,
  }
}

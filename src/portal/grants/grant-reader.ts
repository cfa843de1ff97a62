/** Grants as they stand in the database, and whether one is still good here. */
import { z } from 'zod'
import { grantId, type GrantId } from '../../core/ids.ts'
import type { zGrant, zSharedGrants } from '../../wire/api.ts'
import { pageOf, parseCursor, type Page } from '../cursor.ts'
import type { Database, GrantRow } from '../database/tables.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { Journal } from '../journal.ts'

export type GrantView = z.infer<typeof zGrant>

const zPosition = z.tuple([z.number().int(), z.string()])

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
    const { concerning, forUser } = query
    const after = parseCursor(zPosition, query.cursor)
    let select = this.#db.selectFrom('grants').selectAll()
    if (concerning !== undefined)
      select = select.where((eb) =>
        eb.or([eb('for_user', '=', concerning), eb('issued_by', '=', concerning)]),
      )
    if (forUser !== undefined) select = select.where('for_user', '=', forUser)
    if (after !== undefined) {
      const [at, id] = after
      select = select.where((eb) =>
        eb.or([eb('issued_at', '<', at), eb.and([eb('issued_at', '=', at), eb('id', '<', grantId(id))])]),
      )
    }
    const rows = await select
      .orderBy('issued_at', 'desc')
      .orderBy('id', 'desc')
      .limit(query.limit + 1)
      .execute()
    return pageOf(rows, query.limit, { item: viewOf, position: (row) => [row.issued_at, row.id] })
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

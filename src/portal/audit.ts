/** The audit trail, read. It is written by `journal.ts` and `grants/ledger-commit.ts`, and never changed. */
import { z } from 'zod'
import type { zAuditRow } from '../wire/api.ts'
import { isoTime } from './catalogue/rows.ts'
import { pageOf, parseCursor, type Page } from './cursor.ts'
import type { Database } from './database/tables.ts'

export type AuditRow = z.infer<typeof zAuditRow>

const zPosition = z.tuple([z.number().int()])

/** Newest first. */
export async function auditPage(
  db: Database,
  query: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<AuditRow>> {
  const after = parseCursor(zPosition, query.cursor)
  let select = db.selectFrom('audit').selectAll()
  if (after !== undefined) select = select.where('seq', '<', after[0])
  const rows = await select
    .orderBy('seq', 'desc')
    .limit(query.limit + 1)
    .execute()
  return pageOf(rows, query.limit, {
    item: (row) => ({ ...row, at: isoTime(row.at) }),
    position: (row) => [row.seq],
  })
}

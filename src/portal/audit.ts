/** The audit trail, read. It is written by `journal.ts` and `grants/ledger-commit.ts`, and never changed: the database refuses. */
import { z } from 'zod'
import { hours } from '../core/units.ts'
import { Breath } from '../platform/breath.ts'
import type { AuditFilter, AuditRow } from '../wire/api.ts'
import { isoTime } from './catalogue/rows.ts'
import { csvLine } from './csv.ts'
import { pageOf, parseCursor, type Page } from './cursor.ts'
import type { Database } from './database/tables.ts'

export type { AuditRow } from '../wire/api.ts'

const zPosition = z.tuple([z.number().int()])
/** Rows read at a time: a millisecond or two. */
const CSV_ROWS = 500
/** Ten million rows over a slow line. */
const CSV_TIME_MAX = hours(6)
/** Rows are numbered as they are written, and their times are in the same order but for the second that a grant is rounded to. */
const SLACK_MS = 2_000

export interface AuditQuery {
  readonly filter: AuditFilter
  readonly limit: number
  readonly cursor?: string | undefined
}

/** Newest first. */
export async function auditPage(db: Database, query: AuditQuery): Promise<Page<AuditRow>> {
  const { limit, filter } = query
  const [before = Infinity] = parseCursor(zPosition, query.cursor) ?? []
  const rows = await read(db, filter, { before, limit: limit + 1 })
  return pageOf(rows, limit, { item: (row) => row, position: (row) => [row.seq] })
}

/** Newest first, with a line of headings; in parts, so that ten million rows take no memory. */
export async function* auditCsv(db: Database, filter: AuditFilter): AsyncGenerator<string> {
  yield csvLine(['seq', 'at', 'actor', 'action', 'subject', 'detail'])
  let before = Infinity
  const breath = new Breath(CSV_TIME_MAX)
  for (;;) {
    // whoever takes it as fast as it is read would otherwise have the portal for themselves
    await breath.take()
    const rows = await read(db, filter, { before, limit: CSV_ROWS })
    const last = rows.at(-1)
    if (last === undefined) return
    yield rows.map((r) => csvLine([r.seq, r.at, r.actor, r.action, r.subject, r.detail])).join('')
    before = last.seq
  }
}

/** The kinds of things that have happened, for a list to choose from. */
export async function auditActions(db: Database): Promise<string[]> {
  // Each by a look-up of the next one in the index: `select distinct` would walk through all rows.
  const found: string[] = []
  for (let last = ''; ;) {
    const row = await db
      .selectFrom('audit')
      .select('action')
      .where('action', '>', last)
      .orderBy('action')
      .limit(1)
      .executeTakeFirst()
    if (row === undefined) return found
    found.push(row.action)
    last = row.action
  }
}

async function read(
  db: Database,
  filter: AuditFilter,
  { before, limit }: { readonly before: number; readonly limit: number },
): Promise<AuditRow[]> {
  const { actor, action, subject } = filter
  const [from, to] = [filter.from, filter.to].map((text) =>
    text === undefined ? undefined : Date.parse(text),
  )
  const first = from === undefined ? 0 : await firstFrom(db, from - SLACK_MS)
  const end = to === undefined ? before : Math.min(before, await firstFrom(db, to + SLACK_MS))
  let select = db.selectFrom('audit').selectAll().where('seq', '>=', first)
  if (Number.isFinite(end)) select = select.where('seq', '<', end)
  if (from !== undefined) select = select.where('at', '>=', from)
  if (to !== undefined) select = select.where('at', '<', to)
  if (actor !== undefined) select = select.where('actor', '=', actor)
  if (action !== undefined) select = select.where('action', '=', action)
  if (subject !== undefined) select = select.where('subject', '=', subject)
  const rows = await select.orderBy('seq', 'desc').limit(limit).execute()
  return rows.map((row) => ({ ...row, at: isoTime(row.at) }))
}

/** The number of the first row that is not older. */
async function firstFrom(db: Database, time: number): Promise<number> {
  const row = await db
    .selectFrom('audit')
    .select('seq')
    .where('at', '>=', time)
    .orderBy('at')
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst()
  return row?.seq ?? Number.MAX_SAFE_INTEGER
}

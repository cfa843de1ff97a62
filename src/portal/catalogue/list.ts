/** Lists of bundles: newest first by keyset, or by merit when words were given. */
import { z } from 'zod'
import { type RawBuilder, sql } from 'kysely'
import type { Bundle } from '../../wire/api.ts'
import { pageOf, parseCursor, type Page } from '../cursor.ts'
import type { Database } from '../database/tables.ts'
import type { BundleQuery } from './catalogue.ts'
import { bundleOfRow } from './rows.ts'
import { matchExpression, searchRank } from './search.ts'
import { latestOf } from './select.ts'

/** Last row of the page before: by date `['t', updated_at, id]`, by merit `['r', rank, id]`. */
const zByDate = z.tuple([z.literal('t'), z.number(), z.number().int()])
const zByRank = z.tuple([z.literal('r'), z.number(), z.number().int()])

/** Merit is weighed of the bundles made last that match: of a word that all have, weighing all takes a second. */
const RANKED_MAX = 2_000

export async function listBundles(db: Database, query: BundleQuery): Promise<Page<Bundle>> {
  const page =
    query.q === undefined || query.q.trim() === ''
      ? await byDate(db, query)
      : await byRank(db, query, query.q)
  const latest = await latestOf(
    db,
    page.items.map((row) => row.id),
  )
  return { ...page, items: page.items.map((row) => bundleOfRow(row, latest.get(row.id))) }
}

async function byDate(db: Database, query: BundleQuery) {
  const after = parseCursor(zByDate, query.cursor)
  let select = db
    .selectFrom('bundles')
    .where(isSeen(query, sql.ref('bundles.id')))
    .selectAll('bundles')
  if (after !== undefined) {
    const [, at, id] = after
    select = select.where((eb) =>
      eb.or([
        eb('bundles.updated_at', '<', at),
        eb.and([eb('bundles.updated_at', '=', at), eb('bundles.id', '<', id)]),
      ]),
    )
  }
  const rows = await select
    .orderBy('bundles.updated_at', 'desc')
    .orderBy('bundles.id', 'desc')
    .limit(query.limit + 1)
    .execute()
  return pageOf(rows, query.limit, { item: (row) => row, position: (row) => ['t', row.updated_at, row.id] })
}

async function byRank(db: Database, query: BundleQuery, words: string) {
  const after = parseCursor(zByRank, query.cursor)
  const match = matchExpression(words)
  if (match === undefined) return { items: [], nextCursor: null }
  const found = db
    .selectFrom('bundle_search')
    .select(['rowid as found_id', searchRank.as('rank')])
    .where(sql<boolean>`bundle_search match ${match}`)
    .where(isSeen(query, sql.ref('bundle_search.rowid')))
    .orderBy('bundle_search.rowid', 'desc')
    .limit(RANKED_MAX)
    .as('found')
  let select = db
    .selectFrom('bundles')
    .innerJoin(found, 'found.found_id', 'bundles.id')
    .selectAll('bundles')
    .select('found.rank')
  if (after !== undefined) {
    const [, rank, id] = after
    select = select.where((eb) =>
      eb.or([eb('found.rank', '>', rank), eb.and([eb('found.rank', '=', rank), eb('bundles.id', '>', id)])]),
    )
  }
  const rows = await select
    .orderBy('found.rank')
    .orderBy('bundles.id')
    .limit(query.limit + 1)
    .execute()
  return pageOf(rows, query.limit, { item: (row) => row, position: (row) => ['r', row.rank, row.id] })
}

/**
 * Only what these eyes may see, and only of the tag. Asked of one bundle at a time, in the order of the list: the
 * set of all that somebody may see would be made anew for each page, and is everything, mostly.
 */
function isSeen({ eyes, tag }: BundleQuery, id: RawBuilder<unknown>): RawBuilder<boolean> {
  const conditions = [sql<boolean>`true`]
  if (eyes !== 'all')
    conditions.push(sql<boolean>`(
      exists (select 1 from bundle_audience a where a.bundle_id = ${id} and a.name in (${sql.join(eyes.audience)}))
      or exists (select 1 from bundles o where o.id = ${id} and o.owner = ${eyes.owner}))`)
  if (tag !== undefined)
    conditions.push(
      sql<boolean>`exists (select 1 from bundle_tags t where t.tag = ${tag} and t.bundle_id = ${id})`,
    )
  return sql<boolean>`(${sql.join(conditions, sql` and `)})`
}

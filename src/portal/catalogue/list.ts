/** Lists of bundles: newest first by keyset, or by merit when words were given. */
import { z } from 'zod'
import { type Selectable, sql } from 'kysely'
import type { Bundle } from '../../wire/api.ts'
import { pageOf, parseCursor, type Page } from '../cursor.ts'
import type { BundleRow, Database } from '../database/tables.ts'
import { listOfTag, listsOf } from './bundle-lists.ts'
import type { BundleQuery } from './catalogue.ts'
import { bundleOfRow } from './rows.ts'
import { matchExpression, searchRank } from './search.ts'
import { latestOf } from './select.ts'
import { seenBy, taggedWith } from './seen.ts'

/** Last row of the page before: by date `['t', updated_at, id]`, by merit `['r', rank, id]`. */
const zByDate = z.tuple([z.literal('t'), z.number(), z.number().int()])
const zByRank = z.tuple([z.literal('r'), z.number(), z.number().int()])
/** Before the first row of a list by date. */
const FIRST: z.infer<typeof zByDate> = ['t', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]

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
  const { eyes, tag } = query
  const after = parseCursor(zByDate, query.cursor) ?? FIRST
  const rows =
    tag !== undefined
      ? await taggedPage(db, { ...query, tag }, after)
      : eyes !== 'all'
        ? await joinedPage(db, listsOf(eyes), query.limit, after)
        : await sql<Selectable<BundleRow>>`
            select * from bundles where (updated_at, id) < (${after[1]}, ${after[2]})
            order by updated_at desc, id desc limit ${query.limit + 1}`
            .execute(db)
            .then((result) => result.rows)
  return pageOf(rows, query.limit, { item: (row) => row, position: (row) => ['t', row.updated_at, row.id] })
}

/** The next ones of several lists together: of each list no more are read than a page holds. */
async function joinedPage(
  db: Database,
  lists: readonly string[],
  limit: number,
  [, at, id]: z.infer<typeof zByDate>,
) {
  const result = await sql<Selectable<BundleRow>>`
    with page as (
      select distinct b.id, b.updated_at from json_each(${JSON.stringify(lists)}) l cross join bundles b
      where b.id in (
        select x.bundle_id from bundle_lists x
        where x.list = l.value and (x.updated_at, x.bundle_id) < (${at}, ${id})
        order by x.updated_at desc, x.bundle_id desc limit ${limit + 1})
      order by b.updated_at desc, b.id desc limit ${limit + 1})
    select bundles.* from page join bundles on bundles.id = page.id
    order by bundles.updated_at desc, bundles.id desc`.execute(db)
  return result.rows
}

/** The next ones of a tag, of those that may be seen. */
async function taggedPage(
  db: Database,
  query: BundleQuery & { tag: string },
  [, at, id]: z.infer<typeof zByDate>,
) {
  const seen = await seenBy(db, query.eyes, sql.ref('x.bundle_id'))
  const result = await sql<Selectable<BundleRow>>`
    select bundles.* from bundle_lists x join bundles on bundles.id = x.bundle_id
    where x.list = ${listOfTag(query.tag)} and (x.updated_at, x.bundle_id) < (${at}, ${id}) and ${seen}
    order by x.updated_at desc, x.bundle_id desc limit ${query.limit + 1}`.execute(db)
  return result.rows
}

async function byRank(db: Database, query: BundleQuery, words: string) {
  const after = parseCursor(zByRank, query.cursor)
  const match = matchExpression(words)
  if (match === undefined) return { items: [], nextCursor: null }
  const id = sql.ref('bundle_search.rowid')
  let matching = db
    .selectFrom('bundle_search')
    .select(['rowid as found_id', searchRank.as('rank')])
    .where(sql<boolean>`bundle_search match ${match}`)
  if (query.tag !== undefined) matching = matching.where(await taggedWith(db, query.tag, id))
  const found = matching
    .where(await seenBy(db, query.eyes, id))
    .orderBy('bundle_search.rowid', 'desc')
    .limit(RANKED_MAX)
    .as('found')
  let select = db
    .selectFrom('bundles')
    .innerJoin(found, 'found.found_id', 'bundles.id')
    .selectAll('bundles')
    .select('found.rank')
  if (after !== undefined) {
    const [, rank, bundleId] = after
    select = select.where((eb) =>
      eb.or([
        eb('found.rank', '>', rank),
        eb.and([eb('found.rank', '=', rank), eb('bundles.id', '>', bundleId)]),
      ]),
    )
  }
  const rows = await select
    .orderBy('found.rank')
    .orderBy('bundles.id')
    .limit(query.limit + 1)
    .execute()
  return pageOf(rows, query.limit, { item: (row) => row, position: (row) => ['r', row.rank, row.id] })
}

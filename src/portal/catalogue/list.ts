/** Lists of bundles: newest first or by title, by keyset, or by merit when words were given. */
import { z } from 'zod'
import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { Bundle } from '../../wire/api.ts'
import { pageOf, parseCursor, type Page } from '../cursor.ts'
import type { BundleRow, Database } from '../database/tables.ts'
import { listOfKind, listOfTag, listsOf } from './bundle-lists.ts'
import type { BundleQuery, FoundBundles } from './catalogue.ts'
import { corrections } from './correct.ts'
import { bundleOfRow } from './rows.ts'
import { matchExpression, searchRank } from './search.ts'
import { latestOf } from './select.ts'
import { ofKind, seenBy, taggedWith } from './seen.ts'

/** Last row of the page before: by date `['t', updated_at, id]`, by title `['a', title_key, id]`, by merit `['r', rank, id]`. */
const zByDate = z.tuple([z.literal('t'), z.number(), z.number().int()])
const zByTitle = z.tuple([z.literal('a'), z.string(), z.number().int()])
const zByRank = z.tuple([z.literal('r'), z.number(), z.number().int()])
/** Before the first row of a list by date. */
const FIRST: z.infer<typeof zByDate> = ['t', Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]

/** Merit is weighed of the bundles made last that match: of a word that all have, weighing all takes a second. */
const RANKED_MAX = 2_000

export async function listBundles(db: Database, query: BundleQuery): Promise<FoundBundles> {
  const { q } = query
  if (q === undefined || q.trim() === '') return shown(db, await inOrder(db, query))
  const page = await byRank(db, query, q)
  if (page.items.length > 0 || query.cursor !== undefined) return shown(db, page)
  for (const instead of await corrections(db, query.eyes, q)) {
    const found = await byRank(db, query, instead)
    if (found.items.length > 0) return { ...(await shown(db, found)), instead }
  }
  return shown(db, page)
}

async function shown(db: Database, page: Page<Selectable<BundleRow>>): Promise<Page<Bundle>> {
  const latest = await latestOf(
    db,
    page.items.map((row) => row.id),
  )
  return { ...page, items: page.items.map((row) => bundleOfRow(row, latest.get(row.id))) }
}

/** An order of lists, by columns that both `bundles` and `bundle_lists` have, with an index on each. */
interface Order {
  readonly column: RawBuilder<unknown>
  /** Of `bundle_lists`. */
  readonly listed: RawBuilder<unknown>
  readonly down: RawBuilder<unknown>
  readonly isBehind: RawBuilder<unknown>
  /** Where the page begins. */
  readonly key: string | number
  readonly id: number
  readonly position: (row: Selectable<BundleRow>) => readonly (string | number)[]
}

function orderOf({ sort, cursor }: BundleQuery): Order {
  if (sort === 'title') {
    const [, key, id] = parseCursor(zByTitle, cursor) ?? ['a', '', -1]
    return {
      column: sql.ref('title_key'),
      listed: sql.ref('x.title_key'),
      down: sql`asc`,
      isBehind: sql`>`,
      key,
      id,
      position: (row) => ['a', row.title_key, row.id],
    }
  }
  const [, key, id] = parseCursor(zByDate, cursor) ?? FIRST
  return {
    column: sql.ref('updated_at'),
    listed: sql.ref('x.updated_at'),
    down: sql`desc`,
    isBehind: sql`<`,
    key,
    id,
    position: (row) => ['t', row.updated_at, row.id],
  }
}

async function inOrder(db: Database, query: BundleQuery): Promise<Page<Selectable<BundleRow>>> {
  const order = orderOf(query)
  const { rows } = await selectInOrder(db, query, order)
  return pageOf(rows, query.limit, { item: (row) => row, position: order.position })
}

async function selectInOrder(db: Database, query: BundleQuery, order: Order) {
  const { eyes, tag, kind } = query
  const limit = query.limit + 1
  const { column, down, isBehind, key, id } = order
  if (tag !== undefined) return filteredPage(db, query, listOfTag(tag), order)
  if (kind !== undefined) return filteredPage(db, query, listOfKind(kind), order)
  if (eyes !== 'all') return joinedPage(db, listsOf(eyes), limit, order)
  return sql<Selectable<BundleRow>>`
    select * from bundles where (${column}, id) ${isBehind} (${key}, ${id})
    order by ${column} ${down}, id ${down} limit ${limit}`.execute(db)
}

/** The next ones of several lists together: of each list no more are read than a page holds. */
function joinedPage(
  db: Database,
  lists: readonly string[],
  limit: number,
  { column, listed, down, isBehind, key, id }: Order,
) {
  return sql<Selectable<BundleRow>>`
    with page as (
      select distinct b.id, b.${column} from json_each(${JSON.stringify(lists)}) l cross join bundles b
      where b.id in (
        select x.bundle_id from bundle_lists x
        where x.list = l.value and (${listed}, x.bundle_id) ${isBehind} (${key}, ${id})
        order by ${listed} ${down}, x.bundle_id ${down} limit ${limit})
      order by b.${column} ${down}, b.id ${down} limit ${limit})
    select bundles.* from page join bundles on bundles.id = page.id
    order by bundles.${column} ${down}, bundles.id ${down}`.execute(db)
}

/** The next ones of a list, of those that may be seen; of a tag's, those of the kind that is wanted, too. */
async function filteredPage(
  db: Database,
  query: BundleQuery,
  list: string,
  { listed, down, isBehind, key, id }: Order,
) {
  const bundle = sql.ref('x.bundle_id')
  const seen = await seenBy(db, query.eyes, bundle)
  const { tag, kind } = query
  const isOfKind = tag === undefined || kind === undefined ? sql`true` : await ofKind(db, kind, bundle)
  return sql<Selectable<BundleRow>>`
    select bundles.* from bundle_lists x join bundles on bundles.id = x.bundle_id
    where x.list = ${list} and (${listed}, x.bundle_id) ${isBehind} (${key}, ${id}) and ${seen} and ${isOfKind}
    order by ${listed} ${down}, x.bundle_id ${down} limit ${query.limit + 1}`.execute(db)
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
  if (query.kind !== undefined) matching = matching.where(await ofKind(db, query.kind, id))
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

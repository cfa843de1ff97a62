/**
 * Conditions on a bundle's id, for queries that walk bundles in an order of their own: whether certain eyes may see it,
 * whether it has a tag, or is of a kind. Where few bundles pass, their set is made once for a query and looked up in memory, since the
 * query then walks past many; where many pass, that set would take longer than to ask of each bundle on the way.
 */
import { type RawBuilder, sql } from 'kysely'
import type { Kind } from '../../core/kinds.ts'
import type { Database } from '../database/tables.ts'
import { listOfKind, listOfTag, listsOf } from './bundle-lists.ts'
import type { Eyes } from './catalogue.ts'

/** To collect so many takes about a millisecond. */
const FEW = 5_000

/** `id`: of the bundle, in the query that the condition is for. */
export async function seenBy(
  db: Database,
  eyes: Eyes,
  id: RawBuilder<unknown>,
  few = FEW,
): Promise<RawBuilder<boolean>> {
  if (eyes === 'all') return sql<boolean>`true`
  const lists = JSON.stringify(listsOf(eyes))
  if (await areFew(db, lists, few)) return inLists(lists, id)
  // `+a.name`: one look-up of the bundle's few names, not one for each of the sixty that an account may have
  return sql<boolean>`(
    exists (select 1 from bundle_audience a
            where a.bundle_id = ${id} and +a.name in (select value from json_each(${JSON.stringify(eyes.audience)})))
    or ${inLists(JSON.stringify([`o:${eyes.owner}`]), id)})`
}

export async function taggedWith(
  db: Database,
  tag: string,
  id: RawBuilder<unknown>,
  few = FEW,
): Promise<RawBuilder<boolean>> {
  const lists = JSON.stringify([listOfTag(tag)])
  if (await areFew(db, lists, few)) return inLists(lists, id)
  return sql<boolean>`exists (select 1 from bundle_tags t where t.tag = ${tag} and t.bundle_id = ${id})`
}

export async function ofKind(
  db: Database,
  kind: Kind,
  id: RawBuilder<unknown>,
  few = FEW,
): Promise<RawBuilder<boolean>> {
  const lists = JSON.stringify([listOfKind(kind)])
  if (await areFew(db, lists, few)) return inLists(lists, id)
  return sql<boolean>`exists (select 1 from bundles k where k.id = ${id} and +k.kind = ${kind})`
}

/** `+`: as a filter. SQLite would otherwise begin a full-text search anew for each member of the set. */
const inLists = (lists: string, id: RawBuilder<unknown>): RawBuilder<boolean> => sql<boolean>`+${id} in (
    select x.bundle_id from bundle_lists x where x.list in (select value from json_each(${lists})))`

async function areFew(db: Database, lists: string, few: number): Promise<boolean> {
  const { rows } = await sql<{ count: number }>`
    select count(*) as count from (
      select 1 from bundle_lists x
      where x.list in (select value from json_each(${lists})) limit ${few + 1})`.execute(db)
  return (rows[0]?.count ?? 0) <= few
}

/**
 * The lists in which a bundle stands, kept in their order (`bundle_lists`), so that a page costs what it shows: a list
 * of three bundles among a hundred thousand is not looked for in all of them.
 */
import type { Selectable } from 'kysely'
import type { Kind } from '../../core/kinds.ts'
import type { BundleRow, Tx } from '../database/tables.ts'
import type { Eyes } from './catalogue.ts'
import { textList } from './rows.ts'

export const listOfTag = (tag: string): string => `t:${tag}`
export const listOfKind = (kind: Kind | ''): string => `k:${kind}`
export const listOfName = (name: string): string => `a:${name}`

/** As people look things up: accents and case aside, from the first letter or digit on. */
export const titleKeyOf = (title: string): string =>
  title
    .normalize('NFKD')
    .replaceAll(/\p{M}/gu, '')
    .toLowerCase()
    .replace(/^[^\p{L}\p{N}]+/u, '')
    .slice(0, 100)

const placeIn = (list: string, { updated_at, id, title_key }: Selectable<BundleRow>) => ({
  list,
  updated_at,
  bundle_id: id,
  title_key,
})

/** What these eyes may see is what stands in one of these. */
export function listsOf({ owner, audience }: Exclude<Eyes, 'all'>): readonly string[] {
  return [...new Set([`o:${owner}`, ...audience.map(listOfName)])]
}

/** For a new bundle, with its tags, its kind and its audience. */
export async function enlist(tx: Tx, bundle: Selectable<BundleRow>): Promise<void> {
  const audience = textList(bundle.audience)
  const lists = [
    ...listsOf({ owner: bundle.owner, audience }),
    ...textList(bundle.tags).map(listOfTag),
    listOfKind(bundle.kind),
  ]
  await tx
    .insertInto('bundle_lists')
    .values(lists.map((list) => placeIn(list, bundle)))
    .execute()
}

/** For somebody who may see it now and might not before; harmless where it is so already. */
export async function enlistFor(tx: Tx, bundle: Selectable<BundleRow>, name: string): Promise<void> {
  const row = placeIn(listOfName(name), bundle)
  await tx
    .insertInto('bundle_lists')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

/** The other way round. */
export async function delistFor(tx: Tx, bundleId: number, name: string): Promise<void> {
  await tx
    .deleteFrom('bundle_lists')
    .where('bundle_id', '=', bundleId)
    .where('list', '=', listOfName(name))
    .execute()
}

/** Something happened to the bundle: it stands first in its lists. */
export async function touch(tx: Tx, bundleId: number, at: number): Promise<void> {
  await tx.updateTable('bundles').set({ updated_at: at }).where('id', '=', bundleId).execute()
  await tx.updateTable('bundle_lists').set({ updated_at: at }).where('bundle_id', '=', bundleId).execute()
}

/** After the releases of a bundle have changed: its kind is that of the newest live one, or of the last that was. */
export async function followKind(tx: Tx, bundleId: number): Promise<void> {
  const bundle = await tx
    .selectFrom('bundles')
    .selectAll()
    .where('id', '=', bundleId)
    .executeTakeFirstOrThrow()
  const newest = await tx
    .selectFrom('releases')
    .select('kind')
    .where('bundle_id', '=', bundleId)
    .where('state', '=', 'live')
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (newest === undefined || newest.kind === bundle.kind) return
  await tx.updateTable('bundles').set({ kind: newest.kind }).where('id', '=', bundleId).execute()
  await tx
    .deleteFrom('bundle_lists')
    .where('bundle_id', '=', bundleId)
    .where('list', '=', listOfKind(bundle.kind))
    .execute()
  await tx
    .insertInto('bundle_lists')
    .values(placeIn(listOfKind(newest.kind), bundle))
    .execute()
}

/** Changes of what is said of a bundle, and of its audience; one transaction with its audit row. */
import { ShoalError } from '../../core/errors.ts'
import type { Slug } from '../../core/ids.ts'
import type { BundleChange } from '../../wire/api.ts'
import type { Tx } from '../database/tables.ts'
import { enlist, enlistFor, titleKeyOf } from './bundle-lists.ts'
import { textList } from './rows.ts'
import { reindexBundle } from './search.ts'
import type { RecordParts } from '../journal.ts'

/** Answers the id of the bundle. @throws ShoalError `not-found`. */
export async function changeBundle(
  { journal }: RecordParts,
  { slug, change, by }: { readonly slug: Slug; readonly change: BundleChange; readonly by: string },
): Promise<number> {
  return journal.change(async (tx, notes) => {
    const old = await tx.selectFrom('bundles').selectAll().where('slug', '=', slug).executeTakeFirst()
    if (old === undefined) throw new ShoalError('not-found', 'no such bundle')
    const tags = [...new Set(change.tags ?? textList(old.tags))]
    const audience = [...new Set(change.audience ?? textList(old.audience))]
    const { title = old.title, description = old.description } = change
    const row = await tx
      .updateTable('bundles')
      .set({
        title,
        description,
        title_key: titleKeyOf(title),
        tags: JSON.stringify(tags),
        audience: JSON.stringify(audience),
      })
      .where('id', '=', old.id)
      .returningAll()
      .executeTakeFirstOrThrow()
    await setTags(tx, row.id, tags)
    const guests = await setAudience(tx, row.id, audience)
    await tx.deleteFrom('bundle_lists').where('bundle_id', '=', row.id).execute()
    await enlist(tx, row)
    for (const name of guests) await enlistFor(tx, row, name)
    await reindexBundle(tx, row.id)
    const said = describe(old, row)
    if (said !== '') notes.audit({ actor: by, action: 'bundle-changed', subject: slug, detail: said })
    return row.id
  })
}

async function setTags(tx: Tx, bundleId: number, tags: readonly string[]): Promise<void> {
  await tx.deleteFrom('bundle_tags').where('bundle_id', '=', bundleId).execute()
  for (const tag of tags) await tx.insertInto('bundle_tags').values({ bundle_id: bundleId, tag }).execute()
}

/** Answers the guests that are left: those who are in the audience now are none any more. */
async function setAudience(
  tx: Tx,
  bundleId: number,
  audience: readonly string[],
): Promise<readonly string[]> {
  await tx
    .deleteFrom('bundle_audience')
    .where('bundle_id', '=', bundleId)
    .where((eb) => eb.or([eb('admitted_by', 'is', null), eb('name', 'in', audience)]))
    .execute()
  for (const name of audience)
    await tx
      .insertInto('bundle_audience')
      .values({ bundle_id: bundleId, name, admitted_by: null, until: null })
      .execute()
  const guests = await tx
    .selectFrom('bundle_audience')
    .select('name')
    .where('bundle_id', '=', bundleId)
    .where('admitted_by', 'is not', null)
    .execute()
  return guests.map(({ name }) => name)
}

interface Said {
  readonly title: string
  readonly description: string
  readonly tags: string
  readonly audience: string
}

/** For the audit trail: the audience in full, since it says who may have it. */
function describe(old: Said, now: Said): string {
  const parts = (['title', 'description', 'tags'] as const).filter((part) => old[part] !== now[part])
  const audience = `for ${textList(now.audience).join(', ')}, was for ${textList(old.audience).join(', ')}`
  return [...parts, ...(old.audience === now.audience ? [] : [audience])].join('; ')
}

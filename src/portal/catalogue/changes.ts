/** What changes the catalogue, each change one transaction with its audit row and its events. */
import { type InfoHash, type ReleaseName, releaseName, type Slug, slug, slugOfTitle } from '../../core/ids.ts'
import { kindOfFiles } from '../../core/kinds.ts'
import { sizeOf } from '../../core/metainfo.ts'
import { ShoalError } from '../../core/errors.ts'
import type { Bundle } from '../../wire/api.ts'
import { Breath } from '../../platform/breath.ts'
import type { Tx } from '../database/tables.ts'
import { enlist, followKind, titleKeyOf, touch } from './bundle-lists.ts'
import type { AddedRelease, BundleDraft, ReleaseDraft, ReleaseHappening, StoredRelease } from './catalogue.ts'
import { nextState } from './release-state.ts'
import { bundleOfRow, releaseOfRow } from './rows.ts'
import { reindexBundle } from './search.ts'
import { selectReleases } from './select.ts'
import type { Notes, RecordParts } from '../journal.ts'

/** Bundles that may share one title; after that a name of its own must be given. */
const SAME_TITLE_MAX = 999

/** In a transaction of the caller's. */
export async function createBundle(parts: RecordParts, draft: BundleDraft): Promise<Bundle> {
  return parts.journal.change((tx, notes) => createBundleIn(tx, notes, { draft, now: parts.clock.epoch() }))
}

export async function createBundleIn(
  tx: Tx,
  notes: Notes,
  { draft, now }: { readonly draft: BundleDraft; readonly now: number },
): Promise<Bundle> {
  const name = await freeSlug(tx, draft)
  const tags = [...new Set(draft.tags)]
  const audience = [...new Set(draft.audience)]
  const row = await tx
    .insertInto('bundles')
    .values({
      slug: name,
      title: draft.title,
      description: draft.description,
      tags: JSON.stringify(tags),
      owner: draft.owner,
      audience: JSON.stringify(audience),
      updated_at: now,
      title_key: titleKeyOf(draft.title),
    })
    .returningAll()
    .executeTakeFirstOrThrow()
  for (const tag of tags) await tx.insertInto('bundle_tags').values({ bundle_id: row.id, tag }).execute()
  for (const member of audience)
    await tx
      .insertInto('bundle_audience')
      .values({ bundle_id: row.id, name: member, admitted_by: null, until: null })
      .execute()
  await enlist(tx, row)
  await reindexBundle(tx, row.id)
  notes.audit({
    actor: draft.owner,
    action: 'bundle-created',
    subject: name,
    detail: `for ${audience.join(', ')}`,
  })
  return bundleOfRow(row, undefined)
}

async function freeSlug(tx: Tx, draft: BundleDraft): Promise<Slug> {
  const isTaken = async (name: Slug): Promise<boolean> =>
    (await tx.selectFrom('bundles').select('id').where('slug', '=', name).executeTakeFirst()) !== undefined
  if (draft.wanted !== undefined) {
    if (await isTaken(draft.wanted))
      throw new ShoalError('conflict', `the bundle name "${draft.wanted}" is taken`)
    return draft.wanted
  }
  const base = slugOfTitle(draft.title)
  if (!(await isTaken(base))) return base
  for (let n = 2; n <= SAME_TITLE_MAX; n++) {
    const name = slug(`${base}-${n}`)
    if (!(await isTaken(name))) return name
  }
  throw new ShoalError('conflict', 'too many bundles have this title: give this one a name of its own')
}

export async function addRelease(parts: RecordParts, draft: ReleaseDraft): Promise<AddedRelease> {
  return parts.journal.change((tx, notes) => addReleaseIn(tx, notes, { draft, now: parts.clock.epoch() }))
}

/** In a transaction of the caller's. */
export async function addReleaseIn(
  tx: Tx,
  notes: Notes,
  { draft, now }: { readonly draft: ReleaseDraft; readonly now: number },
): Promise<AddedRelease> {
  const bundle = await tx
    .selectFrom('bundles')
    .select('id')
    .where('slug', '=', draft.bundle)
    .executeTakeFirst()
  if (bundle === undefined) throw new ShoalError('not-found', 'no such bundle')
  const same = await selectReleases(tx)
    .where('releases.infohash', '=', draft.torrent.infoHash)
    .executeTakeFirst()
  if (same !== undefined) {
    const release = releaseOfRow(same)
    if (isRepeated(release, draft)) return { release, isNew: false }
    throw new ShoalError('conflict', 'this content is registered already')
  }
  const name = await freeName(tx, bundle.id, draft.name)
  const id = await insertRelease(tx, { bundleId: bundle.id, name, draft, at: now })
  await touch(tx, bundle.id, now)
  notes.audit({
    actor: draft.publishedBy,
    action: 'release-added',
    subject: `${draft.bundle}@${name}`,
    detail: draft.torrent.infoHash,
  })
  notes.event({ kind: 'wanted', infohash: draft.torrent.infoHash })
  const row = await selectReleases(tx).where('releases.id', '=', id).executeTakeFirstOrThrow()
  return { release: releaseOfRow(row), isNew: true }
}

/** A publisher that was interrupted says the same again. */
function isRepeated(there: StoredRelease, draft: ReleaseDraft): boolean {
  return (
    there.bundle === draft.bundle &&
    there.publishedBy === draft.publishedBy &&
    there.admit === draft.admit &&
    there.state !== 'live' &&
    there.state !== 'recalled' &&
    (draft.name === undefined || draft.name === there.name)
  )
}

async function freeName(tx: Tx, bundleId: number, wanted: ReleaseName | undefined): Promise<ReleaseName> {
  const rows = await tx.selectFrom('releases').select('name').where('bundle_id', '=', bundleId).execute()
  if (wanted === undefined) {
    const numbers = rows.map((row) => (/^\d{1,9}$/.test(row.name) ? Number(row.name) : 0))
    return releaseName(String(1 + numbers.reduce((most, n) => Math.max(most, n), 0)))
  }
  if (rows.some((row) => row.name === wanted))
    throw new ShoalError('conflict', `the release name "${wanted}" is taken in this bundle`)
  return wanted
}

async function insertRelease(
  tx: Tx,
  release: { bundleId: number; name: ReleaseName; draft: ReleaseDraft; at: number },
): Promise<number> {
  const { draft } = release
  const { metainfo, infoHash, infoBytes } = draft.torrent
  const files = metainfo.isSingleFile
    ? [{ path: metainfo.name, sizeBytes: sizeOf(metainfo) }]
    : metainfo.files.map(({ path, sizeBytes }) => ({ path, sizeBytes }))
  // of a hundred thousand files these take 60 and 40 ms
  const breath = new Breath()
  if (breath.isDue) await breath.take()
  const kind = kindOfFiles(files)
  if (breath.isDue) await breath.take()
  const list = JSON.stringify(files)
  if (breath.isDue) await breath.take()
  const { id } = await tx
    .insertInto('releases')
    .values({
      bundle_id: release.bundleId,
      name: release.name,
      state: 'uploading',
      reason: null,
      infohash: infoHash,
      size_bytes: sizeOf(metainfo),
      piece_length: metainfo.pieceLength,
      content_name: metainfo.name,
      is_single_file: metainfo.isSingleFile ? 1 : 0,
      notes: draft.notes,
      admit: draft.admit,
      rights: draft.rights,
      published_at: release.at,
      published_by: draft.publishedBy,
      expires_at: draft.expiresAt ?? null,
      kind,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await tx
    .insertInto('release_contents')
    .values({ release_id: id, info: Buffer.from(infoBytes), files: list })
    .execute()
  return id
}

export async function happen(
  parts: RecordParts,
  { infohash, happening, by }: { infohash: InfoHash; happening: ReleaseHappening; by: string },
): Promise<StoredRelease | undefined> {
  return parts.journal.change(async (tx, notes) => {
    const row = await selectReleases(tx).where('releases.infohash', '=', infohash).executeTakeFirst()
    const state = row && nextState(row.state, happening.kind)
    if (row === undefined || state === undefined) return undefined
    const reason = happening.kind === 'complete' ? null : happening.reason
    await tx.updateTable('releases').set({ state, reason }).where('id', '=', row.id).execute()
    await reindexBundle(tx, row.bundle_id)
    await followKind(tx, row.bundle_id)
    // what was taken back is not shown any more either
    if (state === 'recalled') await tx.deleteFrom('posters').where('release_id', '=', row.id).execute()
    if (happening.kind !== 'missing') await touch(tx, row.bundle_id, parts.clock.epoch())
    notes.audit({
      actor: by,
      action: `release-${state}`,
      subject: `${row.slug}@${row.name}`,
      ...(reason === null ? {} : { detail: reason }),
    })
    if (state === 'recalled') notes.event({ kind: 'recalled', infohash })
    return releaseOfRow({ ...row, state, reason, ...(state === 'recalled' && { poster_tag: null }) })
  })
}

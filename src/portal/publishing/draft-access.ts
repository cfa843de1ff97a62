/** Policy applied to drafts. Routes, uploads and pages reach them through here only; what is somebody else's is not there. */
import type { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import type { Slug } from '../../core/ids.ts'
import type {
  Draft,
  DraftChange,
  DraftFile,
  LibraryListing,
  NewFile,
  Review,
  zNewDraft,
} from '../../wire/api.ts'
import { mustBeAllowed, readBundle } from '../access.ts'
import type { Account } from '../account.ts'
import type { Page } from '../cursor.ts'
import type { DraftFileRow } from '../database/publishing-tables.ts'
import { may } from '../policy.ts'
import type { Services } from '../services.ts'
import { mustBeWhole, type FileSums, type StoredDraft } from './draft-rows.ts'
import { mendedOf } from './mended-files.ts'
import type { Publishing } from './publishing.ts'
import type { ReleaseMaker, ServerLibrary } from './release-maker.ts'
import { titleOf } from './title-of.ts'
import { nameOf, topOf } from './upload-folder.ts'

/** Where an upload goes on. */
export const UPLOADS = '/api/v1/uploads'

/** @throws ShoalError `unavailable` where the portal runs without an origin beside it. */
function makerOf({ publishing }: Services): ReleaseMaker {
  const maker = publishing.maker()
  if (maker !== undefined) return maker
  throw new ShoalError(
    'unavailable',
    'this portal has no origin beside it that could publish: use "shoal publish" on the machine that has the files',
  )
}

function libraryOf(services: Services, account: Account): ServerLibrary {
  mustBeAllowed(account, { kind: 'choose-from-library' })
  const { library } = makerOf(services)
  if (library !== undefined) return library
  throw new ShoalError('not-found', 'the library of this server is not to choose from')
}

/** @throws ShoalError `not-found`, also for the draft of somebody else. */
export async function readDraft(
  { publishing }: Services,
  account: Account,
  id: string,
): Promise<StoredDraft> {
  const row = await publishing.drafts.find(id)
  if (row === undefined || !may(account, { kind: 'use-draft', draft: row }))
    throw new ShoalError('not-found', 'no such draft')
  return row
}

export async function createDraft(
  services: Services,
  account: Account,
  { bundle: slug, libraryPath }: z.output<typeof zNewDraft>,
): Promise<Draft> {
  makerOf(services)
  mustBeAllowed(account, { kind: 'create-bundle' })
  if (libraryPath !== undefined) await mustBeOfLibrary(libraryOf(services, account), libraryPath)
  const bundle = slug === undefined ? undefined : await ownBundle(services, account, slug)
  const id = await services.publishing.drafts.create({
    owner: account.user,
    ...(bundle !== undefined && {
      bundle: bundle.bundle,
      title: bundle.title,
      description: bundle.description,
      tags: bundle.tags,
    }),
    ...(libraryPath !== undefined && {
      libraryPath,
      ...(bundle === undefined && { title: titleOf(libraryPath.slice(libraryPath.lastIndexOf('/') + 1)) }),
    }),
    audience: bundle?.audience ?? ['everyone'],
  })
  return showDraft(services, account, id)
}

async function mustBeOfLibrary(library: ServerLibrary, path: string): Promise<void> {
  if (path === '')
    throw new ShoalError('bad-input', 'the whole library is no release: choose something in it')
  await library.resolve(path)
}

async function ownBundle(services: Services, account: Account, slug: Slug) {
  const bundle = await readBundle(services, account, slug)
  mustBeAllowed(account, { kind: 'add-release', bundle })
  return bundle
}

export async function showDraft(services: Services, account: Account, id: string): Promise<Draft> {
  return services.publishing.drafts.shown(await readDraft(services, account, id))
}

/** One's own. */
export function listDrafts(
  { publishing }: Services,
  account: Account,
  query: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<Draft>> {
  mustBeAllowed(account, { kind: 'create-bundle' })
  return publishing.drafts.list({ owner: account.user, ...query })
}

export async function changeDraft(
  services: Services,
  account: Account,
  id: string,
  change: DraftChange,
): Promise<Draft> {
  await readDraft(services, account, id)
  await services.publishing.drafts.change(id, change)
  return showDraft(services, account, id)
}

/** It, and what has come of its files. Of what was published only what has been recalled: the rest is served from there. */
export async function deleteDraft(services: Services, account: Account, id: string): Promise<void> {
  const draft = await readDraft(services, account, id)
  const release = draft.infohash === null ? undefined : await services.catalogue.releaseOf(draft.infohash)
  await services.publishing.dropDraft(draft, { isOver: release?.state === 'recalled' })
}

export async function addDraftFiles(
  services: Services,
  account: Account,
  id: string,
  files: readonly NewFile[],
): Promise<Draft> {
  const draft = await readDraft(services, account, id)
  const { publishing } = services
  await publishing.addFiles(draft, files)
  if (draft.title === '') {
    const paths = (await publishing.files.all(id)).map(({ path }) => path)
    await publishing.drafts.change(id, { title: titleOf(...paths) })
  }
  return showDraft(services, account, id)
}

export async function removeDraftFile(
  services: Services,
  account: Account,
  id: string,
  path: string,
): Promise<void> {
  await services.publishing.removeFile(await readDraft(services, account, id), path)
}

export async function listDraftFiles(
  services: Services,
  account: Account,
  { id, ...query }: { readonly id: string; readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<DraftFile>> {
  await readDraft(services, account, id)
  const page = await services.publishing.files.page(id, query)
  return { ...page, items: await Promise.all(page.items.map((row) => shownFile(services, row))) }
}

async function shownFile({ publishing, log }: Services, row: DraftFileRow): Promise<DraftFile> {
  const now =
    row.is_there === 1
      ? row
      : await publishing.reconciled(row).catch((error: unknown) => {
          log.error({ draft: row.draft_id, err: error }, 'an upload could not be put to its place')
          return row // one file does not keep its owner from the draft
        })
  const arrived = now.upload_id === null ? undefined : await publishing.folder.arrivedBytes(now.upload_id)
  return {
    path: now.path,
    sizeBytes: now.size_bytes,
    modifiedMs: now.modified_ms,
    arrivedBytes: now.is_there === 1 ? now.size_bytes : (arrived ?? 0),
    isThere: now.is_there === 1,
    ...mendingOf(publishing, now),
    ...(arrived !== undefined && { uploadUrl: `${UPLOADS}/${String(now.upload_id)}` }),
  }
}

function mendingOf({ mending }: Publishing, row: DraftFileRow): Partial<DraftFile> {
  const { doneBytes, sizeBytes, problem } = mending.stateOf(row.draft_id, row.path)
  const mended = mendedOf(row)
  return {
    ...(mended !== undefined && { mended }),
    ...(doneBytes !== undefined && sizeBytes !== undefined && { mending: { doneBytes, sizeBytes } }),
    ...(problem !== undefined && { mendProblem: problem }),
  }
}

/** Moves the description of a film to the front; it goes on by itself. @throws ShoalError as {@link Mending.begin}. */
export async function mendDraftFile(
  services: Services,
  account: Account,
  id: string,
  path: string,
): Promise<void> {
  const draft = await readDraft(services, account, id)
  await services.publishing.mending.begin(makerOf(services), draft, path)
}

export async function stopMending(
  services: Services,
  account: Account,
  id: string,
  path: string,
): Promise<void> {
  await readDraft(services, account, id)
  await services.publishing.mending.stop(id, path)
}

/** A frame of its video, as JPEG. @throws ShoalError `not-found`; `conflict` while files are missing. */
export async function frameOfDraft(
  services: Services,
  account: Account,
  { id, n, signal }: { readonly id: string; readonly n: number; readonly signal?: AbortSignal },
): Promise<Uint8Array> {
  const { maker, root } = await wholeDraft(services, account, id)
  const frame = (await maker.frames(root, signal))[n]
  if (frame === undefined) throw new ShoalError('not-found', 'no such frame')
  return frame
}

/** What publishing it now would ship. @throws ShoalError `conflict` while files are missing. */
export async function reviewDraft(services: Services, account: Account, id: string): Promise<Review> {
  const { maker, root, name, folder } = await wholeDraft(services, account, id)
  const { mendable, ...review } = await maker.look(root)
  return {
    ...review,
    ...(name !== undefined && { name }),
    mendable: mendable.map((path) => (folder === undefined ? path : `${folder}/${path}`)),
  }
}

/** Where all of it lies; what it will be called, where that is decided here. */
async function wholeDraft(services: Services, account: Account, id: string) {
  const draft = await readDraft(services, account, id)
  const maker = makerOf(services)
  const { files, folder } = services.publishing
  if (draft.library_path !== null)
    return {
      maker,
      root: await libraryOf(services, account).resolve(draft.library_path),
      name: undefined,
      folder: undefined,
    }
  const all = await files.all(id)
  mustBeWhole(sumsOfRows(all))
  const paths = all.map(({ path }) => path)
  const top = topOf(paths)
  return {
    maker,
    root: folder.rootOf(draft, paths),
    name: nameOf(paths, draft.title),
    folder: top !== undefined && paths.includes(top) ? undefined : top,
  }
}

/** From here on it goes by itself. @throws ShoalError `bad-input`, `conflict` for what is missing. */
export async function submitDraft(services: Services, account: Account, id: string): Promise<Draft> {
  const draft = await readDraft(services, account, id)
  makerOf(services)
  mustBeAllowed(account, { kind: 'create-bundle' })
  if (draft.bundle !== null) await ownBundle(services, account, draft.bundle)
  if (draft.library_path === null) mustBeWhole(sumsOfRows(await services.publishing.files.all(id)))
  if (draft.title.trim() === '') throw new ShoalError('bad-input', 'it needs a title')
  if (draft.rights.trim() === '')
    throw new ShoalError('bad-input', 'say who vouches that it may be shared: nothing is listed without that')
  const now = services.clock.epoch()
  const start = Math.max(now, draft.publish_at ?? 0)
  if (draft.expires_at !== null && draft.expires_at <= start)
    throw new ShoalError('bad-input', 'it would end before it begins: choose a later end')
  await services.publishing.submit(draft)
  return showDraft(services, account, id)
}

/** To change it once more, before it is listed. */
export async function takeBackDraft(services: Services, account: Account, id: string): Promise<Draft> {
  await readDraft(services, account, id)
  await services.publishing.publisher.takeBack(id)
  return showDraft(services, account, id)
}

export function listLibrary(services: Services, account: Account, path: string): Promise<LibraryListing> {
  return libraryOf(services, account).list(path)
}

const sumsOfRows = (rows: readonly DraftFileRow[]): FileSums => ({
  count: rows.length,
  thereCount: rows.filter(({ is_there }) => is_there === 1).length,
  sizeBytes: rows.reduce((sum, { size_bytes }) => sum + size_bytes, 0),
  arrivedBytes: rows.reduce((sum, { size_bytes, is_there }) => sum + size_bytes * is_there, 0),
})

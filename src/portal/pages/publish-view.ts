/** Drafts and the library -> what their templates print. Pure. */
import prettyBytes from 'pretty-bytes'
import { lengthText } from '../../core/length-text.ts'
import type { Draft, DraftFile, LibraryListing, Review } from '../../wire/api.ts'
import type { Page } from '../cursor.ts'
import type { PublishedAs } from '../publishing-pages.ts'
import { momentText, stateText } from './view-model.ts'

/** Of a course of late films: one after the other. */
const OFFERS_SHOWN_MAX = 20

const STATES: Readonly<Record<Draft['state'], string>> = {
  draft: 'draft',
  uploading: 'uploading',
  hashing: 'being hashed',
  scheduled: 'scheduled',
  failed: 'failed',
  published: 'published',
}

/** For a list. */
export function draftRowOf(draft: Draft, publishedAs: PublishedAs | undefined): object {
  return {
    url: `/publish/${draft.id}`,
    title: draft.title === '' ? 'Without a title' : draft.title,
    state: draft.state,
    stateText: publishedAs === undefined ? wordsOf(draft) : stateText(publishedAs.state),
    reason: publishedAs?.reason ?? draft.reason,
    size: sizeOf(draft),
    touched: momentText(draft.updatedAt),
    ...placeOf(publishedAs),
  }
}

function wordsOf(draft: Draft): string {
  if (draft.state === 'uploading') return `uploading, ${percentOf(draft.arrivedBytes, draft.sizeBytes)}`
  if (draft.state === 'scheduled') return `goes live on ${momentText(draft.publishAt ?? '')}`
  if (draft.state === 'hashing' && draft.hashedBytes !== undefined && draft.sizeBytes > 0)
    return `being hashed, ${percentOf(draft.hashedBytes, draft.sizeBytes)}`
  return STATES[draft.state]
}

const percentOf = (part: number, whole: number): string =>
  `${whole === 0 ? 100 : Math.floor((100 * part) / whole)} %`

function sizeOf({ libraryPath, fileCount, sizeBytes }: Draft): string {
  if (libraryPath !== undefined) return `in the library: ${libraryPath}`
  return fileCount === 0 ? 'no files yet' : `${countText(fileCount)}, ${prettyBytes(sizeBytes)}`
}

const countText = (count: number): string => (count === 1 ? '1 file' : `${count.toLocaleString('en')} files`)

const placeOf = (publishedAs: PublishedAs | undefined): object =>
  publishedAs === undefined
    ? {}
    : {
        bundleUrl: `/bundles/${publishedAs.bundle}/releases/${publishedAs.release}`,
        place: `${publishedAs.bundle}, release ${publishedAs.release}`,
      }

interface DraftPageParts {
  readonly draft: Draft
  readonly files: Page<DraftFile>
  readonly publishedAs: PublishedAs | undefined
  /** A sentence where it cannot be had. */
  readonly review: Review | string | undefined
  readonly written: object | undefined
}

export function draftPageOf({ draft, files, publishedAs, review, written }: DraftPageParts): object {
  const isEditable = draft.state === 'draft' || draft.state === 'uploading' || draft.state === 'failed'
  return {
    ...draftRowOf(draft, publishedAs),
    id: draft.id,
    frames:
      typeof review === 'object' && review.media?.hasFrames === true
        ? [0, 1, 2].map((n) => ({ n: String(n), url: `/api/v1/drafts/${draft.id}/frames/${n}` }))
        : [],
    isEditable,
    isFromLibrary: draft.libraryPath !== undefined,
    isNewBundle: draft.bundle === undefined,
    bundleOf: draft.bundle,
    mayTakeBack: draft.state === 'hashing' || draft.state === 'scheduled',
    isLive: publishedAs?.state === 'live',
    mayDelete: isEditable || publishedAs?.state === 'recalled',
    canPublish:
      isEditable && !isMending(files.items) && typeof review === 'object' && review.refusal === undefined,
    mending: files.items.flatMap((file) => mendingOf(file)),
    hashed: draft.hashedBytes,
    sizeBytes: draft.sizeBytes,
    form: {
      title: draft.title,
      description: draft.description,
      tags: draft.tags.join(', '),
      audience: draft.audience.join(', '),
      release: draft.release ?? '',
      notes: draft.notes,
      rights: draft.rights,
      admit: draft.admit,
      poster: String(draft.poster),
      publishAt: localOf(draft.publishAt),
      expiresAt: localOf(draft.expiresAt),
      ...written,
    },
    files: files.items.map((file) => ({
      path: file.path,
      size: prettyBytes(file.sizeBytes),
      isThere: file.isThere,
      state: file.isThere
        ? 'there'
        : file.arrivedBytes > 0
          ? percentOf(file.arrivedBytes, file.sizeBytes)
          : 'not yet',
      mended: mendedTextOf(file),
    })),
    moreFiles: files.nextCursor === null ? undefined : `The first ${files.items.length} are shown.`,
    review:
      typeof review === 'object' ? { ...reviewOf(review), offers: offersOf(review, files.items) } : undefined,
    reviewProblem: typeof review === 'string' ? review : undefined,
  }
}

export const isMending = (files: readonly DraftFile[]): boolean =>
  files.some(({ mending }) => mending !== undefined)

const mendingOf = ({ path, mending }: DraftFile): object[] =>
  mending === undefined
    ? []
    : [{ path, ...mending, percent: percentOf(mending.doneBytes, Math.max(1, mending.sizeBytes)) }]

function mendedTextOf({ mended }: DraftFile): string | undefined {
  if (mended === undefined) return undefined
  const size = `${mended.sizeBytes.toLocaleString('en')} bytes`
  return `Its description was moved to the front: now ${size}, SHA-256 ${mended.sha256}.`
}

/** Films that may be mended and are not being so; why one was not. */
function offersOf({ mendable }: Review, files: readonly DraftFile[]): object[] {
  const known = new Map(files.map((file) => [file.path, file]))
  return mendable
    .filter((path) => known.get(path)?.mending === undefined)
    .slice(0, OFFERS_SHOWN_MAX)
    .map((path) => ({ path, problem: known.get(path)?.mendProblem }))
}

function reviewOf(review: Review): object {
  return {
    ...review,
    size: prettyBytes(review.sizeBytes),
    mediaText: mediaTextOf(review),
    count: countText(review.fileCount),
    pieces: `${review.pieceCount.toLocaleString('en')} pieces of ${prettyBytes(review.pieceLengthBytes, { binary: true })}`,
    files: review.files.map(({ path, sizeBytes }) => ({ path, size: prettyBytes(sizeBytes) })),
    moreFiles:
      review.fileCount > review.files.length
        ? `and ${countText(review.fileCount - review.files.length)} more`
        : undefined,
    moreIgnored:
      review.ignoredCount > review.ignored.length ? review.ignoredCount - review.ignored.length : undefined,
  }
}

function mediaTextOf({ media }: Review): string | undefined {
  if (media === undefined) return undefined
  const length = media.durationSeconds === undefined ? '' : `, ${lengthText(media.durationSeconds)}`
  const plays = media.playsInBrowsers
    ? 'browsers play it'
    : 'browsers do not play all of it: it is for downloading'
  return `${media.kind === 'video' ? 'Video' : 'Audio'}${length}: ${plays}`
}

export function libraryPageOf({ path, items, isCut }: LibraryListing): object {
  const parts = path === '' ? [] : path.split('/')
  const urlOf = (of: string): string => `/publish/library?path=${encodeURIComponent(of)}`
  return {
    path,
    crumbs: parts.map((name, i) => ({ name, url: urlOf(parts.slice(0, i + 1).join('/')) })),
    items: items.map((item) => ({
      ...item,
      url: item.isFolder ? urlOf(item.path) : undefined,
      size: item.sizeBytes === undefined ? '' : prettyBytes(item.sizeBytes),
      bundleUrl:
        item.publishedAs && `/bundles/${item.publishedAs.bundle}/releases/${item.publishedAs.release}`,
      place: item.publishedAs && `${item.publishedAs.bundle}, release ${item.publishedAs.release}`,
    })),
    isCut,
  }
}

/** As `<input type="datetime-local">` has it, in UTC. */
const localOf = (iso: string | null): string => (iso === null ? '' : iso.slice(0, 16))

/** What such a field holds, as a time in UTC; null for an empty one. What is no time is left for the schema to refuse. */
export const momentIn = (text: string): string | null =>
  text.trim() === '' ? null : `${text.trim().replace(/^(\d{4}-\d\d-\d\dT\d\d:\d\d)$/, '$1:00')}Z`

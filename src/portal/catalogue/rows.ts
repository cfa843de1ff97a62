/** Rows of the catalogue's tables <-> the shapes of the API. */
import { z } from 'zod'
import type { Selectable } from 'kysely'
import type { Slug } from '../../core/ids.ts'
import type { Bundle, Media, Release } from '../../wire/api.ts'
import type { BundleRow, ReleaseRow } from '../database/tables.ts'
import type { ReleaseFile, StoredRelease } from './catalogue.ts'

export const isoTime = (at: number): string => new Date(at).toISOString()

const zTextList = z.array(z.string())
export const textList = (json: string): string[] => zTextList.parse(JSON.parse(json))

/** Checked by hand: a release may have 100,000 files, and a schema takes as long again as reading the JSON. */
export function fileList(json: string): ReleaseFile[] {
  const list: unknown = JSON.parse(json)
  if (Array.isArray(list) && list.every(isFile)) return list
  throw new TypeError('the catalogue holds a list of files that is none')
}

const isFile = (value: unknown): value is ReleaseFile =>
  typeof value === 'object' &&
  value !== null &&
  'path' in value &&
  typeof value.path === 'string' &&
  'sizeBytes' in value &&
  typeof value.sizeBytes === 'number'

/** A release's columns with its bundle's name, and what is said of its media. */
export type JoinedRelease = Selectable<ReleaseRow> & MediaColumns & { readonly slug: Slug }

interface MediaColumns {
  readonly media_kind: 'video' | 'audio' | null
  readonly duration_seconds: number | null
  readonly width_px: number | null
  readonly height_px: number | null
  readonly plays_in_browsers: number | null
  readonly poster_tag: string | null
}

function shownOf(row: MediaColumns): Pick<Release, 'media' | 'hasPoster' | 'posterTag'> {
  const { media_kind: kind, poster_tag: tag } = row
  const media =
    kind === null ? undefined : { kind, ...sizesOf(row), playsInBrowsers: row.plays_in_browsers === 1 }
  return { ...(media && { media }), ...(tag !== null && { hasPoster: true, posterTag: tag }) }
}

const sizesOf = ({ duration_seconds, width_px, height_px }: MediaColumns): Partial<Media> => ({
  ...(duration_seconds !== null && { durationSeconds: duration_seconds }),
  ...(width_px !== null && { widthPx: width_px }),
  ...(height_px !== null && { heightPx: height_px }),
})

export function releaseOfRow(row: JoinedRelease): StoredRelease {
  return {
    name: row.name,
    state: row.state,
    ...(row.reason === null ? {} : { reason: row.reason }),
    infohash: row.infohash,
    sizeBytes: row.size_bytes,
    pieceLengthBytes: row.piece_length,
    notes: row.notes,
    admit: row.admit,
    publishedAt: isoTime(row.published_at),
    publishedBy: row.published_by,
    bundle: row.slug,
    contentName: row.content_name,
    isSingleFile: row.is_single_file === 1,
    rights: row.rights,
    ...(row.expires_at === null ? {} : { expiresAt: isoTime(row.expires_at) }),
    ...shownOf(row),
  }
}

export function bundleOfRow(row: Selectable<BundleRow>, latest: StoredRelease | undefined): Bundle {
  return {
    bundle: row.slug,
    title: row.title,
    description: row.description,
    tags: textList(row.tags),
    owner: row.owner,
    audience: textList(row.audience),
    updatedAt: isoTime(row.updated_at),
    latest: latest === undefined ? null : publicRelease(latest),
    kind: row.kind,
  }
}

/** Why there is no link that any client could use. */
export const forOursOnly = ({ bundle, name }: StoredRelease): string =>
  `this release is for Shoal's own clients only, so there is no link or .torrent for others: fetch it with "shoal get ${bundle}@${name}"`

/** As the API shows a release in a list: without what only its own page tells. */
export function publicRelease(stored: StoredRelease): Release {
  const { bundle: _bundle, contentName: _contentName, isSingleFile: _isSingleFile, ...release } = stored
  return release
}

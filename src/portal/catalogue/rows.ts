/** Rows of the catalogue's tables <-> the shapes of the API. */
import { z } from 'zod'
import type { Selectable } from 'kysely'
import type { Slug } from '../../core/ids.ts'
import type { Bundle, Release } from '../../wire/api.ts'
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

/** A release's columns with its bundle's name. */
export type JoinedRelease = Selectable<ReleaseRow> & { readonly slug: Slug }

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

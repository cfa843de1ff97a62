/** Rows of drafts -> the shapes of the API. */
import type { Selectable } from 'kysely'
import type { Draft, DraftState } from '../../wire/api.ts'
import { isoTime, textList } from '../catalogue/rows.ts'
import { ShoalError } from '../../core/errors.ts'
import type { DraftRow } from '../database/publishing-tables.ts'
import type { Tx } from '../database/tables.ts'

export type StoredDraft = Selectable<DraftRow>

/** Of the files of a draft. */
export interface FileSums {
  readonly count: number
  readonly thereCount: number
  readonly sizeBytes: number
  readonly arrivedBytes: number
}

export const NO_FILES: FileSums = { count: 0, thereCount: 0, sizeBytes: 0, arrivedBytes: 0 }

/** Its owner may change it, and its files. */
export const isEditable = ({ state }: Pick<StoredDraft, 'state'>): boolean =>
  state === 'open' || state === 'failed'

/** @throws ShoalError `not-found`; `conflict` once it has been handed in. */
export async function mustBeEditable(tx: Tx, id: string): Promise<StoredDraft> {
  const row = await tx.selectFrom('drafts').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw new ShoalError('not-found', 'no such draft')
  if (!isEditable(row)) throw new ShoalError('conflict', 'this has been handed in: take it back first')
  return row
}

/** @throws ShoalError `conflict` while files are missing. */
export function mustBeWhole({ count, thereCount }: FileSums): void {
  if (count === 0) throw new ShoalError('conflict', 'there are no files in it yet')
  if (thereCount < count)
    throw new ShoalError('conflict', `${count - thereCount} of ${count} files have not been uploaded yet`)
}

export function draftOfRow(
  row: StoredDraft,
  files: FileSums,
  { now, hashedBytes }: { readonly now: number; readonly hashedBytes?: number | undefined },
): Draft {
  return {
    id: row.id,
    owner: row.owner,
    ...(row.bundle !== null && { bundle: row.bundle }),
    ...(row.library_path !== null && { libraryPath: row.library_path }),
    title: row.title,
    description: row.description,
    tags: textList(row.tags),
    audience: textList(row.audience),
    release: row.release_name,
    notes: row.notes,
    admit: row.admit,
    rights: row.rights,
    poster: row.poster,
    publishAt: row.publish_at === null ? null : isoTime(row.publish_at),
    expiresAt: row.expires_at === null ? null : isoTime(row.expires_at),
    state: stateOf(row, files, now),
    ...(row.state === 'failed' && row.reason !== null && { reason: row.reason }),
    fileCount: files.count,
    sizeBytes: files.sizeBytes,
    arrivedBytes: files.arrivedBytes,
    ...(hashedBytes !== undefined && { hashedBytes }),
    ...(row.infohash !== null && { infohash: row.infohash }),
    updatedAt: isoTime(row.updated_at),
  }
}

function stateOf(row: StoredDraft, files: FileSums, now: number): DraftState {
  switch (row.state) {
    case 'open':
      return files.thereCount < files.count ? 'uploading' : 'draft'
    case 'submitted':
      return 'hashing'
    case 'hashed':
      return row.publish_at !== null && row.publish_at > now ? 'scheduled' : 'hashing'
    case 'listed':
    case 'published':
      return 'published'
    case 'failed':
      return 'failed'
  }
}

/** What stands in the rows of files that were mended: that a new file takes the place of the old, and what it is. */
import { z } from 'zod'
import { isEditable } from './draft-rows.ts'
import type { DraftFileRow } from '../database/publishing-tables.ts'
import type { Database } from '../database/tables.ts'
import type { MendedFile } from './release-maker.ts'

/** JSON in the column `mended`. */
const zMended = z.object({ sha256: z.string(), sizeBytes: z.number(), beforeBytes: z.number() })
export type MendedNote = z.infer<typeof zMended>

export const mendedOf = ({ mended }: Pick<DraftFileRow, 'mended'>): MendedNote | undefined =>
  mended === null ? undefined : zMended.parse(JSON.parse(mended))

/** What its publisher has: a file that was mended is known again by that. */
export const toldBytes = (row: DraftFileRow): number => mendedOf(row)?.beforeBytes ?? row.size_bytes

/** The new file `id` is whole, and to take its place. Undefined when the file is not what was mended any more. */
export async function markMended(
  db: Database,
  file: DraftFileRow,
  { id, sha256, sizeBytes }: MendedFile & { readonly id: string },
): Promise<DraftFileRow | undefined> {
  return await db.transaction().execute(async (tx) => {
    const draft = await tx.selectFrom('drafts').selectAll().where('id', '=', file.draft_id).executeTakeFirst()
    if (draft === undefined || !isEditable(draft)) return undefined
    const note: MendedNote = { sha256, sizeBytes, beforeBytes: file.size_bytes }
    return await tx
      .updateTable('draft_files')
      .set({ upload_id: id, mended: JSON.stringify(note) })
      .where('draft_id', '=', file.draft_id)
      .where('path', '=', file.path)
      .where('size_bytes', '=', file.size_bytes)
      .where('modified_ms', '=', file.modified_ms)
      .where('is_there', '=', 1)
      .where('upload_id', 'is', null)
      .returningAll()
      .executeTakeFirst()
  })
}

/** Those whose new file may not have taken its place yet. */
export const beingReplaced = (db: Database): Promise<readonly DraftFileRow[]> =>
  db
    .selectFrom('draft_files')
    .selectAll()
    .where('is_there', '=', 1)
    .where('upload_id', 'is not', null)
    .execute()

export async function replaced(db: Database, file: DraftFileRow): Promise<void> {
  const note = mendedOf(file)
  await db
    .updateTable('draft_files')
    .set({ upload_id: null, ...(note !== undefined && { size_bytes: note.sizeBytes }) })
    .where('draft_id', '=', file.draft_id)
    .where('path', '=', file.path)
    .where('upload_id', '=', file.upload_id)
    .execute()
}

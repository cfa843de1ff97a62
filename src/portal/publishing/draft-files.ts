/** The files of drafts: told of before they are sent, so that what cannot be is refused before it is. */
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import { PATH_BYTES_MAX, quote, refusalOfName, refusalOfPaths } from '../../core/file-name.ts'
import type { NewFile } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'
import { pageOf, parseCursor, type Page } from '../cursor.ts'
import type { DraftFileRow } from '../database/publishing-tables.ts'
import type { Database, Tx } from '../database/tables.ts'
import type { RecordParts } from '../journal.ts'
import { beingReplaced, markMended, replaced, toldBytes } from './mended-files.ts'
import type { MendedFile } from './release-maker.ts'
import { mustBeEditable, type FileSums, type StoredDraft } from './draft-rows.ts'
import { mustHaveRoom, type RoomSettings } from './room.ts'

const zPosition = z.tuple([z.string()])

export interface DraftFilesParts extends RecordParts {
  readonly room: RoomSettings
  readonly freeBytes: () => Promise<number>
}

export class DraftFiles {
  readonly #parts: DraftFilesParts

  constructor(parts: DraftFilesParts) {
    this.#parts = parts
  }

  /**
   * They may come from now on. One that is known stays as it is, with what has come of it, unless its size or its time is another.
   * Answers what is no longer what somebody has begun to send.
   *
   * @throws ShoalError `bad-input` for paths that could be no files, `over-limit` where there is no room, `conflict`.
   */
  async add(draftId: string, files: readonly NewFile[]): Promise<readonly DraftFileRow[]> {
    for (const { path } of files) mustBePath(path)
    const free = await this.#parts.freeBytes()
    return await this.#parts.db.transaction().execute(async (tx) => {
      const draft = await mustBeEditable(tx, draftId)
      if (draft.library_path !== null)
        throw new ShoalError('conflict', 'this draft is of files that are on the server already')
      const there = await filesOf(tx, draftId)
      const known = new Map(there.map((row) => [row.path, row]))
      const isSame = (file: NewFile): boolean => {
        const row = known.get(file.path)
        return (
          row !== undefined &&
          toldBytes(row) === file.sizeBytes &&
          row.modified_ms === Math.floor(file.modifiedMs)
        )
      }
      const changed = [
        ...new Map(files.filter((file) => !isSame(file)).map((file) => [file.path, file])).values(),
      ]
      const outdated = changed.flatMap(({ path }) => known.get(path) ?? [])
      mustFit([...new Set([...known.keys(), ...changed.map(({ path }) => path)])])
      const addedBytes =
        sum(changed.map((file) => file.sizeBytes)) - sum(outdated.map((row) => row.size_bytes))
      if (addedBytes > 0)
        await mustHaveRoom(tx, { owner: draft.owner, addedBytes }, this.#parts.room, {
          freeBytes: free,
          now: this.#parts.clock.epoch(),
        })
      for (const { path, sizeBytes, modifiedMs } of changed) {
        const now = {
          size_bytes: sizeBytes,
          modified_ms: Math.floor(modifiedMs),
          upload_id: null,
          is_there: 0,
          mended: null,
        }
        await tx
          .insertInto('draft_files')
          .values({ draft_id: draftId, path, ...now })
          .onConflict((conflict) => conflict.columns(['draft_id', 'path']).doUpdateSet(now))
          .execute()
      }
      await this.#touch(tx, draftId)
      return outdated
    })
  }

  /** @throws ShoalError `not-found`, `conflict`. */
  async remove(draftId: string, path: string): Promise<DraftFileRow> {
    return await this.#parts.db.transaction().execute(async (tx) => {
      await mustBeEditable(tx, draftId)
      const gone = await tx
        .deleteFrom('draft_files')
        .where('draft_id', '=', draftId)
        .where('path', '=', path)
        .returningAll()
        .executeTakeFirst()
      if (gone === undefined) throw new ShoalError('not-found', 'no such file in this draft')
      await this.#touch(tx, draftId)
      return gone
    })
  }

  /** By path. */
  async page(
    draftId: string,
    { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<Page<DraftFileRow>> {
    const from = parseCursor(zPosition, cursor)
    let query = this.#parts.db
      .selectFrom('draft_files')
      .selectAll()
      .where('draft_id', '=', draftId)
      .orderBy('path')
      .limit(limit + 1)
    if (from !== undefined) query = query.where('path', '>', from[0])
    return pageOf(await query.execute(), limit, { item: (row) => row, position: (row) => [row.path] })
  }

  all(draftId: string): Promise<readonly DraftFileRow[]> {
    return filesOf(this.#parts.db, draftId)
  }

  find(draftId: string, path: string): Promise<DraftFileRow | undefined> {
    return this.#parts.db
      .selectFrom('draft_files')
      .selectAll()
      .where('draft_id', '=', draftId)
      .where('path', '=', path)
      .executeTakeFirst()
  }

  /** Whose upload this is. */
  async ofUpload(
    uploadId: string,
  ): Promise<{ readonly draft: StoredDraft; readonly file: DraftFileRow } | undefined> {
    const file = await this.#parts.db
      .selectFrom('draft_files')
      .selectAll()
      .where('upload_id', '=', uploadId)
      .executeTakeFirst()
    const draft =
      file &&
      (await this.#parts.db
        .selectFrom('drafts')
        .selectAll()
        .where('id', '=', file.draft_id)
        .executeTakeFirst())
    return file === undefined || draft === undefined ? undefined : { draft, file }
  }

  /**
   * It comes by this upload from now on; answers the one before, if there was one.
   * @throws ShoalError `conflict` for what is there already, or is not expected so; for a draft that was handed in.
   */
  async begin(
    wanted: { readonly draftId: string; readonly path: string; readonly sizeBytes: number | undefined },
    uploadId: string,
  ): Promise<string | null> {
    return await this.#parts.db.transaction().execute(async (tx) => {
      await mustBeEditable(tx, wanted.draftId)
      const file = await tx
        .selectFrom('draft_files')
        .selectAll()
        .where('draft_id', '=', wanted.draftId)
        .where('path', '=', wanted.path)
        .executeTakeFirst()
      if (file === undefined || file.size_bytes !== wanted.sizeBytes)
        throw new ShoalError('conflict', 'the draft was not told of such a file: tell it first')
      if (file.is_there === 1) throw new ShoalError('conflict', 'this file is there already')
      await this.#set(tx, file, { upload_id: uploadId })
      await this.#touch(tx, wanted.draftId)
      return file.upload_id
    })
  }

  /** False when it is not what is waited for any more. */
  async arrived(file: DraftFileRow, { uploadId }: { readonly uploadId: string }): Promise<boolean> {
    return await this.#parts.db.transaction().execute(async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('draft_files')
        .set({ is_there: 1, upload_id: null })
        .where('draft_id', '=', file.draft_id)
        .where('path', '=', file.path)
        .where('upload_id', '=', uploadId)
        .executeTakeFirst()
      await this.#touch(tx, file.draft_id)
      return numUpdatedRows > 0n
    })
  }

  /** It has to come once more. */
  async missing({ draft_id, path }: DraftFileRow): Promise<void> {
    await this.#parts.db
      .transaction()
      .execute((tx) => this.#set(tx, { draft_id, path }, { is_there: 0, upload_id: null, mended: null }))
  }

  /** As {@link markMended}. */
  markMended(file: DraftFileRow, mended: MendedFile & { id: string }): Promise<DraftFileRow | undefined> {
    return markMended(this.#parts.db, file, mended)
  }

  beingReplaced(): Promise<readonly DraftFileRow[]> {
    return beingReplaced(this.#parts.db)
  }

  replaced(file: DraftFileRow): Promise<void> {
    return replaced(this.#parts.db, file)
  }

  async #set(
    tx: Tx,
    { draft_id, path }: Pick<DraftFileRow, 'draft_id' | 'path'>,
    to: Partial<DraftFileRow>,
  ): Promise<void> {
    await tx
      .updateTable('draft_files')
      .set(to)
      .where('draft_id', '=', draft_id)
      .where('path', '=', path)
      .execute()
  }

  async #touch(tx: Tx, id: string): Promise<void> {
    await tx
      .updateTable('drafts')
      .set({ updated_at: this.#parts.clock.epoch() })
      .where('id', '=', id)
      .execute()
  }
}

/** Of each of these drafts that has files. */
export async function sumsOf(
  db: Database | Tx,
  ids: readonly string[],
): Promise<ReadonlyMap<string, FileSums>> {
  if (ids.length === 0) return new Map()
  const rows = await db
    .selectFrom('draft_files')
    .select(({ fn, eb }) => [
      'draft_id as id',
      fn.countAll<number>().as('count'),
      fn.sum<number>('is_there').as('thereCount'),
      fn.sum<number>('size_bytes').as('sizeBytes'),
      fn.sum<number>(eb('size_bytes', '*', eb.ref('is_there'))).as('arrivedBytes'),
    ])
    .where('draft_id', 'in', ids)
    .groupBy('draft_id')
    .execute()
  return new Map(rows.map(({ id, ...sums }) => [id, sums]))
}

const filesOf = (db: Database | Tx, draftId: string): Promise<DraftFileRow[]> =>
  db.selectFrom('draft_files').selectAll().where('draft_id', '=', draftId).orderBy('path').execute()

const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)

function mustBePath(path: string): void {
  const parts = path.split('/')
  const refusal = parts.map(refusalOfName).find((reason) => reason !== undefined)
  if (refusal !== undefined)
    throw new ShoalError('bad-input', `${quote(path)} cannot be uploaded: it ${refusal}`)
  if (parts.length > limits.publishDepthMax || Buffer.byteLength(path) > PATH_BYTES_MAX)
    throw new ShoalError('bad-input', `${quote(path)} cannot be uploaded: its path is too long`)
}

function mustFit(paths: readonly string[]): void {
  if (paths.length > limits.uploadFilesMax)
    throw new ShoalError(
      'over-limit',
      `a draft takes ${limits.uploadFilesMax} files: make an archive of them, or publish the folder with "shoal publish"`,
    )
  const refusal = refusalOfPaths(paths)
  if (refusal !== undefined) throw new ShoalError('bad-input', refusal)
}

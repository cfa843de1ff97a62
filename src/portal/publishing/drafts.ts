/** Drafts: what somebody is about to publish through the portal, and how far that is. Who may see and do what is decided elsewhere. */
import { randomBytes } from 'node:crypto'
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import type { InfoHash, Slug } from '../../core/ids.ts'
import type { Draft, DraftChange } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'
import { pageOf, parseCursor, type Page } from '../cursor.ts'
import type { DraftStep } from '../database/publishing-tables.ts'
import type { RecordParts } from '../journal.ts'
import { sumsOf } from './draft-files.ts'
import { draftOfRow, mustBeEditable, mustBeWhole, NO_FILES, type StoredDraft } from './draft-rows.ts'

const zPosition = z.tuple([z.number(), z.string()])
/** Steps that go on by themselves. */
const UNDER_WAY = ['submitted', 'hashed', 'listed'] as const satisfies readonly DraftStep[]

export interface NewDraftRow {
  readonly owner: string
  readonly bundle?: Slug | undefined
  readonly libraryPath?: string | undefined
  readonly title?: string | undefined
  /** As the bundle has them, or empty. */
  readonly description?: string | undefined
  readonly tags?: readonly string[] | undefined
  readonly audience: readonly string[]
}

export interface DraftProgress {
  readonly state: DraftStep
  readonly infohash?: InfoHash | null
  readonly reason?: string
  readonly folder?: string
}

export class Drafts {
  readonly #parts: RecordParts
  /** Bytes hashed of those that are being hashed. */
  readonly hashed = new Map<string, number>()

  constructor(parts: RecordParts) {
    this.#parts = parts
  }

  /** @throws ShoalError `over-limit` for whoever has too many open. */
  async create(wish: NewDraftRow): Promise<string> {
    const id = randomBytes(12).toString('base64url')
    const now = this.#parts.clock.epoch()
    await this.#parts.db.transaction().execute(async (tx) => {
      const { open } = await tx
        .selectFrom('drafts')
        .select(({ fn }) => fn.countAll<number>().as('open'))
        .where('owner', '=', wish.owner)
        .where('state', '!=', 'published')
        .executeTakeFirstOrThrow()
      if (open >= limits.draftsOpenMax)
        throw new ShoalError('over-limit', `you have ${open} drafts: publish or delete some first`)
      await tx
        .insertInto('drafts')
        .values({
          id,
          owner: wish.owner,
          bundle: wish.bundle ?? null,
          library_path: wish.libraryPath ?? null,
          title: wish.title ?? '',
          description: wish.description ?? '',
          tags: JSON.stringify(wish.tags ?? []),
          audience: JSON.stringify(wish.audience),
          release_name: null,
          notes: '',
          admit: 'any',
          rights: '',
          poster: 0,
          publish_at: null,
          expires_at: null,
          state: 'open',
          round: 0,
          reason: null,
          folder: null,
          infohash: null,
          created_at: now,
          updated_at: now,
        })
        .execute()
    })
    return id
  }

  find(id: string): Promise<StoredDraft | undefined> {
    return this.#parts.db.selectFrom('drafts').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /** As the API shows it. */
  async shown(row: StoredDraft): Promise<Draft> {
    const sums = await sumsOf(this.#parts.db, [row.id])
    return this.#shownWith(row, sums)
  }

  /** Of an owner, or of all; last touched first. */
  async list({
    owner,
    limit,
    cursor,
  }: {
    readonly owner?: string | undefined
    readonly limit: number
    readonly cursor?: string | undefined
  }): Promise<Page<Draft>> {
    const from = parseCursor(zPosition, cursor)
    let query = this.#parts.db
      .selectFrom('drafts')
      .selectAll()
      .orderBy('updated_at', 'desc')
      .orderBy('id', 'desc')
      .limit(limit + 1)
    if (owner !== undefined) query = query.where('owner', '=', owner)
    if (from !== undefined)
      query = query.where((eb) => eb(eb.refTuple('updated_at', 'id'), '<', eb.tuple(from[0], from[1])))
    const rows = await query.execute()
    const sums = await sumsOf(
      this.#parts.db,
      rows.map(({ id }) => id),
    )
    return pageOf(rows, limit, {
      item: (row) => this.#shownWith(row, sums),
      position: (row) => [row.updated_at, row.id],
    })
  }

  /** @throws ShoalError `conflict` once it has been handed in. */
  async change(id: string, change: DraftChange): Promise<void> {
    await this.#parts.db.transaction().execute(async (tx) => {
      await mustBeEditable(tx, id)
      const { title, description, tags, audience, notes, admit, rights, poster } = change
      await tx
        .updateTable('drafts')
        .set({
          ...(title !== undefined && { title }),
          ...(description !== undefined && { description }),
          ...(tags !== undefined && { tags: JSON.stringify([...new Set(tags)]) }),
          ...(audience !== undefined && { audience: JSON.stringify([...new Set(audience)]) }),
          ...(change.release !== undefined && { release_name: change.release }),
          ...(notes !== undefined && { notes }),
          ...(admit !== undefined && { admit }),
          ...(rights !== undefined && { rights }),
          ...(poster !== undefined && { poster }),
          ...(change.publishAt !== undefined && { publish_at: timeOf(change.publishAt) }),
          ...(change.expiresAt !== undefined && { expires_at: timeOf(change.expiresAt) }),
          updated_at: this.#parts.clock.epoch(),
        })
        .where('id', '=', id)
        .execute()
    })
  }

  /** From here on it goes by itself. @throws ShoalError `conflict` once it has been, or while a file of it is missing. */
  async submit(id: string): Promise<void> {
    await this.#parts.db.transaction().execute(async (tx) => {
      const { library_path } = await mustBeEditable(tx, id)
      if (library_path === null) mustBeWhole((await sumsOf(tx, [id])).get(id) ?? NO_FILES)
      await tx
        .updateTable('drafts')
        .set(({ eb }) => ({
          state: 'submitted',
          round: eb('round', '+', 1),
          reason: null,
          infohash: null,
          updated_at: this.#parts.clock.epoch(),
        }))
        .where('id', '=', id)
        .execute()
    })
  }

  /** Its owner may change it again; false when it was too late for that. */
  async takeBack(id: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#parts.db
      .updateTable('drafts')
      .set({ state: 'open', infohash: null, updated_at: this.#parts.clock.epoch() })
      .where('id', '=', id)
      .where('state', 'in', ['submitted', 'hashed'])
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }

  /** Those that go on by themselves, longest waiting first. */
  underWay(): Promise<readonly StoredDraft[]> {
    return this.#parts.db
      .selectFrom('drafts')
      .selectAll()
      .where('state', 'in', UNDER_WAY)
      .orderBy('updated_at')
      .execute()
  }

  /** From where this row is, and only if it is there still: false when its owner has taken it back meanwhile. */
  async step(
    { id, state, round }: Pick<StoredDraft, 'id' | 'state' | 'round'>,
    to: DraftProgress,
  ): Promise<boolean> {
    const { numUpdatedRows } = await this.#parts.db
      .updateTable('drafts')
      .set({ ...to, updated_at: this.#parts.clock.epoch() })
      .where('id', '=', id)
      .where('state', '=', state)
      .where('round', '=', round)
      .executeTakeFirst()
    return numUpdatedRows > 0n
  }

  /** The row; what is on the disk is another's business. */
  async remove(id: string): Promise<void> {
    await this.#parts.db.deleteFrom('drafts').where('id', '=', id).execute()
  }

  /** Drafts that nobody has touched for so long that they are given up. */
  async abandoned(): Promise<readonly StoredDraft[]> {
    return this.#parts.db
      .selectFrom('drafts')
      .selectAll()
      .where('state', 'in', ['open', 'failed'])
      .where('updated_at', '<', this.#parts.clock.epoch() - limits.draftLife)
      .execute()
  }

  #shownWith(row: StoredDraft, sums: Awaited<ReturnType<typeof sumsOf>>): Draft {
    const now = this.#parts.clock.epoch()
    return draftOfRow(row, sums.get(row.id) ?? NO_FILES, { now, hashedBytes: this.hashed.get(row.id) })
  }
}

const timeOf = (iso: string | null): number | null => (iso === null ? null : Date.parse(iso))

/** Publishing through the portal, put together: drafts, their files, where these lie, and what is done with them. */
import { ShoalError } from '../../core/errors.ts'
import { hours } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { NewFile } from '../../wire/api.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Media } from '../catalogue/media.ts'
import type { DraftFileRow } from '../database/publishing-tables.ts'
import type { RecordParts } from '../journal.ts'
import { DraftFiles } from './draft-files.ts'
import { isEditable, type StoredDraft } from './draft-rows.ts'
import { Drafts } from './drafts.ts'
import { Mending } from './mending.ts'
import { Publisher } from './publisher.ts'
import type { ReleaseMaker } from './release-maker.ts'
import { mustHaveSpace, type RoomSettings } from './room.ts'
import { Turns } from './turns.ts'
import { UploadFolder } from './upload-folder.ts'

/** What nobody waits for is left alone for so long. */
const STRAY_LIFE = hours(1)

export interface PublishingParts extends RecordParts {
  readonly log: Logger
  readonly dataDir: string
  readonly catalogue: Pick<Catalogue, 'releaseOf'>
  readonly media: Pick<Media, 'setPoster'>
  readonly room: RoomSettings
  /** Undefined where no origin is beside the portal, or not yet. */
  readonly maker: () => ReleaseMaker | undefined
}

export class Publishing implements AsyncDisposable {
  readonly drafts: Drafts
  readonly files: DraftFiles
  readonly folder: UploadFolder
  readonly publisher: Publisher
  readonly mending: Mending
  readonly maker: () => ReleaseMaker | undefined
  readonly #clock: Clock
  readonly #room: RoomSettings
  readonly #turns = new Turns()

  private constructor(parts: PublishingParts, folder: UploadFolder) {
    this.folder = folder
    this.maker = parts.maker
    this.#clock = parts.clock
    this.#room = parts.room
    this.drafts = new Drafts(parts)
    this.files = new DraftFiles({ ...parts, freeBytes: () => folder.freeBytes() })
    this.mending = new Mending({
      log: parts.log,
      drafts: this.drafts,
      files: this.files,
      folder,
      turns: this.#turns,
      mustHaveSpace: (moreBytes) => this.mustHaveSpace(moreBytes),
    })
    this.publisher = new Publisher({ ...parts, drafts: this.drafts, files: this.files, folder })
  }

  static async open(parts: PublishingParts): Promise<Publishing> {
    const folder = new UploadFolder(parts.dataDir)
    await folder.make()
    const publishing = new Publishing(parts, folder)
    await publishing.mending.recover()
    return publishing
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.mending[Symbol.asyncDispose]()
    await this.publisher[Symbol.asyncDispose]()
  }

  /** @throws ShoalError as {@link DraftFiles.add}. */
  async addFiles(draft: StoredDraft, files: readonly NewFile[]): Promise<void> {
    await this.#turns.run(draft.id, async () => {
      for (const outdated of await this.files.add(draft.id, files)) await this.#drop(draft, outdated)
    })
  }

  /** @throws ShoalError `not-found`, `conflict`. */
  async removeFile(draft: StoredDraft, path: string): Promise<void> {
    await this.mending.stop(draft.id, path)
    await this.#turns.run(draft.id, async () => {
      await this.#drop(draft, await this.files.remove(draft.id, path))
    })
  }

  /** @throws ShoalError as {@link DraftFiles.begin}. */
  async beginUpload(
    wanted: { readonly draftId: string; readonly path: string; readonly sizeBytes: number | undefined },
    uploadId: string,
  ): Promise<void> {
    await this.#turns.run(wanted.draftId, async () => {
      const before = await this.files.begin(wanted, uploadId)
      if (before !== null) await this.folder.forgetUpload(before)
    })
  }

  /** @throws ShoalError `unavailable` where there is no room for so much more. */
  async mustHaveSpace(moreBytes: number): Promise<void> {
    mustHaveSpace(await this.folder.freeBytes(), moreBytes, this.#room)
  }

  /**
   * All of it has come: it is put to its place, and that is written down.
   * @throws ShoalError `not-found` where it is not waited for any more.
   */
  async finishUpload(draftId: string, uploadId: string): Promise<void> {
    const isWanted = await this.#turns.run(draftId, () => this.#place(uploadId))
    if (isWanted) return
    await this.folder.forgetUpload(uploadId)
    throw new ShoalError('not-found', 'this file is not wanted any more')
  }

  /** As it is after a crash before the last answer, too. */
  async reconciled(file: DraftFileRow): Promise<DraftFileRow> {
    const { upload_id: uploadId } = file
    if (uploadId === null) return file
    const arrived = await this.folder.arrivedBytes(uploadId)
    if (arrived !== undefined && arrived < file.size_bytes) return file
    await this.#turns.run(file.draft_id, () => this.#place(uploadId))
    return (await this.files.find(file.draft_id, file.path)) ?? file
  }

  /** @throws ShoalError as {@link Drafts.submit}. */
  async submit(draft: StoredDraft): Promise<void> {
    if (this.mending.isUnderWay(draft.id))
      throw new ShoalError('conflict', 'a film of it is being written anew: wait for that, or stop it')
    await this.#turns.run(draft.id, () => this.drafts.submit(draft.id))
    this.publisher.look()
  }

  /**
   * First its files: a crash in between leaves a draft that can be deleted once more.
   * @throws ShoalError `conflict` once it has been handed in, unless `isOver`: what was made of it is recalled.
   */
  async dropDraft({ id }: StoredDraft, { isOver = false } = {}): Promise<void> {
    await this.mending.stop(id)
    await this.#turns.run(id, async () => {
      const draft = await this.drafts.find(id)
      if (draft === undefined) return
      if (!isEditable(draft) && !(isOver && draft.state === 'published'))
        throw new ShoalError('conflict', 'this has been handed in: take it back first')
      for (const file of await this.files.all(id))
        if (file.upload_id !== null) await this.folder.forgetUpload(file.upload_id)
      await this.folder.removeDraft(id)
      await this.drafts.remove(id)
    })
  }

  /**
   * Drafts that nobody touches any more are given up, and uploads that no draft waits for: of two begun at once, say. A folder of
   * which no row tells is left alone: after an older database was put back it may hold what is published.
   */
  async sweep(): Promise<void> {
    for (const draft of await this.drafts.abandoned()) await this.dropDraft(draft)
    const then = this.#clock.epoch() - STRAY_LIFE
    for (const uploadId of await this.folder.idleSince(then))
      if ((await this.files.ofUpload(uploadId)) === undefined) await this.folder.forgetUpload(uploadId)
  }

  /** In the draft's turn. False when it is not waited for. */
  async #place(uploadId: string): Promise<boolean> {
    const found = await this.files.ofUpload(uploadId)
    if (found === undefined || !isEditable(found.draft)) return false
    const { draft, file } = found
    const { path, size_bytes: sizeBytes } = file
    const arrived = await this.folder.arrivedBytes(uploadId)
    if (arrived === sizeBytes) await this.folder.place(draft, uploadId, path)
    else if (arrived !== undefined || !(await this.folder.isPlaced(draft, { path, sizeBytes }))) return false
    return await this.files.arrived(file, { uploadId })
  }

  /** In the draft's turn: what has come of a file that is not wanted any more. */
  async #drop(draft: StoredDraft, file: DraftFileRow): Promise<void> {
    if (file.upload_id !== null) await this.folder.forgetUpload(file.upload_id)
    if (file.is_there === 1) await this.folder.removeFile(draft, file.path)
  }
}

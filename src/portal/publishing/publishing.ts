/** Publishing through the portal, put together: drafts, their files, where these lie, and what is done with them. */
import { hours } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import type { Media } from '../catalogue/media.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { DraftFileRow } from '../database/publishing-tables.ts'
import type { RecordParts } from '../journal.ts'
import type { People } from '../people/people.ts'
import { DraftFiles } from './draft-files.ts'
import type { StoredDraft } from './draft-rows.ts'
import { Drafts } from './drafts.ts'
import { Publisher } from './publisher.ts'
import type { ReleaseMaker } from './release-maker.ts'
import type { RoomSettings } from './room.ts'
import { UploadFolder } from './upload-folder.ts'

const STRAY_LIFE = hours(1)

export interface PublishingParts extends RecordParts {
  readonly log: Logger
  readonly dataDir: string
  readonly people: Pick<People, 'find'>
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
  readonly maker: () => ReleaseMaker | undefined
  readonly #clock: Clock

  private constructor(parts: PublishingParts, folder: UploadFolder) {
    this.folder = folder
    this.maker = parts.maker
    this.#clock = parts.clock
    this.drafts = new Drafts(parts)
    this.files = new DraftFiles({ ...parts, freeBytes: () => folder.freeBytes() })
    this.publisher = new Publisher({ ...parts, drafts: this.drafts, files: this.files, folder })
  }

  static async open(parts: PublishingParts): Promise<Publishing> {
    const folder = new UploadFolder(parts.dataDir)
    await folder.make()
    return new Publishing(parts, folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.publisher[Symbol.asyncDispose]()
  }

  /** First its files: a crash in between leaves a draft that can be deleted once more. */
  async dropDraft(draft: StoredDraft): Promise<void> {
    for (const file of await this.files.all(draft.id))
      if (file.upload_id !== null) await this.folder.forgetUpload(file.upload_id)
    await this.folder.removeDraft(draft.id)
    await this.drafts.remove(draft.id)
  }

  /** What has come of a file that is not wanted any more. */
  async dropFile(draft: StoredDraft, file: DraftFileRow): Promise<void> {
    if (file.upload_id !== null) await this.folder.forgetUpload(file.upload_id)
    if (file.is_there === 1) await this.folder.removeFile(draft, file.path)
  }

  /** All of it has come: it is put to its place, and that is written down. */
  async arrived(draft: StoredDraft, file: DraftFileRow, uploadId: string): Promise<void> {
    await this.folder.place(draft, uploadId, file.path)
    await this.files.arrived(file)
  }

  /** As it is after a crash between the two, too. */
  async reconciled(draft: StoredDraft, file: DraftFileRow): Promise<DraftFileRow> {
    if (file.upload_id === null) return file
    const arrived = await this.folder.arrivedBytes(file.upload_id)
    if (arrived === file.size_bytes) await this.arrived(draft, file, file.upload_id)
    else if (arrived === undefined && (await this.#isPlaced(draft, file))) await this.files.arrived(file)
    else return file
    return { ...file, is_there: 1, upload_id: null }
  }

  /** Drafts that nobody touches any more are given up, and uploads that no draft waits for: of two that were begun at once, say. */
  async sweep(): Promise<void> {
    for (const draft of await this.drafts.abandoned()) await this.dropDraft(draft)
    for (const uploadId of await this.folder.idleSince(this.#clock.epoch() - STRAY_LIFE))
      if ((await this.files.ofUpload(uploadId)) === undefined) await this.folder.forgetUpload(uploadId)
  }

  #isPlaced(draft: StoredDraft, { path, size_bytes: sizeBytes }: DraftFileRow): Promise<boolean> {
    return this.folder.isPlaced(draft, { path, sizeBytes })
  }
}

/**
 * What happens to drafts that were handed in, one after the other: hashed, listed at their time, taken over by the origin. Each step is
 * written down before the next, and each may be repeated: killed at any point it goes on there.
 */
import { messageOf, ShoalError } from '../../core/errors.ts'
import type { InfoHash, ReleaseName, Slug } from '../../core/ids.ts'
import { seconds } from '../../core/units.ts'
import type { Torrent } from '../../core/metainfo.ts'
import type { Logger } from '../../platform/log.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Media } from '../catalogue/media.ts'
import { quote } from '../../core/file-name.ts'
import type { DraftFileRow } from '../database/publishing-tables.ts'
import type { RecordParts } from '../journal.ts'
import type { DraftFiles } from './draft-files.ts'
import type { StoredDraft } from './draft-rows.ts'
import type { Drafts } from './drafts.ts'
import { listDraft, takenBack } from './list-draft.ts'
import type { MakerPlace, ReleaseMaker } from './release-maker.ts'
import { nameOf, topOf, type DraftPlace, type UploadFolder } from './upload-folder.ts'

/** For drafts whose time has come, and for an origin that was not there yet. */
const LOOK_EVERY = seconds(5)

export interface PublisherParts extends RecordParts {
  readonly log: Logger
  readonly drafts: Drafts
  readonly files: DraftFiles
  readonly folder: UploadFolder
  readonly catalogue: Pick<Catalogue, 'releaseOf'>
  readonly media: Pick<Media, 'setPoster'>
  /** Undefined while the process starts. */
  readonly maker: () => ReleaseMaker | undefined
}

export class Publisher implements AsyncDisposable {
  readonly #parts: PublisherParts
  readonly #stopped = new AbortController()
  readonly #timer: { cancel(): void }
  #underWay: Promise<void> | undefined
  #isAskedAgain = false
  /** Of whose failure the log has been told: one that is listed is tried again and again. */
  readonly #told = new Set<string>()
  /** Ends the hashing of a draft that was taken back. */
  readonly #hashing = new Map<string, AbortController>()

  constructor(parts: PublisherParts) {
    this.#parts = parts
    this.#timer = parts.clock.every(LOOK_EVERY, () => this.look())
  }

  /** Something was handed in. */
  look(): void {
    if (this.#stopped.signal.aborted) return
    if (this.#underWay !== undefined) {
      this.#isAskedAgain = true
      return
    }
    this.#underWay = this.#run()
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'publishing drafts failed'))
      .finally(() => {
        this.#underWay = undefined
        if (!this.#isAskedAgain) return
        this.#isAskedAgain = false
        this.look()
      })
  }

  /** Its owner may change it again. @throws ShoalError `conflict` when it is listed already. */
  async takeBack(id: string): Promise<void> {
    if (!(await this.#parts.drafts.takeBack(id)))
      throw new ShoalError('conflict', 'it is published already, or was never handed in')
    this.#hashing.get(id)?.abort(new ShoalError('interrupted', 'taken back'))
  }

  /** Resolves when nothing is in hand. */
  async idle(): Promise<void> {
    while (this.#underWay !== undefined) await this.#underWay
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer.cancel()
    this.#stopped.abort(new ShoalError('interrupted', 'the portal stops'))
    await this.idle()
  }

  async #run(): Promise<void> {
    for (const { id } of await this.#parts.drafts.underWay()) {
      const maker = this.#parts.maker()
      if (maker === undefined || this.#stopped.signal.aborted) return
      // as it is now: it may have been taken back, changed and handed in again while others were hashed
      const draft = await this.#parts.drafts.find(id)
      if (draft === undefined || !isUnderWay(draft)) continue
      try {
        await this.#advance(maker, draft)
      } catch (error) {
        await this.#failed(draft, error)
      }
    }
  }

  async #failed({ id, round }: StoredDraft, error: unknown): Promise<void> {
    const { drafts, log } = this.#parts
    if (this.#stopped.signal.aborted || (error instanceof ShoalError && error.code === 'interrupted')) return
    if (!(error instanceof ShoalError)) log.error({ draft: id, err: error }, 'publishing a draft failed')
    const reason =
      error instanceof ShoalError ? messageOf(error) : 'it could not be published; the log says why'
    if (!this.#told.has(id)) log.warn({ draft: id, reason }, 'a draft was not published')
    this.#told.add(id)
    const now = await drafts.find(id)
    if (now?.round === round && isUnderWay(now) && now.state !== 'listed')
      await drafts.step(now, { state: 'failed', reason, infohash: null })
  }

  async #advance(maker: ReleaseMaker, draft: StoredDraft): Promise<void> {
    if (draft.state === 'listed') {
      await this.#adopt(maker, draft)
      return
    }
    if (draft.state === 'hashed' && !this.#isTime(draft)) return
    const root = await this.#rootOf(maker, draft)
    const torrent = await this.#make(maker, draft, root)
    const { infoHash: infohash } = torrent
    if (draft.state === 'submitted' && !(await this.#parts.drafts.step(draft, { state: 'hashed', infohash })))
      return // taken back meanwhile
    if (!this.#isTime(draft)) return
    await this.#list(draft, torrent)
    await this.#choosePoster(maker, draft, { infohash, root })
    await this.#adopt(maker, { ...draft, state: 'listed', infohash })
  }

  readonly #isTime = ({ publish_at }: StoredDraft): boolean =>
    publish_at === null || publish_at <= this.#parts.clock.epoch()

  /** A second time it is found, and nothing is read. */
  async #make(maker: ReleaseMaker, draft: StoredDraft, root: string): Promise<Torrent> {
    const { drafts } = this.#parts
    const takenBack = new AbortController()
    this.#hashing.set(draft.id, takenBack)
    try {
      const onProgress = (bytes: number): void => void drafts.hashed.set(draft.id, bytes)
      return await maker.make(root, onProgress, AbortSignal.any([this.#stopped.signal, takenBack.signal]))
    } finally {
      this.#hashing.delete(draft.id)
      drafts.hashed.delete(draft.id)
    }
  }

  async #rootOf(maker: ReleaseMaker, draft: StoredDraft): Promise<string> {
    const { drafts, files, folder } = this.#parts
    if (draft.library_path !== null) {
      if (maker.library === undefined)
        throw new ShoalError('conflict', 'the library of this server is not to choose from any more')
      return await maker.library.resolve(draft.library_path)
    }
    const rows = await files.all(draft.id)
    const paths = rows.map(({ path }) => path)
    const named = topOf(paths) === undefined ? nameOf(paths, draft.title) : undefined
    if (named !== undefined && draft.state === 'submitted') {
      // written down first: what is killed in between is named at the next look
      if (!(await drafts.step(draft, { state: 'submitted', folder: named }))) throw takenBack()
      await folder.settle(draft.id, named)
    }
    const place = { id: draft.id, folder: named ?? draft.folder }
    await this.#mustBeAsTold(place, rows)
    return folder.rootOf(place, paths)
  }

  /** What lies there is what its publisher was shown, or nothing is published; what does not belong is deleted. */
  async #mustBeAsTold(place: DraftPlace, rows: readonly DraftFileRow[]): Promise<void> {
    const { files, folder } = this.#parts
    const lying = new Map(await folder.filesOf(place))
    const lost = rows.filter(({ path, size_bytes }) => lying.get(path) !== size_bytes)
    for (const { path } of rows) lying.delete(path)
    for (const path of lying.keys()) await folder.removeFile(place, path)
    for (const row of lost) await files.missing(row)
    if (lost[0] !== undefined)
      throw new ShoalError('conflict', `${quote(lost[0].path)} is not there any more: upload it once more`)
  }

  async #list(draft: StoredDraft, torrent: Torrent): Promise<void> {
    const now = this.#parts.clock.epoch()
    await this.#parts.journal.change((tx, notes) => listDraft(tx, notes, { draft, torrent, now }))
  }

  /** The first frame is what everybody takes; another was chosen, and is there before the origin looks for one. */
  async #choosePoster(
    maker: ReleaseMaker,
    draft: StoredDraft,
    { infohash, root }: { readonly infohash: InfoHash; readonly root: string },
  ): Promise<void> {
    if (draft.poster === 0) return
    try {
      const frame = (await maker.frames(root, this.#stopped.signal))[draft.poster]
      if (frame !== undefined) await this.#parts.media.setPoster(infohash, frame, draft.owner)
    } catch (error) {
      this.#parts.log.warn({ draft: draft.id, reason: messageOf(error) }, 'the chosen poster was not set')
    }
  }

  async #adopt(maker: ReleaseMaker, draft: StoredDraft): Promise<void> {
    const { infohash } = draft
    const release = infohash === null ? undefined : await this.#parts.catalogue.releaseOf(infohash)
    if (release !== undefined) await maker.adopt(release.infohash, placeOf(release))
    await this.#parts.drafts.step(draft, { state: 'published' })
    this.#told.delete(draft.id)
  }
}

const isUnderWay = ({ state }: StoredDraft): boolean =>
  state === 'submitted' || state === 'hashed' || state === 'listed'

const placeOf = ({
  bundle,
  name,
  admit,
}: {
  bundle: Slug
  name: ReleaseName
  admit: 'any' | 'ours'
}): MakerPlace => ({
  bundle,
  release: name,
  admit,
})

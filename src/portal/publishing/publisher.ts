/**
 * What happens to drafts that were handed in, one after the other: hashed, listed at their time, taken over by the origin. Each step is
 * written down before the next, and each may be repeated: killed at any point it goes on there.
 */
import { messageOf, ShoalError } from '../../core/errors.ts'
import type { InfoHash, ReleaseName, Slug } from '../../core/ids.ts'
import { epochMillis, seconds } from '../../core/units.ts'
import type { Torrent } from '../../core/metainfo.ts'
import type { Logger } from '../../platform/log.ts'
import { addReleaseIn, createBundleIn } from '../catalogue/changes.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Media } from '../catalogue/media.ts'
import { textList } from '../catalogue/rows.ts'
import type { RecordParts } from '../journal.ts'
import type { People } from '../people/people.ts'
import type { DraftFiles } from './draft-files.ts'
import type { StoredDraft } from './draft-rows.ts'
import type { Drafts } from './drafts.ts'
import type { MakerPlace, ReleaseMaker } from './release-maker.ts'
import type { UploadFolder } from './upload-folder.ts'

/** For drafts whose time has come, and for an origin that was not there yet. */
const LOOK_EVERY = seconds(5)

export interface PublisherParts extends RecordParts {
  readonly log: Logger
  readonly drafts: Drafts
  readonly files: DraftFiles
  readonly folder: UploadFolder
  readonly people: Pick<People, 'find'>
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
    for (const draft of await this.#parts.drafts.underWay()) {
      const maker = this.#parts.maker()
      if (maker === undefined || this.#stopped.signal.aborted) return
      try {
        await this.#advance(maker, draft)
      } catch (error) {
        await this.#failed(draft, error)
      }
    }
  }

  async #failed(draft: StoredDraft, error: unknown): Promise<void> {
    const { drafts, log } = this.#parts
    if (this.#stopped.signal.aborted || (error instanceof ShoalError && error.code === 'interrupted')) return
    if (!(error instanceof ShoalError))
      log.error({ draft: draft.id, err: error }, 'publishing a draft failed')
    const reason =
      error instanceof ShoalError ? messageOf(error) : 'it could not be published; the log says why'
    if (!this.#told.has(draft.id)) log.warn({ draft: draft.id, reason }, 'a draft was not published')
    this.#told.add(draft.id)
    const now = await drafts.find(draft.id)
    if (now !== undefined && now.state !== 'listed')
      await drafts.step(draft.id, now.state, { state: 'failed', reason })
  }

  async #advance(maker: ReleaseMaker, draft: StoredDraft): Promise<void> {
    if (draft.state === 'listed') {
      await this.#adopt(maker, draft)
      return
    }
    if (draft.state === 'hashed' && !this.#isTime(draft)) return
    const torrent = await this.#make(maker, draft)
    const { infoHash: infohash } = torrent
    if (
      draft.state === 'submitted' &&
      !(await this.#parts.drafts.step(draft.id, 'submitted', { state: 'hashed', infohash }))
    )
      return // taken back meanwhile
    if (!this.#isTime(draft)) return
    await this.#list(draft, torrent)
    await this.#choosePoster(maker, draft, infohash)
    await this.#adopt(maker, { ...draft, infohash })
  }

  readonly #isTime = ({ publish_at }: StoredDraft): boolean =>
    publish_at === null || publish_at <= this.#parts.clock.epoch()

  /** A second time it is found, and nothing is read. */
  async #make(maker: ReleaseMaker, draft: StoredDraft): Promise<Torrent> {
    const { drafts } = this.#parts
    const root = await this.#rootOf(maker, draft)
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
    const paths = (await files.all(draft.id)).map(({ path }) => path)
    const named = draft.state === 'submitted' ? await folder.settle(draft, paths, draft.title) : undefined
    if (named !== undefined) await drafts.step(draft.id, 'submitted', { state: 'submitted', folder: named })
    return folder.rootOf({ id: draft.id, folder: named ?? draft.folder }, paths)
  }

  /** Bundle, release and the draft's end are one: none of them is there without the others. */
  async #list(draft: StoredDraft, torrent: Torrent): Promise<void> {
    await this.#mustStillMay(draft)
    const now = this.#parts.clock.epoch()
    if (draft.expires_at !== null && draft.expires_at <= now)
      throw new ShoalError('bad-input', 'the time until which it was to be there is over')
    await this.#parts.journal.change(async (tx, notes) => {
      const bundle = draft.bundle ?? (await createBundleIn(tx, notes, { draft: bundleOf(draft), now })).bundle
      const { release } = await addReleaseIn(tx, notes, {
        draft: {
          bundle,
          name: draft.release_name ?? undefined,
          torrent,
          notes: draft.notes,
          admit: draft.admit,
          rights: draft.rights,
          publishedBy: draft.owner,
          expiresAt: draft.expires_at === null ? undefined : epochMillis(draft.expires_at),
        },
        now,
      })
      const { numUpdatedRows } = await tx
        .updateTable('drafts')
        .set({
          state: 'listed',
          bundle,
          release_name: release.name,
          infohash: torrent.infoHash,
          updated_at: now,
        })
        .where('id', '=', draft.id)
        .where('state', '=', 'hashed')
        .executeTakeFirst()
      if (numUpdatedRows === 0n) throw new ShoalError('interrupted', 'taken back')
    })
  }

  /** Of accounts by token nothing is known here; who was disabled publishes nothing any more. */
  async #mustStillMay(draft: StoredDraft): Promise<void> {
    const person = await this.#parts.people.find(draft.owner)
    if (person !== undefined && person.disabledAt !== null)
      throw new ShoalError('not-granted', `${draft.owner} is disabled, and publishes nothing any more`)
  }

  /** The first frame is what everybody takes; another was chosen, and is there before the origin looks for one. */
  async #choosePoster(maker: ReleaseMaker, draft: StoredDraft, infohash: InfoHash): Promise<void> {
    if (draft.poster === 0) return
    try {
      const frame = (await maker.frames(await this.#rootOf(maker, draft), this.#stopped.signal))[draft.poster]
      if (frame !== undefined) await this.#parts.media.setPoster(infohash, frame, draft.owner)
    } catch (error) {
      this.#parts.log.warn({ draft: draft.id, reason: messageOf(error) }, 'the chosen poster was not set')
    }
  }

  async #adopt(maker: ReleaseMaker, { id, infohash }: StoredDraft): Promise<void> {
    const release = infohash === null ? undefined : await this.#parts.catalogue.releaseOf(infohash)
    if (release !== undefined) await maker.adopt(release.infohash, placeOf(release))
    await this.#parts.drafts.step(id, 'listed', { state: 'published' })
    this.#told.delete(id)
  }
}

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

const bundleOf = (draft: StoredDraft) => ({
  title: draft.title,
  description: draft.description,
  tags: textList(draft.tags),
  audience: textList(draft.audience),
  owner: draft.owner,
})

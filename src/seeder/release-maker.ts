/** Makes releases of files of this machine for whoever publishes through the portal, and serves them from where they lie. */
import { ShoalError } from '../core/errors.ts'
import { Gate } from '../core/gate.ts'
import { PieceLayout } from '../core/piece-layout.ts'
import type { InfoHash } from '../core/ids.ts'
import type { Torrent } from '../core/metainfo.ts'
import type { Review } from '../wire/api.ts'
import { limits } from '../wire/limits.ts'
import { makeRelease, type MakeParts } from './make-release.ts'
import { assertPublishable, planRelease, refusalOfPlan } from './plan-release.ts'
import { mendFile } from './media/mend/mend-file.ts'
import type { Mended } from './media/mend/write-mended.ts'
import { hasFfmpeg } from './media/posters.ts'
import { RecentMedia } from './media/recent-media.ts'
import type { Registered } from './register.ts'
import type { ServerLibrary } from './server-library.ts'
import type { Shelf } from './shelf.ts'

export interface ReleaseMakerParts extends MakeParts {
  readonly shelf: Pick<Shelf, 'look'>
  /** Absent where there is none to choose from. */
  readonly library?: ServerLibrary
}

/** Nothing here looks for viruses; a publisher is told so. */
const NOT_SCANNED = 'It has not been scanned for viruses: this server has no scanner.'

export class ReleaseMaker {
  readonly library?: ServerLibrary
  readonly #parts: ReleaseMakerParts
  readonly #media = new RecentMedia()
  readonly #oneLook = new Gate(1)
  readonly #looks = new Map<string, Promise<Review>>()

  constructor(parts: ReleaseMakerParts) {
    this.#parts = parts
    if (parts.library !== undefined) this.library = parts.library
  }

  /** What a release of it would be; one is looked at after the other, and what several ask for at once is looked at once. @throws ShoalError `not-found`, `bad-input`. */
  async look(path: string): Promise<Review> {
    const underWay = this.#looks.get(path) ?? this.#oneLook.run(() => this.#look(path))
    this.#looks.set(path, underWay)
    try {
      return await underWay
    } finally {
      if (this.#looks.get(path) === underWay) this.#looks.delete(path)
    }
  }

  /** To choose a poster from. @throws ShoalError as {@link look}. */
  async frames(path: string, signal?: AbortSignal): Promise<readonly Uint8Array[]> {
    return await this.#media.framesOf(await planRelease(path, this.#parts.pool, signal), signal)
  }

  /** @throws ShoalError `bad-input` for what cannot be published; `interrupted`. Another time its hashes are found. */
  async make(path: string, onProgress: (hashedBytes: number) => void, signal: AbortSignal): Promise<Torrent> {
    const plan = await planRelease(path, this.#parts.pool, signal)
    assertPublishable(plan)
    const made = await makeRelease(this.#parts, plan, { origin: 'publish' }, { onProgress }, signal)
    return made.torrent
  }

  /** As {@link mendFile}. */
  async mend(
    from: string,
    to: string,
    onProgress: (doneBytes: number) => void,
    signal: AbortSignal,
  ): Promise<Mended> {
    return await mendFile(from, to, onProgress, signal)
  }

  /** It is listed there: served from now on. */
  async adopt(infohash: InfoHash, place: Registered): Promise<void> {
    const record = this.#parts.store.get(infohash)
    if (record === undefined)
      throw new ShoalError('not-found', `nothing is known here of the release ${infohash}`)
    if (record.state !== 'registered')
      await this.#parts.store.update({ ...record, ...place, state: 'registered' })
    await this.#parts.shelf.look(infohash)
  }

  async #look(path: string): Promise<Review> {
    const plan = await planRelease(path, this.#parts.pool)
    const refusal = refusalOfPlan(plan)
    const media = await this.#media.of(plan)
    return {
      name: plan.name,
      isSingleFile: plan.isSingleFile,
      fileCount: plan.files.length,
      sizeBytes: plan.sizeBytes,
      pieceLengthBytes: plan.pieceLengthBytes,
      pieceCount: new PieceLayout(plan.sizeBytes, plan.pieceLengthBytes).count,
      files: plan.files
        .slice(0, limits.reviewFilesMax)
        .map(({ path: file, sizeBytes }) => ({ path: file === '' ? plan.name : file, sizeBytes })),
      ignoredCount: plan.ignored.count,
      ignored: [...plan.ignored.items].slice(0, limits.reviewFilesMax),
      ...(refusal !== undefined && { refusal }),
      ...(media !== undefined && {
        media: {
          kind: media.kind,
          playsInBrowsers: media.playsInBrowsers,
          hasFrames: media.kind === 'video' && (await hasFfmpeg()),
          ...(media.durationSeconds !== undefined && { durationSeconds: media.durationSeconds }),
        },
      }),
      mendable: [...(media?.mendable ?? [])],
      warnings: [...(media?.warnings ?? []), NOT_SCANNED],
    }
  }
}

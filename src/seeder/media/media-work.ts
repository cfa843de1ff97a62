/**
 * The origin's work on media: each release that it serves is read once, one after the other, when it has been listed, and
 * the portal told. Nothing waits for it, and what goes wrong is a line in the log. Which releases are done with stands in
 * `DATA/seeder/media.txt`, a line each; whoever deletes it (after ffmpeg was installed, say) has all of them read again.
 */
import { appendFile, mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { messageOf, ShoalError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/ids.ts'
import { MiB, seconds } from '../../core/units.ts'
import { sleep, type Clock } from '../../platform/clock.ts'
import { readFileBounded } from '../../platform/files.ts'
import type { Logger } from '../../platform/log.ts'
import { missingReason } from '../missing-reason.ts'
import type { ReleaseStore } from '../release-store.ts'
import type { Shelf } from '../shelf.ts'
import { tellMedia, type TellParts } from './tell-media.ts'

export interface MediaWorkParts extends TellParts {
  readonly clock: Clock
  readonly log: Logger
  readonly store: Pick<ReleaseStore, 'get' | 'hashes'>
  readonly shelf: Pick<Shelf, 'serves'>
  /** `DATA/seeder`. */
  readonly folder: string
}

/** A million releases. */
const DONE_BYTES_MAX = 42 * MiB
const RETRY_EVERY = seconds(30)

export class MediaWork implements AsyncDisposable {
  readonly #parts: MediaWorkParts
  readonly #file: string
  readonly #done: Set<string>
  /** Not tried again before the next start. */
  readonly #failed = new Set<InfoHash>()
  readonly #waiting = new Set<InfoHash>()
  readonly #stopped = new AbortController()
  #running: Promise<void> | undefined
  /** Said once, until the portal is there again. */
  #isAway = false
  #isToldOfPictures = false

  private constructor(parts: MediaWorkParts, file: string, done: Set<string>) {
    this.#parts = parts
    this.#file = file
    this.#done = done
  }

  static async open(parts: MediaWorkParts): Promise<MediaWork> {
    const file = join(parts.folder, 'media.txt')
    return new MediaWork(parts, file, await readDone(file, parts.log))
  }

  /** Looks at every stored release. */
  fill(): void {
    for (const hash of this.#parts.store.hashes()) this.look(hash)
  }

  /** To be called when a release may be served newly; cheap for one that is done with. */
  look(hash: InfoHash): void {
    if (this.#done.has(hash) || this.#failed.has(hash) || this.#stopped.signal.aborted) return
    if (this.#parts.store.get(hash)?.state !== 'registered' || !this.#parts.shelf.serves(hash)) return
    this.#waiting.add(hash)
    this.#run()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort(new ShoalError('interrupted', 'the seeder stops'))
    await this.#running
  }

  #run(): void {
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined
      // one that came when the last was done with
      if (this.#waiting.size > 0 && !this.#stopped.signal.aborted) this.#run()
    })
  }

  /** Never rejects. */
  async #work(): Promise<void> {
    for (const hash of this.#waiting) {
      try {
        await this.#tell(hash)
        this.#waiting.delete(hash)
      } catch (error) {
        if (this.#stopped.signal.aborted) return
        await this.#onFailed(hash, error)
      }
    }
  }

  async #tell(hash: InfoHash): Promise<void> {
    const record = this.#parts.store.get(hash)
    if (record?.bundle === undefined || record.release === undefined) return
    const { bundle, release } = record
    const found = await tellMedia(this.#parts, { bundle, release }, record, this.#stopped.signal)
    this.#parts.log.debug({ infohash: hash, bundle, release, found }, 'the media were looked for')
    // a disk that was away for a moment is no reason never to look again
    if (found === 'none' && (await missingReason(record)) !== undefined)
      throw new ShoalError('not-found', 'its files were away')
    if (found === 'no-picture' && !this.#isToldOfPictures) {
      this.#isToldOfPictures = true
      this.#parts.log.info({ bundle, release }, 'no picture could be made of a video: is ffmpeg installed?')
    }
    this.#isAway = false
    this.#done.add(hash)
    await this.#remember(hash)
  }

  async #remember(hash: InfoHash): Promise<void> {
    try {
      await mkdir(dirname(this.#file), { recursive: true })
      await appendFile(this.#file, `${hash}\n`)
    } catch (error) {
      const reason = messageOf(error)
      this.#parts.log.warn(
        { infohash: hash, reason },
        'that its media were read is not kept: they are read again',
      )
    }
  }

  async #onFailed(hash: InfoHash, error: unknown): Promise<void> {
    const isAway = error instanceof ShoalError && error.code === 'unavailable'
    this.#waiting.delete(hash)
    if (isAway)
      this.#waiting.add(hash) // at the end: the loop comes to it again
    else this.#failed.add(hash)
    const reason = messageOf(error)
    if (!isAway || !this.#isAway)
      this.#parts.log.warn({ infohash: hash, reason }, 'the media of a release were not told to the portal')
    this.#isAway = isAway
    if (isAway) await sleep(this.#parts.clock, RETRY_EVERY, this.#stopped.signal).catch(() => undefined)
  }
}

/** A part of a line, after a crash, is no infohash that anybody asks for. */
async function readDone(file: string, log: Logger): Promise<Set<string>> {
  try {
    return new Set(
      Buffer.from(await readFileBounded(file, DONE_BYTES_MAX))
        .toString('latin1')
        .split('\n'),
    )
  } catch (error) {
    if (!(error instanceof ShoalError && error.code === 'not-found'))
      log.warn({ reason: messageOf(error) }, 'which media were read is not known: they are read again')
    return new Set()
  }
}

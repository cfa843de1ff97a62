/**
 * What this origin serves: each stored release is in the engine while its files are as they were hashed and
 * the portal has not recalled it. One owner of that decision; {@link Shelf.look} may be called at any time, as
 * often as one likes.
 */
import { join } from 'node:path'
import { messageOf, ShoalError } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import type { Logger } from '../platform/log.ts'
import type { ControlView } from '../portal-client/index.ts'
import type { Engine, TorrentEvent, TorrentHandle } from '../swarm/index.ts'
import { Gate } from '../core/gate.ts'
import { missingReason } from './missing-reason.ts'
import type { ReleaseRecord } from './release-record.ts'
import type { ReleaseStore } from './release-store.ts'

export interface ShelfParts {
  readonly log: Logger
  readonly engine: Pick<Engine, 'add'>
  readonly store: ReleaseStore
  readonly control: Pick<ControlView, 'isRecalled'>
  /** Where the tracker tells who has a lease; undefined before the portal has told us. */
  readonly leaseUrl: () => string | undefined
  /** Called after what is served, or why something is not, has changed. */
  readonly onChange: () => void
}

export interface MissingRelease {
  readonly infohash: InfoHash
  readonly reason: string
}

/** Releases looked at, at once, when the shelf is filled. */
const LOOKS_AT_ONCE = 16

export class Shelf implements AsyncDisposable {
  readonly #parts: ShelfParts
  readonly #served = new Map<InfoHash, TorrentHandle>()
  readonly #missing = new Map<InfoHash, string>()
  /** Looks of one release are one after the other. */
  readonly #turns = new Map<InfoHash, Promise<void>>()
  #isClosed = false

  constructor(parts: ShelfParts) {
    this.#parts = parts
  }

  /** Looks at every stored release. */
  async fill(): Promise<void> {
    const gate = new Gate(LOOKS_AT_ONCE)
    await Promise.all(this.#parts.store.all().map((record) => gate.run(() => this.look(record.infohash))))
  }

  /** Serves the release, or stops serving it, as its files and the portal have it now. */
  look(hash: InfoHash): Promise<void> {
    const before = this.#turns.get(hash) ?? Promise.resolve()
    const turn = before.then(() => this.#look(hash))
    const guarded = turn.catch(() => undefined)
    this.#turns.set(hash, guarded)
    void guarded.then(() => {
      if (this.#turns.get(hash) === guarded) this.#turns.delete(hash)
    })
    return turn
  }

  serves(hash: InfoHash): boolean {
    return this.#served.has(hash)
  }

  /** Releases that are served now. */
  complete(): InfoHash[] {
    return [...this.#served.keys()]
  }

  handles(): Iterable<TorrentHandle> {
    return this.#served.values()
  }

  missing(): MissingRelease[] {
    return Array.from(this.#missing, ([infohash, reason]) => ({ infohash, reason }))
  }

  /** Stops serving everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true
    await Promise.all(this.#turns.values())
    await Promise.all(Array.from(this.#served.values(), (handle) => handle.stop()))
    this.#served.clear()
  }

  async #look(hash: InfoHash): Promise<void> {
    if (this.#isClosed) return
    const record = this.#parts.store.get(hash)
    if (record === undefined || record.state === 'hashed' || this.#parts.control.isRecalled(hash)) {
      await this.#set(hash, undefined)
      return
    }
    const reason = await missingReason(record)
    if (reason !== undefined) await this.#set(hash, reason)
    else if (!this.#served.has(hash)) await this.#serve(record)
  }

  async #serve(record: ReleaseRecord): Promise<void> {
    const hash = record.infohash
    try {
      const torrent = await this.#parts.store.torrentOf(hash)
      const handle = this.#parts.engine.add({
        infoHash: hash,
        torrent,
        folder: record.contentFolder,
        mode: 'seed',
        leaseUrl: this.#parts.leaseUrl,
        admit: record.admit ?? 'any',
        onEvent: (event) => this.#onEvent(hash, event),
      })
      this.#served.set(hash, handle)
      this.#missing.delete(hash)
      this.#parts.onChange()
    } catch (error) {
      // `conflict`: the engine has it already, from a fetch that is just ending; the next look serves it.
      if (!(error instanceof ShoalError)) throw error
      if (error.code === 'conflict') return
      this.#parts.log.warn({ infohash: hash, reason: messageOf(error) }, 'a stored release cannot be served')
      await this.#set(
        hash,
        error.code === 'not-granted' ? error.message : 'its stored torrent cannot be read',
      )
    }
  }

  /** Not served: `reason` is to be shown, if there is one. */
  async #set(hash: InfoHash, reason: string | undefined): Promise<void> {
    const handle = this.#served.get(hash)
    if (handle === undefined && this.#missing.get(hash) === reason) return
    this.#served.delete(hash)
    if (reason === undefined) this.#missing.delete(hash)
    else {
      this.#missing.set(hash, reason)
      this.#parts.log.warn({ infohash: hash, reason }, 'a release is missing')
    }
    this.#parts.onChange()
    await handle?.stop()
  }

  #onEvent(hash: InfoHash, event: TorrentEvent): void {
    if (event.kind === 'content-changed') void this.contentChanged(hash, event.landingPath)
    else if (event.kind === 'failed') void this.#onFailed(hash, event.error)
  }

  /** Bytes were read that do not match. Written to, or rotten? The file's time and size tell. Never rejects. */
  async contentChanged(hash: InfoHash, landingPath: string): Promise<void> {
    const record = this.#parts.store.get(hash)
    if (record === undefined || this.#isClosed) return
    try {
      if ((await missingReason(record)) === undefined) {
        this.#parts.log.error(
          { infohash: hash, file: join(record.contentFolder, landingPath) },
          'a file is damaged: its bytes changed though nobody wrote to it',
        )
        await this.#parts.store.update({ ...record, state: 'damaged' })
      }
      await this.look(hash)
    } catch (error) {
      this.#parts.log.error(
        { infohash: hash, reason: messageOf(error) },
        'a changed release could not be flagged',
      )
    }
  }

  async #onFailed(hash: InfoHash, error: Error): Promise<void> {
    this.#parts.log.error({ infohash: hash, reason: messageOf(error) }, 'serving a release failed')
    await this.#set(hash, 'it could not be served')
  }
}

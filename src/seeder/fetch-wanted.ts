/**
 * Releases that were published from elsewhere and wait for an origin: fetched from their publisher through the
 * engine into `DATA/seeder/content/INFOHASH/`, verified, stored, and from then on served like any other.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import prettyBytes from 'pretty-bytes'
import { ShoalError } from '../core/errors.ts'
import type { InfoHash, ReleaseName, Slug } from '../core/ids.ts'
import { landingPath, sizeOf, type Torrent } from '../core/metainfo.ts'
import { MiB, seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { freeBytes } from '../platform/files.ts'
import type { Logger } from '../platform/log.ts'
import type { ControlView } from '../portal-client/index.ts'
import type { Engine, TorrentHandle } from '../swarm/index.ts'
import { Gate } from '../core/gate.ts'
import { LinkUrls } from './link-urls.ts'
import type { SeederPortal } from './portal.ts'
import { readTorrent } from './read-torrent.ts'
import type { ReleaseRecord } from './release-record.ts'
import type { ReleaseStore } from './release-store.ts'
import type { MissingRelease, Shelf } from './shelf.ts'
import { stampOf } from './walk.ts'

export interface FetchParts {
  readonly clock: Clock
  readonly log: Logger
  readonly portal: Pick<SeederPortal, 'wanted' | 'torrentOf' | 'createLink'>
  readonly control: Pick<ControlView, 'wanted' | 'isRecalled'>
  readonly engine: Pick<Engine, 'add'>
  readonly store: ReleaseStore
  readonly shelf: Pick<Shelf, 'look' | 'serves'>
  /** `DATA/seeder`. */
  readonly folder: string
  /** Called when {@link WantedFetcher.partial} or {@link WantedFetcher.missing} has changed. */
  readonly onChange: () => void
}

interface Place {
  readonly infohash: InfoHash
  readonly bundle: Slug
  readonly release: ReleaseName
  readonly admit: 'any' | 'ours'
}

const AT_ONCE = 3
const RETRY_EVERY = seconds(30)
/** Left free on the disk, for the database and the logs of the same machine. */
const SPACE_KEPT_BYTES = 256 * MiB

export class WantedFetcher implements AsyncDisposable {
  readonly #parts: FetchParts
  readonly #gate = new Gate(AT_ONCE)
  readonly #stopped = new AbortController()
  readonly #fetching = new Map<InfoHash, { readonly done: Promise<void>; isPartial: boolean }>()
  readonly #failed = new Map<InfoHash, string>()
  readonly #retry

  constructor(parts: FetchParts) {
    this.#parts = parts
    this.#retry = parts.clock.every(RETRY_EVERY, () => this.look())
  }

  /** Starts to fetch what is wanted and not under way. To be called after each change of the control feed. */
  look(): void {
    if (this.#isStopped()) return
    const wanted = new Set(this.#parts.control.wanted())
    for (const hash of this.#failed.keys()) if (!wanted.has(hash)) this.#failed.delete(hash)
    for (const hash of wanted) {
      if (this.#fetching.has(hash) || this.#parts.shelf.serves(hash)) continue
      const done = this.#gate.run(() => this.#fetchOrFail(hash)).finally(() => this.#fetching.delete(hash))
      this.#fetching.set(hash, { done, isPartial: false })
    }
  }

  /** Releases under way. */
  partial(): InfoHash[] {
    return [...this.#fetching].filter(([, { isPartial }]) => isPartial).map(([hash]) => hash)
  }

  /** Wanted releases that could not be fetched, and why; they are tried again. */
  missing(): MissingRelease[] {
    return Array.from(this.#failed, ([infohash, reason]) => ({ infohash, reason }))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#retry.cancel()
    this.#stopped.abort(new ShoalError('interrupted', 'the seeder stops'))
    await Promise.all(Array.from(this.#fetching.values(), ({ done }) => done))
  }

  #isStopped(): boolean {
    return this.#stopped.signal.aborted
  }

  async #fetchOrFail(hash: InfoHash): Promise<void> {
    if (this.#isStopped()) return
    try {
      const place = await this.#placeOf(hash)
      if (place === undefined || (await this.#isHere(place))) return
      await this.#fetch(place)
      this.#failed.delete(hash)
    } catch (error) {
      if (this.#isStopped()) return
      if (!(error instanceof ShoalError))
        this.#parts.log.error({ infohash: hash, err: error }, 'fetching failed')
      const reason = error instanceof ShoalError ? error.message : 'the origin could not fetch it'
      if (this.#failed.get(hash) === reason) return
      this.#failed.set(hash, reason)
      this.#parts.log.warn({ infohash: hash, reason }, 'a wanted release is not here yet; trying again')
    } finally {
      this.#parts.onChange()
    }
  }

  /** Where the portal lists it; undefined when it no longer waits. */
  async #placeOf(hash: InfoHash): Promise<Place | undefined> {
    const { items } = await this.#parts.portal.wanted(this.#stopped.signal)
    return items.find((item) => item.infohash === hash)
  }

  /** True when its files are on this machine already: published here, and not registered before a crash. */
  async #isHere(place: Place): Promise<boolean> {
    const { store, shelf } = this.#parts
    const record = store.get(place.infohash)
    if (record === undefined) return false
    if (record.state === 'hashed')
      await store.update({ ...record, ...standingOf(place), state: 'registered' })
    await shelf.look(place.infohash)
    return shelf.serves(place.infohash)
  }

  async #fetch(place: Place): Promise<void> {
    const { portal, log } = this.#parts
    const signal = this.#stopped.signal
    const { infohash: hash, bundle, release } = place
    const torrent = await readTorrent(await portal.torrentOf(bundle, release, signal))
    if (torrent.infoHash !== hash)
      throw new ShoalError('bad-input', 'the portal sent the torrent of another release')
    const contents = join(this.#parts.folder, 'content')
    const folder = join(contents, hash)
    await mkdir(folder, { recursive: true })
    await assertSpace(folder, sizeOf(torrent.metainfo))
    const entry = this.#fetching.get(hash)
    if (entry !== undefined) entry.isPartial = true
    this.#parts.onChange()
    log.info({ infohash: hash, bundle, release }, 'fetching a release from its publisher')
    const statePath = join(contents, `${hash}.state`)
    await this.#download(place, torrent, folder, statePath)
    await this.#keep(place, torrent, folder)
    await rm(statePath, { force: true })
    log.info({ infohash: hash, bundle, release }, 'the release is here in full')
  }

  async #download(place: Place, torrent: Torrent, folder: string, statePath: string): Promise<void> {
    const signal = this.#stopped.signal
    const urls = await LinkUrls.open(this.#parts, place, signal)
    const { promise, resolve, reject } = Promise.withResolvers<undefined>()
    const onAbort = (): void => reject(new ShoalError('interrupted', 'the seeder stops'))
    const watch = this.#parts.clock.every(seconds(1), () => {
      if (this.#parts.control.isRecalled(place.infohash))
        reject(new ShoalError('not-granted', 'it was recalled'))
    })
    const handle: TorrentHandle = this.#parts.engine.add({
      infoHash: place.infohash,
      torrent,
      folder,
      statePath,
      mode: 'download',
      admit: place.admit,
      announceUrls: urls.current,
      onEvent: (event) => {
        if (event.kind === 'complete') resolve(undefined)
        else if (event.kind === 'failed') reject(event.error)
        else if (event.kind === 'announce-refused') void urls.refused(() => handle.announceNow())
        else if (event.kind === 'storage-failed')
          this.#parts.log.error(
            { infohash: place.infohash, reason: event.reason },
            'a fetch is paused by the disk',
          )
      },
    })
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      if (signal.aborted) onAbort()
      await promise
    } finally {
      watch.cancel()
      signal.removeEventListener('abort', onAbort)
      await handle.stop()
    }
  }

  /** The engine has verified every piece: the release joins those that are served. */
  async #keep(place: Place, torrent: Torrent, folder: string): Promise<void> {
    const { metainfo, infoHash, infoBytes } = torrent
    const files = await Promise.all(
      metainfo.files.map((file) => stampOf(join(folder, landingPath(metainfo, file)), file.path)),
    )
    await this.#parts.store.put(
      {
        version: 1,
        infohash: infoHash,
        contentFolder: folder,
        name: metainfo.name,
        isSingleFile: metainfo.isSingleFile,
        sizeBytes: sizeOf(metainfo),
        pieceLengthBytes: metainfo.pieceLength,
        files,
        origin: 'fetched',
        ...standingOf(place),
        state: 'registered',
        storedAtMs: this.#parts.clock.epoch(),
      },
      infoBytes,
    )
    await this.#parts.shelf.look(infoHash)
  }
}

/** What a record keeps of it. */
const standingOf = ({
  bundle,
  release,
  admit,
}: Place): Pick<ReleaseRecord, 'bundle' | 'release' | 'admit'> => ({
  bundle,
  release,
  admit,
})

/** @throws ShoalError `unavailable` when the disk would be filled. */
async function assertSpace(folder: string, neededBytes: number): Promise<void> {
  const free = await freeBytes(folder)
  if (free - neededBytes >= SPACE_KEPT_BYTES) return
  throw new ShoalError(
    'unavailable',
    `the origin has no room for it: ${prettyBytes(neededBytes)} needed, ${prettyBytes(Math.max(0, free - SPACE_KEPT_BYTES))} free`,
  )
}

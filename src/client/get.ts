/** `shoal get`: a release into a folder, every byte verified; then, if asked, serving it to others. */
import { resolve } from 'node:path'
import { ShoalError } from '../core/errors.ts'
import { landingPath, type Metainfo, type Torrent } from '../core/metainfo.ts'
import { seconds } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Engine, TorrentEvent, TorrentHandle, TorrentStats } from '../swarm/index.ts'
import { peersPathOf, recordDir, saveRecord, statePathOf } from './record.ts'
import type { Resolved } from './resolve.ts'
import { mustSelectSome, selectionOf, selectionOfRanges } from './selection.ts'
import { explainStall, STALL_AFTER } from './stall.ts'

export interface GetParts {
  readonly clock: Clock
  readonly engine: Engine
  readonly dataDir: string
}

export interface GetOptions {
  readonly folder: string
  readonly globs: readonly string[]
  /** Chooses in place of `globs`, once it is known what there is. @throws ShoalError, which ends it. */
  readonly select?: (metainfo: Metainfo) => (landing: string) => boolean
  /** What comes is read through the handle while it comes. */
  readonly isRead?: boolean
  readonly overwrite: boolean
  /** The announce URLs of the moment: a renewed grant changes them. */
  readonly announce: () => readonly (readonly string[])[]
  /** The permit of the moment, for a release that is for our clients only. */
  readonly permit?: () => string | undefined
}

/** What the person hears on the way. */
export interface GetListener {
  /** `checking`: what was there is hashed; `fraction` in 0..1. */
  onState(state: 'resolving' | 'checking' | 'downloading', fraction: number): void
  onProgress(stats: TorrentStats): void
  /** What there is is known; the transfer has only begun. */
  onTorrent?(torrent: Torrent, handle: TorrentHandle): void
  /** Once per reason: nothing moves, and why. */
  onStall(sentence: string): void
  /** It goes on, but the person should know. */
  onNote(sentence: string): void
}

export interface Fetched {
  readonly handle: TorrentHandle
  readonly torrent: Torrent
  readonly files: readonly { readonly path: string; readonly sizeBytes: number }[]
  readonly stats: TorrentStats
}

/**
 * Resolves when every wanted file is whole and in place; the handle goes on serving until it is stopped.
 * @throws ShoalError `interrupted` when `signal` is aborted: what was fetched is kept.
 */
export async function fetchRelease(
  resolved: Resolved,
  parts: GetParts,
  options: GetOptions,
  listener: GetListener,
  signal: AbortSignal,
): Promise<Fetched> {
  const dir = recordDir(parts.dataDir, resolved.infoHash, options.folder)
  const download = new Download(resolved, parts, options, listener, dir)
  try {
    const torrent = await download.run(signal)
    const files = torrent.metainfo.files
      .map((file) => ({ path: landingPath(torrent.metainfo, file), sizeBytes: file.sizeBytes }))
      .filter((file) => download.wants(file.path))
    return { handle: download.handle, torrent, files, stats: download.handle.stats() }
  } catch (error) {
    await download.handle.stop()
    throw error
  } finally {
    download.stopWatching()
  }
}

class Download {
  readonly handle: TorrentHandle
  readonly #resolved: Resolved
  readonly #parts: GetParts
  readonly #options: GetOptions
  readonly #listener: GetListener
  readonly #done = Promise.withResolvers<Torrent>()
  #wants: ((landing: string) => boolean) | undefined
  readonly #dir: string
  #ticker: Timer | undefined
  #tracker: TorrentEvent | undefined
  #storage: TorrentEvent | undefined
  #isDownloading = false
  #movedAt: number
  #movedBytes = -1
  #lastStall = ''

  constructor(resolved: Resolved, parts: GetParts, options: GetOptions, listener: GetListener, dir: string) {
    this.#dir = dir
    this.#resolved = resolved
    this.#parts = parts
    this.#options = options
    this.#listener = listener
    this.#movedAt = parts.clock.now()
    this.#done.promise.catch(() => undefined) // awaited in run(), which may not have begun
    if (resolved.torrent !== undefined) this.#select(resolved.torrent)
    this.handle = parts.engine.add({
      infoHash: resolved.infoHash,
      ...(resolved.torrent === undefined ? {} : { torrent: resolved.torrent }),
      // As the record has it: the same folder by another name is the same download.
      folder: resolve(options.folder),
      mode: 'download',
      overwrite: options.overwrite,
      ...(options.isRead === undefined ? {} : { isRead: options.isRead }),
      statePath: statePathOf(dir),
      peersPath: peersPathOf(dir),
      wants: (landing) => this.wants(landing),
      announceUrls: options.announce,
      ...(resolved.webSeeds === undefined ? {} : { webSeeds: resolved.webSeeds }),
      admit: resolved.ours === undefined ? 'any' : 'ours',
      ...(options.permit === undefined ? {} : { permit: options.permit }),
      onEvent: (event) => {
        this.#onEvent(event)
      },
    })
  }

  wants(landing: string): boolean {
    return this.#wants?.(landing) ?? true
  }

  async run(signal: AbortSignal): Promise<Torrent> {
    const onAbort = (): void => {
      this.#done.reject(new ShoalError('interrupted', 'interrupted; run the same command again to go on'))
    }
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    this.#listener.onState(this.#resolved.torrent === undefined ? 'resolving' : 'checking', 0)
    this.#ticker = this.#parts.clock.every(seconds(1), () => {
      this.#tick()
    })
    try {
      if (this.#resolved.torrent !== undefined) {
        this.#listener.onTorrent?.(this.#resolved.torrent, this.handle)
        await this.#save(this.#resolved.torrent)
      }
      return await this.#done.promise
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  stopWatching(): void {
    this.#ticker?.cancel()
  }

  /** What is wanted, from `--files` or the magnet's own selection. */
  #select(torrent: Torrent): void {
    const { globs, select } = this.#options
    const ranges = this.#resolved.selectOnly
    const wants =
      select?.(torrent.metainfo) ??
      (globs.length === 0 && ranges !== undefined
        ? selectionOfRanges(torrent.metainfo, ranges)
        : selectionOf(globs))
    mustSelectSome(torrent.metainfo, wants)
    this.#wants = wants
  }

  async #save(torrent: Torrent): Promise<void> {
    const wanted = torrent.metainfo.files
      .map((file) => landingPath(torrent.metainfo, file))
      .filter((p) => this.wants(p))
    const isPart = wanted.length < torrent.metainfo.files.length
    await saveRecord({
      dir: this.#dir,
      folder: this.#options.folder,
      torrent,
      ...(isPart ? { files: wanted } : {}),
    })
  }

  #onEvent(event: TorrentEvent): void {
    switch (event.kind) {
      case 'metadata':
        this.#guard(() => {
          this.#select(event.torrent)
        })
        this.#save(event.torrent).catch((error: unknown) => {
          this.#done.reject(error)
        })
        // After the engine has taken it in, which it does next.
        queueMicrotask(() => this.#listener.onTorrent?.(event.torrent, this.handle))
        break
      case 'checking':
        this.#listener.onState('checking', event.total === 0 ? 1 : event.bytes / event.total)
        break
      case 'checked':
        this.#isDownloading = true
        this.#listener.onState('downloading', 0)
        break
      case 'complete':
        this.#guard(() => {
          const { torrent } = this.handle
          if (torrent !== undefined) this.#done.resolve(torrent)
        })
        break
      case 'announced':
      case 'announce-failed':
      case 'announce-refused':
        this.#tracker = event
        break
      case 'storage-failed':
        this.#storage = event
        this.#listener.onNote(`paused: ${event.reason}`)
        break
      case 'storage-resumed':
        this.#storage = undefined
        this.#listener.onNote('there is room again: going on')
        break
      case 'peer-banned':
        this.#listener.onNote(`${event.address} is banned: ${event.reason}`)
        break
      case 'web-seed-dropped':
        this.#listener.onNote(`the web seed at ${event.origin} is asked no more: it ${event.reason}`)
        break
      case 'content-changed':
        this.#listener.onNote(`${event.landingPath} is no longer served: ${event.reason}`)
        break
      case 'failed':
        this.#done.reject(event.error)
    }
  }

  #guard(action: () => void): void {
    try {
      action()
    } catch (error) {
      this.#done.reject(error)
    }
  }

  #tick(): void {
    const stats = this.handle.stats()
    const now = this.#parts.clock.now()
    // Not the rate, which sinks for minutes before it is 0.
    if (stats.receivedBytes !== this.#movedBytes || !this.#isDownloading) {
      this.#movedBytes = stats.receivedBytes
      this.#movedAt = now
    }
    if (this.#isDownloading) this.#listener.onProgress(stats)
    if (now - this.#movedAt < STALL_AFTER) return
    const sentence = explainStall({
      tracker: this.#tracker,
      storage: this.#storage,
      hasMetadata: this.handle.torrent !== undefined,
      peers: stats.peers.site + stats.peers.otherSites + stats.peers.origin,
    })
    if (sentence !== this.#lastStall) this.#listener.onStall(sentence)
    this.#lastStall = sentence
  }
}

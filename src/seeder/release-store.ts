/**
 * The releases that this data folder holds: for each a record and the info bytes, in
 * `DATA/seeder/releases/`. A release is absent or complete: the info bytes are written first, the record last,
 * each whole or not at all; without a record there is no release.
 *
 * Two processes may share the folder (`shoal up` and `shoal publish`): {@link ReleaseStore.refresh} sees what
 * the other one wrote.
 */
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { messageOf, ShoalError } from '../core/errors.ts'
import { infoHash, type InfoHash } from '../core/ids.ts'
import type { Torrent } from '../core/metainfo.ts'
import { MiB } from '../core/units.ts'
import { readFileBounded, writeFileAtomic } from '../platform/files.ts'
import type { Logger } from '../platform/log.ts'
import { limits } from '../wire/limits.ts'
import { parseInfo } from '../wire/torrent.ts'
import type { ReleaseRecord } from './release-record.ts'

/** A record of 100,000 files with long paths. */
const RECORD_BYTES_MAX = 256 * MiB
/** Files read at once while the store is opened. */
const READS_AT_ONCE = 32
const RECORD_NAME = /^([0-9a-f]{40})\.json$/

const pathKey = (contentFolder: string, name: string): string => `${contentFolder}\0${name}`

export interface ReleaseStoreParts {
  readonly log: Logger
  /** `DATA/seeder`. */
  readonly folder: string
}

export class ReleaseStore {
  readonly folder: string
  readonly #log: Logger
  readonly #records = new Map<InfoHash, ReleaseRecord>()
  /** Infohashes by {@link pathKey}. */
  readonly #byPath = new Map<string, Set<InfoHash>>()

  private constructor(parts: ReleaseStoreParts) {
    this.#log = parts.log
    this.folder = join(parts.folder, 'releases')
  }

  /** Reads all records. One that cannot be read is moved aside, as `NAME.broken`, and told to the log. */
  static async open(parts: ReleaseStoreParts): Promise<ReleaseStore> {
    const store = new ReleaseStore(parts)
    await mkdir(store.folder, { recursive: true })
    await store.refresh()
    return store
  }

  /** Newest last. */
  all(): ReleaseRecord[] {
    return [...this.#records.values()].sort((a, b) => a.storedAtMs - b.storedAtMs)
  }

  /** In no promised order, which ten thousand records need not be looked at for. */
  hashes(): InfoHash[] {
    return [...this.#records.keys()]
  }

  get(hash: InfoHash): ReleaseRecord | undefined {
    return this.#records.get(hash)
  }

  /** Releases of the file or folder `name` in `contentFolder`, newest last. */
  ofPath(contentFolder: string, name: string): ReleaseRecord[] {
    const records: ReleaseRecord[] = []
    for (const hash of this.#byPath.get(pathKey(contentFolder, name)) ?? []) {
      const record = this.#records.get(hash)
      if (record !== undefined) records.push(record)
    }
    return records.sort((a, b) => a.storedAtMs - b.storedAtMs)
  }

  /** Replaces a record of the same infohash. Resolves when the disk has both files. */
  async put(record: ReleaseRecord, infoBytes: Uint8Array): Promise<void> {
    await writeFileAtomic(this.#torrentPath(record.infohash), infoBytes)
    await this.update(record)
  }

  /** Replaces the record of a release whose info bytes are here. */
  async update(record: ReleaseRecord): Promise<void> {
    await writeFileAtomic(this.#recordPath(record.infohash), Buffer.from(JSON.stringify(record)))
    this.#remember(record)
  }

  /** The content is left alone. Absent is no error. */
  async remove(hash: InfoHash): Promise<void> {
    await rm(this.#recordPath(hash), { force: true })
    await rm(this.#torrentPath(hash), { force: true })
    this.#forget(hash)
  }

  /** @throws ShoalError `not-found` or `bad-input` when the info bytes are gone or of another release. */
  async torrentOf(hash: InfoHash): Promise<Torrent> {
    const infoBytes = await readFileBounded(this.#torrentPath(hash), limits.torrentBytesMax)
    const { infoHash: actual, metainfo } = parseInfo(infoBytes)
    if (actual !== hash)
      throw new ShoalError('bad-input', `the stored torrent of ${hash} is of another release`)
    return { infoHash: hash, metainfo, infoBytes, announce: [], urlList: [] }
  }

  /**
   * Sees releases that another process added or removed, and those it may have registered meanwhile; answers
   * the infohashes concerned. Cheap when nothing happened: one listing of the folder.
   */
  async refresh(): Promise<readonly InfoHash[]> {
    // What is put while the folder is listed may not be in the list.
    const before = [...this.#records.keys()]
    const there = await this.#list()
    const present = new Set(there)
    const changed = before.filter((hash) => !present.has(hash))
    for (const hash of changed) this.#forget(hash)
    const unsure = there.filter((hash) => this.#records.get(hash)?.state !== 'registered')
    for (let i = 0; i < unsure.length; i += READS_AT_ONCE) {
      const some = unsure.slice(i, i + READS_AT_ONCE)
      const isChanged = await Promise.all(some.map((hash) => this.refreshOne(hash)))
      changed.push(...some.filter((_, at) => isChanged[at]))
    }
    return changed
  }

  /** Reads one record again; true when what is known of the release changed by it. */
  async refreshOne(hash: InfoHash): Promise<boolean> {
    const before = this.#records.get(hash)
    try {
      const text = Buffer.from(await readFileBounded(this.#recordPath(hash), RECORD_BYTES_MAX)).toString()
      if (before !== undefined && text === JSON.stringify(before)) return false
      const { parseRecord } = await import('./record-schema.ts')
      const record = parseRecord(text, hash)
      if (this.#records.get(hash) !== before) return false // written meanwhile, by us: what was read is older
      this.#remember(record)
      return true
    } catch (error) {
      if (this.#records.get(hash) !== before) return false
      if (!(error instanceof ShoalError)) {
        // The system would not let us look: that says nothing about the record. The next look may succeed.
        this.#log.warn({ infohash: hash, reason: messageOf(error) }, 'a stored release could not be read')
        return false
      }
      this.#forget(hash)
      if (error.code === 'not-found') return before !== undefined
      await rename(this.#recordPath(hash), `${this.#recordPath(hash)}.broken`)
      this.#log.warn(
        { infohash: hash, reason: messageOf(error) },
        'a stored release cannot be read; moved aside',
      )
      return true
    }
  }

  #remember(record: ReleaseRecord): void {
    this.#forget(record.infohash)
    this.#records.set(record.infohash, record)
    const key = pathKey(record.contentFolder, record.name)
    const there = this.#byPath.get(key)
    if (there === undefined) this.#byPath.set(key, new Set([record.infohash]))
    else there.add(record.infohash)
  }

  #forget(hash: InfoHash): void {
    const record = this.#records.get(hash)
    if (record === undefined) return
    this.#records.delete(hash)
    const key = pathKey(record.contentFolder, record.name)
    const there = this.#byPath.get(key)
    there?.delete(hash)
    if (there?.size === 0) this.#byPath.delete(key)
  }

  async #list(): Promise<InfoHash[]> {
    const hashes: InfoHash[] = []
    for (const name of await readdir(this.folder)) {
      const match = RECORD_NAME.exec(name)
      if (match?.[1] !== undefined) hashes.push(infoHash(match[1]))
    }
    return hashes
  }

  #recordPath(hash: InfoHash): string {
    return join(this.folder, `${hash}.json`)
  }

  #torrentPath(hash: InfoHash): string {
    return join(this.folder, `${hash}.torrent`)
  }
}

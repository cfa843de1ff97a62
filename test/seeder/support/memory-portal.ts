/** A portal in memory, as far as a seeder sees one. Follows the rules of the real one. */
import { ShoalError } from '../../../src/core/errors.ts'
import {
  releaseName,
  slug,
  slugOfTitle,
  type InfoHash,
  type ReleaseName,
  type Slug,
} from '../../../src/core/ids.ts'
import { sizeOf, type Torrent } from '../../../src/core/metainfo.ts'
import { cleanJpeg } from '../../../src/wire/jpeg.ts'
import { formatMagnet } from '../../../src/wire/magnet.ts'
import type {
  Bundle,
  BundleDetail,
  Link,
  Me,
  MediaDescription,
  NewBundle,
  NewReleaseQuery,
  Presence,
  PresenceAnswer,
  Release,
  TransferReport,
  TransfersTaken,
} from '../../../src/wire/api.ts'
import { encodeTorrent, parseTorrent } from '../../../src/wire/torrent.ts'
import '../../../src/wire/api.ts' // its schemas set globals: when a test loads them, mocha sees a leak

type ReleaseDetail = BundleDetail['releases'][number]

export class MemoryPortal {
  readonly origin = 'http://portal.test'
  readonly presences: Presence[] = []
  readonly reports: TransferReport[] = []
  readonly torrents = new Map<InfoHash, Torrent>()
  readonly bundles = new Map<Slug, BundleDetail>()
  /** What was said of media, for publishers. */
  readonly warnings: string[] = []
  user = 'origin'
  /** What the answers to presence reports carry. */
  serving: PresenceAnswer['serving'] = null
  /** Set: every call fails with it. */
  failure: ShoalError | undefined
  /** Answers that got lost: the call took effect, the caller hears `unavailable`. */
  lostAnswers = 0

  me = async (): Promise<Me> => this.#answer({ user: this.user, role: 'origin', groups: [] })

  bundle = async (name: Slug): Promise<BundleDetail> => this.#answer(this.#bundle(name))

  createBundle = async (wanted: NewBundle): Promise<Bundle> => {
    this.#check()
    const taken = (name: Slug): boolean => this.bundles.has(name)
    const base = wanted.bundle === undefined ? slugOfTitle(wanted.title) : slug(wanted.bundle)
    let name = base
    if (taken(name) && wanted.bundle !== undefined) throw new ShoalError('conflict', 'the bundle exists')
    for (let n = 2; taken(name); n++) name = slug(`${base}-${n}`)
    const made: BundleDetail = {
      bundle: name,
      title: wanted.title.trim(),
      description: wanted.description ?? '',
      tags: wanted.tags ?? [],
      owner: this.user,
      audience: wanted.audience ?? ['everyone'],
      updatedAt: '2026-01-01T00:00:00.000Z',
      latest: null,
      releases: [],
    }
    this.bundles.set(name, made)
    return this.#answer(made)
  }

  addRelease = async (name: Slug, bytes: Uint8Array, query: NewReleaseQuery): Promise<Release> => {
    this.#check()
    return await this.addTorrent(name, parseTorrent(bytes), query)
  }

  /** As if it had been registered. */
  async addTorrent(name: Slug, torrent: Torrent, query: NewReleaseQuery = {}): Promise<Release> {
    const bundle = this.#bundle(name)
    if (this.torrents.has(torrent.infoHash)) throw new ShoalError('conflict', 'that release exists')
    const release: ReleaseDetail = {
      name: releaseName(query.release ?? String(bundle.releases.length + 1)),
      state: 'draft',
      infohash: torrent.infoHash,
      sizeBytes: sizeOf(torrent.metainfo),
      pieceLengthBytes: torrent.metainfo.pieceLength,
      notes: query.notes ?? '',
      admit: query.admit ?? 'any',
      publishedAt: '2026-01-01T00:00:00.000Z',
      publishedBy: this.user,
      rights: '',
      contentName: torrent.metainfo.name,
      isSingleFile: torrent.metainfo.isSingleFile,
      files: [...torrent.metainfo.files],
    }
    this.torrents.set(torrent.infoHash, torrent)
    bundle.releases.unshift(release)
    return this.#answer(release)
  }

  describeRelease = (...said: Parameters<MemoryPortal['describe']>): Promise<void> => this.describe(...said)

  async describe(name: Slug, wanted: ReleaseName, said: MediaDescription): Promise<void> {
    const { warnings = [], ...media } = said
    this.#change(name, wanted, { media })
    this.warnings.push(...warnings)
    return this.#answer(undefined)
  }

  setPoster = async (name: Slug, wanted: ReleaseName, jpeg: Uint8Array): Promise<void> => {
    const { bytes } = cleanJpeg(jpeg)
    this.#change(name, wanted, { hasPoster: true, posterTag: String(bytes.length) })
    return this.#answer(undefined)
  }

  release = (...of: Parameters<MemoryPortal['releaseOf']>): Promise<Release> => this.releaseOf(...of)

  async releaseOf(name: Slug, wanted: ReleaseName): Promise<Release> {
    const found = this.#bundle(name).releases.find((release) => release.name === wanted)
    if (found === undefined) throw new ShoalError('not-found', 'no such release')
    return this.#answer(found)
  }

  torrentOf = async (name: Slug, wanted: ReleaseName): Promise<Uint8Array> => {
    const { infohash } = await this.release(name, wanted)
    const torrent = this.torrents.get(infohash)
    if (torrent === undefined) throw new ShoalError('not-found', 'no such release')
    return encodeTorrent({ infoBytes: torrent.infoBytes, announce: [] })
  }

  createLink = async (name: Slug, wanted: ReleaseName): Promise<Link> => {
    const { infohash } = await this.release(name, wanted)
    const magnet = formatMagnet({
      infoHash: infohash,
      trackers: [`${this.origin}/announce?g=grant`],
      exactSources: [],
      webSeeds: [],
    })
    const id = 'AAAAAAAAAAAAAAAA' as Link['grant']['id']
    const grant = { id, expiresAt: '2030-01-01T00:00:00.000Z' }
    return this.#answer({ magnet, torrentUrl: this.origin, playUrl: this.origin, infohash, grant })
  }

  reportPresence = async (presence: Presence): Promise<PresenceAnswer> => {
    this.#check()
    this.presences.push(presence)
    for (const bundle of this.bundles.values())
      bundle.releases = bundle.releases.map((release) => {
        const missing = presence.missing?.find((one) => one.infohash === release.infohash)
        if (missing !== undefined) return { ...release, state: 'missing', reason: missing.reason }
        return presence.complete.includes(release.infohash) ? { ...release, state: 'live' } : release
      })
    return this.#answer({ serving: this.serving })
  }

  reportTransfers = (report: TransferReport): Promise<TransfersTaken> => {
    this.reports.push(report)
    return this.#answer({ refused: [] })
  }

  wanted = async (): ReturnType<MemoryPortal['waiting']> => this.waiting()

  async waiting(): Promise<{
    items: {
      infohash: InfoHash
      bundle: Slug
      release: ReleaseName
      sizeBytes: number
      admit: 'any' | 'ours'
    }[]
  }> {
    const items = [...this.bundles.values()].flatMap(({ bundle, releases }) =>
      releases
        .filter(({ state }) => state !== 'live')
        .map(({ infohash, name, sizeBytes, admit }) => ({
          infohash,
          bundle,
          release: name,
          sizeBytes,
          admit,
        })),
    )
    return this.#answer({ items })
  }

  /** All releases as `bundle@release state`, in the order of bundles. */
  listing(): string[] {
    return [...this.bundles.values()].flatMap(({ bundle, releases }) =>
      releases.map(({ name, state }) => `${bundle}@${name} ${state}`),
    )
  }

  #bundle(name: Slug): BundleDetail {
    this.#check()
    const found = this.bundles.get(name)
    if (found === undefined) throw new ShoalError('not-found', 'no such bundle')
    return found
  }

  #change(name: Slug, wanted: ReleaseName, more: Partial<ReleaseDetail>): void {
    const bundle = this.#bundle(name)
    if (!bundle.releases.some((release) => release.name === wanted))
      throw new ShoalError('not-found', 'no such release')
    bundle.releases = bundle.releases.map((release) =>
      release.name === wanted ? { ...release, ...more } : release,
    )
  }

  #check(): void {
    if (this.failure !== undefined) throw this.failure
  }

  #answer<T>(value: T): Promise<T> {
    this.#check()
    if (this.lostAnswers > 0) {
      this.lostAnswers--
      return Promise.reject(new ShoalError('unavailable', 'the portal does not answer'))
    }
    return Promise.resolve(value)
  }
}

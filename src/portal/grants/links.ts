/** Signed links: a grant for one person and one release, the magnet that carries it, and its .torrent. */
import type { z } from 'zod'
import { issuedAtOf, signGrant } from '../../wire/grant.ts'
import { ShoalError } from '../../core/errors.ts'
import { epochMillis, hours, millis, type EpochMillis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Link, Renewal, zLinkRequest } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'
import { formatMagnet } from '../../wire/magnet.ts'
import { signMagnet } from '../../wire/magnet-signature.ts'
import { encodeTorrent } from '../../wire/torrent.ts'
import { WEB_SEED_PREFIX } from '../../wire/web-seed-path.ts'
import type { Catalogue, StoredRelease } from '../catalogue/catalogue.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { GrantRow } from '../database/tables.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import { openBorne } from './bearer.ts'
import type { GrantReader } from './grant-reader.ts'
import type { RefusedBefore } from './refused-before.ts'
import type { GrantLedger } from './ledger.ts'
import { selectFiles } from './select-files.ts'

export interface LinksParts {
  readonly clock: Clock
  readonly catalogue: Catalogue
  readonly ledger: GrantLedger
  readonly grants: GrantReader
  readonly keys: KeyRing
  readonly refused: RefusedBefore
  /** Origins without a trailing slash. */
  readonly publicUrl: string
  readonly trackerUrl: string
  /** `udp://HOST:PORT`, for .torrent files only. */
  readonly udpTrackerUrl?: string | undefined
  /** Whether this portal serves bytes itself. */
  readonly hasWebSeed: boolean
}

export interface LinkOrder {
  readonly release: StoredRelease
  readonly request: z.output<typeof zLinkRequest>
  readonly forUser: string
  readonly issuedBy: string
  readonly peersMax: number
  /** When the right to it ends, and with it the grant. */
  readonly notAfter?: EpochMillis | undefined
}

/** Of whoever watches: {@link Links.watch}. */
export interface WatchGrant {
  readonly id: GrantRow['id']
  readonly expiresAt: string
  readonly token: string
  /** With the grant in it. */
  readonly trackerUrl: string
}

/** A working day: who leaves the page open over night asks for another. */
const WATCH_LIFE = hours(12)

interface Issued {
  readonly id: GrantRow['id']
  readonly token: string
  readonly expiresAt: EpochMillis
}

export class Links {
  readonly #parts: LinksParts

  constructor(parts: LinksParts) {
    this.#parts = parts
  }

  /** The link, once its grant is on the disk. Whether it may be had was decided before. */
  async create(order: LinkOrder): Promise<Link> {
    const { release, request } = order
    mustBeGood(release)
    if (request.webSeed) this.#mustHaveWebSeed(release)
    const selectOnly = request.files === undefined ? undefined : await this.#select(release, request.files)
    const lifeMs = request.expiresInSeconds * 1_000
    const grant = await this.#issue({ ...order, lifeMs, webSeed: request.webSeed })
    const torrentUrl = `${this.#parts.publicUrl}/dl/${grant.token}.torrent`
    const magnet = await signMagnet(
      {
        infoHash: release.infohash,
        displayName: release.contentName,
        sizeBytes: release.sizeBytes,
        trackers: [this.#announceUrl(grant.token)],
        exactSources: [torrentUrl],
        webSeeds: request.webSeed ? [this.#webSeedUrl(grant.token)] : [],
        ...(selectOnly === undefined ? {} : { selectOnly }),
      },
      this.#parts.keys.link,
    )
    return {
      magnet: formatMagnet(magnet),
      torrentUrl,
      playUrl: `${this.#parts.publicUrl}/bundles/${release.bundle}`,
      infohash: release.infohash,
      grant: { id: grant.id, expiresAt: isoTime(grant.expiresAt) },
    }
  }

  /** For a page that watches: a grant alone, for the tracker's WebSocket. */
  async watch(order: Omit<LinkOrder, 'request'>): Promise<WatchGrant> {
    mustBeGood(order.release)
    const { id, token, expiresAt } = await this.#issue({ ...order, lifeMs: WATCH_LIFE, webSeed: false })
    const announce = this.#announceUrl(token)
    return { id, expiresAt: isoTime(expiresAt), token, trackerUrl: announce.replace(/^http/, 'ws') }
  }

  /**
   * A fresh grant with the life and the peers of the old one, which stays good to its end.
   * @throws ShoalError `conflict` when the old one was revoked or the release recalled.
   */
  async renew(
    old: GrantRow,
    { release, by, notAfter }: { release: StoredRelease; by: string; notAfter: EpochMillis | undefined },
  ): Promise<Renewal> {
    mustBeGood(release)
    if (old.revoked_at !== null) throw wasRevoked()
    const refusal = this.#parts.refused.refusalOf(old)
    if (refusal !== undefined) throw new ShoalError('conflict', refusal)
    const { id, token, expiresAt } = await this.#issue({
      release,
      forUser: old.for_user,
      issuedBy: by,
      peersMax: old.peers_max,
      lifeMs: old.expires_at - old.issued_at,
      webSeed: old.web_seed === 1,
      renews: old.id,
      notAfter,
    })
    return { grant: { id, expiresAt: isoTime(expiresAt), token }, announceUrl: this.#announceUrl(token) }
  }

  /**
   * The release of this grant as a private .torrent with the grant's announce URL.
   * @throws ShoalError `not-granted` when the grant is not ours, expired, revoked or of a recalled release.
   */
  async torrentOf(token: string): Promise<{ bytes: Uint8Array; fileName: string }> {
    const { grant, release } = await openBorne(this.#parts, token)
    const infoBytes = await this.#parts.catalogue.infoBytes(release.infohash)
    if (infoBytes === undefined) throw new ShoalError('not-granted', 'grant refused')
    const urlList = grant.web_seed === 1 ? [this.#webSeedUrl(token)] : []
    return {
      bytes: encodeTorrent({ infoBytes, announce: this.#announceTiers(token), urlList, createdBy: 'Shoal' }),
      fileName: `${release.bundle}-${release.name}.torrent`,
    }
  }

  async #issue(
    order: Omit<LinkOrder, 'request'> & {
      readonly lifeMs: number
      readonly webSeed: boolean
      readonly renews?: GrantRow['id']
    },
  ): Promise<Issued> {
    const { keys, ledger, refused } = this.#parts
    const key = keys.grant
    const id = refused.newId({ infohash: order.release.infohash, kid: key.kid })
    const issuedAt = issuedAtOf(id) // whole seconds, as it stands in the id
    const life = millis(Math.min(Math.max(order.lifeMs, 1_000), limits.grantLifeMax))
    const end = issuedAt + Math.floor(life / 1_000) * 1_000
    const ends = [end, order.notAfter ?? Infinity, Date.parse(order.release.expiresAt ?? '') || Infinity]
    const expiresAt = epochMillis(Math.floor(Math.min(...ends) / 1_000) * 1_000)
    if (expiresAt <= issuedAt) throw new ShoalError('not-granted', 'your access ends this second')
    const token = await signGrant({ infoHash: order.release.infohash, id, expiresAt }, key)
    const touched = await ledger.commit({
      kind: 'issue',
      id,
      infohash: order.release.infohash,
      bundle: order.release.bundle,
      release: order.release.name,
      forUser: order.forUser,
      issuedBy: order.issuedBy,
      issuedAt,
      expiresAt,
      peersMax: order.peersMax,
      kid: key.kid,
      ...(order.webSeed ? { webSeed: true } : {}),
      ...(order.renews === undefined ? {} : { renews: order.renews }),
    })
    if (touched === 0) throw order.renews === undefined ? isDisabled(order.forUser) : wasRevoked()
    return { id, token, expiresAt }
  }

  async #select(release: StoredRelease, globs: readonly string[]): Promise<[number, number][]> {
    const files = await this.#parts.catalogue.files(release.infohash)
    const landing = release.isSingleFile
      ? [release.contentName]
      : files.map((file) => `${release.contentName}/${file.path}`)
    return selectFiles(landing, globs)
  }

  /** HTTP first: most clients lose the grant over UDP. */
  #announceTiers(token: string): readonly (readonly string[])[] {
    const { udpTrackerUrl } = this.#parts
    const http = [this.#announceUrl(token)]
    return udpTrackerUrl === undefined ? [http] : [http, [`${udpTrackerUrl}/announce?g=${token}`]]
  }

  /** @throws ShoalError `conflict`. */
  #mustHaveWebSeed(release: StoredRelease): void {
    if (release.admit === 'ours')
      throw new ShoalError(
        'conflict',
        "this release is for Shoal's own clients only, and a web seed gives it to whoever has the link: ask for one without",
      )
    if (!this.#parts.hasWebSeed)
      throw new ShoalError(
        'conflict',
        'this portal has no content of its own, and so no web seed: ask for the link without one',
      )
  }

  #webSeedUrl(token: string): string {
    return `${this.#parts.publicUrl}${WEB_SEED_PREFIX}${token}/`
  }

  #announceUrl(token: string): string {
    return `${this.#parts.trackerUrl}/announce?g=${token}`
  }
}

const isDisabled = (user: string): ShoalError =>
  new ShoalError('not-granted', `the account of ${user} is disabled`)
const wasRevoked = (): ShoalError => new ShoalError('conflict', 'this grant was revoked')

function mustBeGood(release: StoredRelease): void {
  if (release.state === 'recalled') throw new ShoalError('conflict', 'this release was recalled')
  if (release.state === 'failed') throw new ShoalError('conflict', 'this release failed and cannot be had')
}

/**
 * The web seed (BEP 19): files of a release over HTTP to who has a link that was made with one. It is for when peers
 * have not what is missing, so it stands back while a peer that is no origin has all, and gives each grant a copy and
 * a half.
 */
import type { IpAddress } from '../../core/address.ts'
import type { InfoHash } from '../../core/ids.ts'
import { ShoalError } from '../../core/errors.ts'
import type { Metrics } from '../../platform/metrics.ts'
import type { ByteRange } from '../../wire/byte-range.ts'
import { limits } from '../../wire/limits.ts'
import { parseWebSeedPath } from '../../wire/web-seed-path.ts'
import { type BearerParts, openBorne } from '../grants/bearer.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'
import type { Presence } from '../control/presence.ts'
import type { WebSeedTally } from '../figures/web-seed-tally.ts'
import { askedRange } from '../http/asked-range.ts'
import { HttpRefusal } from '../http/problems.ts'
import type { WebSeedContent } from './content.ts'
import { type FileTable, FileTables } from './file-tables.ts'
import { type ShareOf, type WebSeedShare, WebSeedShares } from './shares.ts'

export interface WebSeedParts extends BearerParts {
  readonly catalogue: Pick<Catalogue, 'releaseOf' | 'files'>
  readonly presence: Pick<Presence, 'hasMirror'>
  readonly content: WebSeedContent
  readonly metrics: Metrics
  readonly transfers: { readonly webSeeds: Pick<WebSeedTally, 'sent'> }
}

/** What a request is answered with: a part of one file. */
export interface WebSeedAnswer extends ByteRange {
  readonly infoHash: InfoHash
  readonly table: FileTable
  readonly file: number
  readonly sizeBytes: number
  /** The same bytes for ever: strong. */
  readonly etag: string
  readonly isPartial: boolean
  readonly shareOf: ShareOf
}

export interface WebSeedQuestion {
  /** As it stands in the request's first line. */
  readonly target: string
  readonly range: string | undefined
  readonly ifRange: string | undefined
}

/** A peer that has all may have left before it is asked; and who asks us next finds that out. */
const WHILE_OTHERS_HAVE_IT = { 'Retry-After': '60' }

export class WebSeed {
  readonly #parts: WebSeedParts
  readonly #tables: FileTables
  readonly #shares: WebSeedShares
  readonly #bytes

  constructor(parts: WebSeedParts) {
    this.#parts = parts
    this.#tables = new FileTables(parts)
    this.#shares = new WebSeedShares(parts)
    this.#bytes = parts.metrics.counter({
      name: 'shoal_portal_web_seed_bytes_total',
      help: 'Content sent by the web seed, to links that were made with one',
    })
  }

  /**
   * Resolves when it is clear what is to be sent; {@link takeShare} and {@link read} send it.
   * @throws ShoalError `not-found` for no file of this grant, `not-granted` as {@link openBorne} says; HttpRefusal 416
   *   for a range that the file has not, 503 while others have it.
   */
  async answer({ target, range: asked, ifRange }: WebSeedQuestion): Promise<WebSeedAnswer> {
    const { grant: token, landingPath } = parseWebSeedPath(target)
    const { grant, release } = await openBorne(this.#parts, token)
    if (grant.web_seed !== 1)
      throw new ShoalError('not-granted', 'this link was made without a web seed: ask the portal for another')
    const infoHash = release.infohash
    const table = await this.#tables.of(release)
    const file = table.byPath.get(landingPath)
    if (file === undefined) throw new ShoalError('not-found', 'no such file')
    const sizeBytes = table.sizes[file] ?? 0
    const etag = `"${infoHash}-${file}"`
    const range = askedRange({ range: asked, ifRange }, { etag, sizeBytes })
    if (this.#parts.content.seeds(infoHash) > 0 || this.#parts.presence.hasMirror(infoHash))
      throw new HttpRefusal(503, 'others have all of this release: ask them', WHILE_OTHERS_HAVE_IT)
    return {
      infoHash,
      table,
      file,
      sizeBytes,
      etag,
      isPartial: range !== undefined,
      shareOf: { id: grant.id, expiresAt: grant.expires_at, sizeBytes: release.sizeBytes },
      ...(range ?? { from: 0, end: sizeBytes }),
    }
  }

  /** To be disposed of when the answer is over. @throws HttpRefusal as `WebSeedShares.open` says. */
  takeShare(answer: WebSeedAnswer, signal: AbortSignal): Promise<WebSeedShare> {
    return this.#shares.open(answer.shareOf, signal)
  }

  /** @throws ShoalError when the grant in `target` is good no more. */
  async mustStillBeGood(target: string): Promise<void> {
    await openBorne(this.#parts, parseWebSeedPath(target).grant)
  }

  /**
   * The first bytes of `[from, end)` of the answer's file, at most `webSeedStretchBytesMax`; undefined when they cannot
   * be had.
   */
  async read(answer: WebSeedAnswer, from: number, gone: AbortSignal): Promise<Uint8Array | undefined> {
    const end = Math.min(answer.end, from + limits.webSeedStretchBytesMax)
    const stretch = answer.table.layout.stretchOf(answer.file, from, end)
    return stretch === undefined ? undefined : await this.#parts.content.read(answer.infoHash, stretch, gone)
  }

  noteSent({ infoHash }: WebSeedAnswer, to: IpAddress | undefined, bytes: number): void {
    this.#bytes.inc(bytes)
    this.#parts.transfers.webSeeds.sent(infoHash, to, bytes)
  }
}

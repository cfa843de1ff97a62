/** What a page gets that watches a file: a grant for the swarm, hashes of its pieces, and where the server's bytes are. */
import type { IpAddress } from '../../core/address.ts'
import { ShoalError } from '../../core/errors.ts'
import type { ReleaseName, Slug } from '../../core/ids.ts'
import type { EpochMillis } from '../../core/units.ts'
import type { Watch } from '../../wire/api-watch.ts'
import type { IceServer } from '../../wire/ice-servers.ts'
import { limits } from '../../wire/limits.ts'
import type { Account } from '../account.ts'
import type { StoredRelease } from '../catalogue/catalogue.ts'
import type { Links } from '../grants/links.ts'
import type { Sites } from '../sites.ts'
import type { WatchContent } from './content.ts'
import { isPlayable, mediaTypeOf } from './media-type.ts'
import type { PieceHashes } from './piece-hashes.ts'
import type { WatchRoster } from './roster.ts'

export interface WatchingParts {
  readonly pieceHashes: PieceHashes
  readonly content: WatchContent | undefined
  readonly links: Pick<Links, 'watch'>
  readonly roster: WatchRoster
  readonly sites: Sites
  readonly iceServers: readonly IceServer[]
}

export interface WatchWish {
  readonly account: Account
  readonly bundle: Slug
  readonly name: ReleaseName
  readonly release: StoredRelease
  readonly file: number
  /** When the right to it ends. */
  readonly notAfter: EpochMillis | undefined
  /** Where the page is. */
  readonly from: IpAddress | undefined
}

const HASH_BYTES = 20

export class Watching {
  readonly #parts: WatchingParts

  constructor(parts: WatchingParts) {
    this.#parts = parts
  }

  /**
   * Whether the account may have it was decided before.
   * @throws ShoalError `not-found` for no such file, `conflict` for one that browsers do not play.
   */
  async begin({ account, bundle, name, release, file, notAfter, from }: WatchWish): Promise<Watch> {
    const { content, links, pieceHashes, roster, iceServers } = this.#parts
    if (content === undefined)
      throw new ShoalError('unavailable', 'this portal has no content of its own: fetch the release')
    const { layout, path, sizeBytes } = await content.find(release, file)
    if (!isPlayable(path)) throw new ShoalError('conflict', 'browsers do not play this kind of file')
    const pieces = layout.piecesOf(file)
    const all = await pieceHashes.of(release.infohash)
    if (pieces === undefined || all === undefined) throw new ShoalError('not-found', 'no such file')
    const hashes = all.subarray(HASH_BYTES * pieces.first, HASH_BYTES * (pieces.last + 1))
    const peering = this.#peeringOf(release, from)
    const grant =
      peering === 'on'
        ? await links.watch({
            release,
            forUser: account.user,
            issuedBy: account.user,
            peersMax: limits.peersPerGrantDefault,
            notAfter,
          })
        : undefined
    if (grant !== undefined) roster.note({ infohash: release.infohash, bundle, name }, grant.id)
    // that of all its films together says nothing of one
    const durationSeconds =
      (await content.playable(release)) === 1 ? release.media?.durationSeconds : undefined
    return {
      infohash: release.infohash,
      sizeBytes: release.sizeBytes,
      pieceLengthBytes: release.pieceLengthBytes,
      file: { index: file, sizeBytes, startBytes: layout.startOf(file), type: mediaTypeOf(path) },
      firstPiece: pieces.first,
      pieceHashes: Buffer.from(hashes).toString('base64'),
      contentUrl: `/bundles/${bundle}/releases/${name}/content`,
      ...(durationSeconds === undefined ? {} : { durationSeconds }),
      peering,
      ...(grant === undefined ? {} : { grant }),
      iceServers: [...iceServers],
    }
  }

  #peeringOf(release: StoredRelease, from: IpAddress | undefined): Watch['peering'] {
    if (release.admit === 'ours') return 'ours-only'
    const isOff = from !== undefined && this.#parts.sites.map.siteOf(from).peering === 'off'
    return isOff ? 'off-by-site' : 'on'
  }
}

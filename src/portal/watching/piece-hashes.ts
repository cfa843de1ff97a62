/** Hashes of a release's pieces, kept for those that were watched last: reading them from its description takes a while. */
import type { InfoHash } from '../../core/ids.ts'
import { MiB } from '../../core/units.ts'
import { parseInfo } from '../../wire/torrent.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'

const KEPT_BYTES_MAX = 32 * MiB

export class PieceHashes {
  readonly #catalogue: Pick<Catalogue, 'infoBytes'>
  /** The one used last is the last. */
  readonly #kept = new Map<InfoHash, Uint8Array>()
  #bytes = 0

  constructor(parts: { readonly catalogue: Pick<Catalogue, 'infoBytes'> }) {
    this.#catalogue = parts.catalogue
  }

  /** SHA-1 of each piece, one after the other; undefined without the release. */
  async of(infohash: InfoHash): Promise<Uint8Array | undefined> {
    const known = this.#kept.get(infohash)
    const hashes = known ?? (await this.#read(infohash))
    if (hashes === undefined) return undefined
    if (!this.#kept.delete(infohash)) this.#bytes += hashes.length
    this.#kept.set(infohash, hashes)
    for (const [oldest, old] of this.#kept) {
      if (this.#bytes <= KEPT_BYTES_MAX || oldest === infohash) break
      this.#kept.delete(oldest)
      this.#bytes -= old.length
    }
    return hashes
  }

  async #read(infohash: InfoHash): Promise<Uint8Array | undefined> {
    const infoBytes = await this.#catalogue.infoBytes(infohash)
    return infoBytes === undefined ? undefined : parseInfo(infoBytes).metainfo.pieces.slice()
  }
}

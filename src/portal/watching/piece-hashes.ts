/**
 * Hashes of a release's pieces, kept for those that were watched last: reading them from its description takes a while, for a large
 * one on a thread of its own, and once for all who ask meanwhile.
 */
import type { InfoHash } from '../../core/ids.ts'
import { MiB } from '../../core/units.ts'
import { runAside } from '../../platform/aside.ts'
import { limits } from '../../wire/limits.ts'
import { parseInfo } from '../../wire/torrent.ts'
import type { Catalogue } from '../catalogue/catalogue.ts'

const KEPT_BYTES_MAX = 32 * MiB
const WORKER = new URL('./piece-hashes-worker.ts', import.meta.url)

export class PieceHashes {
  readonly #catalogue: Pick<Catalogue, 'infoBytes'>
  /** The one used last is the last. */
  readonly #kept = new Map<InfoHash, Uint8Array>()
  readonly #reading = new Map<InfoHash, Promise<Uint8Array | undefined>>()
  #bytes = 0

  constructor(parts: { readonly catalogue: Pick<Catalogue, 'infoBytes'> }) {
    this.#catalogue = parts.catalogue
  }

  /** SHA-1 of each piece, one after the other; undefined without the release. */
  async of(infohash: InfoHash): Promise<Uint8Array | undefined> {
    const known = this.#kept.get(infohash)
    const hashes = known ?? (await this.#readOnce(infohash))
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

  #readOnce(infohash: InfoHash): Promise<Uint8Array | undefined> {
    const under = this.#reading.get(infohash)
    if (under !== undefined) return under
    const reading = this.#read(infohash).finally(() => this.#reading.delete(infohash))
    this.#reading.set(infohash, reading)
    return reading
  }

  async #read(infohash: InfoHash): Promise<Uint8Array | undefined> {
    const infoBytes = await this.#catalogue.infoBytes(infohash)
    if (infoBytes === undefined) return undefined
    if (infoBytes.length <= limits.torrentBytesAtOnceMax) return parseInfo(infoBytes).metainfo.pieces.slice()
    return (await runAside(WORKER, infoBytes)) as Uint8Array
  }
}

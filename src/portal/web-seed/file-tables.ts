/** Which file of a release lies where: from the catalogue, kept for the releases that were asked for last. */
import { landingPath } from '../../core/metainfo.ts'
import { FileLayout, PieceLayout } from '../../core/piece-layout.ts'
import type { InfoHash } from '../../core/ids.ts'
import type { Catalogue, StoredRelease } from '../catalogue/catalogue.ts'

export interface FileTable {
  readonly layout: FileLayout
  readonly sizes: readonly number[]
  /** Index of the file by where it lands. */
  readonly byPath: ReadonlyMap<string, number>
}

/** Files of all releases that are kept: a release may have 100,000, and each takes about 200 bytes. */
const FILES_KEPT_MAX = 200_000

export class FileTables {
  readonly #catalogue: Pick<Catalogue, 'files'>
  /** The one used last is the last. */
  readonly #tables = new Map<InfoHash, FileTable>()
  #files = 0

  constructor(parts: { readonly catalogue: Pick<Catalogue, 'files'> }) {
    this.#catalogue = parts.catalogue
  }

  async of(release: StoredRelease): Promise<FileTable> {
    const { infohash } = release
    const known = this.#tables.get(infohash)
    if (known !== undefined) this.#forget(infohash, known)
    const table = known ?? (await this.#make(release))
    const same = this.#tables.get(infohash) // somebody else has read it meanwhile
    if (same !== undefined) this.#forget(infohash, same)
    this.#tables.set(infohash, table)
    this.#files += table.sizes.length
    for (const [oldest, old] of this.#tables) {
      if (this.#files <= FILES_KEPT_MAX || old === table) break
      this.#forget(oldest, old)
    }
    return table
  }

  async #make(release: StoredRelease): Promise<FileTable> {
    const files = await this.#catalogue.files(release.infohash)
    const sizes = files.map((file) => file.sizeBytes)
    const shape = { name: release.contentName, isSingleFile: release.isSingleFile }
    const byPath = new Map(files.map((file, index) => [landingPath(shape, file), index]))
    const layout = new FileLayout(new PieceLayout(release.sizeBytes, release.pieceLengthBytes), sizes)
    return { layout, sizes, byPath }
  }

  #forget(infohash: InfoHash, table: FileTable): void {
    if (this.#tables.delete(infohash)) this.#files -= table.sizes.length
  }
}

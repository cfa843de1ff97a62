/** The library folder as publishers choose from it, where it does not publish itself. */
import { lstat, readdir, realpath } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { ShoalError, systemCode } from '../core/errors.ts'
import { quote, refusalOfName } from '../core/file-name.ts'
import type { LibraryItem, LibraryListing } from '../wire/api.ts'
import { limits } from '../wire/limits.ts'
import { isEntryName } from './library-entry.ts'
import type { ReleaseStore } from './release-store.ts'

export class ServerLibrary {
  readonly #folder: string
  readonly #store: ReleaseStore

  private constructor(folder: string, store: ReleaseStore) {
    this.#folder = folder
    this.#store = store
  }

  /** @throws ShoalError `bad-usage` where the portal's own things would be to choose from. */
  static async open(
    folder: string,
    parts: { readonly store: ReleaseStore; readonly dataDir: string },
  ): Promise<ServerLibrary> {
    const [library, data] = await Promise.all([realpath(folder), realpath(parts.dataDir)])
    if (isBelow(data, library) || isBelow(library, data))
      throw new ShoalError(
        'bad-usage',
        `the library ${quote(folder)} and the data folder lie within one another: publishers would choose from its secrets`,
      )
    return new ServerLibrary(library, parts.store)
  }

  /**
   * What is in a folder of it, folders first; `''` is all of it. What is no file and no folder is not shown.
   * @throws ShoalError `not-found` for what is no folder of it.
   */
  async list(path: string): Promise<LibraryListing> {
    const folder = await this.resolve(path)
    const names = (await readdir(folder).catch(notThere(path))).filter(isEntryName).sort()
    const shown = names.slice(0, limits.libraryListingMax)
    const items = await Promise.all(shown.map((name) => this.#itemOf(folder, path, name)))
    return {
      path,
      items: items
        .filter((item) => item !== undefined)
        .sort((a, b) => Number(b.isFolder) - Number(a.isFolder)),
      isCut: names.length > shown.length,
    }
  }

  /** Never outside of the library, wherever links lead, and nothing that is not listed. @throws ShoalError `not-found`. */
  async resolve(path: string): Promise<string> {
    const parts = path === '' ? [] : path.split('/')
    if (parts.some((part) => refusalOfName(part) !== undefined || !isEntryName(part))) throw absent(path)
    const real = await realpath(join(this.#folder, ...parts)).catch(notThere(path))
    if (!isBelow(real, this.#folder)) throw absent(path)
    // a link within the library leads to nothing that is hidden there
    if (
      !relative(this.#folder, real)
        .split(sep)
        .every((part) => part === '' || isEntryName(part))
    )
      throw absent(path)
    return real
  }

  async #itemOf(folder: string, path: string, name: string): Promise<LibraryItem | undefined> {
    const stat = await lstat(join(folder, name)).catch(() => undefined)
    if (stat === undefined || !(stat.isFile() || stat.isDirectory())) return undefined
    const record = this.#store.ofPath(folder, name).findLast((one) => one.state === 'registered')
    return {
      name,
      path: path === '' ? name : `${path}/${name}`,
      isFolder: stat.isDirectory(),
      ...(stat.isFile() && { sizeBytes: stat.size }),
      ...(record?.bundle !== undefined &&
        record.release !== undefined && { publishedAs: { bundle: record.bundle, release: record.release } }),
    }
  }
}

/** Or the same. */
const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(folder + sep)

const absent = (path: string): ShoalError =>
  new ShoalError('not-found', `there is no ${quote(path)} in the library of this server`)

const notThere =
  (path: string) =>
  (error: unknown): never => {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(systemCode(error) ?? '')) throw absent(path)
    throw error
  }

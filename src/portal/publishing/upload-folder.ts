/**
 * Where uploads lie: `DATA/media/incoming/UPLOAD` while they come, `DATA/media/DRAFT/files/PATH` when they are there, and served
 * from there for as long as their release is.
 */
import { lstat, mkdir, open, readdir, rename, rm, rmdir, stat, statfs } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { systemCode } from '../../core/errors.ts'
import { refusalOfName } from '../../core/file-name.ts'

/** What loose files lie in until their draft is handed in. */
const FILES = 'files'

export class UploadFolder {
  readonly #folder: string
  readonly incoming: string

  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'media')
    this.incoming = join(this.#folder, 'incoming')
  }

  async make(): Promise<void> {
    await mkdir(this.incoming, { recursive: true })
  }

  /** For others than the machine's administrator. */
  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.#folder)
    return bavail * bsize
  }

  /** How much of an upload has come; undefined where there is none. */
  async arrivedBytes(uploadId: string): Promise<number | undefined> {
    return (await sizeOf(join(this.incoming, uploadId))) ?? undefined
  }

  /** True when exactly so much lies at its place. */
  async isPlaced(
    draft: DraftPlace,
    file: { readonly path: string; readonly sizeBytes: number },
  ): Promise<boolean> {
    return (await sizeOf(this.pathOf(draft, file.path))) === file.sizeBytes
  }

  /** An upload that is whole: at its place, on the disk. `path` was checked part by part. */
  async place(draft: DraftPlace, uploadId: string, path: string): Promise<void> {
    const from = join(this.incoming, uploadId)
    const to = this.pathOf(draft, path)
    await mkdir(dirname(to), { recursive: true })
    await sync(from)
    await rename(from, to)
    await sync(dirname(to))
    await rm(`${from}.json`, { force: true })
  }

  /** What is at its place gives way to a file that is whole, if that has not happened already. */
  async replace(draft: DraftPlace, uploadId: string, path: string): Promise<void> {
    const to = this.pathOf(draft, path)
    try {
      await rename(this.incomingPath(uploadId), to)
    } catch (error) {
      if (!isAbsent(error)) throw error
    }
    await sync(dirname(to))
  }

  incomingPath(uploadId: string): string {
    return join(this.incoming, uploadId)
  }

  async forgetUpload(uploadId: string): Promise<void> {
    await rm(join(this.incoming, uploadId), { force: true })
    await rm(join(this.incoming, `${uploadId}.json`), { force: true })
  }

  /** Folders that are empty then go as well: a file may take their name. */
  async removeFile(draft: DraftPlace, path: string): Promise<void> {
    await rm(this.pathOf(draft, path), { force: true })
    const parts = path.split('/')
    while (parts.length > 1) {
      parts.pop()
      if (!(await removeEmpty(this.pathOf(draft, parts.join('/'))))) return
    }
  }

  /** Uploads that nobody has written to since then. */
  async idleSince(then: number): Promise<string[]> {
    const names = (await readdir(this.incoming)).map((name) => name.replace(/\.json$/, ''))
    const idle = await Promise.all(
      [...new Set(names)].map(async (name) =>
        (await writtenAt(join(this.incoming, name))) < then ? name : undefined,
      ),
    )
    return idle.filter((name) => name !== undefined)
  }

  async removeDraft(id: string): Promise<void> {
    await rm(join(this.#folder, id), { recursive: true, force: true })
  }

  /**
   * What is published of these files: the file, or the folder they are all in; loose ones get a folder of the title at {@link settle}.
   */
  rootOf(draft: DraftPlace, paths: readonly string[]): string {
    const folder = join(this.#folder, draft.id, draft.folder ?? FILES)
    const top = topOf(paths)
    return top === undefined ? folder : join(folder, top)
  }

  /** Gives it that name, from whichever it has. May be repeated. */
  async settle(id: string, name: string): Promise<void> {
    const folder = join(this.#folder, id)
    if (await exists(join(folder, name))) return
    const [before] = await readdir(folder) // it is the only thing there
    if (before !== undefined) await rename(join(folder, before), join(folder, name))
  }

  /** Every file of the draft that lies there, with its size, by path. */
  async filesOf(draft: DraftPlace): Promise<ReadonlyMap<string, number>> {
    const root = join(this.#folder, draft.id, draft.folder ?? FILES)
    const found = new Map<string, number>()
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
      if (isAbsent(error)) return []
      throw error
    })
    for (const entry of entries) {
      if (entry.isDirectory()) continue
      const path = join(entry.parentPath, entry.name)
      found.set(relative(root, path).replaceAll(sep, '/'), (await lstat(path)).size)
    }
    return found
  }

  /** `path` was checked part by part. */
  pathOf({ id, folder }: DraftPlace, path: string): string {
    return join(this.#folder, id, folder ?? FILES, ...path.split('/'))
  }
}

export interface DraftPlace {
  readonly id: string
  /** What its files lie in, where {@link UploadFolder.settle} has named that. */
  readonly folder: string | null
}

/** The one file or folder that everything is; undefined for loose files. */
export function topOf(paths: readonly string[]): string | undefined {
  const tops = new Set(paths.map((path) => path.split('/', 1)[0]))
  const [top] = tops
  return tops.size === 1 ? top : undefined
}

/** What is published of these files is called so: loose ones get a folder of the title. */
export const nameOf = (paths: readonly string[], title: string): string => topOf(paths) ?? folderNameOf(title)

/** A title as the name of a folder on any system. */
export function folderNameOf(title: string): string {
  const name = title.normalize('NFC').replaceAll(/[\p{Cc}\p{Cf}\s/\\:*?"<>|]+/gu, ' ')
  const short = name
    .trim()
    .slice(0, 60)
    .replace(/[\uD800-\uDBFF]$/, '')
    .replace(/[. ]+$/, '')
  return refusalOfName(short) === undefined ? short : 'bundle'
}

async function sizeOf(path: string): Promise<number | undefined> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw error
  }
}

/** 0 where only its description is left. */
async function writtenAt(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs
  } catch (error) {
    if (isAbsent(error)) return 0
    throw error
  }
}

async function removeEmpty(folder: string): Promise<boolean> {
  try {
    await rmdir(folder)
    return true
  } catch (error) {
    if (['ENOTEMPTY', 'EEXIST', 'ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')) return false
    throw error
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if (isAbsent(error)) return false
    throw error
  }
}

const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(systemCode(error) ?? '')

async function sync(path: string): Promise<void> {
  await using handle = await open(path, 'r')
  await handle.sync()
}

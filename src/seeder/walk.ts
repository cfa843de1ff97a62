/**
 * A path becomes a list of regular files. Nothing outside the root is ever listed: links are not followed,
 * and a folder that turns out to be elsewhere (swapped for a link meanwhile) is refused. What cannot be
 * published is refused by name; all of it is told, not only the first.
 */
import { isUtf8 } from 'node:buffer'
import { constants, type BigIntStats } from 'node:fs'
import { lstat, open, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { ShoalError, systemCode } from '../core/errors.ts'
import { PATH_BYTES_MAX, quote, refusalOfName } from '../core/file-name.ts'
import { limits } from '../wire/limits.ts'
import { BoundedList } from './bounded-list.ts'
import { lookAtFiles, type FileLook, type Looker } from './file-look.ts'
import { IGNORE_FILE, IgnoreRules } from './ignore-rules.ts'

/** How a file looked when it was found; it is the same file with the same content while this holds. */
export interface FileStamp {
  /** Below the root, `/`-separated; empty when the root is the file. */
  readonly path: string
  readonly sizeBytes: number
  /** Nanoseconds since 1970 in decimal: more than a double holds. */
  readonly mtimeNs: string
  readonly ino: string
}

export interface Refusal {
  readonly path: string
  /** Reads on after the path: "is a link". */
  readonly reason: string
}

export interface Walked {
  /** Sorted by the bytes of their paths, so that each machine makes the same torrent of them. */
  readonly files: readonly FileStamp[]
  readonly refused: BoundedList<Refusal>
  /** Files and folders left out by rule; a folder stands for all it holds. */
  readonly ignored: BoundedList<string>
}

/** Refused and ignored names that are kept to be shown. */
const NAMES_SHOWN_MAX = 1_000
/** Files looked at in one go; the walk can be ended in between. */
const LOOKS_AT_ONCE = 1_000
/** Folders read at once, so that all workers have something to look at. */
const FOLDERS_AT_ONCE = 8

export interface WalkParts {
  /** Looks at many files faster; without it each is looked at from here. */
  readonly looker?: Looker
}

/**
 * @param root a real path (no links in it) to a folder.
 * @throws ShoalError `over-limit` when there are more than `limits.publishFilesMax` files.
 */
export async function walk(root: string, parts: WalkParts, signal?: AbortSignal): Promise<Walked> {
  const found: FileStamp[] = []
  const refused = new BoundedList<Refusal>(NAMES_SHOWN_MAX)
  const ignored = new BoundedList<string>(NAMES_SHOWN_MAX)
  const folders: Folder[] = [{ path: '', depth: 0, rules: IgnoreRules.standard() }]

  while (folders.length > 0) {
    const some = folders.splice(-FOLDERS_AT_ONCE).reverse()
    const all = await Promise.all(some.map((folder) => readFolder(root, folder, parts.looker, signal)))
    for (const [n, { seen, rules }] of all.entries()) {
      for (const entry of seen) {
        if (entry.kind === 'file') found.push(entry.stamp)
        else if (entry.kind === 'folder')
          folders.push({ path: entry.path, depth: (some[n]?.depth ?? 0) + 1, rules })
        else if (entry.kind === 'ignored') ignored.add(entry.path)
        else refused.add({ path: entry.path, reason: entry.reason })
      }
      if (found.length + ignored.count + refused.count > 2 * limits.publishFilesMax) throw tooMany()
    }
    if (found.length > limits.publishFilesMax) throw tooMany()
  }
  return { files: sortedByPathBytes(found), refused, ignored }
}

/** @throws the system's error when there is nothing at `path`. */
export async function stampOf(absolute: string, path: string): Promise<FileStamp> {
  return toStamp(path, await lstat(absolute, { bigint: true }))
}

/** True when both are the same file in the same state. */
export function isUnchanged(a: FileStamp, b: FileStamp): boolean {
  return a.path === b.path && a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs && a.ino === b.ino
}

interface Folder {
  readonly path: string
  readonly depth: number
  readonly rules: IgnoreRules
}

type Seen =
  | { readonly kind: 'file'; readonly stamp: FileStamp }
  | { readonly kind: 'folder'; readonly path: string }
  | { readonly kind: 'ignored'; readonly path: string }
  | ({ readonly kind: 'refused' } & Refusal)

interface FolderRead {
  /** What is wrong with the folder itself first, then its entries by the bytes of their names. */
  readonly seen: readonly Seen[]
  readonly rules: IgnoreRules
}

async function readFolder(
  root: string,
  folder: Folder,
  looker: Looker | undefined,
  signal: AbortSignal | undefined,
): Promise<FolderRead> {
  const seen: Seen[] = []
  const refuse = (path: string, reason: string): void => void seen.push({ kind: 'refused', path, reason })
  const listed = await list(root, folder, refuse)
  const rules = await rulesOf(root, folder, listed, refuse)
  for (let i = 0; i < listed.length; i += LOOKS_AT_ONCE) {
    signal?.throwIfAborted()
    const names = listed.slice(i, i + LOOKS_AT_ONCE)
    const looks = await lookAtFiles({ folder: join(root, folder.path), names, asksReadable: true }, looker)
    for (const [n, look] of looks.entries()) seen.push(judge(folder, names[n] ?? '', look, rules))
    if (seen.length > 2 * limits.publishFilesMax) throw tooMany()
  }
  return { seen, rules }
}

type Refuse = (path: string, reason: string) => void

/** Names in the folder, sorted by their bytes. */
async function list(root: string, folder: Folder, refuse: Refuse): Promise<string[]> {
  const absolute = join(root, folder.path)
  const shown = folder.path === '' ? '.' : folder.path
  let raw: Buffer[]
  try {
    raw = await readdir(absolute, { encoding: 'buffer' })
    if ((await realpath(absolute)) !== absolute) {
      refuse(shown, 'leads out of the folder that is published')
      return []
    }
  } catch (error) {
    refuse(shown, reasonOf(systemCode(error)))
    return []
  }
  if (raw.length > 2 * limits.publishFilesMax) throw tooMany()
  const names: string[] = []
  for (const bytes of raw.sort((a, b) => Buffer.compare(a, b))) {
    if (isUtf8(bytes)) names.push(bytes.toString())
    else refuse(childOf(folder, bytes.toString()), 'has a name that is not UTF-8')
  }
  return names
}

async function rulesOf(
  root: string,
  folder: Folder,
  names: readonly string[],
  refuse: Refuse,
): Promise<IgnoreRules> {
  if (!names.includes(IGNORE_FILE)) return folder.rules
  const path = childOf(folder, IGNORE_FILE)
  try {
    const flags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK
    await using file = await open(join(root, path), flags)
    const stat = await file.stat()
    if (!stat.isFile()) throw new ShoalError('bad-input', 'is no regular file')
    if (stat.size > limits.ignoreFileBytesMax)
      throw new ShoalError('over-limit', `is larger than ${limits.ignoreFileBytesMax} bytes`)
    return folder.rules.withFile(folder.path === '' ? '' : `${folder.path}/`, await file.readFile('utf8'))
  } catch (error) {
    const reason = error instanceof ShoalError ? error.message : reasonOf(systemCode(error))
    refuse(path, reason.startsWith('"') ? `cannot be used: ${reason}` : reason)
    return folder.rules
  }
}

function judge(folder: Folder, name: string, look: FileLook, rules: IgnoreRules): Seen {
  const path = childOf(folder, name)
  if (look.kind === 'failed') return { kind: 'refused', path, reason: reasonOf(look.code) }
  if (rules.isIgnored(path, look.kind === 'folder' ? 'folder' : 'file')) return { kind: 'ignored', path }
  const reason =
    refusalOfName(name) ??
    refusalOfPlace(path, folder.depth) ??
    (look.kind === 'other' ? look.reason : undefined)
  if (reason !== undefined) return { kind: 'refused', path, reason }
  if (look.kind !== 'file') return { kind: 'folder', path }
  const { sizeBytes, mtimeNs, ino, unreadable } = look
  if (unreadable !== undefined) return { kind: 'refused', path, reason: reasonOf(unreadable) }
  return { kind: 'file', stamp: { path, sizeBytes, mtimeNs, ino } }
}

function refusalOfPlace(path: string, depth: number): string | undefined {
  if (depth >= limits.publishDepthMax) return `lies more than ${limits.publishDepthMax} folders deep`
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) return `has a path of more than ${PATH_BYTES_MAX} bytes`
  return undefined
}

function reasonOf(code: string | undefined): string {
  if (code === 'EACCES' || code === 'EPERM') return 'cannot be read: permission denied'
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'vanished while the folder was read'
  if (code === 'ELOOP') return 'is a link'
  return `cannot be read (${code ?? 'error'})`
}

function toStamp(path: string, stat: BigIntStats): FileStamp {
  return {
    path,
    sizeBytes: Number(stat.size),
    mtimeNs: stat.mtimeNs.toString(),
    ino: stat.ino.toString(),
  }
}

function childOf(folder: Folder, name: string): string {
  return folder.path === '' ? name : `${folder.path}/${name}`
}

function sortedByPathBytes(files: readonly FileStamp[]): FileStamp[] {
  return files
    .map((file) => ({ file, bytes: Buffer.from(file.path) }))
    .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
    .map(({ file }) => file)
}

function tooMany(): ShoalError {
  return new ShoalError(
    'over-limit',
    `more than ${limits.publishFilesMax} files: publish an archive of them, or parts of the folder (${quote(IGNORE_FILE)} leaves files out)`,
  )
}

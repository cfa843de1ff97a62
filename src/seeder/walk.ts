/**
 * A path becomes a list of regular files. Nothing outside the root is ever listed: links are not followed,
 * and a folder that turns out to be elsewhere (swapped for a link meanwhile) is refused. What cannot be
 * published is refused by name; all of it is told, not only the first.
 */
import { isUtf8 } from 'node:buffer'
import { constants, type BigIntStats } from 'node:fs'
import { access, lstat, open, readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { ShoalError, systemCode } from '../core/errors.ts'
import { PATH_BYTES_MAX, quote, refusalOfName } from '../core/file-name.ts'
import { limits } from '../wire/limits.ts'
import { BoundedList } from './bounded-list.ts'
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
/** File system calls under way at once. */
const CALLS_AT_ONCE = 32

/**
 * @param root a real path (no links in it) to a folder.
 * @throws ShoalError `over-limit` when there are more than `limits.publishFilesMax` files.
 */
export async function walk(root: string, signal?: AbortSignal): Promise<Walked> {
  const found: FileStamp[] = []
  const refused = new BoundedList<Refusal>(NAMES_SHOWN_MAX)
  const ignored = new BoundedList<string>(NAMES_SHOWN_MAX)
  const folders: Folder[] = [{ path: '', depth: 0, rules: IgnoreRules.standard() }]

  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const at = folder
    const listed = await list(root, at, refused)
    const rules = await rulesOf(root, at, listed, refused)
    for (let i = 0; i < listed.length; i += CALLS_AT_ONCE) {
      signal?.throwIfAborted()
      const some = listed.slice(i, i + CALLS_AT_ONCE)
      const seen = await Promise.all(some.map((name) => look(root, at, name, rules)))
      for (const entry of seen) {
        if (entry.kind === 'file') found.push(entry.stamp)
        else if (entry.kind === 'folder') folders.push({ path: entry.path, depth: at.depth + 1, rules })
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

/** What an entry is that is neither file nor folder, or `undefined` for a file or folder. */
export function refusalOfKind(
  stat: Pick<BigIntStats, 'isSymbolicLink' | 'isFIFO' | 'isSocket' | 'isBlockDevice' | 'isCharacterDevice'>,
): string | undefined {
  if (stat.isSymbolicLink()) return 'is a link'
  if (stat.isFIFO()) return 'is a named pipe'
  if (stat.isSocket()) return 'is a socket'
  return stat.isBlockDevice() || stat.isCharacterDevice() ? 'is a device' : undefined
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

/** Names in the folder, sorted by their bytes. */
async function list(root: string, folder: Folder, refused: BoundedList<Refusal>): Promise<string[]> {
  const absolute = join(root, folder.path)
  const shown = folder.path === '' ? '.' : folder.path
  let raw: Buffer[]
  try {
    raw = await readdir(absolute, { encoding: 'buffer' })
    if ((await realpath(absolute)) !== absolute) {
      refused.add({ path: shown, reason: 'leads out of the folder that is published' })
      return []
    }
  } catch (error) {
    refused.add({ path: shown, reason: reasonOf(error) })
    return []
  }
  if (raw.length > 2 * limits.publishFilesMax) throw tooMany()
  const names: string[] = []
  for (const bytes of raw.sort((a, b) => Buffer.compare(a, b))) {
    if (isUtf8(bytes)) names.push(bytes.toString())
    else refused.add({ path: childOf(folder, bytes.toString()), reason: 'has a name that is not UTF-8' })
  }
  return names
}

async function rulesOf(
  root: string,
  folder: Folder,
  names: readonly string[],
  refused: BoundedList<Refusal>,
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
    const reason = error instanceof ShoalError ? error.message : reasonOf(error)
    refused.add({ path, reason: reason.startsWith('"') ? `cannot be used: ${reason}` : reason })
    return folder.rules
  }
}

async function look(root: string, folder: Folder, name: string, rules: IgnoreRules): Promise<Seen> {
  const path = childOf(folder, name)
  const absolute = join(root, path)
  try {
    const stat = await lstat(absolute, { bigint: true })
    if (rules.isIgnored(path, stat.isDirectory() ? 'folder' : 'file')) return { kind: 'ignored', path }
    const reason = refusalOfName(name) ?? refusalOfPlace(path, folder.depth) ?? refusalOfKind(stat)
    if (reason !== undefined) return { kind: 'refused', path, reason }
    if (stat.isDirectory()) return { kind: 'folder', path }
    await access(absolute, constants.R_OK)
    return { kind: 'file', stamp: toStamp(path, stat) }
  } catch (error) {
    return { kind: 'refused', path, reason: reasonOf(error) }
  }
}

function refusalOfPlace(path: string, depth: number): string | undefined {
  if (depth >= limits.publishDepthMax) return `lies more than ${limits.publishDepthMax} folders deep`
  if (Buffer.byteLength(path) > PATH_BYTES_MAX) return `has a path of more than ${PATH_BYTES_MAX} bytes`
  return undefined
}

function reasonOf(error: unknown): string {
  const code = systemCode(error)
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

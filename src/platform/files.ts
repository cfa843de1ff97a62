/** Files as the roles need them: written whole or not at all, secrets kept private, reads bounded. */
import { randomBytes } from 'node:crypto'
import { mkdir, open, rename, rm, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { quote } from '../core/file-name.ts'
import { ShoalError, systemCode } from '../core/errors.ts'
import { KiB } from '../core/units.ts'

const SECRET_BYTES_MAX = 64 * KiB

/**
 * After a crash at any point `path` holds the old bytes or the new ones, never a part. Makes the folder when
 * it is missing. Resolves when the disk has it.
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array | string,
  options: { readonly mode?: number } = {},
): Promise<void> {
  const folder = dirname(path)
  await mkdir(folder, { recursive: true })
  const beside = `${path}.${randomBytes(6).toString('hex')}.tmp`
  try {
    await using file = await open(beside, 'wx', options.mode ?? 0o644)
    await file.writeFile(bytes)
    await file.sync()
    await rename(beside, path)
  } catch (error) {
    await rm(beside, { force: true })
    throw error
  }
  await syncFolder(folder)
}

/** A rename is on the disk only when its folder is. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return // folders cannot be opened there
  await using handle = await open(folder, 'r')
  await handle.sync()
}

/** Readable by this user only (0600), whole or not at all. */
export async function writeSecretFile(path: string, text: string): Promise<void> {
  await writeFileAtomic(path, text, { mode: 0o600 })
}

/**
 * The text without white space around it; undefined when there is no such file.
 * @throws ShoalError `not-granted` when others may read the file.
 */
export async function readSecretFile(path: string): Promise<string | undefined> {
  try {
    await using file = await open(path, 'r')
    const { mode } = await file.stat()
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new ShoalError(
        'not-granted',
        `${quote(path)} holds a secret and others may read it: run "chmod 600" on it`,
      )
    }
    const bytes = Buffer.alloc(SECRET_BYTES_MAX)
    const { bytesRead } = await file.read(bytes, 0, SECRET_BYTES_MAX, 0)
    return bytes.toString('utf8', 0, bytesRead).trim()
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * All of a regular file, unless it is larger than `bytesMax`; looked at and read through one handle, and never
 * more than `bytesMax` held, also when it grows meanwhile.
 * @throws ShoalError `not-found`, `over-limit`, or `bad-input` for what is no regular file.
 */
export async function readFileBounded(path: string, bytesMax: number): Promise<Uint8Array> {
  try {
    await using file = await open(path, 'r')
    const info = await file.stat()
    if (!info.isFile()) throw new ShoalError('bad-input', `${quote(path)} is no regular file`)
    if (info.size > bytesMax) throw tooLarge(path, bytesMax)
    const bytes = Buffer.alloc(Math.min(info.size + 1, bytesMax + 1))
    let length = 0
    while (length < bytes.length) {
      const { bytesRead } = await file.read(bytes, length, bytes.length - length, length)
      if (bytesRead === 0) return bytes.subarray(0, length)
      length += bytesRead
    }
    if (length > bytesMax) throw tooLarge(path, bytesMax)
    return bytes.subarray(0, length)
  } catch (error) {
    if (systemCode(error) === 'ENOENT')
      throw new ShoalError('not-found', `no such file: ${quote(path)}`, { cause: error })
    throw error
  }
}

function tooLarge(path: string, bytesMax: number): ShoalError {
  return new ShoalError('over-limit', `${quote(path)} is larger than ${bytesMax} bytes`)
}

/** What this user may still write below `folder`, in bytes. The folder must exist. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

export { lockFolder } from './folder-lock.ts'

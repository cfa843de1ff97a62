/**
 * Opens files below a folder without being led out of it: every part of the way must be a real folder, the
 * last one a regular file. Links are refused, whoever made them, and so are devices and pipes.
 */
import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open } from 'node:fs/promises'
import { join } from 'node:path'
import { ShoalError, systemCode } from '../core/errors.ts'
import { quote } from '../core/file-name.ts'

export interface GuardedOpen {
  /** Its own name may be a link: the user chose it. */
  readonly folder: string
  /** `/`-separated, safe parts (`core/file-name.ts`). */
  readonly path: string
  /** `create` also makes the folders on the way, and opens for writing; `make` too, but only a file that is not there. */
  readonly mode: 'read' | 'create' | 'make'
}

const FLAGS: Readonly<Record<GuardedOpen['mode'], number>> = {
  read: constants.O_RDONLY,
  create: constants.O_RDWR | constants.O_CREAT,
  make: constants.O_RDWR | constants.O_CREAT | constants.O_EXCL,
}
const REFUSED = new Set(['ELOOP', 'ENOTDIR', 'EISDIR', 'EMLINK', 'ENXIO'])

/** @throws ShoalError `conflict` for links and what is no regular file; system errors as they are (`make`: `EEXIST`). */
export async function openGuarded(request: GuardedOpen): Promise<FileHandle> {
  try {
    return await openBelow(request, false)
  } catch (error) {
    if (request.mode === 'read' || systemCode(error) !== 'ENOENT') throw error
  }
  // Folders are made when one is missing, not asked for with each of 20,000 files.
  await mkdir(request.folder, { recursive: true })
  return openBelow(request, true)
}

async function openBelow(request: GuardedOpen, makesFolders: boolean): Promise<FileHandle> {
  const parts = request.path.split('/')
  let at = request.folder
  for (const part of parts.slice(0, -1)) {
    at = join(at, part)
    await mustBeFolder(at, makesFolders)
  }
  return openRegular(join(at, parts.at(-1) ?? ''), request)
}

async function mustBeFolder(path: string, isMade: boolean): Promise<void> {
  if (isMade) {
    try {
      await mkdir(path)
    } catch (error) {
      if (systemCode(error) !== 'EEXIST') throw error
    }
  }
  if (!(await lstat(path)).isDirectory())
    throw new ShoalError(
      'conflict',
      `${quote(path)} is a link or a file where a folder belongs; move it away`,
    )
}

async function openRegular(path: string, request: GuardedOpen): Promise<FileHandle> {
  // O_NONBLOCK: a pipe must not hold us up before we see that it is one.
  const always = constants.O_NOFOLLOW | constants.O_NONBLOCK
  let handle: FileHandle
  try {
    handle = await open(path, always | FLAGS[request.mode], 0o644)
  } catch (error) {
    if (REFUSED.has(systemCode(error) ?? '')) throw notRegular(path)
    throw error
  }
  if (request.mode === 'make' || (await handle.stat()).isFile()) return handle
  await handle.close()
  throw notRegular(path)
}

function notRegular(path: string): ShoalError {
  return new ShoalError('conflict', `${quote(path)} is a link or no regular file; move it away`)
}

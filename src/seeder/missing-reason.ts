/** Whether the files of a release are still those that were hashed, by what the file system tells of them. */
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../core/errors.ts'
import { quote } from '../core/file-name.ts'
import { absoluteOfRecord, type ReleaseRecord } from './release-record.ts'
import { stampOf, type FileStamp } from './walk.ts'

/** File system calls under way at once, for one release. */
const CALLS_AT_ONCE = 16
/** What {@link missingReason} says when the bytes rotted without anybody writing to the file. */
export const DAMAGED = 'its bytes on the disk are no longer those that were published'

/**
 * Why the release cannot be served, as a sentence to show; `undefined` when it can. The inode does not count:
 * a file restored from a backup with its time is good, and what is sent is hashed once more before.
 */
export async function missingReason(record: ReleaseRecord): Promise<string | undefined> {
  if (record.state === 'damaged') return DAMAGED
  for (let i = 0; i < record.files.length; i += CALLS_AT_ONCE) {
    const reasons = await Promise.all(
      record.files.slice(i, i + CALLS_AT_ONCE).map((file) => reasonOf(record, file)),
    )
    const first = reasons.find((reason) => reason !== undefined)
    if (first !== undefined) return (await isEntryGone(record)) ? 'gone from the library folder' : first
  }
  return undefined
}

async function reasonOf(record: ReleaseRecord, file: FileStamp): Promise<string | undefined> {
  const shown = quote(file.path === '' ? record.name : file.path)
  try {
    const now = await stampOf(absoluteOfRecord(record, file), file.path)
    const isSame = now.sizeBytes === file.sizeBytes && now.mtimeNs === file.mtimeNs
    return isSame ? undefined : `${shown} was changed after it was published`
  } catch (error) {
    const code = systemCode(error)
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? `${shown} is gone`
      : `${shown} cannot be read (${code ?? 'error'})`
  }
}

async function isEntryGone(record: ReleaseRecord): Promise<boolean> {
  if (record.origin !== 'library') return false
  try {
    await lstat(join(record.contentFolder, record.name))
    return false
  } catch (error) {
    return systemCode(error) === 'ENOENT'
  }
}

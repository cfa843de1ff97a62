/** Questions that are asked of a release's record. */
import { join } from 'node:path'
import type { ReleaseRecord } from './record-schema.ts'
import { isUnchanged, type FileStamp } from './walk.ts'

export type { ReleaseRecord } from './record-schema.ts'

/** Where a file of the release is on this machine. */
export function absoluteOfRecord(record: ReleaseRecord, file: FileStamp): string {
  return join(record.contentFolder, record.name, file.path)
}

/** True when the record is of exactly these files, untouched since they were hashed. */
export function isRecordOf(record: ReleaseRecord, files: readonly FileStamp[]): boolean {
  return (
    record.files.length === files.length &&
    record.files.every((file, i) => {
      const other = files[i]
      return other !== undefined && isUnchanged(file, other)
    })
  )
}

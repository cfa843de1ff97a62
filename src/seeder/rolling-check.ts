/**
 * Looks at all served and missing releases in turn, so that a file that was changed or has come back is noticed
 * within seconds on any file system: those that tell of changes (the library's watcher is faster) and those
 * that do not.
 */
import { messageOf } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import { seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { FEW } from './file-look.ts'
import { encodeKnownLooks, type FindTouched } from './known-looks.ts'
import { absoluteOfRecord, type ReleaseRecord } from './release-record.ts'
import type { ReleaseStore } from './release-store.ts'
import type { Shelf } from './shelf.ts'

/** All releases are looked at once in so many steps, while `FILES_PER_STEP` is enough for that. */
const ROUND_STEPS = 3
const STEP = seconds(1)
/** A worker looks at so many in about 15 ms. */
const FILES_PER_STEP = 2_000

export interface RollingCheckParts {
  readonly clock: Clock
  readonly log: Logger
  readonly store: ReleaseStore
  readonly shelf: Pick<Shelf, 'look' | 'serves'>
  readonly findTouched: FindTouched
}

/** Runs until it is disposed of; disposing waits for a step under way. */
export function startRollingCheck(parts: RollingCheckParts): AsyncDisposable {
  let queue: InfoHash[] = []
  let stepsLeft = 0
  /** Files looked at beyond the budget (a release is never looked at in part): steps are left out for them. */
  let debt = 0
  let running: Promise<void> | undefined
  let isStopped = false

  const step = async (): Promise<void> => {
    debt = Math.max(0, debt - FILES_PER_STEP)
    if (debt > 0) return
    if (queue.length === 0) {
      queue = parts.store.hashes()
      stepsLeft = ROUND_STEPS
    }
    const share = Math.ceil(queue.length / Math.max(1, stepsLeft--))
    const due: ReleaseRecord[] = []
    for (let n = 0; n < share && debt < FILES_PER_STEP; n++) {
      const hash = queue.pop()
      if (hash === undefined) break
      const record = parts.store.get(hash)
      if (record === undefined) continue
      due.push(record)
      debt += record.files.length
    }
    const touched = debt < FEW ? new Set(due) : await touchedAmong(due, parts.findTouched)
    for (const record of due)
      if (!isStopped && (touched.has(record) || !parts.shelf.serves(record.infohash)))
        await parts.shelf.look(record.infohash)
  }
  const timer = parts.clock.every(STEP, () => {
    running ??= step()
      .catch((error: unknown) =>
        parts.log.error({ reason: messageOf(error) }, 'checking served files failed'),
      )
      .finally(() => {
        running = undefined
      })
  })
  return {
    async [Symbol.asyncDispose]() {
      isStopped = true
      timer.cancel()
      await running
    },
  }
}

/** Those with a file that does not look as it did when it was hashed, all looked at in one go. */
async function touchedAmong(
  records: readonly ReleaseRecord[],
  findTouched: FindTouched,
): Promise<ReadonlySet<ReleaseRecord>> {
  const files = records.flatMap((record) => record.files.map((file) => ({ record, file })))
  const known = encodeKnownLooks(
    files.map(({ record, file }) => ({
      absolute: absoluteOfRecord(record, file),
      sizeBytes: file.sizeBytes,
      mtimeNs: file.mtimeNs,
    })),
  )
  const touched = new Set<ReleaseRecord>()
  for (const at of await findTouched(known)) {
    const found = files[at]
    if (found !== undefined) touched.add(found.record)
  }
  return touched
}

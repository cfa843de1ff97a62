/** Notices what another process (`shoal publish` on the same data folder) puts into the release store. */
import { watch } from 'node:fs'
import { messageOf, ShoalError } from '../core/errors.ts'
import { infoHash, type InfoHash } from '../core/ids.ts'
import { seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { ReleaseStore } from './release-store.ts'

export interface WatchStoreParts {
  readonly clock: Clock
  readonly log: Logger
  readonly store: ReleaseStore
  /** Called after a record came, changed or went. */
  readonly onRelease: (hash: InfoHash) => Promise<void>
}

/** For what the system did not tell. */
const LIST_EVERY = seconds(10)
const SUFFIX = '.json'

/** Runs until it is disposed of. */
export function watchStore(parts: WatchStoreParts): Disposable {
  const guard = (work: Promise<unknown>): void => {
    work.catch((error: unknown) =>
      parts.log.error({ reason: messageOf(error) }, 'reading the release store failed'),
    )
  }
  const list = async (): Promise<void> => {
    for (const hash of await parts.store.refresh()) await parts.onRelease(hash)
  }
  const one = async (hash: InfoHash): Promise<void> => {
    if (await parts.store.refreshOne(hash)) await parts.onRelease(hash)
  }
  const watcher = watch(parts.store.folder, (_event, name) => {
    const hash = hashOf(name)
    if (hash !== undefined) guard(one(hash))
  })
  watcher.on('error', (error) =>
    parts.log.warn(
      { reason: messageOf(error) },
      'watching the release store failed: it is listed every 10 s instead',
    ),
  )
  const timer = parts.clock.every(LIST_EVERY, () => guard(list()))
  return {
    [Symbol.dispose]() {
      timer.cancel()
      watcher.close()
    },
  }
}

function hashOf(name: string | null): InfoHash | undefined {
  if (name?.endsWith(SUFFIX) !== true) return undefined
  try {
    return infoHash(name.slice(0, -SUFFIX.length))
  } catch (error) {
    if (error instanceof ShoalError) return undefined // a temporary file beside
    throw error
  }
}

/** The media of plans that were looked at lately: a page that shows a review is loaded again and again. */
import { SharedWork } from '../../core/shared-work.ts'
import type { FileStamp } from '../walk.ts'
import { postersOf } from './posters.ts'
import { mediaOfRelease, type LaidOut, type ReleaseMedia } from './release-media.ts'

const KEPT_MAX = 32
/** Three frames take half a megabyte. */
const FRAMES_KEPT_MAX = 8

export class RecentMedia {
  /** The one that was asked for longest ago first. */
  readonly #media = new Map<string, SharedWork<ReleaseMedia | undefined>>()
  readonly #frames = new Map<string, SharedWork<readonly Uint8Array[]>>()

  /** As {@link mediaOfRelease}; read anew when one of the files is not as it was. */
  of(plan: LaidOut, signal?: AbortSignal): Promise<ReleaseMedia | undefined> {
    const look = (ends: AbortSignal): Promise<ReleaseMedia | undefined> => mediaOfRelease(plan, ends)
    return kept({ all: this.#media, most: KEPT_MAX }, keyOf(plan), look, signal)
  }

  /** Up to three frames of the video that stands for it. */
  framesOf(plan: LaidOut, signal?: AbortSignal): Promise<readonly Uint8Array[]> {
    const make = async (ends: AbortSignal): Promise<readonly Uint8Array[]> => {
      const media = await this.of(plan, ends)
      return media === undefined ? [] : await postersOf(media.main.path, media.main.facts, { count: 3 }, ends)
    }
    return kept({ all: this.#frames, most: FRAMES_KEPT_MAX }, keyOf(plan), make, signal)
  }
}

/** What several ask for at once is made once, as long as one of them waits; what failed is made again. */
async function kept<T>(
  { all, most }: { readonly all: Map<string, SharedWork<T>>; readonly most: number },
  key: string,
  make: (ends: AbortSignal) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  signal?.throwIfAborted() // nobody would wait for what begins
  const before = all.get(key)
  const found = before === undefined || before.cameToNothing ? new SharedWork(make) : before
  all.delete(key)
  all.set(key, found)
  for (const oldest of [...all.keys()].slice(0, -most)) all.delete(oldest)
  return await found.result(signal)
}

/** Long for folders of many files: it is kept as it is, a few dozen times. */
const keyOf = ({ contentFolder, name, files }: LaidOut): string =>
  JSON.stringify([contentFolder, name, files.map(stampOf)])

const stampOf = ({ path, sizeBytes, mtimeNs, ino }: FileStamp): unknown[] => [path, sizeBytes, mtimeNs, ino]

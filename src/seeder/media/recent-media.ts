/** The media of plans that were looked at lately: a page that shows a review is loaded again and again. */
import type { FileStamp } from '../walk.ts'
import { postersOf } from './posters.ts'
import { mediaOfRelease, type LaidOut, type ReleaseMedia } from './release-media.ts'

const KEPT_MAX = 32
/** Three frames take half a megabyte. */
const FRAMES_KEPT_MAX = 8

export class RecentMedia {
  /** The one that was asked for longest ago first. */
  readonly #media = new Map<string, Promise<ReleaseMedia | undefined>>()
  readonly #frames = new Map<string, Promise<readonly Uint8Array[]>>()

  /** As {@link mediaOfRelease}; read anew when one of the files is not as it was. */
  of(plan: LaidOut, signal?: AbortSignal): Promise<ReleaseMedia | undefined> {
    return kept(this.#media, KEPT_MAX, keyOf(plan), () => mediaOfRelease(plan, signal))
  }

  /** Up to three frames of the video that stands for it. */
  framesOf(plan: LaidOut, signal?: AbortSignal): Promise<readonly Uint8Array[]> {
    return kept(this.#frames, FRAMES_KEPT_MAX, keyOf(plan), async () => {
      const media = await this.of(plan, signal)
      return media === undefined
        ? []
        : await postersOf(media.main.path, media.main.facts, { count: 3 }, signal)
    })
  }
}

/** What several ask for at once is made once; what failed is made again. */
async function kept<T>(
  all: Map<string, Promise<T>>,
  most: number,
  key: string,
  make: () => Promise<T>,
): Promise<T> {
  const found = all.get(key) ?? make()
  all.delete(key)
  all.set(key, found)
  for (const oldest of [...all.keys()].slice(0, -most)) all.delete(oldest)
  try {
    return await found
  } catch (error) {
    if (all.get(key) === found) all.delete(key)
    throw error
  }
}

/** Long for folders of many files: it is kept as it is, a few dozen times. */
const keyOf = ({ contentFolder, name, files }: LaidOut): string =>
  JSON.stringify([contentFolder, name, files.map(stampOf)])

const stampOf = ({ path, sizeBytes, mtimeNs, ino }: FileStamp): unknown[] => [path, sizeBytes, mtimeNs, ino]

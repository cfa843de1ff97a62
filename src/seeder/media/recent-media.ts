/** The media of plans that were looked at lately: a page that shows a review is loaded again and again. */
import type { FileStamp } from '../walk.ts'
import { mediaOfRelease, type LaidOut, type ReleaseMedia } from './release-media.ts'

const KEPT_MAX = 32

export class RecentMedia {
  /** The one that was asked for longest ago first. */
  readonly #kept = new Map<string, ReleaseMedia | undefined>()

  /** As {@link mediaOfRelease}; read anew when one of the files is not as it was. */
  async of(plan: LaidOut, signal?: AbortSignal): Promise<ReleaseMedia | undefined> {
    const key = keyOf(plan)
    const media = this.#kept.has(key) ? this.#kept.get(key) : await mediaOfRelease(plan, signal)
    this.#kept.delete(key)
    this.#kept.set(key, media)
    for (const oldest of [...this.#kept.keys()].slice(0, -KEPT_MAX)) this.#kept.delete(oldest)
    return media
  }
}

/** Long for folders of many files: it is kept as it is, a few dozen times. */
const keyOf = ({ contentFolder, name, files }: LaidOut): string =>
  JSON.stringify([contentFolder, name, files.map(stampOf)])

const stampOf = ({ path, sizeBytes, mtimeNs, ino }: FileStamp): unknown[] => [path, sizeBytes, mtimeNs, ino]

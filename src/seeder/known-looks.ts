/**
 * Which of many files do not look as they did when they were hashed. They go to a worker as one text, and only those that
 * differ are named by the answer: thousands of values that are copied on their way there and back cost more than the
 * looks themselves, and an origin with ten thousand releases asks about two thousand files each second.
 */
import { lookNow } from './file-look.ts'

export interface KnownLook {
  readonly absolute: string
  readonly sizeBytes: number
  /** As in `FileStamp`. */
  readonly mtimeNs: string
}

/** Answers the places of those that were touched, of a text of {@link encodeKnownLooks}. */
export type FindTouched = (known: string) => Promise<readonly number[]>

/** The one byte that no path holds. */
const END = '\0'

export function encodeKnownLooks(files: Iterable<KnownLook>): string {
  let text = ''
  for (const { absolute, sizeBytes, mtimeNs } of files) text += `${sizeBytes} ${mtimeNs} ${absolute}${END}`
  return text
}

/** Synchronous: for a worker. One that is gone, or no file any more, was touched. */
export function touchedNow(known: string): readonly number[] {
  const touched: number[] = []
  let at = 0
  for (let n = 0; at < known.length; n++) {
    const end = known.indexOf(END, at)
    const sizeEnd = known.indexOf(' ', at)
    const timeEnd = known.indexOf(' ', sizeEnd + 1)
    const look = lookNow(known.slice(timeEnd + 1, end), false)
    const isSame =
      look.kind === 'file' &&
      look.mtimeNs === known.slice(sizeEnd + 1, timeEnd) &&
      String(look.sizeBytes) === known.slice(at, sizeEnd)
    if (!isSame) touched.push(n)
    at = end + 1
  }
  return touched
}

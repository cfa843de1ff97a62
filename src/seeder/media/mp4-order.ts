/** Whether an MP4 can be played from its beginning on, by the order of its outermost boxes (ISO/IEC 14496-12, 4.2). */
import type { BoundedFile } from './bounded-file.ts'

/** Before the description and the media stand a few; what has more is made to keep us busy. */
const BOXES_MAX = 1_000

/** True: the description (moov) comes first; undefined: one of the two is not there. */
export function isFaststart(file: Pick<BoundedFile, 'read' | 'sizeBytes'>): boolean | undefined {
  for (let at = 0, box = 0; at + 8 <= file.sizeBytes && box < BOXES_MAX; box++) {
    const head = Buffer.from(file.read(at, Math.min(at + 16, file.sizeBytes)))
    const type = head.toString('latin1', 4, 8)
    if (type === 'moov') return true
    if (type === 'mdat') return false
    const size = head.readUInt32BE(0)
    const long = size === 1 && head.length === 16 ? Number(head.readBigUInt64BE(8)) : size
    if (long < 8) return undefined // 0 is "to the end of the file"
    at += long
  }
  return undefined
}

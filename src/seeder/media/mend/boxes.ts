/** The boxes of an MP4 or QuickTime file (ISO/IEC 14496-12, 4.2), read strictly: what does not add up is refused. Pure. */
import { ShoalError } from '../../../core/errors.ts'
import { mediaLimits } from '../../../wire/limits-media.ts'

/** Where a box is, in a file or in what was read of one. */
export interface Box {
  /** Four characters, Latin-1. */
  readonly type: string
  readonly start: number
  /** Where what is in it begins. */
  readonly bodyStart: number
  readonly end: number
}

export interface Readable {
  readonly sizeBytes: number
  /** All of the stretch. */
  read(start: number, end: number): Uint8Array
}

export const refused = (why: string): ShoalError =>
  new ShoalError('bad-input', `it cannot be moved to the front: ${why}`)

const CUT_OFF = 'the file does not add up, or ends too early'

/** @throws ShoalError `bad-input` for a box that reaches beyond the end, and for too many. */
export function outermostBoxes(file: Readable): Box[] {
  const boxes: Box[] = []
  let at = 0
  // less than a box at the end belongs to nothing, and stays
  while (at + 8 <= file.sizeBytes) {
    const head = file.read(at, Math.min(at + 16, file.sizeBytes))
    const box = boxAt(head, { at, headAt: 0, end: file.sizeBytes })
    add(boxes, box)
    at = box.end
  }
  return boxes
}

/** Of a container that was read. Less than a box at its end is left to the caller. @throws ShoalError as {@link outermostBoxes}. */
export function boxesIn(bytes: Uint8Array, start: number, end: number): Box[] {
  const boxes: Box[] = []
  let at = start
  while (at + 8 <= end) {
    const box = boxAt(bytes, { at, headAt: at, end })
    add(boxes, box)
    at = box.end
  }
  return boxes
}

function add(boxes: Box[], box: Box): void {
  if (boxes.length === mediaLimits.mp4BoxesMax) throw refused('it has more parts than any film')
  boxes.push(box)
}

/** `at`: of the box; `headAt`: where its first bytes are in `bytes`; `end`: of what it is in. */
function boxAt(
  bytes: Uint8Array,
  { at, headAt, end }: { readonly at: number; readonly headAt: number; readonly end: number },
): Box {
  const view = viewOf(bytes)
  const size = view.getUint32(headAt)
  const type = String.fromCharCode(...bytes.subarray(headAt + 4, headAt + 8))
  if (size === 1) {
    if (headAt + 16 > bytes.length) throw refused(CUT_OFF)
    return fitting(
      { type, start: at, bodyStart: at + 16, end: at + Number(view.getBigUint64(headAt + 8)) },
      end,
    )
  }
  // 0 is "to the end"
  return fitting({ type, start: at, bodyStart: at + 8, end: size === 0 ? end : at + size }, end)
}

function fitting(box: Box, end: number): Box {
  if (box.end < box.bodyStart || box.end > end) throw refused(CUT_OFF)
  return box
}

export const viewOf = (bytes: Uint8Array): DataView =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

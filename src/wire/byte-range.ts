/**
 * One range of bytes, as RFC 9110 (14.1.2, 14.2) has it in `Range: bytes=...`. Several at once are refused: no player
 * and no web seed client asks for them, and each would cost a part of its own.
 */
import { ShoalError } from '../core/errors.ts'
import { limits } from './limits.ts'

/** `end` is exclusive; never empty, never past the end. */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * `whole`: no range is asked for, or one in another unit, which a server passes over. `unsatisfiable`: it begins past the
 * end, or asks for the last 0 bytes.
 * @throws ShoalError `bad-input` for what is no range, or several; `over-limit` for a longer header than a range needs.
 */
export function parseByteRange(
  header: string | undefined,
  sizeBytes: number,
): ByteRange | 'whole' | 'unsatisfiable' {
  if (header === undefined) return 'whole'
  if (header.length > limits.rangeHeaderCharsMax)
    throw new ShoalError('over-limit', `a range has at most ${limits.rangeHeaderCharsMax} characters`)
  if (ANOTHER_UNIT.test(header)) return 'whole'
  const match = ONE_RANGE.exec(header)
  const [, first = '', last = ''] = match ?? []
  if (match === null || (first === '' && last === ''))
    throw new ShoalError('bad-input', 'the range is not one of bytes=FIRST-LAST, bytes=FIRST-, bytes=-LENGTH')
  return first === '' ? lastBytes(Number(last), sizeBytes) : fromTo(first, last, sizeBytes)
}

/** Longer numbers than a double holds exactly are past every end, and are compared as what they are: large. */
function fromTo(first: string, last: string, sizeBytes: number): ByteRange | 'unsatisfiable' {
  const start = Number(first)
  const lastByte = last === '' ? Infinity : Number(last)
  if (start > lastByte) throw new ShoalError('bad-input', 'the range ends before it begins')
  return start < sizeBytes ? { start, end: Math.min(lastByte + 1, sizeBytes) } : 'unsatisfiable'
}

/** Of an empty file the last bytes are all of it, which no range can say. */
function lastBytes(length: number, sizeBytes: number): ByteRange | 'whole' | 'unsatisfiable' {
  if (length === 0) return 'unsatisfiable'
  return sizeBytes === 0 ? 'whole' : { start: Math.max(0, sizeBytes - length), end: sizeBytes }
}

/** An RFC 9110 token that is not `bytes`, and whatever its own ranges look like. */
const ANOTHER_UNIT = /^(?!bytes=)[!#$%&'*+.^_`|~0-9a-z-]+=[\x21-\x7e]/i
/** Units are compared without case; a list of one may have white space around it. */
const ONE_RANGE = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i

/** The `Content-Range` of an answer with part of it. */
export const contentRangeOf = ({ start, end }: ByteRange, sizeBytes: number): string =>
  `bytes ${start}-${end - 1}/${sizeBytes}`

/** The `Content-Range` that goes with 416: how long it is. */
export const unsatisfiedRangeOf = (sizeBytes: number): string => `bytes */${sizeBytes}`

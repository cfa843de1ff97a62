/**
 * One range of bytes of a file, as HTTP asks for it (`Range`) and answers it (`Content-Range`), RFC 9110, 14.
 * Several ranges in one request are refused: no client of torrents asks for them, and their answers multiply.
 */
import { ShoalError } from '../core/errors.ts'
import { limits } from './limits.ts'

/** Half open: `from` is the first byte, `end` the one behind the last. Never empty. */
export interface ByteRange {
  readonly from: number
  readonly end: number
}

/** `sizeBytes` of the whole, where the server knows it. */
export interface ContentRange extends ByteRange {
  readonly sizeBytes?: number
}

const RANGE = /^bytes=[ \t]*(\d{0,16})-(\d{0,16})[ \t]*$/i
const CONTENT_RANGE = /^bytes (\d{1,16})-(\d{1,16})\/(\d{1,16}|\*)$/i

/**
 * What a `Range` header asks of a file of `sizeBytes`; undefined: all of it, since nothing was asked, or in a unit
 * other than bytes, which RFC 9110 has a server ignore.
 * @throws ShoalError `bad-input` for several ranges, for none that the file has, and for what is no range.
 */
export function parseRange(header: string | undefined, sizeBytes: number): ByteRange | undefined {
  if (header === undefined || !/^bytes=/i.test(header)) return undefined
  if (header.length > limits.rangeHeaderCharsMax) throw notThere('this asks for more than one range')
  const [, first = '', last = ''] = RANGE.exec(header) ?? []
  if (first === '' && last === '') throw notThere('this is no single range of bytes')
  if (first === '') return suffix(Number(last), sizeBytes)
  const from = Number(first)
  const end = last === '' ? sizeBytes : Math.min(Number(last) + 1, sizeBytes)
  if (last !== '' && Number(last) < from) throw notThere('this range ends before it begins')
  if (from >= sizeBytes) throw notThere('the file ends before this range')
  return { from, end }
}

/** The last bytes: of a file that has fewer, all. */
function suffix(bytes: number, sizeBytes: number): ByteRange {
  if (bytes === 0 || sizeBytes === 0) throw notThere('this range is empty')
  return { from: Math.max(0, sizeBytes - bytes), end: sizeBytes }
}

export const formatRange = ({ from, end }: ByteRange): string => `bytes=${from}-${end - 1}`

/** @throws ShoalError `bad-input` for what is no range of bytes of some file. */
export function parseContentRange(header: string): ContentRange {
  const [, first = '', last = '', whole = ''] = CONTENT_RANGE.exec(header.slice(0, 200)) ?? []
  const from = Number(first)
  const end = Number(last) + 1
  const size = whole === '*' ? undefined : Number(whole)
  const isRange = first !== '' && Number.isSafeInteger(from) && Number.isSafeInteger(end) && from < end
  if (!isRange || (size !== undefined && (!Number.isSafeInteger(size) || end > size)))
    throw notThere('the Content-Range is none')
  return { from, end, ...(size === undefined ? {} : { sizeBytes: size }) }
}

export const formatContentRange = ({ from, end, sizeBytes }: ContentRange): string =>
  `bytes ${from}-${end - 1}/${sizeBytes ?? '*'}`

const notThere = (what: string): ShoalError => new ShoalError('bad-input', what)

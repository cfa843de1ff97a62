/** What an HTTP request asks for of something that is sent by ranges. */
import { ShoalError } from '../../core/errors.ts'
import { parseRange, type ByteRange } from '../../wire/byte-range.ts'
import { HttpRefusal } from './problems.ts'

export interface RangeAsked {
  /** The headers `Range` and `If-Range`. */
  readonly range: string | undefined
  readonly ifRange: string | undefined
}

/**
 * Undefined: all of it, as when it asks for a part of something else than this is now (RFC 9110, 13.1.5).
 * @throws HttpRefusal 416.
 */
export function askedRange(
  { range, ifRange }: RangeAsked,
  { etag, sizeBytes }: { readonly etag: string; readonly sizeBytes: number },
): ByteRange | undefined {
  if (ifRange !== undefined && ifRange !== etag) return undefined
  try {
    return parseRange(range, sizeBytes)
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    throw new HttpRefusal(416, error.message, { 'Content-Range': `bytes */${sizeBytes}` })
  }
}

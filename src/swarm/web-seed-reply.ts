/** What the head of a web seed's answer means. Pure. */
import type { IncomingHttpHeaders } from 'node:http'
import { messageOf, ShoalError } from '../core/errors.ts'
import { type EpochMillis, type Millis, millis } from '../core/units.ts'
import { type ByteRange, parseContentRange } from '../wire/byte-range.ts'
import { FETCH_SCHEMES, foreignUrl, hostPortOf } from '../wire/foreign-url.ts'
import { limits } from '../wire/limits.ts'
import { useless, WebSeedFailure } from './web-seed-failure.ts'

export interface WebSeedHead {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

/** The range that is asked for, and the size of the whole file. */
export interface AskedRange extends ByteRange {
  readonly sizeBytes: number
}

/** The one form of a date that servers still write. */
const HTTP_DATE = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])
/** Refusals that are of the moment. */
const PASSING: ReadonlySet<number> = new Set([408, 425, 429])

/** Where the answer sends us: undefined when nowhere. */
export function redirectOf({ status, headers }: WebSeedHead): string | undefined {
  return REDIRECTS.has(status) ? (headers.location ?? '') : undefined
}

/**
 * The address that a redirect names, when we may go there: to one of `hosts`, and not from TLS to none.
 * @throws WebSeedFailure
 */
export function followed(from: URL, location: string, hosts: ReadonlySet<string>): URL {
  const to = location === '' ? null : URL.parse(location, from.href)
  if (to === null) throw useless('redirects to nowhere')
  try {
    foreignUrl(to.href, FETCH_SCHEMES, 'a redirect')
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    throw useless(`is refused: ${error.message}`)
  }
  if (from.protocol === 'https:' && to.protocol !== 'https:') throw useless('redirects from TLS to none')
  if (!hosts.has(hostPortOf(to.href)))
    throw useless(`redirects to ${to.host}, which its portal does not declare as its own`)
  return to
}

/** @throws WebSeedFailure unless the body that follows is exactly what was asked for. */
export function mustBeAsked({ status, headers }: WebSeedHead, asked: AskedRange, now: EpochMillis): void {
  if (status === 200) throw useless('answers with a whole file to who asks for a part of it')
  if (status !== 206) throw refusalOf(status, headers, now)
  if (!isSameRange(headers['content-range'] ?? '', asked))
    throw useless('answers with another part than was asked for')
  if ((headers['content-encoding'] ?? 'identity') !== 'identity') throw useless('compresses what it sends')
  const length = headers['content-length']
  if (length !== undefined && length !== String(asked.end - asked.from))
    throw useless('announces another length than was asked for')
}

function isSameRange(header: string, asked: AskedRange): boolean {
  try {
    const { from, end, sizeBytes = asked.sizeBytes } = parseContentRange(header)
    return from === asked.from && end === asked.end && sizeBytes === asked.sizeBytes
  } catch (error) {
    throw useless(`says of no part of a file: ${messageOf(error)}`)
  }
}

function refusalOf(status: number, headers: IncomingHttpHeaders, now: EpochMillis): WebSeedFailure {
  const retryIn = retryAfterOf(headers['retry-after'], now)
  const isPassing = status >= 500 || (PASSING.has(status) && (retryIn !== undefined || status !== 429))
  return new WebSeedFailure(`answers with status ${status}`, { isFinal: !isPassing, retryIn })
}

/** RFC 9110, 10.2.3: seconds or a date; within what we believe of it. */
export function retryAfterOf(header: string | undefined, now: EpochMillis): Millis | undefined {
  if (header === undefined) return undefined
  const at = HTTP_DATE.test(header) ? Date.parse(header) : NaN
  const ms = /^\d{1,15}$/.test(header) ? Number(header) * 1_000 : at - now
  if (!Number.isFinite(ms)) return undefined
  return millis(Math.min(Math.max(ms, limits.webSeedRetryMin), limits.webSeedRetryMax))
}

/** Scrape (BEP 48): how many seeds and leechers some torrents have. */
import { ShoalError } from '../core/errors.ts'
import { bytesOf, type InfoHash, infoHashOfBytes } from '../core/ids.ts'
import { decodeTwentyBytes, grantOf, withQuery } from './announce.ts'
import { type BencodeDict, bytesOfKey, decodeBencode, dictOf, encodeBencode, keyOfBytes } from './bencode.ts'
import { asDict, bytesAt, dictAt, displayText, intAt } from './bencode-read.ts'
import { limits } from './limits.ts'
import { parseQuery, percentEncode } from './query.ts'

export interface ScrapeCounts {
  readonly complete: number
  readonly incomplete: number
  /** How often `completed` was announced. */
  readonly downloaded: number
}

/** 64 infohashes of 3 characters a byte, and a grant. */
const QUERY_CHARS_MAX = limits.scrapeHashesMax * 80 + limits.grantCharsMax

/** @throws ShoalError `bad-input` without an infohash; `over-limit` with more than `limits.scrapeHashesMax`. */
export function parseScrapeQuery(rawQuery: string): {
  readonly infoHashes: readonly InfoHash[]
  readonly grant?: string
} {
  const query = parseQuery(rawQuery, QUERY_CHARS_MAX)
  const named = query.get('info_hash') ?? []
  if (named.length === 0)
    throw new ShoalError('bad-input', 'info_hash is missing: only named torrents are counted')
  if (named.length > limits.scrapeHashesMax)
    throw new ShoalError('over-limit', `at most ${limits.scrapeHashesMax} info_hash in one scrape`)
  const infoHashes = new Set(named.map((text) => infoHashOfBytes(decodeTwentyBytes(text, 'info_hash'))))
  const grant = grantOf(query)
  return { infoHashes: [...infoHashes], ...(grant !== undefined && { grant }) }
}

/**
 * The scrape URL of an announce URL: BEP 48 puts `scrape` where the last path part begins with `announce`.
 * Undefined when it does not.
 */
export function scrapeUrl(announce: string, infoHashes: readonly InfoHash[]): string | undefined {
  const path = announce.split(/[?#]/, 1)[0] ?? ''
  const at = path.lastIndexOf('/') + 1
  if (!path.startsWith('announce', at)) return undefined
  const url = `${announce.slice(0, at)}scrape${announce.slice(at + 'announce'.length)}`
  return withQuery(
    url,
    infoHashes.map((hash) => ['info_hash', percentEncode(bytesOf(hash))]),
  )
}

export function encodeScrapeReply(counts: ReadonlyMap<InfoHash, ScrapeCounts>): Uint8Array {
  const files = new Map(
    Array.from(counts, ([hash, { complete, downloaded, incomplete }]) => [
      keyOfBytes(bytesOf(hash)),
      dictOf({ complete, downloaded, incomplete }),
    ]),
  )
  return encodeBencode(dictOf({ files }))
}

/** @throws ShoalError `bad-input`; `not-granted` with the tracker's sentence when it refused. */
export function parseScrapeReply(bytes: Uint8Array): Map<InfoHash, ScrapeCounts> {
  if (bytes.length > limits.trackerReplyBytesMax)
    throw new ShoalError('over-limit', "the tracker's reply is too long")
  const dict = asDict(decodeBencode(bytes), 'scrape')
  const reason = bytesAt(dict, 'failure reason', 'scrape')
  if (reason !== undefined) throw new ShoalError('not-granted', displayText(reason, 400))
  const counts = new Map<InfoHash, ScrapeCounts>()
  for (const [key, value] of dictAt(dict, 'files', 'scrape') ?? []) {
    const file = asDict(value, 'scrape')
    counts.set(infoHashOfBytes(bytesOfKey(key)), {
      complete: countAt(file, 'complete'),
      incomplete: countAt(file, 'incomplete'),
      downloaded: countAt(file, 'downloaded'),
    })
  }
  return counts
}

function countAt(dict: BencodeDict, key: string): number {
  const n = intAt(dict, key, 'scrape') ?? 0
  if (n < 0) throw new ShoalError('bad-input', `scrape: "${key}" is below 0`)
  return n
}

/**
 * .torrent files: BEP 3, with 12 (tiers), 19 (web seeds) and 27 (private). The infohash is of the raw bytes
 * of `info`, never of something encoded again. `torrent-info.ts` reads and writes what is inside.
 */
import { createHash } from 'node:crypto'
import { ShoalError } from '../core/errors.ts'
import { type InfoHash, infoHash } from '../core/ids.ts'
import type { Metainfo, Torrent } from '../core/metainfo.ts'
import {
  type BencodeValue,
  decodeBencode,
  decodeBencodeParts,
  dictOf,
  encodeBencode,
  Encoded,
} from './bencode.ts'
import { asDict, asList, asText } from './bencode-read.ts'
import { FETCH_SCHEMES, foreignUrl, TRACKER_SCHEMES } from './foreign-url.ts'
import { limits } from './limits.ts'
import { metainfoOf } from './torrent-info.ts'

export { encodeInfo } from './torrent-info.ts'

/**
 * @throws ShoalError `bad-input` in a sentence that names what is wrong; `over-limit` when it is longer than
 *   `limits.torrentBytesMax` or lists more than a bound allows.
 */
export function parseTorrent(bytes: Uint8Array): Torrent {
  mustFit(bytes)
  const parts = decodeBencodeParts(bytes)
  const info = parts.get('info')
  if (info === undefined) throw new ShoalError('bad-input', 'torrent: "info" is missing')
  return {
    infoHash: hashOf(info.raw),
    metainfo: metainfoOf(asDict(info.value, 'torrent: "info"')),
    infoBytes: info.raw,
    announce: tiersOf(parts.get('announce-list')?.value, parts.get('announce')?.value),
    urlList: urlListOf(parts.get('url-list')?.value),
  }
}

/** The info alone, as BEP 9 brings it: whoever fetched it compares the infohash before believing a word. */
export function parseInfo(infoBytes: Uint8Array): { infoHash: InfoHash; metainfo: Metainfo } {
  mustFit(infoBytes)
  const metainfo = metainfoOf(asDict(decodeBencode(infoBytes), 'torrent: "info"'))
  return { infoHash: hashOf(infoBytes), metainfo }
}

/** SHA-1 of raw info bytes. */
export function hashOf(infoBytes: Uint8Array): InfoHash {
  return infoHash(createHash('sha1').update(infoBytes).digest('hex'))
}

/** `infoBytes` go in as they are. Without trackers there is no `announce`, without web seeds no `url-list`. */
export function encodeTorrent(t: {
  readonly infoBytes: Uint8Array
  readonly announce: readonly (readonly string[])[]
  readonly urlList?: readonly string[]
  readonly createdBy?: string
}): Uint8Array {
  const hasList = t.announce.length > 1 || (t.announce[0]?.length ?? 0) > 1
  return encodeBencode(
    dictOf({
      announce: t.announce[0]?.[0],
      'announce-list': hasList ? t.announce : undefined,
      'created by': t.createdBy,
      info: new Encoded(t.infoBytes),
      'url-list': t.urlList !== undefined && t.urlList.length > 0 ? t.urlList : undefined,
    }),
  )
}

function mustFit(bytes: Uint8Array): void {
  if (bytes.length > limits.torrentBytesMax)
    throw new ShoalError('over-limit', `torrent: longer than ${limits.torrentBytesMax} bytes`)
}

/** BEP 12: the list replaces the single tracker; empty strings and tiers are skipped, as clients do. */
function tiersOf(list: BencodeValue | undefined, single: BencodeValue | undefined): string[][] {
  const tiers = (list === undefined ? [] : asList(list, 'torrent: "announce-list"'))
    .map((tier) => asList(tier, 'torrent: "announce-list"').map(trackerOf).filter(isNotEmpty))
    .filter((tier) => tier.length > 0)
  const alone = single === undefined ? '' : trackerOf(single)
  const all = tiers.length > 0 ? tiers : alone === '' ? [] : [[alone]]
  if (all.flat().length > limits.trackerUrlsMax)
    throw new ShoalError('over-limit', `torrent: more than ${limits.trackerUrlsMax} trackers`)
  return all
}

function trackerOf(value: BencodeValue): string {
  const text = asText(value, 'torrent: tracker')
  return text === '' ? '' : foreignUrl(text, TRACKER_SCHEMES, 'torrent: tracker')
}

/** BEP 19: a string or a list of strings. */
function urlListOf(value: BencodeValue | undefined): string[] {
  if (value === undefined) return []
  const items = value instanceof Uint8Array ? [value] : asList(value, 'torrent: "url-list"')
  if (items.length > limits.webSeedsMax)
    throw new ShoalError('over-limit', `torrent: more than ${limits.webSeedsMax} web seeds`)
  return items
    .map((item) => asText(item, 'torrent: "url-list"'))
    .filter(isNotEmpty)
    .map((text) => foreignUrl(text, FETCH_SCHEMES, 'torrent: web seed'))
}

const isNotEmpty = (text: string): boolean => text !== ''

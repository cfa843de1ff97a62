/** A release's .torrent from the `xs` of a link: bounded, checked against the infohash, no redirect followed. */
import type { IpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import type { Torrent } from '../core/metainfo.ts'
import { seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { limits } from '../wire/limits.ts'
import { parseTorrent } from '../wire/torrent.ts'
import { requestHttp } from './http-request.ts'
import { refusalOf } from './reply.ts'

export interface FetchTorrentParts {
  readonly localAddress?: IpAddress
  readonly clock?: Clock
}

/** When peers have it too, nobody waits long for a portal that is slow. */
const TIMEOUT = seconds(30)

/**
 * The URL carries a grant: no error names more of it than its origin.
 *
 * @throws ShoalError `unavailable` when the portal does not answer, the portal's own refusal, `bad-input` when
 *   what came is not the torrent that `infoHash` names.
 */
export async function fetchTorrent(
  url: string,
  infoHash: InfoHash,
  parts: FetchTorrentParts = {},
  signal?: AbortSignal,
): Promise<Torrent> {
  const at = URL.parse(url)
  if (at === null || (at.protocol !== 'http:' && at.protocol !== 'https:'))
    throw new ShoalError('bad-input', 'the "xs" of this link is no http(s) URL')
  const request = {
    method: 'GET',
    headers: { accept: 'application/x-bittorrent' },
    replyBytesMax: limits.torrentBytesMax,
    timeout: TIMEOUT,
    ...parts,
  } as const
  const reply = await requestHttp(at, request, signal)
  if (reply.status !== 200) throw refusalOf(reply, at.origin, true)
  const torrent = parseTorrent(reply.body)
  if (torrent.infoHash !== infoHash)
    throw new ShoalError(
      'bad-input',
      `the portal at ${at.origin} gave another torrent than the link names: take a fresh link`,
    )
  return torrent
}

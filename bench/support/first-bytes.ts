/**
 * How long a peer waits for the first byte of a release that nobody has asked for yet: from its handshake, sent on a
 * connection that is open, to the beginning of the first block.
 */
import { ipAddress } from '../../src/core/address.ts'
import { peerId, slug } from '../../src/core/ids.ts'
import { PortalClient } from '../../src/portal-client/index.ts'
import { tcpNetwork } from '../../src/swarm/index.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'
import { announceFrom } from './announce-from.ts'
import { FetchingPeer } from './fetching-peer.ts'
import { quantile, rounded } from './http-load.ts'

export interface Origin {
  readonly portal: string
  readonly peerPort: number
  /** An admin's, or an origin's. */
  readonly token: string
}

export interface FirstBytes {
  readonly sample: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
}

const PEER_LISTENS_AT = 6_881
const GIVE_UP_MS = 30_000

/** One peer after the other, each with a link, an announce and an address of its own. @throws Error when one is not served. */
export async function firstBytes(
  origin: Origin,
  slugs: readonly string[],
  random: () => number,
): Promise<FirstBytes> {
  const waitsMs: number[] = []
  for (const [n, name] of slugs.entries()) waitsMs.push(await firstByteMs(origin, { n, name, random }))
  return {
    sample: waitsMs.length,
    p50Ms: rounded(quantile(waitsMs, 0.5)),
    p99Ms: rounded(quantile(waitsMs, 0.99)),
    maxMs: rounded(Math.max(...waitsMs)),
  }
}

async function firstByteMs(
  { portal, peerPort, token }: Origin,
  { n, name, random }: { readonly n: number; readonly name: string; readonly random: () => number },
): Promise<number> {
  const client = new PortalClient({ baseUrl: portal, token })
  const link = await client.createLink(slug(name), 'latest')
  const torrent = parseTorrent(new Uint8Array(await (await fetch(link.torrentUrl)).arrayBuffer()))
  const from = ipAddress(`127.8.${n >> 7}.${1 + (n & 127)}`)
  const id = peerId((n + 1).toString(16).padStart(40, '0'))
  await announceFrom({ from, id, port: PEER_LISTENS_AT }, torrent, torrent.announce[0]?.[0] ?? '')
  const signal = AbortSignal.timeout(GIVE_UP_MS)
  const peer = await FetchingPeer.dial(
    { network: tcpNetwork(), random, now: () => performance.now() },
    { torrent, to: { host: ipAddress('127.0.0.1'), port: peerPort }, from, id, requestsMax: 1 },
    signal,
  )
  signal.addEventListener('abort', () => peer.hangUp())
  await peer.done
  return (peer.times.firstByteAt ?? NaN) - peer.times.shookAt
}

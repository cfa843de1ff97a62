/**
 * The reply that a tracker writes most: compact, to a client that is not ours, without a warning. Written as
 * text, a character a byte, since that is what Node sends fastest; the same bytes as `encodeAnnounceReply`.
 */
import { bytesOfAddress, isIPv6, type Endpoint, type IpAddress } from '../core/address.ts'
import type { Millis } from '../core/units.ts'
import { PACKED_BYTES, type PackedPeers } from './packed-peers.ts'

export interface CompactReply {
  readonly intervalMs: Millis
  readonly minIntervalMs?: Millis
  readonly complete: number
  readonly incomplete: number
  readonly peers: readonly (Endpoint & { readonly packed?: string })[]
  readonly packed?: PackedPeers
  readonly externalIp?: IpAddress
}

export function compactReplyText(reply: CompactReply): string {
  const { externalIp, minIntervalMs } = reply
  let v4 = ''
  let v6 = ''
  for (const peer of reply.peers) {
    const packed = peer.packed ?? packedEndpoint(peer)
    if (packed.length === PACKED_BYTES.v4) v4 += packed
    else v6 += packed
  }
  if (reply.packed !== undefined) {
    v4 += reply.packed.v4
    v6 += reply.packed.v6
  }
  return (
    `d8:completei${reply.complete}e` +
    (externalIp === undefined ? '' : `11:external ip${bencoded(packedAddress(externalIp))}`) +
    `10:incompletei${reply.incomplete}e8:intervali${Math.ceil(reply.intervalMs / 1_000)}e` +
    (minIntervalMs === undefined ? '' : `12:min intervali${Math.ceil(minIntervalMs / 1_000)}e`) +
    `5:peers${bencoded(v4)}${v6 === '' ? '' : `6:peers6${bencoded(v6)}`}e`
  )
}

/** BEP 23 and BEP 7, a character a byte. */
export function packedEndpoint({ host, port }: Endpoint): string {
  return packedAddress(host) + String.fromCharCode(port >> 8, port & 0xff)
}

function packedAddress(host: IpAddress): string {
  if (isIPv6(host)) return Buffer.from(bytesOfAddress(host)).toString('latin1')
  let text = ''
  let octet = 0
  for (let i = 0; i < host.length; i++) {
    const code = host.charCodeAt(i)
    if (code === 0x2e) {
      text += String.fromCharCode(octet)
      octet = 0
    } else octet = octet * 10 + code - 0x30
  }
  return text + String.fromCharCode(octet)
}

const bencoded = (text: string): string => `${text.length}:${text}`

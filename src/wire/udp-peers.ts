/**
 * Peers of one family, written into a packet that is there already: `compact-peers.ts` makes an array for them, which
 * costs as much again, and this is in the way of every announce over UDP.
 */
import { type Endpoint, isIPv6 } from '../core/address.ts'
import { encodeCompactV6 } from './compact-peers.ts'

export type UdpFamily = 'v4' | 'v6'

export const UDP_PEER_BYTES = { v4: 6, v6: 18 } as const satisfies Record<UdpFamily, number>

const DOT = 0x2e
const COLON = 0x3a

/** Leaves out those of the other family, and what there is no room for. Gives where the last one ends. */
export function writePeers(into: Buffer, at: number, peers: readonly Endpoint[], family: UdpFamily): number {
  return family === 'v4' ? writeV4(into, at, peers) : writeV6(into, at, peers)
}

function writeV4(into: Buffer, from: number, peers: readonly Endpoint[]): number {
  const last = into.length - UDP_PEER_BYTES.v4
  let at = from
  for (const { host, port } of peers) {
    if (at > last) break
    let end = at
    let octet = 0
    for (let i = 0; i < host.length; i++) {
      const code = host.charCodeAt(i)
      if (code === COLON) {
        end = -1
        break
      }
      if (code === DOT) {
        into[end++] = octet
        octet = 0
      } else octet = octet * 10 + code - 0x30
    }
    if (end === -1) continue // IPv6: what was written of it is written over
    into[end] = octet
    into[end + 1] = port >> 8
    into[end + 2] = port & 0xff
    at = end + 3
  }
  return at
}

function writeV6(into: Buffer, at: number, peers: readonly Endpoint[]): number {
  const room = Math.floor((into.length - at) / UDP_PEER_BYTES.v6)
  const bytes = encodeCompactV6(peers.filter((peer) => isIPv6(peer.host)).slice(0, room))
  into.set(bytes, at)
  return at + bytes.length
}

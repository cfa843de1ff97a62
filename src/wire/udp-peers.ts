/**
 * Peers of one family, written into a packet that is there already: this is in the way of every announce over UDP.
 */
import { type Endpoint, isIPv6 } from '../core/address.ts'
import { encodeCompactV6 } from './compact-peers.ts'
import { packedEndpoint } from './compact-reply.ts'
import { PACKED_BYTES, type PackedPeers } from './packed-peers.ts'

export type UdpFamily = 'v4' | 'v6'

/** Leaves out those of the other family, and what there is no room for. Gives where the last one ends. */
export function writePeers(
  into: Buffer,
  at: number,
  peers: readonly PackedPeer[],
  family: UdpFamily,
): number {
  return family === 'v4' ? writeV4(into, at, peers) : writeV6(into, at, peers)
}

/** The same for those that are packed. */
export function writePacked(into: Buffer, at: number, packed: PackedPeers, family: UdpFamily): number {
  const room = Math.floor((into.length - at) / PACKED_BYTES[family])
  return at + into.write(packed[family], at, room * PACKED_BYTES[family], 'latin1')
}

/** A peer, and it packed (BEP 23), a character a byte, where that is at hand. */
export type PackedPeer = Endpoint & { readonly packed?: string }

function writeV4(into: Buffer, at: number, peers: readonly PackedPeer[]): number {
  const end = into.length - PACKED_BYTES.v4
  let to = at
  for (const peer of peers) {
    const packed = peer.packed ?? packedEndpoint(peer)
    if (packed.length !== PACKED_BYTES.v4) continue
    if (to > end) break
    for (let i = 0; i < PACKED_BYTES.v4; i++) into[to++] = packed.charCodeAt(i)
  }
  return to
}

function writeV6(into: Buffer, at: number, peers: readonly Endpoint[]): number {
  const room = Math.floor((into.length - at) / PACKED_BYTES.v6)
  const bytes = encodeCompactV6(peers.filter((peer) => isIPv6(peer.host)).slice(0, room))
  into.set(bytes, at)
  return at + bytes.length
}

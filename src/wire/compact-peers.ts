/**
 * Peers as BEP 23 and BEP 7 pack them: 4 (or 16) bytes of address and 2 of port, network order, one after
 * the other.
 */
import { addressOfBytes, bytesOfAddress, type Endpoint, isIPv6 } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'

/** IPv4 endpoints only (BEP 23), 6 bytes each. This is in the way of every announce: it parses no twice. */
export function encodeCompactV4(peers: readonly Endpoint[]): Uint8Array {
  const bytes = new Uint8Array(6 * peers.length)
  let at = 0
  for (const { host, port } of peers) {
    let octet = 0
    for (let i = 0; i < host.length; i++) {
      const code = host.charCodeAt(i)
      if (code !== 0x2e) {
        octet = octet * 10 + code - 0x30
        continue
      }
      bytes[at++] = octet
      octet = 0
    }
    bytes[at++] = octet
    bytes[at++] = port >> 8
    bytes[at++] = port & 0xff
  }
  return bytes
}

/** IPv6 endpoints only (BEP 7), 18 bytes each. */
export function encodeCompactV6(peers: readonly Endpoint[]): Uint8Array {
  const bytes = new Uint8Array(18 * peers.length)
  peers.forEach(({ host, port }, i) => {
    bytes.set(bytesOfAddress(host), 18 * i)
    bytes[18 * i + 16] = port >> 8
    bytes[18 * i + 17] = port & 0xff
  })
  return bytes
}

/** Those with an IPv4 address, and those with an IPv6 one, each in the order given. */
export function splitByFamily<T extends Endpoint>(peers: readonly T[]): { v4: T[]; v6: T[] } {
  const v4: T[] = []
  const v6: T[] = []
  for (const peer of peers) (isIPv6(peer.host) ? v6 : v4).push(peer)
  return { v4, v6 }
}

/**
 * In order. An IPv4-mapped address among IPv6 ones is given as the IPv4 address it is. A port of 0 is kept
 * (`hasPort` tells), so that positions still count.
 * @throws ShoalError `bad-input` when the bytes do not divide into peers.
 */
export function decodeCompact(bytes: Uint8Array, family: 'v4' | 'v6'): Endpoint[] {
  const addressBytes = family === 'v4' ? 4 : 16
  const size = addressBytes + 2
  if (bytes.length % size !== 0)
    throw new ShoalError('bad-input', `peers: ${bytes.length} bytes are no multiple of ${size}`)
  const peers: Endpoint[] = []
  for (let at = 0; at < bytes.length; at += size) {
    const portAt = at + addressBytes
    peers.push({
      host: addressOfBytes(bytes.subarray(at, portAt)),
      port: ((bytes[portAt] ?? 0) << 8) | (bytes[portAt + 1] ?? 0),
    })
  }
  return peers
}

/** A peer with port 0 cannot be dialled; foreign trackers list such. */
export const hasPort = (peer: Endpoint): boolean => peer.port > 0

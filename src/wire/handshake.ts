/** The first 68 bytes of a peer connection, each way (BEP 3), with the reserved bits of BEP 6 and BEP 10. */
import { ShoalError } from '../core/errors.ts'
import { bytesOf, type InfoHash, infoHashOfBytes, type PeerId, peerIdOfBytes } from '../core/ids.ts'

export const HANDSHAKE_BYTES = 68
/** The first byte of every plain BitTorrent connection: the length of the protocol's name. */
export const PROTOCOL_NAME_BYTES = 19

const PROTOCOL = new TextEncoder().encode('\x13BitTorrent protocol')
const RESERVED_AT = 20
const INFO_HASH_AT = 28
const PEER_ID_AT = 48
/** BEP 10: bit 20 from the right. */
const EXTENSIONS = { byte: 5, mask: 0x10 } as const
/** BEP 6: bit 3 from the right. */
const FAST = { byte: 7, mask: 0x04 } as const

export interface Handshake {
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  /** BEP 10. */
  readonly hasExtensions: boolean
  /** BEP 6. */
  readonly hasFast: boolean
}

export function encodeHandshake(handshake: Handshake): Uint8Array {
  const bytes = new Uint8Array(HANDSHAKE_BYTES)
  bytes.set(PROTOCOL)
  if (handshake.hasExtensions) bytes[RESERVED_AT + EXTENSIONS.byte] = EXTENSIONS.mask
  if (handshake.hasFast) bytes[RESERVED_AT + FAST.byte] = FAST.mask
  bytes.set(bytesOf(handshake.infoHash), INFO_HASH_AT)
  bytes.set(bytesOf(handshake.peerId), PEER_ID_AT)
  return bytes
}

/** True while `bytes`, the first that arrived, may still become a handshake: a stranger is hung up on early. */
export function mayBeHandshake(bytes: Uint8Array): boolean {
  const known = Math.min(bytes.length, PROTOCOL.length)
  for (let i = 0; i < known; i++) if (bytes[i] !== PROTOCOL[i]) return false
  return true
}

/** Reads exactly 68 bytes. Reserved bits that we do not know are ignored. @throws ShoalError `bad-input`. */
export function decodeHandshake(bytes: Uint8Array): Handshake {
  if (bytes.length !== HANDSHAKE_BYTES || !mayBeHandshake(bytes))
    throw new ShoalError('bad-input', 'not a BitTorrent handshake')
  return {
    infoHash: infoHashOfBytes(bytes.subarray(INFO_HASH_AT, PEER_ID_AT)),
    peerId: peerIdOfBytes(bytes.subarray(PEER_ID_AT)),
    hasExtensions: ((bytes[RESERVED_AT + EXTENSIONS.byte] ?? 0) & EXTENSIONS.mask) !== 0,
    hasFast: ((bytes[RESERVED_AT + FAST.byte] ?? 0) & FAST.mask) !== 0,
  }
}

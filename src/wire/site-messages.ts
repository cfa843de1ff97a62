/**
 * What our own clients of one site tell each other (BEP 10), so that a piece crosses the WAN once: `sh_hello`, whom
 * of the site the sender is connected to; `sh_fetch`, which piece it is fetching from elsewhere; `sh_unfetch`, that
 * it has given up. Strangers may know all of it. Numbers are unsigned, big endian.
 */
import { ShoalError } from '../core/errors.ts'
import { bytesOf, type PeerId, peerIdOfBytes } from '../core/ids.ts'
import { type Millis, millis } from '../core/units.ts'
import { limits } from './limits.ts'

const PEER_ID_BYTES = 20

/** 20 bytes for each peer id, at most `limits.siteMembersMax` of them. */
export const encodeHello = (ids: readonly PeerId[]): Uint8Array => Buffer.concat(ids.map(bytesOf))

/** @throws ShoalError `bad-input` when it is cut, `over-limit` when it names more than a site has. */
export function decodeHello(payload: Uint8Array): PeerId[] {
  const count = payload.length / PEER_ID_BYTES
  if (!Number.isInteger(count)) throw new ShoalError('bad-input', 'sh_hello of a wrong length')
  if (count > limits.siteMembersMax) throw new ShoalError('over-limit', 'sh_hello: too many')
  return Array.from({ length: count }, (_, i) =>
    peerIdOfBytes(payload.subarray(PEER_ID_BYTES * i, PEER_ID_BYTES * (i + 1))),
  )
}

export interface FetchNotice {
  readonly piece: number
  /** For how long nobody else of the site need fetch it; more than 0, at most `limits.fetchLeaseMax`. */
  readonly lease: Millis
}

/** Four bytes of piece, four of lease in milliseconds. */
export function encodeFetch({ piece, lease }: FetchNotice): Uint8Array {
  const bytes = Buffer.allocUnsafe(8)
  bytes.writeUInt32BE(piece, 0)
  bytes.writeUInt32BE(Math.ceil(lease), 4)
  return bytes
}

/** @throws ShoalError `bad-input` for a wrong length, and for a lease that is none. */
export function decodeFetch(payload: Uint8Array): FetchNotice {
  if (payload.length !== 8) throw new ShoalError('bad-input', 'sh_fetch of a wrong length')
  const view = new DataView(payload.buffer, payload.byteOffset, payload.byteLength)
  const lease = view.getUint32(4)
  if (lease < 1 || lease > limits.fetchLeaseMax)
    throw new ShoalError('bad-input', 'sh_fetch: the lease is out of range')
  return { piece: view.getUint32(0), lease: millis(lease) }
}

/** Four bytes of piece. */
export function encodeUnfetch(piece: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(piece)
  return bytes
}

/** @throws ShoalError `bad-input` for a wrong length. */
export function decodeUnfetch(payload: Uint8Array): number {
  if (payload.length !== 4) throw new ShoalError('bad-input', 'sh_unfetch of a wrong length')
  return new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getUint32(0)
}

/** The part of {@link rankScore} that is a peer's own: FNV-1a of the twenty bytes of its id. */
export function rankSeed(id: PeerId): number {
  let hash = 0x811c9dc5
  for (const byte of bytesOf(id)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

/**
 * Who of a site fetches a piece from elsewhere: whoever scores highest, 0..2^32-1; then the next (rendezvous hashing,
 * Thaler and Ravishankar 1998). All clients must count alike, or two fetch the same piece.
 */
export function rankScore(seed: number, piece: number): number {
  let hash = Math.imul(seed ^ Math.imul(piece + 1, 0x9e3779b1), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

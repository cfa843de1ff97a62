/**
 * What the tracker answers over UDP (BEP 15). The tracker writes into one buffer again and again; the parser is for
 * who asks: tests and load testers. Peers are of the family of the datagram: 6 bytes each over IPv4, 18 over IPv6.
 */
import type { Endpoint } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import { type Millis, seconds } from '../core/units.ts'
import type { AnnounceReply } from './announce-reply.ts'
import { displayText } from './bencode-read.ts'
import { decodeCompact } from './compact-peers.ts'
import { limits } from './limits.ts'
import type { ScrapeCounts } from './scrape.ts'
import { NO_PACKED_PEERS, PACKED_BYTES } from './packed-peers.ts'
import { type UdpFamily, writePacked, writePeers } from './udp-peers.ts'
import { type ConnectionId, UDP_ACTION } from './udp-tracker.ts'

export type { UdpFamily } from './udp-peers.ts'

export type UdpReply = { readonly transactionId: number } & (
  | { readonly kind: 'connect'; readonly connectionId: ConnectionId }
  | { readonly kind: 'announce'; readonly reply: UdpAnnounceReply }
  | { readonly kind: 'scrape'; readonly counts: readonly ScrapeCounts[] }
  | { readonly kind: 'error'; readonly reason: string }
)

export interface UdpAnnounceReply {
  readonly intervalMs: Millis
  readonly complete: number
  readonly incomplete: number
  readonly peers: readonly Endpoint[]
}

const HEAD_BYTES = 8
const CONNECT_BYTES = 16
const ANNOUNCE_BYTES = 20
const COUNTS_BYTES = 12
const REASON_CHARS_MAX = 400

/** As many fit in a reply. */
export const UDP_PEERS_MAX = {
  v4: Math.floor((limits.udpReplyBytesMax - ANNOUNCE_BYTES) / PACKED_BYTES.v4),
  v6: Math.floor((limits.udpReplyBytesMax - ANNOUNCE_BYTES) / PACKED_BYTES.v6),
} as const satisfies Record<UdpFamily, number>

// Each writer takes a buffer of `limits.udpReplyBytesMax` and gives the length of what it wrote from its beginning.

/** The connection id, at bytes 8 to 16, is the caller's to write. */
export function writeUdpConnectReply(into: Buffer, transactionId: number): number {
  writeHead(into, UDP_ACTION.connect, transactionId)
  return CONNECT_BYTES
}

export function writeUdpAnnounceReply(
  into: Buffer,
  transactionId: number,
  reply: Pick<AnnounceReply, 'intervalMs' | 'complete' | 'incomplete' | 'peers' | 'packed'>,
  family: UdpFamily,
): number {
  writeHead(into, UDP_ACTION.announce, transactionId)
  into.writeUInt32BE(Math.ceil(reply.intervalMs / 1_000), 8)
  into.writeUInt32BE(reply.incomplete, 12)
  into.writeUInt32BE(reply.complete, 16)
  const end = writePeers(into, ANNOUNCE_BYTES, reply.peers, family)
  return writePacked(into, end, reply.packed ?? NO_PACKED_PEERS, family)
}

export function writeUdpScrapeReply(
  into: Buffer,
  transactionId: number,
  infoHashes: readonly InfoHash[],
  counts: ReadonlyMap<InfoHash, ScrapeCounts>,
): number {
  writeHead(into, UDP_ACTION.scrape, transactionId)
  let at = HEAD_BYTES
  for (const hash of infoHashes) {
    const { complete = 0, downloaded = 0, incomplete = 0 } = counts.get(hash) ?? {}
    into.writeUInt32BE(complete, at)
    into.writeUInt32BE(downloaded, at + 4)
    into.writeUInt32BE(incomplete, at + 8)
    at += COUNTS_BYTES
  }
  return at
}

/** UTF-8, cut where the buffer ends. */
export function writeUdpError(into: Buffer, transactionId: number, reason: string): number {
  writeHead(into, UDP_ACTION.error, transactionId)
  return HEAD_BYTES + into.write(reason, HEAD_BYTES, 'utf8')
}

/**
 * Strict: the lengths are exact. Peers that nobody could dial (port 0) are left to the reader, as they came.
 * @throws ShoalError `bad-input`.
 */
export function parseUdpReply(packet: Buffer, family: UdpFamily): UdpReply {
  if (packet.length < HEAD_BYTES) throw wrong('at least 8 bytes expected')
  const transactionId = packet.readUInt32BE(4)
  switch (packet.readUInt32BE(0)) {
    case UDP_ACTION.connect:
      if (packet.length !== CONNECT_BYTES) throw wrong('a connection id has 8 bytes')
      return { kind: 'connect', transactionId, connectionId: Uint8Array.from(packet.subarray(HEAD_BYTES)) }
    case UDP_ACTION.announce:
      return { kind: 'announce', transactionId, reply: announceReplyOf(packet, family) }
    case UDP_ACTION.scrape:
      return { kind: 'scrape', transactionId, counts: countsOf(packet) }
    case UDP_ACTION.error:
      return {
        kind: 'error',
        transactionId,
        reason: displayText(packet.subarray(HEAD_BYTES), REASON_CHARS_MAX),
      }
    default:
      throw wrong('no action of BEP 15')
  }
}

function announceReplyOf(packet: Buffer, family: UdpFamily): UdpAnnounceReply {
  if (packet.length < ANNOUNCE_BYTES) throw wrong(`at least ${ANNOUNCE_BYTES} bytes expected`)
  return {
    intervalMs: seconds(packet.readUInt32BE(8)),
    incomplete: packet.readUInt32BE(12),
    complete: packet.readUInt32BE(16),
    peers: decodeCompact(packet.subarray(ANNOUNCE_BYTES), family),
  }
}

function countsOf(packet: Buffer): readonly ScrapeCounts[] {
  const count = (packet.length - HEAD_BYTES) / COUNTS_BYTES
  if (!Number.isInteger(count)) throw wrong(`the counts are no multiple of ${COUNTS_BYTES} bytes`)
  return Array.from({ length: count }, (_, i) => {
    const at = HEAD_BYTES + i * COUNTS_BYTES
    return {
      complete: packet.readUInt32BE(at),
      downloaded: packet.readUInt32BE(at + 4),
      incomplete: packet.readUInt32BE(at + 8),
    }
  })
}

function writeHead(into: Buffer, action: number, transactionId: number): void {
  into.writeUInt32BE(action, 0)
  into.writeUInt32BE(transactionId, 4)
}

const wrong = (what: string): ShoalError => new ShoalError('bad-input', `reply: ${what}`)

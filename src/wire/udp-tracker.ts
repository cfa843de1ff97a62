/**
 * What a peer asks the tracker over UDP (BEP 15), with the announce URL's path and query behind it (BEP 41), where
 * the grant is. The replies are in `udp-tracker-reply.ts`.
 *
 * A request is 8 bytes of connection id, 4 of action, 4 of transaction id, and what belongs to the action. Reading
 * is in two steps, since anybody can write any source address on a datagram: `udpActionOf` costs next to nothing,
 * and the parsers run only once the connection id has proved the address.
 */
import { ShoalError } from '../core/errors.ts'
import { bytesOf, type InfoHash, infoHashIn, peerIdIn } from '../core/ids.ts'
import { type AnnounceEvent, type AnnounceRequest, grantOfQuery } from './announce.ts'
import { limits } from './limits.ts'
import { encodeUrlData, urlDataOf } from './udp-options.ts'

export type UdpAction = 'connect' | 'announce' | 'scrape'

/** 8 bytes that the tracker gave to this address; opaque to all others. */
export type ConnectionId = Uint8Array

/** With what each request begins. */
export interface UdpHead {
  readonly connectionId: ConnectionId
  /** 32 bits, unsigned; the reply repeats it. */
  readonly transactionId: number
}

export const UDP_ACTION = { connect: 0, announce: 1, scrape: 2, error: 3 } as const

const ACTIONS: readonly UdpAction[] = ['connect', 'announce', 'scrape']
/** Stands for the connection id in a connect request. */
const PROTOCOL_ID = { high: 0x417, low: 0x27101980 }
/** 4 is libtorrent's for BEP 21's `paused`, which says nothing that a tracker needs. */
const EVENTS: readonly (AnnounceEvent | undefined)[] = [
  undefined,
  'completed',
  'started',
  'stopped',
  undefined,
]
const HEAD_BYTES = 16
const ANNOUNCE_BYTES = 98
const HASH_BYTES = 20
const TWO_32 = 0x1_0000_0000

/** Undefined for what is no request of BEP 15 or longer than any. Its body may still be wrong. */
export function udpActionOf(packet: Buffer): UdpAction | undefined {
  if (packet.length < HEAD_BYTES || packet.length > limits.udpRequestBytesMax) return undefined
  const action = ACTIONS[packet.readUInt32BE(8)]
  return action !== 'connect' || isConnect(packet) ? action : undefined
}

const isConnect = (packet: Buffer): boolean =>
  packet.length === HEAD_BYTES &&
  packet.readUInt32BE(0) === PROTOCOL_ID.high &&
  packet.readUInt32BE(4) === PROTOCOL_ID.low

/** Of any packet that has an action. */
export const udpTransactionOf = (packet: Buffer): number => packet.readUInt32BE(12)

/**
 * Deaf to the address and the key in it: the address is the datagram's, and no key proves anything here.
 * @throws ShoalError `bad-input` naming what is wrong; `over-limit` for a URL that is too long.
 */
export function parseUdpAnnounce(packet: Buffer): AnnounceRequest {
  if (packet.length < ANNOUNCE_BYTES)
    throw new ShoalError('bad-input', `announce: at least ${ANNOUNCE_BYTES} bytes expected`)
  const eventNumber = packet.readUInt32BE(80)
  const numWant = packet.readInt32BE(92)
  const port = packet.readUInt16BE(96)
  if (eventNumber >= EVENTS.length) throw new ShoalError('bad-input', 'event: 0 to 4 expected')
  if (port === 0) throw new ShoalError('bad-input', 'port: a whole number from 1 to 65535 expected')
  const event = EVENTS[eventNumber]
  const grant = grantIn(packet)
  const request: { -readonly [K in keyof AnnounceRequest]: AnnounceRequest[K] } = {
    infoHash: infoHashIn(packet, 16),
    peerId: peerIdIn(packet, 36),
    port,
    uploadedBytes: countAt(packet, 72),
    downloadedBytes: countAt(packet, 56),
    leftBytes: countAt(packet, 64),
    compact: true,
    isOurs: false,
  }
  if (event !== undefined) request.event = event
  if (numWant >= 0) request.numWant = Math.min(numWant, limits.numWantMax)
  if (grant !== undefined) request.grant = grant
  return request
}

/**
 * The infohashes in their order, at least one, perhaps the same twice: the reply counts them in this order. BEP 41
 * has no place for a grant here.
 * @throws ShoalError `bad-input`; `over-limit` with more than `limits.scrapeHashesMax`.
 */
export function parseUdpScrape(packet: Buffer): readonly InfoHash[] {
  const count = (packet.length - HEAD_BYTES) / HASH_BYTES
  if (count === 0) throw new ShoalError('bad-input', 'info_hash is missing: only named torrents are counted')
  if (!Number.isInteger(count))
    throw new ShoalError('bad-input', `scrape: the infohashes are no multiple of ${HASH_BYTES} bytes`)
  if (count > limits.scrapeHashesMax)
    throw new ShoalError('over-limit', `at most ${limits.scrapeHashesMax} info_hash in one scrape`)
  return Array.from({ length: count }, (_, i) => {
    const at = HEAD_BYTES + i * HASH_BYTES
    return infoHashIn(packet, at)
  })
}

export function encodeUdpConnect(transactionId: number): Buffer {
  const packet = Buffer.alloc(HEAD_BYTES)
  packet.writeUInt32BE(PROTOCOL_ID.high, 0)
  packet.writeUInt32BE(PROTOCOL_ID.low, 4)
  packet.writeUInt32BE(UDP_ACTION.connect, 8)
  packet.writeUInt32BE(transactionId, 12)
  return packet
}

/** The grant goes where libtorrent puts it: into the query of `/announce`, in one option. */
export function encodeUdpAnnounce(head: UdpHead, request: AnnounceRequest): Buffer {
  const options =
    request.grant === undefined ? Buffer.alloc(0) : encodeUrlData(`/announce?g=${request.grant}`)
  const packet = Buffer.alloc(ANNOUNCE_BYTES + options.length)
  writeHead(packet, head, UDP_ACTION.announce)
  packet.set(bytesOf(request.infoHash), 16)
  packet.set(bytesOf(request.peerId), 36)
  writeCount(packet, request.downloadedBytes, 56)
  writeCount(packet, request.leftBytes, 64)
  writeCount(packet, request.uploadedBytes, 72)
  packet.writeUInt32BE(request.event === undefined ? 0 : EVENTS.indexOf(request.event), 80)
  packet.writeInt32BE(request.numWant ?? -1, 92)
  packet.writeUInt16BE(request.port, 96)
  packet.set(options, ANNOUNCE_BYTES)
  return packet
}

export function encodeUdpScrape(head: UdpHead, infoHashes: readonly InfoHash[]): Buffer {
  const packet = Buffer.alloc(HEAD_BYTES + HASH_BYTES * infoHashes.length)
  writeHead(packet, head, UDP_ACTION.scrape)
  infoHashes.forEach((hash, i) => {
    packet.set(bytesOf(hash), HEAD_BYTES + HASH_BYTES * i)
  })
  return packet
}

function writeHead(packet: Buffer, head: UdpHead, action: number): void {
  packet.set(head.connectionId.subarray(0, 8), 0)
  packet.writeUInt32BE(action, 8)
  packet.writeUInt32BE(head.transactionId, 12)
}

function grantIn(packet: Buffer): string | undefined {
  if (packet.length === ANNOUNCE_BYTES) return undefined
  const url = urlDataOf(packet, ANNOUNCE_BYTES)
  const mark = url.indexOf('?')
  return mark === -1 ? undefined : grantOfQuery(url.slice(mark + 1))
}

/** 64 bits, cut to what a number can hold: all ones, for what a peer does not know, too. */
function countAt(packet: Buffer, at: number): number {
  const count = packet.readUInt32BE(at) * TWO_32 + packet.readUInt32BE(at + 4)
  return Math.min(count, Number.MAX_SAFE_INTEGER)
}

function writeCount(packet: Buffer, count: number, at: number): void {
  packet.writeUInt32BE(Math.floor(count / TWO_32), at)
  packet.writeUInt32BE(count % TWO_32, at + 4)
}

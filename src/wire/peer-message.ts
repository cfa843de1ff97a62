/**
 * Messages between peers after the handshake (BEP 3, BEP 6, BEP 10): 4 bytes of length, one of kind, then the
 * body. Numbers are unsigned, big endian. Whether an index exists is the business of who knows the torrent.
 */
import { ShoalError, unreachable } from '../core/errors.ts'
import { limits } from './limits.ts'

/** A stretch of one piece, as requests name it. */
export interface BlockRange {
  readonly piece: number
  readonly offset: number
  readonly length: number
}

export type PeerMessage =
  | { readonly kind: 'keep-alive' }
  | { readonly kind: 'choke' | 'unchoke' | 'interested' | 'not-interested' | 'have-all' | 'have-none' }
  | { readonly kind: 'have' | 'suggest' | 'allowed-fast'; readonly piece: number }
  | { readonly kind: 'bitfield'; readonly bits: Uint8Array }
  | ({ readonly kind: 'request' | 'cancel' | 'reject' } & BlockRange)
  | {
      readonly kind: 'piece'
      readonly piece: number
      readonly offset: number
      readonly block: Uint8Array
    }
  | { readonly kind: 'extended'; readonly id: number; readonly payload: Uint8Array }
  /** A kind that we do not speak (BEP 5's port, BEP 52's hashes): to be ignored. */
  | { readonly kind: 'unknown'; readonly id: number; readonly payload: Uint8Array }

export const MESSAGE_ID = {
  choke: 0,
  unchoke: 1,
  interested: 2,
  'not-interested': 3,
  have: 4,
  bitfield: 5,
  request: 6,
  piece: 7,
  cancel: 8,
  suggest: 13,
  'have-all': 14,
  'have-none': 15,
  reject: 16,
  'allowed-fast': 17,
  extended: 20,
} as const satisfies Record<Exclude<PeerMessage['kind'], 'keep-alive' | 'unknown'>, number>

type KnownKind = keyof typeof MESSAGE_ID
const KIND_OF_ID = new Map<number, KnownKind>(
  Object.entries(MESSAGE_ID).map(([kind, id]) => [id, kind as KnownKind]),
)

/** Header of a `piece` message: length, id, piece, offset. */
export const PIECE_HEADER_BYTES = 13
/** An extension handshake is the longest extended message; ut_metadata's data has 16 KiB and a small header. */
const EXTENDED_BYTES_MAX = 2 + Math.max(limits.extensionHandshakeBytesMax, limits.metadataPieceBytes + 1_024)

/**
 * Whether a message of kind `id` may have this length (id byte included): lets a reader hang up before it
 * buffers anything. Kinds that we do not know may have any length up to the bound, since they are skipped.
 */
export function mayHaveLength(id: number, length: number): boolean {
  if (length < 1 || length > limits.peerMessageBytesMax) return false
  const kind = KIND_OF_ID.get(id)
  switch (kind) {
    case undefined:
      return true
    case 'choke':
    case 'unchoke':
    case 'interested':
    case 'not-interested':
    case 'have-all':
    case 'have-none':
      return length === 1
    case 'have':
    case 'suggest':
    case 'allowed-fast':
      return length === 5
    case 'request':
    case 'cancel':
    case 'reject':
      return length === 13
    case 'bitfield':
      return true
    case 'piece':
      return length > 9 && length <= 9 + limits.blockRequestBytesMax
    case 'extended':
      return length >= 2 && length <= EXTENDED_BYTES_MAX
    default:
      return unreachable(kind)
  }
}

/**
 * Reads one message, without its four bytes of length. Byte arrays in the answer are views of `body`.
 * @throws ShoalError `bad-input` when the length does not suit the kind.
 */
export function decodePeerMessage(body: Uint8Array): PeerMessage {
  const id = body[0]
  if (id === undefined) return { kind: 'keep-alive' }
  if (!mayHaveLength(id, body.length))
    throw new ShoalError('bad-input', `peer message ${id} of ${body.length} bytes`)
  const kind = KIND_OF_ID.get(id)
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  switch (kind) {
    case undefined:
      return { kind: 'unknown', id, payload: body.subarray(1) }
    case 'choke':
    case 'unchoke':
    case 'interested':
    case 'not-interested':
    case 'have-all':
    case 'have-none':
      return { kind }
    case 'have':
    case 'suggest':
    case 'allowed-fast':
      return { kind, piece: view.getUint32(1) }
    case 'bitfield':
      return { kind, bits: body.subarray(1) }
    case 'request':
    case 'cancel':
    case 'reject':
      return { kind, piece: view.getUint32(1), offset: view.getUint32(5), length: view.getUint32(9) }
    case 'piece':
      return { kind, piece: view.getUint32(1), offset: view.getUint32(5), block: body.subarray(9) }
    case 'extended':
      return { kind, id: view.getUint8(1), payload: body.subarray(2) }
    default:
      return unreachable(kind)
  }
}

/** The whole message with its length. For blocks, {@link encodePieceHeader} spares the copy. */
export function encodePeerMessage(message: PeerMessage): Uint8Array {
  switch (message.kind) {
    case 'keep-alive':
      return new Uint8Array(4)
    case 'choke':
    case 'unchoke':
    case 'interested':
    case 'not-interested':
    case 'have-all':
    case 'have-none':
      return frame(MESSAGE_ID[message.kind], 0)
    case 'have':
    case 'suggest':
    case 'allowed-fast': {
      const bytes = frame(MESSAGE_ID[message.kind], 4)
      viewOf(bytes).setUint32(5, message.piece)
      return bytes
    }
    case 'bitfield':
      return frameWith(MESSAGE_ID.bitfield, message.bits)
    case 'request':
    case 'cancel':
    case 'reject':
      return encodeBlockRanges(message.kind, [message])
    case 'piece':
      return joined(encodePieceHeader(message.piece, message.offset, message.block.length), message.block)
    case 'extended':
      return frameWith(MESSAGE_ID.extended, joined(Uint8Array.of(message.id), message.payload))
    case 'unknown':
      return frameWith(message.id, message.payload)
    default:
      return unreachable(message)
  }
}

/** What stands before a block of `blockBytes` bytes. */
export function encodePieceHeader(piece: number, offset: number, blockBytes: number): Uint8Array {
  const bytes = new Uint8Array(PIECE_HEADER_BYTES)
  const view = viewOf(bytes)
  view.setUint32(0, 9 + blockBytes)
  bytes[4] = MESSAGE_ID.piece
  view.setUint32(5, piece)
  view.setUint32(9, offset)
  return bytes
}

/** Many requests, cancels or rejects as one buffer, so that a full queue is one write. */
export function encodeBlockRanges(
  kind: 'request' | 'cancel' | 'reject',
  ranges: readonly BlockRange[],
): Uint8Array {
  const bytes = new Uint8Array(17 * ranges.length)
  const view = viewOf(bytes)
  let at = 0
  for (const range of ranges) {
    view.setUint32(at, 13)
    bytes[at + 4] = MESSAGE_ID[kind]
    view.setUint32(at + 5, range.piece)
    view.setUint32(at + 9, range.offset)
    view.setUint32(at + 13, range.length)
    at += 17
  }
  return bytes
}

const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

function joined(head: Uint8Array, body: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(head.length + body.length)
  bytes.set(head)
  bytes.set(body, head.length)
  return bytes
}

function frame(id: number, bodyBytes: number): Uint8Array {
  const bytes = new Uint8Array(5 + bodyBytes)
  viewOf(bytes).setUint32(0, 1 + bodyBytes)
  bytes[4] = id
  return bytes
}

function frameWith(id: number, payload: Uint8Array): Uint8Array {
  const bytes = frame(id, payload.length)
  bytes.set(payload, 5)
  return bytes
}

/**
 * What rides on BEP 10: the extension handshake, `ut_metadata` (BEP 9) and `lt_donthave` (BEP 54). A peer
 * says under which ids it wants to hear each; ours are {@link OUR_EXTENSION_IDS}.
 */
import { ShoalError } from '../core/errors.ts'
import { type BencodeDict, decodeBencode, decodeBencodePrefix, encodeBencode } from './bencode.ts'
import { asDict, bytesAt, dictAt, intAt } from './bencode-read.ts'
import { limits } from './limits.ts'

/** The id of the extension handshake itself. */
export const EXTENSION_HANDSHAKE_ID = 0

export type ExtensionName =
  'ut_metadata' | 'lt_donthave' | 'sh_peers' | 'sh_hello' | 'sh_fetch' | 'sh_unfetch'
/** Under which ids peers send us these. `sh_…` (`peer-exchange.ts`, `site-messages.ts`) are between our own clients. */
export const OUR_EXTENSION_IDS: Readonly<Record<ExtensionName, number>> = {
  ut_metadata: 2,
  lt_donthave: 7,
  sh_peers: 21,
  sh_hello: 22,
  sh_fetch: 23,
  sh_unfetch: 24,
}

export interface ExtensionHandshake {
  /** Ids 1..255 under which the sender takes each extension; what it does not speak is absent. */
  readonly ids: ReadonlyMap<string, number>
  /** The sender's name and version; control characters taken out, cut to 64 characters. */
  readonly client?: string
  /** Where the sender listens, 1..65535. */
  readonly listenPort?: number
  /** Size of the info bytes, 1..limits.metadataBytesMax. */
  readonly metadataBytes?: number
  /** Requests that the sender keeps at once (`reqq`), at least 1. */
  readonly requestsInMax?: number
}

const CLIENT_CHARS_MAX = 64

export function encodeExtensionHandshake(handshake: ExtensionHandshake): Uint8Array {
  const dict = new Map<string, number | string | Map<string, number>>([['m', new Map(handshake.ids)]])
  if (handshake.metadataBytes !== undefined) dict.set('metadata_size', handshake.metadataBytes)
  if (handshake.listenPort !== undefined) dict.set('p', handshake.listenPort)
  if (handshake.requestsInMax !== undefined) dict.set('reqq', handshake.requestsInMax)
  if (handshake.client !== undefined) dict.set('v', handshake.client)
  return encodeBencode(dict)
}

/**
 * Keys that we do not know are skipped, numbers out of range count as absent.
 * @throws ShoalError `bad-input` for what is no canonical dictionary, or a value of a wrong type.
 */
export function decodeExtensionHandshake(payload: Uint8Array): ExtensionHandshake {
  if (payload.length > limits.extensionHandshakeBytesMax)
    throw new ShoalError('bad-input', 'extension handshake too long')
  const dict = asDict(decodeBencode(payload), WHAT)
  const client = bytesAt(dict, 'v', WHAT)
  const listenPort = within(intAt(dict, 'p', WHAT), 1, 65_535)
  const metadataBytes = within(intAt(dict, 'metadata_size', WHAT), 1, limits.metadataBytesMax)
  const requestsInMax = within(intAt(dict, 'reqq', WHAT), 1, Number.MAX_SAFE_INTEGER)
  return {
    ids: idsOf(dictAt(dict, 'm', WHAT)),
    ...(client !== undefined && { client: clientName(client) }),
    ...(listenPort !== undefined && { listenPort }),
    ...(metadataBytes !== undefined && { metadataBytes }),
    ...(requestsInMax !== undefined && { requestsInMax }),
  }
}

const WHAT = 'extension handshake'

function idsOf(names: BencodeDict | undefined): ReadonlyMap<string, number> {
  const ids = new Map<string, number>()
  if (names === undefined) return ids
  if (names.size > limits.extensionNamesMax) throw new ShoalError('bad-input', 'too many extensions')
  for (const [name, id] of names) {
    if (typeof id !== 'number') throw new ShoalError('bad-input', 'an extension id is no number')
    if (id >= 1 && id <= 255) ids.set(name, id) // 0 means "not any more"
  }
  return ids
}

const within = (n: number | undefined, min: number, max: number): number | undefined =>
  n !== undefined && n >= min && n <= max ? n : undefined

/** Foreign text that ends up on screens and in logs. */
function clientName(bytes: Uint8Array): string {
  const text = new TextDecoder('utf-8').decode(bytes.subarray(0, 4 * CLIENT_CHARS_MAX))
  return text.replace(/[^\p{L}\p{N}\p{P}\p{S} ]/gu, '').slice(0, CLIENT_CHARS_MAX)
}

/** BEP 9. `piece` counts stretches of 16 KiB of the info bytes. */
export type MetadataMessage =
  | { readonly kind: 'request' | 'reject'; readonly piece: number }
  | { readonly kind: 'data'; readonly piece: number; readonly totalBytes: number; readonly bytes: Uint8Array }
  /** A `msg_type` of the future: to be ignored. */
  | { readonly kind: 'unknown' }

const MSG_TYPE = { request: 0, data: 1, reject: 2 } as const

export function encodeMetadataMessage(message: Exclude<MetadataMessage, { kind: 'unknown' }>): Uint8Array {
  const dict = new Map<string, number>([
    ['msg_type', MSG_TYPE[message.kind]],
    ['piece', message.piece],
  ])
  if (message.kind !== 'data') return encodeBencode(dict)
  dict.set('total_size', message.totalBytes)
  return Buffer.concat([encodeBencode(dict), message.bytes])
}

/** @throws ShoalError `bad-input`; only `data` may have bytes behind its dictionary, and must have some. */
export function decodeMetadataMessage(payload: Uint8Array): MetadataMessage {
  const { value, length } = decodeBencodePrefix(payload)
  const dict = asDict(value, 'ut_metadata')
  const type = intAt(dict, 'msg_type', 'ut_metadata')
  const piece = intAt(dict, 'piece', 'ut_metadata')
  const bytes = payload.subarray(length)
  if (type === undefined || piece === undefined)
    throw new ShoalError('bad-input', 'ut_metadata without piece')
  if (type > MSG_TYPE.reject) return { kind: 'unknown' }
  const pieces = Math.ceil(limits.metadataBytesMax / limits.metadataPieceBytes)
  if (type < 0 || piece < 0 || piece >= pieces) throw new ShoalError('bad-input', 'ut_metadata out of range')
  if (type === MSG_TYPE.data) {
    const totalBytes = intAt(dict, 'total_size', 'ut_metadata')
    if (totalBytes === undefined || bytes.length === 0 || bytes.length > limits.metadataPieceBytes)
      throw new ShoalError('bad-input', 'ut_metadata data of a wrong length')
    return { kind: 'data', piece, totalBytes, bytes }
  }
  if (bytes.length > 0) throw new ShoalError('bad-input', 'ut_metadata with trailing bytes')
  return { kind: type === MSG_TYPE.request ? 'request' : 'reject', piece }
}

/** BEP 54: "I no longer have this piece". */
export function encodeDontHave(piece: number): Uint8Array {
  const bytes = Buffer.allocUnsafe(4)
  bytes.writeUInt32BE(piece)
  return bytes
}

/** @throws ShoalError `bad-input` unless there are four bytes. */
export function decodeDontHave(payload: Uint8Array): number {
  if (payload.length !== 4) throw new ShoalError('bad-input', 'lt_donthave of a wrong length')
  return Buffer.from(payload.buffer, payload.byteOffset, 4).readUInt32BE()
}

/**
 * What a peer tells the tracker (BEP 3, 7, 23): the query of `GET /announce`. The replies are in
 * `announce-reply.ts`, which this file passes on.
 */
import { ShoalError } from '../core/errors.ts'
import { bytesOf, type InfoHash, infoHashOfBytes, type PeerId, peerIdOfBytes } from '../core/ids.ts'
import { limits } from './limits.ts'
import { oneOf, parseQuery, percentDecode, percentEncode, type Query } from './query.ts'

export * from './announce-reply.ts'

export type AnnounceEvent = 'started' | 'stopped' | 'completed'

export interface AnnounceRequest {
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  /** 1..65535. */
  readonly port: number
  readonly uploadedBytes: number
  readonly downloadedBytes: number
  /** `Number.MAX_SAFE_INTEGER` when the peer does not know, as before it has the metadata. */
  readonly leftBytes: number
  readonly event?: AnnounceEvent
  /** At most `limits.numWantMax`; absent when the peer leaves it to the tracker. */
  readonly numWant?: number
  /** Proves to be the same peer after its address changed; at most 64 bytes, a character each: aria2 sends raw ones. */
  readonly key?: string
  /** False when it asks for a list of dictionaries. */
  readonly compact: boolean
  /** The grant as it came: not looked at, at most `limits.grantCharsMax` characters. */
  readonly grant?: string
  /** It says `sh=1`: our own client, which reads the flags beside the peers. */
  readonly isOurs: boolean
}

/**
 * Strict about what counts, deaf to the rest: unknown parameters are ignored, `ip=` above all, since the
 * address is the connection's.
 * @throws ShoalError `bad-input` naming the parameter; `over-limit` for too long a query.
 */
export function parseAnnounceQuery(rawQuery: string): AnnounceRequest {
  const query = parseQuery(rawQuery)
  const event = eventOf(oneOf(query, 'event'))
  const numWant = numWantOf(oneOf(query, 'numwant'))
  const key = oneOf(query, 'key')
  const grant = grantOf(query)
  return {
    infoHash: infoHashOfBytes(twentyBytes(query, 'info_hash')),
    peerId: peerIdOfBytes(twentyBytes(query, 'peer_id')),
    port: portOf(oneOf(query, 'port')),
    uploadedBytes: countOf(query, 'uploaded') ?? 0,
    downloadedBytes: countOf(query, 'downloaded') ?? 0,
    leftBytes: leftOf(query),
    ...(event !== undefined && { event }),
    ...(numWant !== undefined && { numWant }),
    ...(key !== undefined && key !== '' && { key: keyOf(key) }),
    compact: bitOf(query, 'compact') ?? true,
    ...(grant !== undefined && { grant }),
    isOurs: bitOf(query, 'sh') ?? false,
  }
}

/** `base` may have a query already (`?g=GRANT`); what comes after a `#` is dropped. */
export function announceUrl(base: string, request: AnnounceRequest): string {
  const pairs: (readonly [string, string | number | undefined])[] = [
    ['g', request.grant],
    ['info_hash', percentEncode(bytesOf(request.infoHash))],
    ['peer_id', percentEncode(bytesOf(request.peerId))],
    ['port', request.port],
    ['uploaded', request.uploadedBytes],
    ['downloaded', request.downloadedBytes],
    ['left', request.leftBytes],
    ['compact', request.compact ? 1 : 0],
    ['event', request.event],
    ['numwant', request.numWant],
    ['key', request.key === undefined ? undefined : percentEncode(Buffer.from(request.key, 'latin1'))],
    ['sh', request.isOurs ? 1 : undefined],
  ]
  return withQuery(base, pairs)
}

/** Pairs whose value is undefined are left out. */
export function withQuery(
  base: string,
  pairs: readonly (readonly [string, string | number | undefined])[],
): string {
  const [url = ''] = base.split('#', 1)
  const added = pairs
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value ?? ''}`)
  const join = !url.includes('?') ? '?' : url.endsWith('?') || url.endsWith('&') ? '' : '&'
  return url + join + added.join('&')
}

/** The query's `g`, for scrape as well. @throws ShoalError `bad-input` when it is longer than any grant. */
export function grantOf(query: Query): string | undefined {
  const text = oneOf(query, 'g')
  return text === undefined || text === '' ? undefined : plainGrant(text)
}

/** @throws ShoalError `bad-input` unless `text` decodes to exactly 20 bytes. */
export function decodeTwentyBytes(text: string, name: string): Uint8Array {
  const bytes = text.length > 60 ? undefined : percentDecode(text, name)
  if (bytes?.length !== 20) throw new ShoalError('bad-input', `${name}: 20 bytes expected`)
  return bytes
}

/**
 * The same for the query of an announce URL that is read for its grant only: mostly there is nothing else in it.
 * @throws ShoalError as `parseQuery` and `grantOf` do.
 */
export function grantOfQuery(raw: string): string | undefined {
  const isAlone = raw.startsWith('g=') && raw.length > 2 && raw.length <= limits.announceQueryCharsMax
  return isAlone && !raw.includes('&') ? plainGrant(raw.slice(2)) : grantOf(parseQuery(raw))
}

function twentyBytes(query: Query, name: string): Uint8Array {
  const text = oneOf(query, name)
  if (text === undefined) throw new ShoalError('bad-input', `${name} is missing`)
  return decodeTwentyBytes(text, name)
}

/** @throws ShoalError `bad-input`. */
export function portOf(text: string | undefined): number {
  const port = text !== undefined && /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535)
    throw new ShoalError('bad-input', 'port: a whole number from 1 to 65535 expected')
  return port
}

/** 64-bit counters are let pass and cut to what a number can hold. */
function countOf(query: Query, name: string): number | undefined {
  const text = oneOf(query, name)
  if (text === undefined || text === '') return undefined
  if (!/^\d{1,20}$/.test(text)) throw new ShoalError('bad-input', `${name}: a whole number expected`)
  return Math.min(Number(text), Number.MAX_SAFE_INTEGER)
}

/** A peer without metadata does not know what is left; clients say so in several ways. */
function leftOf(query: Query): number {
  const text = oneOf(query, 'left')
  const isUnknown = text === undefined || text === '' || text === '-1' || text === 'Infinity'
  return isUnknown ? Number.MAX_SAFE_INTEGER : (countOf(query, 'left') ?? Number.MAX_SAFE_INTEGER)
}

/** `paused` (BEP 21) says nothing that a tracker needs. */
function eventOf(text: string | undefined): AnnounceEvent | undefined {
  switch (text) {
    case 'started':
    case 'stopped':
    case 'completed':
      return text
    case undefined:
    case '':
    case 'paused':
      return undefined
    default:
      throw new ShoalError('bad-input', 'event: started, stopped or completed expected')
  }
}

function numWantOf(text: string | undefined): number | undefined {
  if (text === undefined || text === '' || text === '-1') return undefined
  if (!/^\d{1,10}$/.test(text)) throw new ShoalError('bad-input', 'numwant: a whole number expected')
  return Math.min(Number(text), limits.numWantMax)
}

function bitOf(query: Query, name: string): boolean | undefined {
  const text = oneOf(query, name)
  if (text === undefined || text === '') return undefined
  if (text !== '0' && text !== '1') throw new ShoalError('bad-input', `${name}: 0 or 1 expected`)
  return text === '1'
}

const KEY_BYTES_MAX = 64
/** What percent-encoding leaves as it is: true of every grant, and spares decoding it at every announce. */
const PLAIN = /^[A-Za-z0-9._~-]*$/

function plainGrant(text: string): string {
  if (text.length <= limits.grantCharsMax && PLAIN.test(text)) return text
  const plain = text.length > 3 * limits.grantCharsMax ? text : latin1Of(text, 'g')
  if (plain.length <= limits.grantCharsMax && PLAIN.test(plain)) return plain
  throw new ShoalError('bad-input', `g: at most ${limits.grantCharsMax} plain characters expected`)
}

function keyOf(text: string): string {
  const key = text.length > 3 * KEY_BYTES_MAX ? text : latin1Of(text, 'key')
  if (key.length > KEY_BYTES_MAX) throw new ShoalError('bad-input', 'key is too long')
  return key
}

function latin1Of(text: string, name: string): string {
  return Buffer.from(percentDecode(text, name)).toString('latin1')
}

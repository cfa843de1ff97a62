/**
 * What a browser tells the tracker over a WebSocket: the messages of WebTorrent, as the trackers and pages of that
 * network speak them. They are JSON; infohashes, peer ids and offer ids are 20 bytes, each byte a character from
 * U+0000 to U+00FF. The tracker's side is in `signal-reply.ts`.
 *
 * Only what is named here is read. Nothing that is passed on to another peer is passed on as it came: it is put
 * together anew from what was read.
 */
import { ShoalError } from '../core/errors.ts'
import { bytesOf, type InfoHash, infoHashOfBytes, type PeerId, peerIdOfBytes } from '../core/ids.ts'
import type { AnnounceEvent } from './announce.ts'
import { limits } from './limits.ts'
import { sdpOf, type Sdp } from './sdp.ts'
import { formatSignalLeases, signalLeasesOf, type SignalLeases } from './signal-lease.ts'

declare const checked: unique symbol
/** 20 bytes of its maker's choice, by which an answer finds the offer that it is for: a character each. */
export type OfferId = string & { readonly [checked]: 'OfferId' }

export interface Offer {
  readonly offerId: OfferId
  readonly sdp: Sdp
}

export interface SignalAnnounce {
  readonly kind: 'announce'
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  readonly event?: AnnounceEvent
  /** `Number.MAX_SAFE_INTEGER` when the peer does not know, as before it has the metadata. */
  readonly leftBytes: number
  /** How many of the offers it wants handed out; absent: all. At most `limits.signalOffersMax`. */
  readonly numWant?: number
  /** One for each peer that it wants to meet. */
  readonly offers: readonly Offer[]
}

export interface SignalAnswer {
  readonly kind: 'answer'
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  readonly toPeerId: PeerId
  readonly offerId: OfferId
  readonly sdp: Sdp
}

export interface SignalScrape {
  readonly kind: 'scrape'
  /** Without repetition; at least one. */
  readonly infoHashes: readonly InfoHash[]
}

export type SignalMessage = SignalAnnounce | SignalAnswer | SignalScrape | SignalLeases

/** @throws ShoalError `bad-input` naming the field, `over-limit` for more than a bound allows. */
export function parseSignal(text: string): SignalMessage {
  const message = recordOf(parseJson(text), 'the message')
  switch (message['action']) {
    case 'announce':
      // Clients mark an answer by its presence alone: its action is "announce" too.
      return message['answer'] === undefined || message['answer'] === null
        ? announceOf(message)
        : answerOf(message)
    case 'scrape':
      return { kind: 'scrape', infoHashes: infoHashesOf(message['info_hash']) }
    case 'leases':
      return signalLeasesOf(message)
    default:
      throw bad('action: "announce" or "scrape" expected')
  }
}

/** As a client sends it. */
export function formatSignal(message: SignalMessage): string {
  switch (message.kind) {
    case 'announce': {
      const { infoHash, peerId, event, leftBytes, numWant, offers } = message
      return JSON.stringify({
        action: 'announce',
        info_hash: binaryOf(infoHash),
        peer_id: binaryOf(peerId),
        event,
        left: leftBytes,
        numwant: numWant,
        offers: offers.map(({ offerId, sdp }) => ({ offer_id: offerId, offer: { type: 'offer', sdp } })),
      })
    }
    case 'answer':
      return JSON.stringify({
        action: 'announce',
        info_hash: binaryOf(message.infoHash),
        peer_id: binaryOf(message.peerId),
        to_peer_id: binaryOf(message.toPeerId),
        offer_id: message.offerId,
        answer: { type: 'answer', sdp: message.sdp },
      })
    case 'scrape':
      return JSON.stringify({ action: 'scrape', info_hash: message.infoHashes.map(binaryOf) })
    case 'leases':
      return formatSignalLeases(message)
  }
}

/** The 20 bytes of an id, a character each. */
export function binaryOf(id: InfoHash | PeerId): string {
  return String.fromCharCode(...bytesOf(id))
}

/** The bytes of what was made of them by {@link binaryOf}. */
const bytesOfBinary = (text: string): Uint8Array =>
  Uint8Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))

/** @throws ShoalError `bad-input` unless it is 20 characters up to U+00FF. */
export function offerIdOf(value: unknown): OfferId {
  return twentyBytes(value, 'offer_id') as OfferId
}

export type Json = Readonly<Record<string, unknown>>

const bad = (reason: string): ShoalError => new ShoalError('bad-input', reason)

/** @throws ShoalError `bad-input`, `over-limit`. */
export function parseJson(text: string): unknown {
  if (text.length > limits.signalFrameBytesMax) throw new ShoalError('over-limit', 'the message is too long')
  try {
    return JSON.parse(text)
  } catch {
    throw bad('the message is no JSON')
  }
}

/** @throws ShoalError `bad-input`. */
export function recordOf(value: unknown, name: string): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw bad(`${name}: an object expected`)
  return value as Json
}

function announceOf(message: Json): SignalAnnounce {
  const event = eventOf(message['event'])
  const numWant = countOf(message['numwant'], 'numwant')
  return {
    kind: 'announce',
    infoHash: infoHashOf(message['info_hash']),
    peerId: peerIdOf(message['peer_id'], 'peer_id'),
    ...(event !== undefined && { event }),
    leftBytes: countOf(message['left'], 'left') ?? Number.MAX_SAFE_INTEGER,
    ...(numWant !== undefined && { numWant: Math.min(numWant, limits.signalOffersMax) }),
    offers: offersOf(message['offers']),
  }
}

function answerOf(message: Json): SignalAnswer {
  return {
    kind: 'answer',
    infoHash: infoHashOf(message['info_hash']),
    peerId: peerIdOf(message['peer_id'], 'peer_id'),
    toPeerId: peerIdOf(message['to_peer_id'], 'to_peer_id'),
    offerId: offerIdOf(message['offer_id']),
    sdp: descriptionOf(message['answer'], 'answer'),
  }
}

function offersOf(value: unknown): readonly Offer[] {
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw bad('offers: a list expected')
  if (value.length > limits.signalOffersMax)
    throw new ShoalError('over-limit', `at most ${limits.signalOffersMax} offers in one announce`)
  const offers = value.map((item: unknown): Offer => {
    const offer = recordOf(item, 'offers')
    return { offerId: offerIdOf(offer['offer_id']), sdp: descriptionOf(offer['offer'], 'offer') }
  })
  if (new Set(offers.map(({ offerId }) => offerId)).size < offers.length)
    throw bad('offers: two have the same offer_id')
  return offers
}

/** @throws ShoalError `bad-input`, `over-limit`. */
export function descriptionOf(value: unknown, type: 'offer' | 'answer'): Sdp {
  const { type: named, sdp } = recordOf(value, type)
  if (named !== type || typeof sdp !== 'string')
    throw bad(`${type}: an object with "type":"${type}" and "sdp" expected`)
  return sdpOf(sdp)
}

function infoHashesOf(value: unknown): readonly InfoHash[] {
  if (!Array.isArray(value)) return [infoHashOf(value)]
  if (value.length === 0) throw bad('info_hash is missing: only named torrents are counted')
  if (value.length > limits.scrapeHashesMax)
    throw new ShoalError('over-limit', `at most ${limits.scrapeHashesMax} info_hash in one scrape`)
  return [...new Set(value.map(infoHashOf))]
}

/** @throws ShoalError `bad-input`. */
export const infoHashOf = (value: unknown): InfoHash =>
  infoHashOfBytes(bytesOfBinary(twentyBytes(value, 'info_hash')))
/** @throws ShoalError `bad-input`. */
export const peerIdOf = (value: unknown, name: string): PeerId =>
  peerIdOfBytes(bytesOfBinary(twentyBytes(value, name)))

const TWENTY_BYTES = /^[\0-\xff]{20}$/

function twentyBytes(value: unknown, name: string): string {
  if (typeof value === 'string' && value.length === 20 && TWENTY_BYTES.test(value)) return value
  throw bad(`${name}: 20 bytes expected, as characters`)
}

/** Undefined when the client leaves it out, or has JSON write an infinite or missing number as `null`. */
export function countOf(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 0)
    throw bad(`${name}: a whole number expected`)
  return Math.min(value, Number.MAX_SAFE_INTEGER) + 0 // -0 is 0
}

/** `update` is what clients call none; `paused` (BEP 21) says nothing that a tracker needs. */
function eventOf(value: unknown): AnnounceEvent | undefined {
  switch (value) {
    case 'started':
    case 'stopped':
    case 'completed':
      return value
    case undefined:
    case null:
    case '':
    case 'update':
    case 'paused':
      return undefined
    default:
      throw bad('event: started, stopped or completed expected')
  }
}

/**
 * What the tracker tells a browser over a WebSocket, in the messages of WebTorrent (see `signal.ts`): its own
 * answers, and the offers and answers of others.
 */
import type { InfoHash, PeerId } from '../core/ids.ts'
import { millis, type Millis } from '../core/units.ts'
import type { AnnounceRefusal } from './announce.ts'
import type { ScrapeCounts } from './scrape.ts'
import {
  binaryOf,
  countOf,
  descriptionOf,
  infoHashOf,
  type Json,
  offerIdOf,
  parseJson,
  peerIdOf,
  recordOf,
  type Offer,
} from './signal.ts'

export interface SignalAnnounceReply {
  readonly infoHash: InfoHash
  readonly intervalMs: Millis
  readonly complete: number
  readonly incomplete: number
}

export function formatSignalReply(reply: SignalAnnounceReply): string {
  return JSON.stringify({
    action: 'announce',
    info_hash: binaryOf(reply.infoHash),
    interval: Math.ceil(reply.intervalMs / 1_000),
    complete: reply.complete,
    incomplete: reply.incomplete,
  })
}

/** What one peer has for another: `type` says whether it begins a connection or accepts one. */
export function formatIntroduction(
  type: 'offer' | 'answer',
  from: { readonly infoHash: InfoHash; readonly peerId: PeerId },
  { offerId, sdp }: Offer,
): string {
  return JSON.stringify({
    action: 'announce',
    info_hash: binaryOf(from.infoHash),
    peer_id: binaryOf(from.peerId),
    offer_id: offerId,
    [type]: { type, sdp },
  })
}

export function formatSignalScrape(counts: ReadonlyMap<InfoHash, ScrapeCounts>): string {
  const files = Object.fromEntries(
    Array.from(counts, ([hash, { complete, incomplete, downloaded }]) => [
      binaryOf(hash),
      { complete, incomplete, downloaded },
    ]),
  )
  return JSON.stringify({ action: 'scrape', files })
}

/**
 * Clients show the reason only of an announce that names their infohash, so it is named wherever it is known.
 * `retry in` is BEP 31's, in minutes.
 */
export function formatSignalRefusal(
  action: 'announce' | 'scrape',
  refusal: AnnounceRefusal,
  infoHash?: InfoHash,
): string {
  const { retryInMs } = refusal
  return JSON.stringify({
    action,
    ...(infoHash === undefined ? {} : { info_hash: binaryOf(infoHash) }),
    'failure reason': refusal.reason,
    ...(retryInMs === undefined
      ? {}
      : { 'retry in': retryInMs === 'never' ? 'never' : Math.ceil(retryInMs / 60_000) }),
  })
}

/** What a browser, or whoever signals like one, hears from the tracker. */
export type SignalReply =
  | ({ readonly kind: 'counts' } & SignalAnnounceReply)
  /** Another peer's offer, to be answered, or its answer to one of ours. */
  | ({
      readonly kind: 'offer' | 'answer'
      readonly infoHash: InfoHash
      readonly from: PeerId
    } & Offer)
  | { readonly kind: 'refused'; readonly reason: string; readonly retryInMs?: Millis | 'never' }
  /** An answer to a scrape, or a warning: nothing that we ask for. */
  | { readonly kind: 'other' }

const REASON_CHARS_MAX = 400

/** @throws ShoalError `bad-input`, `over-limit`: the tracker is one's own company's, and its words are still bounded. */
export function parseSignalReply(text: string): SignalReply {
  const message = recordOf(parseJson(text), 'the reply')
  const reason = message['failure reason']
  if (typeof reason === 'string') return refusalOf(reason, message['retry in'])
  if (message['action'] !== 'announce') return { kind: 'other' }
  if (isThere(message['offer'])) return introductionOf('offer', message)
  if (isThere(message['answer'])) return introductionOf('answer', message)
  return {
    kind: 'counts',
    infoHash: infoHashOf(message['info_hash']),
    intervalMs: millis(1_000 * Math.min(countOf(message['interval'], 'interval') ?? 120, INTERVAL_MAX)),
    complete: countOf(message['complete'], 'complete') ?? 0,
    incomplete: countOf(message['incomplete'], 'incomplete') ?? 0,
  }
}

/** Seconds: none sends us away for longer. */
const INTERVAL_MAX = 3_600

const isThere = (value: unknown): boolean => value !== undefined && value !== null

function introductionOf(kind: 'offer' | 'answer', message: Json): SignalReply {
  return {
    kind,
    infoHash: infoHashOf(message['info_hash']),
    from: peerIdOf(message['peer_id'], 'peer_id'),
    offerId: offerIdOf(message['offer_id']),
    sdp: descriptionOf(message[kind], kind),
  }
}

function refusalOf(reason: string, retryIn: unknown): SignalReply {
  const said = reason.slice(0, REASON_CHARS_MAX)
  if (retryIn === 'never') return { kind: 'refused', reason: said, retryInMs: 'never' }
  const inMinutes = typeof retryIn === 'number' && retryIn >= 0 && retryIn <= 24 * 60 ? retryIn : undefined
  return {
    kind: 'refused',
    reason: said,
    ...(inMinutes === undefined ? {} : { retryInMs: millis(60_000 * inMinutes) }),
  }
}

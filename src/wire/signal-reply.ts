/**
 * What the tracker tells a browser over a WebSocket, in the messages of WebTorrent (see `signal.ts`): its own
 * answers, and the offers and answers of others.
 */
import type { InfoHash, PeerId } from '../core/ids.ts'
import type { Millis } from '../core/units.ts'
import type { AnnounceRefusal } from './announce.ts'
import type { ScrapeCounts } from './scrape.ts'
import { binaryOf, type Offer } from './signal.ts'

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

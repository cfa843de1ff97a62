/**
 * Whom a peer is told of. Same-site peers first, so that bytes stay in the site; yet never only those: an origin or
 * mirror is always in the list, and a way to other sites, so that no site starves with pieces that none of its own has.
 */
import type { Endpoint } from '../core/address.ts'
import type { PackedPeer } from '../wire/udp-peers.ts'
import type { SeatIndex } from './site-seats.ts'

/** More same-site peers than this are of no use to a client with 200 connections. */
export const SAME_SITE_MAX = 50
/** Other sites of which our own clients learn a peer each. */
export const OTHER_SITES_MAX = 16
/** What our own client gets when it names no number: all of the above and two that serve. */
export const OWN_WANT = SAME_SITE_MAX + OTHER_SITES_MAX + 2

/** In random order; no peer twice within one list; never the asker. */
export interface Candidates<Peer extends Endpoint> {
  readonly sameSite: readonly Peer[]
  /** Origins and mirrors; each may also be in the other lists. */
  readonly servingHere: readonly Peer[]
  readonly servingElsewhere: readonly Peer[]
}

export interface OwnAsker {
  /** It has everything: of no use to it are origins. */
  readonly isSeed: boolean
  /** At most so many peers in the answer. */
  readonly limit: number
}

export interface OwnCandidates<Peer extends Endpoint> extends Candidates<Peer> {
  /** Site by site in turn: the first n are of n different sites, as far as there are. */
  readonly otherSites: readonly Peer[]
}

/** Pure. Our own clients know what to take from whom: many of their site, one each of others, and all kinds of sources. */
export function choosePeersForOurs<Peer extends Endpoint>(
  asker: OwnAsker,
  candidates: OwnCandidates<Peer>,
): Peer[] {
  const { servingHere, servingElsewhere } = candidates
  const sources = asker.isSeed ? [] : [...servingHere.slice(0, 1), ...servingElsewhere.slice(0, 1)]
  const serving = sources.slice(0, asker.limit)
  const sameSite = without(candidates.sameSite, serving)
  const otherSites = without(candidates.otherSites, serving)
  const room = asker.limit - serving.length
  const reserved = Math.min(otherSites.length, OTHER_SITES_MAX, Math.floor(room / 2))
  const near = sameSite.slice(0, Math.min(SAME_SITE_MAX, room - reserved))
  return [...near, ...serving, ...otherSites.slice(0, room - near.length)]
}

export interface StockAsker {
  readonly limit: number
  /** Its own seat when it is a bridge of its site, and may be joined to other sites. */
  readonly seat: SeatIndex | undefined
  /** Sites to which it may be joined, as far as they are known. */
  readonly otherSiteCount: number
}

/** Peers of the asker's site that were drawn for it; the policy need not see them. */
export interface DrawnNear {
  readonly length: number
}

export interface StockCandidates<Peer extends Endpoint, Near extends DrawnNear> extends Omit<
  Candidates<Peer>,
  'sameSite'
> {
  /** The live bridges of its site. */
  readonly hubs: readonly Peer[]
  /** Up to `max` of its site by chance; none of `apart`, not the asker. */
  readonly drawNear: (max: number, apart: readonly Peer[]) => Near
}

/** What is settled before links are made: a link is made for good, so there must be room to tell of it. */
export interface StockChoice<Peer extends Endpoint, Near extends DrawnNear> {
  readonly hubs: readonly Peer[]
  readonly near: Near
  readonly serving: readonly Peer[]
  /** Places for the other ends of the bridge's links. */
  readonly linksMax: number
}

/**
 * Others take from whom they are told, so the list is the policy: an origin or mirror whatever the limit, one here
 * if there is one, so that they do not cross the WAN for it; also for seeds, since aria2 says that nothing is left while
 * it has nothing but a magnet. Then a bridge of the site, so that the site stays in one piece with the bridges as its
 * ways out; peers of the site; and for a bridge half of the places, and all that are left, for its links.
 */
export function choosePeersForStock<Peer extends Endpoint, Near extends DrawnNear>(
  asker: StockAsker,
  candidates: StockCandidates<Peer, Near>,
): StockChoice<Peer, Near> {
  const { servingHere, servingElsewhere } = candidates
  const serving = firstOf(asker.limit, servingHere.length > 0 ? servingHere : servingElsewhere)
  const others = without(candidates.hubs, serving)
  const room = asker.limit - serving.length
  // Sites of which nobody knows yet are looked for only by those who have no other way out.
  const wanted = Math.max(asker.otherSiteCount, serving.length === 0 ? 1 : 0)
  const reserved =
    asker.seat === undefined ? 0 : Math.min(wanted, reservedForLinks(room, asker.seat, others.length > 0))
  const nearMax = Math.min(SAME_SITE_MAX, room - reserved)
  const hubs = others.slice(0, nearMax)
  const near = candidates.drawNear(nearMax - hubs.length, [...others, ...serving])
  const left = room - hubs.length - near.length
  return { hubs, near, serving, linksMax: asker.seat === undefined ? 0 : left }
}

const firstOf = <T>(limit: number, peers: readonly T[]): readonly T[] => peers.slice(0, Math.min(1, limit))

/** With one place only, the first bridge looks outwards and the second to the first: so all hang together. */
function reservedForLinks(room: number, seat: SeatIndex, hasHub: boolean): number {
  if (room === 1) return seat === 0 || !hasHub ? 1 : 0
  return Math.floor(room / 2)
}

function without<Peer extends Endpoint>(peers: readonly Peer[], some: readonly Peer[]): readonly Peer[] {
  return peers.filter((peer) => !isAmong(peer, some))
}

function isAmong(peer: PackedPeer, some: readonly PackedPeer[]): boolean {
  for (const one of some) if (isSamePeer(one, peer)) return true
  return false
}

/** A packed peer spells out its host when asked for it: there are fifty, and two of them are like each other. */
export function isSamePeer(a: PackedPeer, b: PackedPeer): boolean {
  if (a.packed !== undefined && b.packed !== undefined) return a.packed === b.packed
  return a.port === b.port && a.host === b.host
}

/**
 * Whom a peer is told of. Same-site peers first, so that bytes stay in the site; yet never only those: a way
 * out of the site is always in the list (an origin or mirror, and some peers of other sites), so that no site
 * starves with pieces that none of its own has.
 */
import type { Endpoint } from '../core/address.ts'

/** More same-site peers than this are of no use to a client with 200 connections. */
export const SAME_SITE_MAX = 50
/** Other sites of which our own clients learn a peer each. */
export const OTHER_SITES_MAX = 16
/** What our own client gets when it names no number: all of the above and two that serve. */
export const OWN_WANT = SAME_SITE_MAX + OTHER_SITES_MAX + 2

export interface Asker {
  /**
   * It says that nothing is left. Ours are then told of no origin either; stock ones are, since aria2 says so
   * too while it has nothing but a magnet and looks for somebody who sends the metadata.
   */
  readonly isSeed: boolean
  readonly isOurs: boolean
  /** At most so many peers in the answer. */
  readonly limit: number
}

/** In random order; no peer twice within one list; never the asker. */
export interface Candidates<Peer extends Endpoint> {
  readonly sameSite: readonly Peer[]
  /** Site by site in turn: the first n are of n different sites, as far as there are. */
  readonly otherSites: readonly Peer[]
  /** Origins and mirrors; each may also be in the other lists. */
  readonly servingHere: readonly Peer[]
  readonly servingElsewhere: readonly Peer[]
}

/** Pure: the same candidates give the same answer. Same-site peers stand first, then the serving ones. */
export function choosePeers<Peer extends Endpoint>(asker: Asker, candidates: Candidates<Peer>): Peer[] {
  const serving = asker.isSeed && asker.isOurs ? [] : chooseServing(asker, candidates)
  const sameSite = without(candidates.sameSite, serving)
  const otherSites = without(candidates.otherSites, serving)
  const room = asker.limit - serving.length
  const reserved = Math.min(otherSites.length, OTHER_SITES_MAX, reservable(asker, room, serving.length > 0))
  const near = sameSite.slice(0, Math.min(SAME_SITE_MAX, room - reserved))
  const far = otherSites.slice(0, room - near.length)
  return [...near, ...serving, ...far]
}

function without<Peer extends Endpoint>(peers: readonly Peer[], some: readonly Peer[]): readonly Peer[] {
  if (some.length === 0) return peers
  return peers.filter((peer) => !some.some((s) => s.port === peer.port && s.host === peer.host))
}

/**
 * Ours choose well among sources themselves: one here and one elsewhere. Others take from whom they are told:
 * one here if there is one, so that they do not cross the WAN for it.
 */
function chooseServing<Peer extends Endpoint>(asker: Asker, candidates: Candidates<Peer>): Peer[] {
  const here = candidates.servingHere.slice(0, 1)
  const elsewhere = candidates.servingElsewhere.slice(0, asker.isOurs || here.length === 0 ? 1 : 0)
  return [...here, ...elsewhere].slice(0, asker.limit)
}

/** How many of `room` places are kept for other sites however many same-site peers there are. */
function reservable(asker: Asker, room: number, hasServing: boolean): number {
  if (asker.isOurs) return Math.floor(room / 2)
  return Math.max(Math.floor(room / 4), !hasServing && room >= 2 ? 1 : 0)
}

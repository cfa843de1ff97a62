/** Whom an announcing peer is introduced to: asks store, bridges and control feed, and has the policy choose. */
import { type Endpoint, isIPv6 } from '../core/address.ts'
import { mayCross, mayPeer } from '../core/site.ts'
import type { ServingPeer } from '../portal-client/index.ts'
import { limits } from '../wire/limits.ts'
import { NO_PACKED_PEERS, type PackedPeers } from '../wire/packed-peers.ts'
import type { PackedPeer } from '../wire/udp-peers.ts'
import { isLoopback } from './address-ranges.ts'
import type { AnnounceContext, AnnounceParts } from './announce-hooks.ts'
import {
  choosePeersForOurs,
  choosePeersForStock,
  isSamePeer,
  OTHER_SITES_MAX,
  OWN_WANT,
  SAME_SITE_MAX,
  type Candidates,
} from './choose-peers.ts'
import type { Draw, DrawnPeer, Family } from './swarm-store.ts'

/** A bridge of the asker's site is told of by its endpoint, unless peer ids are named. */
export type Introduced = DrawnPeer | ServingPeer | Endpoint

/** At most `limits.numWantMax` in both together. */
export interface Introductions {
  readonly peers: readonly Introduced[]
  /** Further ones of the asker's site, for a compact answer to a client that is not ours. */
  readonly packed: PackedPeers
}

export const NOBODY: Introductions = { peers: [], packed: NO_PACKED_PEERS }

/** `serving`: the origins and mirrors of the release that may be listed. */
export function introductionsFor(
  context: AnnounceContext,
  serving: readonly ServingPeer[],
  parts: AnnounceParts,
): Introductions {
  const { request } = context
  const wanted = request.numWant ?? (request.isOurs ? OWN_WANT : limits.numWantDefault)
  const limit = Math.min(wanted, limits.numWantMax)
  if (limit <= 0) return NOBODY
  if (!request.isOurs) return forStock(context, limit, serving, parts)
  return { peers: forOurs(context, limit, serving, parts), packed: NO_PACKED_PEERS }
}

/** Peers that other sites' machines are told of cross the WAN; origins and mirrors do so too, but are no peers. */
export function crossSiteCount(context: AnnounceContext, { peers }: Introductions): number {
  let count = 0
  for (const peer of peers) if ('site' in peer && peer.site !== context.from.site.name) count++
  return count
}

function forOurs(
  context: AnnounceContext,
  limit: number,
  serving: readonly ServingPeer[],
  parts: AnnounceParts,
): readonly Introduced[] {
  const { request, from } = context
  const isSeed = request.leftBytes === 0
  const otherSitesMax = mayCross(from.site) ? limit : 0
  const { sameSite, otherSites } = drawn(
    context,
    { sameSiteMax: Math.min(SAME_SITE_MAX, limit), otherSitesMax },
    parts,
  )
  const ways = parts.addresses.hasClosedSites
    ? withBridges(context, otherSites, otherSitesMax, parts)
    : otherSites
  return choosePeersForOurs(
    { isSeed, limit },
    {
      ...servingFor(context, serving, parts),
      sameSite,
      otherSites: serving.length > 0 ? oursFirst(context, ways, parts) : ways,
    },
  )
}

/**
 * A stock client asks whoever it meets for whatever it lacks, so one at another site would draw over the WAN what ours of that
 * site bring in: where there is one of ours, that is who is told of. In the order of the draw. Only where an origin or mirror
 * is told of, too: ours may be stuck.
 */
function oursFirst(
  context: AnnounceContext,
  drawnPeers: readonly DrawnPeer[],
  { bridges }: AnnounceParts,
): readonly DrawnPeer[] {
  if (drawnPeers.every((peer) => peer.isOurs)) return drawnPeers
  const { request, from } = context
  const self = { host: from.host, port: request.port }
  const ours = new Map(
    bridges
      .oursOfOtherSites(request.infoHash, self, from.site)
      .filter(reachesFrom(context))
      .map((peer) => [peer.site, peer]),
  )
  const isKnown = new Set<string>()
  for (const peer of drawnPeers) if (peer.isOurs) isKnown.add(peer.site)
  return drawnPeers.flatMap((peer) => {
    if (peer.isOurs) return [peer]
    if (isKnown.has(peer.site)) return []
    const instead = ours.get(peer.site)
    if (instead === undefined) return [peer]
    isKnown.add(peer.site)
    return [instead]
  })
}

/** Where some sites are closed, a draw may give none but theirs: a bridge of each open site stands in. */
function withBridges(
  context: AnnounceContext,
  drawnPeers: readonly DrawnPeer[],
  max: number,
  { addresses, bridges }: AnnounceParts,
): readonly DrawnPeer[] {
  const { request, from } = context
  const reaches = reachesFrom(context)
  const open = drawnPeers.filter(({ host }) => {
    const site = addresses.lookUp(host)?.site
    return site !== undefined && mayCross(site)
  })
  const self = { host: from.host, port: request.port }
  const wanted = Math.min(OTHER_SITES_MAX, max)
  const seen = new Set(open.map((peer) => peer.site))
  const others = bridges
    .ofOtherSites(request.infoHash, self, from.site, wanted)
    .filter((peer) => !seen.has(peer.site) && reaches(peer))
  return [...others, ...open]
}

function forStock(
  context: AnnounceContext,
  limit: number,
  serving: readonly ServingPeer[],
  parts: AnnounceParts,
): Introductions {
  const { request, from } = context
  const self = { host: from.host, port: request.port }
  const standing = parts.bridges.standing(request.infoHash, self, from.site)
  const { seat, otherSiteCount } = standing
  const reaches = reachesFrom(context)
  const asker = { limit, seat: mayCross(from.site) ? seat : undefined, otherSiteCount }
  const hubs = standing.hubs.filter(reaches)
  const drawNear = (max: number, apart: readonly Endpoint[]): PackedPeers =>
    packed(context, max, apart, parts)
  const { servingHere, servingElsewhere } = servingFor(context, serving, parts)
  const candidates = { servingHere, servingElsewhere, hubs, drawNear }
  const chosen = request.compact
    ? choosePeersForStock<Introduced, PackedPeers>(asker, candidates)
    : choosePeersForStock<Introduced, readonly Introduced[]>(asker, {
        ...candidates,
        hubs: hubs.flatMap((hub) => parts.store.find(request.infoHash, hub) ?? []),
        drawNear: (max, apart) => spelledOut(context, max, apart, parts),
      })
  const peers = [...chosen.hubs, ...chosen.serving]
  if (seat !== undefined) {
    const wanted = { max: chosen.linksMax, reaches, isServed: chosen.serving.length > 0 }
    const links = parts.bridges.linksOf(request.infoHash, self, from.site, wanted)
    for (const peer of links) if (!chosen.serving.some((one) => isSamePeer(one, peer))) peers.push(peer)
  }
  const { near } = chosen
  return 'v4' in near ? { peers, packed: near } : { peers: [...near, ...peers], packed: NO_PACKED_PEERS }
}

function packed(
  { request, from, family }: AnnounceContext,
  max: number,
  apart: readonly Endpoint[],
  { store }: AnnounceParts,
): PackedPeers {
  if (!mayPeer(from.site)) return NO_PACKED_PEERS
  return store.drawPacked(request.infoHash, {
    self: { host: from.host, port: request.port },
    site: from.site.name,
    wantsSeeds: request.leftBytes > 0,
    max,
    apart,
    withLoopback: from.isLoopback,
    family,
  })
}

/** The same for an answer that names peer ids. */
function spelledOut(
  context: AnnounceContext,
  max: number,
  apart: readonly Endpoint[],
  parts: AnnounceParts,
): readonly Introduced[] {
  const { sameSite } = drawn(context, { sameSiteMax: max + apart.length, otherSitesMax: 0 }, parts)
  return sameSite.filter((peer) => !apart.some((one) => isSamePeer(one, peer))).slice(0, max)
}

/** Nobody for a machine whose site may not peer. */
function drawn(
  context: AnnounceContext,
  max: { readonly sameSiteMax: number; readonly otherSitesMax: number },
  { store }: AnnounceParts,
): Draw {
  const { request, from } = context
  if (!mayPeer(from.site)) return { sameSite: [], otherSites: [] }
  const { sameSite, otherSites } = store.draw(request.infoHash, {
    self: { host: from.host, port: request.port },
    site: from.site.name,
    wantsSeeds: request.leftBytes > 0,
    sameSiteMax: max.sameSiteMax,
    otherSitesMax: max.otherSitesMax,
    withPeerIds: !request.compact,
    family: context.family,
  })
  const reaches = reachesFrom(context)
  return { sameSite: sameSite.filter(reaches), otherSites: otherSites.filter(reaches) }
}

function servingFor(
  context: AnnounceContext,
  serving: readonly ServingPeer[],
  { addresses }: AnnounceParts,
): Omit<Candidates<Introduced>, 'sameSite'> {
  const { request, from } = context
  const reaches = reachesFrom(context)
  if (serving.length === 0) return { servingHere: serving, servingElsewhere: serving }
  const others = serving.filter(
    (peer) => reaches(peer) && (peer.port !== request.port || peer.host !== from.host),
  )
  const isHere = (peer: Endpoint): boolean => addresses.lookUp(peer.host)?.site.name === from.site.name
  return { servingHere: others.filter(isHere), servingElsewhere: others.filter((peer) => !isHere(peer)) }
}

/** Whether telling of a peer is of use: a loopback address means another machine to whoever is elsewhere. */
function reachesFrom({ from, family }: AnnounceContext): (peer: PackedPeer) => boolean {
  return (peer) =>
    (family === undefined || familyOf(peer) === family) && (from.isLoopback || !isOnLoopback(peer))
}

function familyOf(peer: PackedPeer): Family {
  const isV4 = peer.packed === undefined ? !isIPv6(peer.host) : peer.packed.length === PACKED_V4_CHARS
  return isV4 ? 'v4' : 'v6'
}

function isOnLoopback(peer: PackedPeer): boolean {
  const { packed } = peer
  return packed?.length === PACKED_V4_CHARS ? packed.charCodeAt(0) === 127 : isLoopback(peer.host)
}

const PACKED_V4_CHARS = 6

/** Whom an announcing peer is introduced to: asks store, bridges and control feed, and has the policy choose. */
import { type Endpoint, isIPv6 } from '../core/address.ts'
import { mayCross, mayPeer } from '../core/site.ts'
import type { ServingPeer } from '../portal-client/index.ts'
import { limits } from '../wire/limits.ts'
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

export type Introduced = DrawnPeer | ServingPeer

/** `serving`: the origins and mirrors of the release that may be listed. At most `limits.numWantMax` peers. */
export function introductionsFor(
  context: AnnounceContext,
  serving: readonly ServingPeer[],
  parts: AnnounceParts,
): readonly Introduced[] {
  const { request } = context
  const wanted = request.numWant ?? (request.isOurs ? OWN_WANT : limits.numWantDefault)
  const limit = Math.min(wanted, limits.numWantMax)
  if (limit <= 0) return []
  return request.isOurs ? forOurs(context, limit, serving, parts) : forStock(context, limit, serving, parts)
}

/** Peers that other sites' machines are told of cross the WAN; origins and mirrors do so too, but are no peers. */
export function crossSiteCount(context: AnnounceContext, peers: readonly Introduced[]): number {
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
  const { sameSite, otherSites } = drawn(context, { sameSiteMax: limit, otherSitesMax }, parts)
  return choosePeersForOurs(
    { isSeed, limit },
    {
      ...servingFor(context, serving, parts),
      sameSite,
      otherSites: parts.addresses.hasClosedSites
        ? withBridges(context, otherSites, otherSitesMax, parts)
        : otherSites,
    },
  )
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
): readonly Introduced[] {
  const { request, from } = context
  const self = { host: from.host, port: request.port }
  const { seat, hubs, otherSiteCount } = parts.bridges.standing(request.infoHash, self, from.site)
  const { sameSite } = drawn(context, { sameSiteMax: limit, otherSitesMax: 0 }, parts)
  const reaches = reachesFrom(context)
  const chosen = choosePeersForStock<Introduced>(
    { limit, seat: mayCross(from.site) ? seat : undefined, otherSiteCount },
    { ...servingFor(context, serving, parts), sameSite, hubs: hubs.filter(reaches) },
  )
  const links = parts.bridges.linksOf(request.infoHash, self, from.site, { max: chosen.linksMax, reaches })
  const isServing = (peer: DrawnPeer): boolean => chosen.serving.some((one) => isSamePeer(one, peer))
  return chosen.near.concat(
    chosen.serving,
    links.filter((peer) => !isServing(peer)),
  )
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
    sameSiteMax: Math.min(SAME_SITE_MAX, max.sameSiteMax),
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

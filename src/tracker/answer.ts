/** The answer to an announce that every hook let pass: whom to dial, and when to come back. */
import type { Endpoint } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import type { AnnouncedPeer, AnnounceReply } from '../wire/announce.ts'
import type { ServingPeer } from '../portal-client/index.ts'
import { limits } from '../wire/limits.ts'
import { intervalOf, type AnnounceContext, type AnnounceParts } from './announce-hooks.ts'
import { choosePeers, OWN_WANT, SAME_SITE_MAX, type Asker, type Candidates } from './choose-peers.ts'
import { isLoopback } from './address-ranges.ts'
import type { SwarmPeer } from './swarm-store.ts'

/** Of a release on more mirrors than this, some by chance are looked at. */
const SERVING_MAX = 64

export function answerOf(context: AnnounceContext, parts: AnnounceParts): AnnounceReply {
  const { request, from } = context
  const { settings, store } = parts
  const serving = servingPeers(request.infoHash, parts)
  const counts = store.counts(request.infoHash)
  const unannounced = serving.filter((peer) => store.find(request.infoHash, peer) === undefined)
  const peers = request.event === 'stopped' ? [] : peersFor(context, serving, parts)
  // The origin is starting, say: half an hour would be a long wait for the next look.
  const findsNobody = peers.length === 0 && (request.leftBytes > 0 || request.event === 'started')
  return {
    intervalMs: findsNobody ? settings.ownLeecherIntervalMs : intervalOf(request, settings),
    minIntervalMs: settings.minIntervalMs,
    complete: counts.complete + unannounced.length,
    incomplete: counts.incomplete,
    peers,
    externalIp: from.host,
    ...(request.isOurs ? { site: from.site, ...forOurs(request.infoHash, parts) } : {}),
  }
}

/** The portal begins a new epoch, or this tracker has begun anew: either shows as another number. */
function forOurs(
  infoHash: InfoHash,
  { control, startedAt, swarmKeys }: AnnounceParts,
): Pick<AnnounceReply, 'epoch' | 'swarmKey'> {
  const epoch = control.epoch + Math.floor(startedAt ?? 0)
  return swarmKeys === undefined ? { epoch } : { epoch, swarmKey: swarmKeys.of(infoHash) }
}

function peersFor(
  context: AnnounceContext,
  serving: readonly ServingPeer[],
  parts: AnnounceParts,
): readonly AnnouncedPeer[] {
  const { request, from } = context
  const isSeed = request.leftBytes === 0
  const wanted = request.numWant ?? (request.isOurs ? OWN_WANT : limits.numWantDefault)
  const asker: Asker = { isSeed, isOurs: request.isOurs, limit: Math.min(wanted, limits.numWantMax) }
  if (asker.limit <= 0) return []
  const self: Endpoint = { host: from.host, port: request.port }
  const draw = parts.store.draw(request.infoHash, {
    self,
    site: from.site.name,
    wantsSeeds: !isSeed,
    sameSiteMax: Math.min(SAME_SITE_MAX, asker.limit),
    otherSitesMax: asker.limit,
  })
  // A loopback address means another machine to whoever is told of it elsewhere.
  const dialled = <P extends Endpoint>(peers: readonly P[]): readonly P[] =>
    from.isLoopback ? peers : peers.filter((peer) => !isLoopback(peer.host))
  const others = dialled(serving).filter((peer) => peer.port !== self.port || peer.host !== self.host)
  const isHere = (peer: Endpoint): boolean => parts.addresses.lookUp(peer.host)?.site.name === from.site.name
  const candidates: Candidates<SwarmPeer | ServingPeer> = {
    sameSite: dialled(draw.sameSite),
    otherSites: dialled(draw.otherSites),
    servingHere: others.filter(isHere),
    servingElsewhere: others.filter((peer) => !isHere(peer)),
  }
  const chosen = choosePeers(asker, candidates)
  return request.isOurs ? chosen.map(withFlags) : chosen
}

/** Origins and mirrors of the release that may be listed, from a random start, so that mirrors share the load. */
function servingPeers(infoHash: InfoHash, { control, addresses, random }: AnnounceParts): ServingPeer[] {
  const all = control.originsOf(infoHash)
  const start = Math.floor(random() * all.length)
  const some: ServingPeer[] = []
  for (let i = 0; i < all.length && some.length < SERVING_MAX; i++) {
    const peer = all[(start + i) % all.length]
    if (peer === undefined || peer.port < limits.peerPortMin) continue
    if (addresses.lookUp(peer.host)?.isListable === true) some.push(peer)
  }
  return some
}

/** For our own clients; stock ones are told endpoints only. */
function withFlags(peer: SwarmPeer | ServingPeer): AnnouncedPeer {
  const { host, port, peerId } = peer
  const role = 'role' in peer ? peer.role : undefined
  const isOurs = role !== undefined || ('isOurs' in peer && peer.isOurs)
  return { host, port, peerId, flags: { isOrigin: role === 'origin', isMirror: role === 'mirror', isOurs } }
}

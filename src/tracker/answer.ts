/** The answer to an announce that every hook let pass: whom to dial, and when to come back. */
import type { InfoHash } from '../core/ids.ts'
import { mayPeer } from '../core/site.ts'
import type { AnnouncedPeer, AnnounceReply } from '../wire/announce.ts'
import type { ServingPeer } from '../portal-client/index.ts'
import { limits } from '../wire/limits.ts'
import { intervalOf, type AnnounceContext, type AnnounceParts } from './announce-hooks.ts'
import { crossSiteCount, introductionsFor, NOBODY, type Introduced } from './introductions.ts'

/** Of a release on more mirrors than this, some by chance are looked at. */
const SERVING_MAX = 64

/** Beside the answer: how many peers of other sites it tells of. */
export interface AnswerToAnnounce {
  readonly reply: AnnounceReply
  readonly crossSite: number
}

export function answerOf(context: AnnounceContext, parts: AnnounceParts): AnswerToAnnounce {
  const { request, from } = context
  const { settings, store } = parts
  const serving = servingPeers(request.infoHash, parts)
  const counts = store.counts(request.infoHash)
  let unannounced = 0
  for (const peer of serving) if (!store.has(request.infoHash, peer)) unannounced++
  const told = request.event === 'stopped' ? NOBODY : introductionsFor(context, serving, parts)
  const { peers, packed } = told
  // The origin is starting, say: half an hour would be a long wait for the next look.
  const findsNobody =
    peers.length + packed.length === 0 && (request.leftBytes > 0 || request.event === 'started')
  const plain: AnnounceReply = {
    intervalMs: findsNobody ? settings.ownLeecherIntervalMs : intervalOf(context, parts),
    minIntervalMs: request.isOurs ? settings.ownMinIntervalMs : settings.minIntervalMs,
    complete: counts.complete + unannounced,
    incomplete: counts.incomplete,
    peers: request.isOurs ? peers.map(withFlags) : peers,
    packed,
    externalIp: from.host,
  }
  const ours = request.isOurs
    ? { ...plain, ...whereFrom(context, parts), ...forOurs(request.infoHash, parts) }
    : plain
  const reply = mayPeer(from.site) ? ours : { ...ours, warning: PEERING_OFF }
  return { reply, crossSite: crossSiteCount(context, told) }
}

/** Clients show it to people, who would wonder at a list of one. */
const PEERING_OFF =
  'your network (a VPN, say) is set to take from servers only: peers are not introduced to each other there'

/** Its site; where that has a budget, with how many there are to share it. */
function whereFrom(
  { request, from: { site } }: AnnounceContext,
  { store }: AnnounceParts,
): Pick<AnnounceReply, 'site' | 'sitePeers'> {
  if ((site.wanBytesPerSecond ?? 0) === 0) return { site }
  return { site, sitePeers: store.countAt(request.infoHash, site.name) }
}

/** The portal begins a new epoch, or this tracker has begun anew: either shows as another number. */
function forOurs(
  infoHash: InfoHash,
  { control, startedAt, swarmKeys }: AnnounceParts,
): Pick<AnnounceReply, 'epoch' | 'swarmKey'> {
  const epoch = control.epoch + Math.floor(startedAt ?? 0)
  return swarmKeys === undefined ? { epoch } : { epoch, swarmKey: swarmKeys.of(infoHash) }
}

/** Origins and mirrors of the release that may be listed, from a random start, so that mirrors share the load. */
function servingPeers(
  infoHash: InfoHash,
  { control, addresses, random }: AnnounceParts,
): readonly ServingPeer[] {
  const all = control.originsOf(infoHash)
  if (all.length === 0) return all
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
function withFlags(peer: Introduced): AnnouncedPeer {
  const role = 'role' in peer ? peer.role : undefined
  const isOurs = role !== undefined || ('isOurs' in peer && peer.isOurs)
  const { host, port } = peer
  const peerId = 'peerId' in peer ? peer.peerId : undefined
  const flags = { isOrigin: role === 'origin', isMirror: role === 'mirror', isOurs }
  return { host, port, flags, ...(peerId !== undefined && { peerId }) }
}

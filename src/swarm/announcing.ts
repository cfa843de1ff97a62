/** The tracker and one torrent: what we tell it, and what its answers change. */
import { randomBytes } from 'node:crypto'
import { unreachable } from '../core/errors.ts'
import type { AnnounceReply, AnnounceRequest } from '../wire/announce.ts'
import { limits } from '../wire/limits.ts'
import { admissionOf } from './admission.ts'
import type { PeerNeed } from './announce-policy.ts'
import { Announcer, type AnnounceOutcome } from './announcer.ts'
import { onPeersNamed, placePeer } from './connecting.ts'
import { proveKey } from './peer-exchange.ts'
import type { TrackerStanding } from './swarm-memory.ts'
import { isFetching, type SwarmState } from './swarm-state.ts'

export function startAnnouncing(s: SwarmState): void {
  const urls = s.spec.announceUrls
  if (urls === undefined) return
  const key = randomBytes(8).toString('hex')
  const { clock, random, fetchAnnounce, trackers, bindAddress } = s.shared
  s.announcer = new Announcer(
    {
      clock,
      random,
      fetch: fetchAnnounce,
      trackers,
      urls,
      standing: () => standing(s, key),
      need: () => needOf(s),
      onOutcome: (outcome) => s.post({ kind: 'announce-over', outcome }),
    },
    { from: bindAddress },
  )
  s.announcer.announce()
}

function needOf(s: SwarmState): PeerNeed {
  if (!isFetching(s)) return 'none'
  if (s.peers.size === 0) return 'anybody'
  for (const peer of s.peers.values()) if (peer.source === 'site') return 'more'
  return 'neighbours'
}

function standing(s: SwarmState, key: string): Omit<AnnounceRequest, 'event'> {
  const downloadedBytes = s.from.site + s.from.otherSites + s.from.origin
  return {
    infoHash: s.spec.infoHash,
    peerId: s.shared.peerId,
    port: s.shared.port(),
    uploadedBytes: s.uploadedBytes,
    downloadedBytes,
    leftBytes: leftBytes(s),
    numWant: s.phase === 'stopped' ? 0 : limits.numWantMax,
    key,
    compact: true,
    isOurs: true,
  }
}

function leftBytes(s: SwarmState): number {
  if (s.spec.mode === 'seed') return 0
  if (s.loaded === undefined) return Number.MAX_SAFE_INTEGER
  return s.loaded.wantedBytes - s.loaded.haveBytes
}

export function onAnnounceOver(s: SwarmState, outcome: AnnounceOutcome): void {
  s.memory.tracker = STANDING[outcome.kind]
  switch (outcome.kind) {
    case 'reply': onReply(s, outcome.url, outcome.reply); break
    case 'refused': s.emit({ ...outcome, kind: 'announce-refused' }); break
    case 'unreachable': s.emit({ ...outcome, kind: 'announce-failed' }); break
    default: unreachable(outcome)
  }
} // prettier-ignore

const STANDING = { reply: 'answers', refused: 'refuses', unreachable: 'away' } as const satisfies Record<
  AnnounceOutcome['kind'],
  TrackerStanding
>

function onReply(s: SwarmState, url: string, reply: AnnounceReply): void {
  if (reply.site !== undefined) {
    s.sources.setSite(reply.site, reply.sitePeers)
    s.limits.moved()
    s.shared.onSiteTold()
  }
  for (const peer of reply.peers)
    if (peer.flags?.isOrigin === true || peer.flags?.isMirror === true) s.sources.markOrigin(peer)
  for (const peer of s.peers.values()) placePeer(s, peer)
  if (reply.peers.length > 0) admissionOf(s)?.vouch(...reply.peers.map((peer) => peer.host))
  if (reply.swarmKey !== undefined && s.memory.learn(reply.swarmKey))
    for (const peer of [...s.peers.values()]) proveKey(s, peer)
  onPeersNamed(s, reply.peers)
  s.emit({ kind: 'announced', url, peers: reply.peers.length })
}

/** Interest and choking: who wants what of whom, and whom we serve. */
import { type Millis, seconds } from '../core/units.ts'
import { mayHideSome } from './deadlines.ts'
import { isMate } from './mates.ts'
import type { Peer } from './peer.ts'
import { isFed } from './revealing.ts'
import { isFetching, type SwarmState } from './swarm-state.ts'
import { chooseUnchoked, type PeerStanding, type Unchoked } from './unchoker.ts'

/** Peers elsewhere that are served at once. Few enough that each gets a useful rate, enough for a fast line to be full. */
const UPLOAD_SLOTS = 16
/** Peers of our own site besides: what one of us has brought in is there for all, or somebody fetches it once more. */
const NEAR_SLOTS = 48
/** An origin that feeds two bridges of each site serves them all at once, up to so many. */
const FED_SLOTS_MAX = 32
/** By then all who came with us have announced twice. */
const KNOWN_AFTER = seconds(5)
const RECHOKE_EVERY = seconds(10)
const NEWCOMER_EVERY = seconds(30)

/** Tells the peer when our interest has changed. */
export function updateInterest(s: SwarmState, peer: Peer): void {
  const wants =
    s.phase === 'active' &&
    s.loaded !== undefined &&
    (peer.has.hasBeyond(s.loaded.closed) || mayHaveWhatIsRead(s, peer))
  if (wants === peer.areWeInterested) return
  peer.areWeInterested = wants
  peer.send({ kind: wants ? 'interested' : 'not-interested' })
}

/** A player does not wait until an origin shows what it has. */
const mayHaveWhatIsRead = (s: SwarmState, peer: Peer): boolean =>
  s.readers.deadlines.isActive && mayHideSome(peer) && s.loaded?.closed.isFull === false

/** The peer has become interested: a free place is given at once, not at the next round. */
export function onInterested(s: SwarmState, peer: Peer): void {
  if (peer.isInterested) return
  peer.isInterested = true
  peer.wasInterested = true
  offerPlace(s, peer)
}

/** Serves the peer if there is room for one more. */
export function offerPlace(s: SwarmState, peer: Peer): void {
  if (!peer.isChoked || isLeftToOurs(s, peer)) return
  let served = 0
  for (const other of s.peers.values()) {
    if (other.isChoked || isNear(other) !== isNear(peer)) continue
    if (other.isInterested || isFed(s, other)) served++
  }
  if (served < slotsFor(s, peer)) s.loaded?.uploader.unchoke(peer)
}

/** A place is free: among those who are like the one that had it, whoever has waited longest gets it at once. */
export function passOnPlace(s: SwarmState, from: Peer): void {
  let next: Peer | undefined
  for (const peer of s.peers.values())
    if (
      isWaiting(s, peer) &&
      isNear(peer) === isNear(from) &&
      (next === undefined || isBefore(s, peer, next))
    )
      next = peer
  if (next !== undefined) offerPlace(s, next)
}

const isWaiting = (s: SwarmState, peer: Peer): boolean =>
  peer.isChoked && !peer.down.isSnubbing && (peer.isInterested || isFed(s, peer)) && !isLeftToOurs(s, peer)

/**
 * A stock client at another site where one of ours is, too: ours brings in what that site lacks, and the stock client
 * would draw the same over the WAN once more. While all arrive we do not know yet whether one is. Only as long as an
 * origin is there, too: it helps whoever is not served by its site, and ours there may be stuck.
 */
function isLeftToOurs(s: SwarmState, peer: Peer): boolean {
  const { farSite } = peer.down
  if (farSite === undefined || !isFetching(s) || isMate(peer) || isFed(s, peer)) return false
  if (s.shared.clock.now() - peer.connectedAt < KNOWN_AFTER) return true
  let isOursThere = false
  let hasOrigin = false
  for (const other of s.peers.values()) {
    if (other.source === 'origin') hasOrigin = true
    else if (other.down.farSite === farSite) isOursThere ||= isMate(other)
  }
  return isOursThere && hasOrigin
}

/** It turned out to be one of ours: what its site lacks is for it to bring in. */
export function leaveSiteTo(s: SwarmState, mate: Peer): void {
  const { farSite } = mate.down
  if (farSite === undefined || !isMate(mate)) return
  for (const peer of [...s.peers.values()]) {
    if (peer.isChoked || peer.down.farSite !== farSite || !isLeftToOurs(s, peer)) continue
    s.loaded?.uploader.choke(peer)
    passOnPlace(s, peer)
  }
}

function isBefore(s: SwarmState, a: Peer, b: Peer): boolean {
  const isFirst = isFed(s, a)
  return isFirst === isFed(s, b) ? a.up.turnChangedAt < b.up.turnChangedAt : isFirst
}

const isNear = (peer: Peer): boolean => peer.source === 'site'

function slotsFor(s: SwarmState, peer: Peer): number {
  if (isNear(peer)) return NEAR_SLOTS
  return isFed(s, peer) ? FED_SLOTS_MAX : UPLOAD_SLOTS
}

export function onNotInterested(s: SwarmState, peer: Peer): void {
  peer.isInterested = false
  // Whoever is fed will be shown more in a moment: a place kept is a round trip saved.
  if (isFed(s, peer) || peer.isChoked) return
  s.loaded?.uploader.choke(peer)
  passOnPlace(s, peer)
}

/** Every ten seconds: who is served for the next ten. */
export function rechokeIfDue(s: SwarmState): void {
  const now = s.shared.clock.now()
  if (s.loaded === undefined || now - s.rechokedAt < RECHOKE_EVERY) return
  s.rechokedAt = now
  const rotateNewcomer = now - s.newcomerAt >= NEWCOMER_EVERY
  if (rotateNewcomer) s.newcomerAt = now
  const peers = [...s.peers.values()]
  const fed = new Set(peers.filter((peer) => isFed(s, peer)))
  const far = peers.filter((peer) => !isNear(peer))
  const fedFar = far.filter((peer) => fed.has(peer)).length
  const groups = [
    { group: peers.filter(isNear), slots: NEAR_SLOTS },
    { group: far, slots: Math.max(UPLOAD_SLOTS, Math.min(FED_SLOTS_MAX, fedFar)) },
  ]
  for (const { group, slots } of groups) {
    const standings = group
      .filter((peer) => !isLeftToOurs(s, peer))
      .map((peer) => standingOf(peer, fed.has(peer), now))
    const options = { now, slots, isSeeding: !isFetching(s), rotateNewcomer }
    serve(s, group, chooseUnchoked(standings, options, s.shared.random))
  }
}

const standingOf = (peer: Peer, isFed: boolean, now: Millis): PeerStanding<Peer> => ({
  peer,
  isFed,
  isInterested: peer.isInterested || isFed,
  isUnchoked: !peer.isChoked,
  rateBps: peer.down.meter.rate(now),
  turnChangedAt: peer.up.turnChangedAt,
  isNewcomer: peer.up.isNewcomer,
  isSnubbing: peer.down.isSnubbing,
})

function serve(s: SwarmState, peers: readonly Peer[], chosen: Unchoked<Peer>): void {
  for (const peer of peers) {
    peer.up.isNewcomer = peer === chosen.newcomer
    peer.down.refused.clear()
    if (chosen.peers.has(peer)) s.loaded?.uploader.unchoke(peer)
    else s.loaded?.uploader.choke(peer)
  }
}

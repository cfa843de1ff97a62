/** Interest and choking: who wants what of whom, and whom we serve. */
import { seconds } from '../core/units.ts'
import { mayHideSome } from './deadlines.ts'
import type { Peer } from './peer.ts'
import { isFed } from './revealing.ts'
import { isFetching, type SwarmState } from './swarm-state.ts'
import { chooseUnchoked } from './unchoker.ts'

/** Peers served at once. Few enough that each gets a useful rate, enough for a fast line to be full. */
export const UPLOAD_SLOTS = 8
/** An origin that feeds two bridges of each site serves them all at once, up to so many. */
const FED_SLOTS_MAX = 32
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
  offerPlace(s, peer)
}

/** Serves the peer if there is room for one more. */
export function offerPlace(s: SwarmState, peer: Peer): void {
  if (!peer.isChoked) return
  let served = 0
  for (const other of s.peers.values())
    if (!other.isChoked && (other.isInterested || isFed(s, other))) served++
  if (served < slotsFor(s, peer)) s.loaded?.uploader.unchoke(peer)
}

const slotsFor = (s: SwarmState, peer: Peer): number => (isFed(s, peer) ? FED_SLOTS_MAX : UPLOAD_SLOTS)

export function onNotInterested(s: SwarmState, peer: Peer): void {
  peer.isInterested = false
  // Whoever is fed will be shown more in a moment: a place kept is a round trip saved.
  if (!isFed(s, peer)) s.loaded?.uploader.choke(peer)
}

/** Every ten seconds: who is served for the next ten. */
export function rechokeIfDue(s: SwarmState): void {
  const now = s.shared.clock.now()
  if (s.loaded === undefined || now - s.rechokedAt < RECHOKE_EVERY) return
  s.rechokedAt = now
  const rotateNewcomer = now - s.newcomerAt >= NEWCOMER_EVERY
  if (rotateNewcomer) s.newcomerAt = now
  const fed = new Set([...s.peers.values()].filter((peer) => isFed(s, peer)))
  const standings = [...s.peers.values()].map((peer) => ({
    peer,
    isFed: fed.has(peer),
    isInterested: peer.isInterested || fed.has(peer),
    isUnchoked: !peer.isChoked,
    rateBps: peer.down.meter.rate(now),
    turnChangedAt: peer.up.turnChangedAt,
    isNewcomer: peer.up.isNewcomer,
    isSnubbing: peer.down.isSnubbing,
  }))
  const options = {
    now,
    slots: Math.max(UPLOAD_SLOTS, Math.min(FED_SLOTS_MAX, fed.size)),
    isSeeding: !isFetching(s),
    rotateNewcomer,
  }
  const chosen = chooseUnchoked(standings, options, s.shared.random)
  for (const peer of [...s.peers.values()]) {
    peer.up.isNewcomer = peer === chosen.newcomer
    peer.down.refused.clear()
    if (chosen.peers.has(peer)) s.loaded.uploader.unchoke(peer)
    else s.loaded.uploader.choke(peer)
  }
}

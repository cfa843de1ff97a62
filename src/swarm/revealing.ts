/** An origin shows what it has bit by bit: what happens is told to the plan of `reveal/`, and what it answers is sent. */
import type { PieceIndex } from '../core/piece-layout.ts'
import { defaultSite } from '../core/site.ts'
import { millis } from '../core/units.ts'
import { encodePeerMessage } from '../wire/peer-message.ts'
import { limits } from '../wire/limits.ts'
import type { Peer } from './peer.ts'
import type { PeerFacts } from './reveal/host.ts'
import { RevealPlan } from './reveal/reveal-plan.ts'
import type { SwarmState } from './swarm-state.ts'

/** Last pieces are waited for by whole sites: finer than the engine's own tick. */
const DUE_EVERY = millis(250)
/** Of Azureus' style, as `-SH0100-`: bytes 2 and 3 of the id name the client. */
const OUR_CLIENT_HEX = Buffer.from('-SH', 'latin1').toString('hex')
/** Finished peers that are kept to know what they have, while others lack something. */
const SEEDS_KEPT_MAX = limits.peersPerTorrentMax / 2

export const isOurs = (peer: Peer): boolean => peer.id.startsWith(OUR_CLIENT_HEX)

/** Where the peer is, by the tracker's lease; without one the first two of a site are its bridges. */
function factsOf(s: SwarmState, peer: Peer): PeerFacts {
  const { lease } = peer
  const site = lease?.site ?? (s.shared.siteOf?.(peer.address) ?? defaultSite(peer.address)).name
  return { site, isBridge: lease?.isBridge, isOurs: isOurs(peer) }
}

/** True: the peer is told nothing of what we have but what the plan shows it. */
export function isShaped(s: SwarmState, peer: Peer): boolean {
  return s.shared.isRevealing && s.spec.mode === 'seed' && peer.source !== 'origin'
}

/** It has been greeted as by a peer that has nothing. */
export function revealTo(s: SwarmState, peer: Peer): void {
  const { loaded } = s
  if (loaded === undefined) return
  if (s.reveal === undefined) {
    s.reveal = new RevealPlan(loaded.layout, s.shared.random)
    s.revealTimer = s.shared.clock.every(DUE_EVERY, () => s.post({ kind: 'reveal-due' }))
    for (const piece of loaded.layout.indices()) if (!loaded.have.has(piece)) s.reveal.gone(piece)
  }
  s.reveal.joined(peer, factsOf(s, peer), s.shared.clock.now())
  s.needsReveal = true
}

/** What it was told before stays true; what it was not told is its own business again. */
export function stopRevealingTo(s: SwarmState, peer: Peer): void {
  s.reveal?.left(peer)
  if (s.reveal?.size === 0) {
    s.revealTimer?.cancel()
    s.reveal = undefined
  }
  s.needsReveal = s.reveal !== undefined
}

/** Its listening port shows it to be an origin or a mirror: one of us, who needs no guidance. */
export function revealAllIfOrigin(s: SwarmState, peer: Peer): void {
  if (peer.source !== 'origin' || s.reveal?.knows(peer) !== true) return
  stopRevealingTo(s, peer)
  const all = Array.from(s.loaded?.have ?? [], (piece) => encodePeerMessage({ kind: 'have', piece }))
  if (all.length > 0) peer.sendBytes(Buffer.concat(all))
}

export function onPeerAsked(s: SwarmState, peer: Peer, piece: PieceIndex): void {
  s.reveal?.asked(peer, piece, s.shared.clock.now())
  s.needsReveal = s.reveal !== undefined
}

export function onPeerGot(s: SwarmState, peer: Peer, piece: PieceIndex): void {
  s.reveal?.got(peer, piece, s.shared.clock.now())
  s.needsReveal = s.reveal !== undefined
}

export function onPeerToldPieces(s: SwarmState, peer: Peer): void {
  s.reveal?.toldPieces(peer, s.shared.clock.now())
  s.needsReveal = s.reveal !== undefined
}

export function onBlockSent(s: SwarmState, peer: Peer, piece: PieceIndex, bytes: number): void {
  s.reveal?.sent(peer, piece, bytes, s.shared.clock.now())
  s.needsReveal = s.reveal !== undefined
}

/** It brings pieces to others, or nobody else serves it: it is to be served at once. */
export const isFed = (s: SwarmState, peer: Peer): boolean => s.reveal?.isFed(peer) === true

/** A finished peer is of use while others are not: it shows that its pieces are out. */
export function isWorthKnowing(s: SwarmState): boolean {
  return s.reveal?.isAnyoneLacking === true && s.peers.size <= SEEDS_KEPT_MAX
}

export function onRevealDue(s: SwarmState): void {
  s.reveal?.tick(s.shared.clock.now())
  s.needsReveal = s.reveal !== undefined
}

/** Shows what the plan wants shown, and answers who was shown something: whoever is, may ask at once. */
export function revealMore(s: SwarmState): ReadonlySet<Peer> {
  s.needsReveal = false
  const messages = new Map<Peer, Uint8Array[]>()
  for (const { peer, piece, isChosen } of s.reveal?.next(s.shared.clock.now()) ?? []) {
    const list = messages.get(peer) ?? []
    messages.set(peer, list)
    list.push(encodePeerMessage({ kind: 'have', piece }))
    if (isChosen && peer.hasFast && isOurs(peer)) list.push(encodePeerMessage({ kind: 'suggest', piece }))
  }
  for (const [peer, list] of messages) peer.sendBytes(Buffer.concat(list))
  return new Set(messages.keys())
}

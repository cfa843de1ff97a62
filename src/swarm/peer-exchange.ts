/**
 * Our own clients among themselves: they prove to each other that they hold the swarm's key, and while no tracker
 * answers one of them, it asks those who have proved it for addresses. Nobody else is ever told one, whatever it
 * says; and it is for others a word in the extension handshake that they do not know.
 */
import { randomBytes } from 'node:crypto'
import { type Endpoint, formatEndpoint, type IpAddress, ipAddress, sameEndpoint } from '../core/address.ts'
import { ShoalError, unreachable } from '../core/errors.ts'
import { shuffled } from '../core/random.ts'
import { limits } from '../wire/limits.ts'
import { decodeExchangeMessage, encodeExchangeMessage, type ExchangeMessage } from '../wire/peer-exchange.ts'
import { isSameProof, NONCE_BYTES, proofOf, type ProofSubject } from '../wire/swarm-key.ts'
import { admissionOf } from './admission.ts'
import { onPeersNamed } from './connecting.ts'
import { isLoopback, mayDial } from './dial-policy.ts'
import type { Peer } from './peer.ts'
import type { SwarmState } from './swarm-state.ts'

/** Its extension handshake has come, or a key: as far as both sides are, our part of the proof is sent. */
export function proveKey(s: SwarmState, peer: Peer): void {
  const { keyed } = peer
  const { keys } = s.memory
  if (keys.length === 0 || peer.extensionId('sh_peers') === undefined) return
  if (keyed.ourNonce === undefined) {
    keyed.ourNonce = randomBytes(NONCE_BYTES)
    say(peer, { kind: 'challenge', nonce: keyed.ourNonce })
  }
  checkProofs(s, peer)
  const subject = subjectOf(s, peer, { prover: 'us' }, peer.address)
  const generation = keys.join(' ')
  if (subject === undefined || keyed.provenWith === generation) return
  keyed.provenWith = generation
  say(peer, { kind: 'proof', proofs: keys.map((key) => proofOf(key, subject)) })
}

/** @throws ShoalError for what no client of ours would say: the peer is hung up on. */
export function onExchangeMessage(s: SwarmState, peer: Peer, payload: Uint8Array): void {
  const message = decodeExchangeMessage(payload)
  switch (message.kind) {
    case 'challenge': onChallenge(s, peer, message.nonce); break
    case 'proof': onProof(s, peer, message.proofs); break
    case 'ask': onAsk(s, peer); break
    case 'peers': onPeers(s, peer, message.endpoints); break
    case 'unknown': break
    default: unreachable(message)
  }
} // prettier-ignore

function onChallenge(s: SwarmState, peer: Peer, nonce: Uint8Array): void {
  if (peer.keyed.theirNonce !== undefined) throw new ShoalError('bad-input', 'sh_peers: a second challenge')
  peer.keyed.theirNonce = nonce
  proveKey(s, peer)
}

/** A proof that fits none of our keys is no lie: one of us may not have heard of a new key yet. */
function onProof(s: SwarmState, peer: Peer, proofs: readonly Uint8Array[]): void {
  const { keyed } = peer
  if (
    keyed.ourNonce === undefined ||
    keyed.theirNonce === undefined ||
    ++keyed.proofs > limits.exchangeProofsMax
  )
    throw new ShoalError('bad-input', 'sh_peers: a proof that nobody asked for')
  keyed.theirProofs = proofs.map((proof) => new Uint8Array(proof))
  checkProofs(s, peer)
}

function checkProofs(s: SwarmState, peer: Peer): void {
  const { keyed } = peer
  if (keyed.isProven || keyed.theirProofs.length === 0) return
  for (const own of ownAddresses(s, peer)) {
    const subject = subjectOf(s, peer, { prover: 'them' }, own)
    if (subject === undefined) return
    const expected = s.memory.keys.map((key) => proofOf(key, subject))
    if (expected.some((proof) => keyed.theirProofs.some((given) => isSameProof(given, proof))))
      keyed.isProven = true
  }
  // Whoever holds the key was let in by the tracker: while that is away, it is served all the same.
  if (keyed.isProven) admissionOf(s)?.vouch(peer.address)
}

/** At which of our addresses the peer sees us is known to it only: any of ours will do. */
function ownAddresses(s: SwarmState, peer: Peer): readonly IpAddress[] {
  return isLoopback(peer.address) ? [LOOPBACK] : s.shared.ownAddresses.slice(0, OWN_ADDRESSES_MAX)
}

const OWN_ADDRESSES_MAX = 32
/** All of a machine's loopback addresses are that machine. */
const LOOPBACK = ipAddress('127.0.0.1')

/** Undefined until both fresh numbers are there. */
function subjectOf(
  s: SwarmState,
  peer: Peer,
  { prover }: { readonly prover: 'us' | 'them' },
  to: IpAddress,
): ProofSubject | undefined {
  const { ourNonce, theirNonce } = peer.keyed
  if (ourNonce === undefined || theirNonce === undefined) return undefined
  const haveWeDialled = !peer.connection.isIncoming
  return {
    infoHash: s.spec.infoHash,
    role: haveWeDialled === (prover === 'us') ? 'dialled' : 'listened',
    nonces: haveWeDialled
      ? { dialled: ourNonce, listened: theirNonce }
      : { dialled: theirNonce, listened: ourNonce },
    to: isLoopback(to) ? LOOPBACK : to,
  }
}

/** No tracker answers: whoever holds the key is asked, each once a minute. */
export function askAround(s: SwarmState): void {
  const now = s.shared.clock.now()
  for (const peer of [...s.peers.values()]) {
    const { keyed } = peer
    if (!keyed.isProven || now - (keyed.askedAt ?? -Infinity) < limits.exchangeEvery) continue
    keyed.askedAt = now
    keyed.isAsked = true
    say(peer, { kind: 'ask' })
  }
}

/** More often than once a minute is not answered; who has not proved the key, never. */
function onAsk(s: SwarmState, peer: Peer): void {
  const now = s.shared.clock.now()
  const { keyed } = peer
  // Theirs is a minute too, but its messages may have been under way for longer than ours.
  const isSoon = now - (keyed.answeredAt ?? -Infinity) < 0.9 * limits.exchangeEvery
  if (!keyed.isProven || isSoon) return
  const endpoints = endpointsFor(s, peer)
  if (endpoints.length === 0) return
  keyed.answeredAt = now
  // Days of asking: then it may hear of some again.
  if (keyed.told.size >= limits.knownPeersMax) keyed.told.clear()
  for (const endpoint of endpoints) keyed.told.add(formatEndpoint(endpoint))
  say(peer, { kind: 'peers', endpoints })
}

/** Those connected first, then those that worked before; nobody twice, not itself, and nobody who is banned. */
function endpointsFor(s: SwarmState, to: Peer): Endpoint[] {
  const connected = [...s.peers.values()].filter((peer) => peer !== to).map(listensAt)
  const before = s.memory.endpoints.toReversed()
  const theirs = listensAt(to)
  const isTold = (endpoint: Endpoint | undefined): endpoint is Endpoint =>
    endpoint !== undefined &&
    mayDial(endpoint) &&
    // A loopback address means another machine to whoever is told of it elsewhere.
    (!isLoopback(endpoint.host) || isLoopback(to.address)) &&
    (theirs === undefined || !sameEndpoint(endpoint, theirs)) &&
    !to.keyed.told.has(formatEndpoint(endpoint)) &&
    !s.shared.bans.has(endpoint.host)
  const chosen = new Map<string, Endpoint>()
  for (const endpoint of [...shuffled(connected, s.shared.random), ...before])
    if (isTold(endpoint)) chosen.set(formatEndpoint(endpoint), endpoint)
  return [...chosen.values()].slice(0, limits.exchangePeersMax)
}

/** Where it was dialled; of who dialled us its own word is believed when it holds the key. */
function listensAt(peer: Peer): Endpoint | undefined {
  if (peer.dialled !== undefined) return peer.dialled
  return peer.keyed.isProven && peer.listenPort !== undefined
    ? { host: peer.address, port: peer.listenPort }
    : undefined
}

/** Where a peer is said to listen, an address says; what it is (an origin, of our site) nobody is believed. */
function onPeers(s: SwarmState, peer: Peer, endpoints: readonly Endpoint[]): void {
  if (!peer.keyed.isProven || !peer.keyed.isAsked) return
  peer.keyed.isAsked = false
  const isHere = isLoopback(peer.address)
  const named = endpoints.filter(({ host }) => isHere || !isLoopback(host))
  // They may dial us before we reach them.
  admissionOf(s)?.vouch(...named.map(({ host }) => host))
  onPeersNamed(s, named)
}

function say(peer: Peer, message: Exclude<ExchangeMessage, { kind: 'unknown' }>): void {
  const id = peer.extensionId('sh_peers')
  if (id !== undefined) peer.send({ kind: 'extended', id, payload: encodeExchangeMessage(message) })
}

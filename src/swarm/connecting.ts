/** Peers come and go: dialling, admitting, greeting, forgetting. */
import type { Endpoint } from '../core/address.ts'
import { seconds } from '../core/units.ts'
import { encodeHandshake, type Handshake } from '../wire/handshake.ts'
import { limits } from '../wire/limits.ts'
import { encodeOpening } from '../wire/opening.ts'
import { chooseDials, goesFirst } from './dial-policy.ts'
import type { PeerSource } from './engine-types.ts'
import { greet, onTellDue } from './greeting.ts'
import type { PeerGuard, PeerPass } from './guard.ts'
import { GuardedHandshaker } from './guarded-handshaker.ts'
import { Handshaker } from './handshaker.ts'
import { passOnPlace } from './interest.ts'
import type { KnownPeer } from './known-peers.ts'
import type { Connection } from './network.ts'
import { Peer } from './peer.ts'
import { isShaped, isWorthKnowing, revealTo, stopRevealingTo } from './revealing.ts'
import { considerMember } from './site-talk.ts'
import type { SwarmState } from './swarm-state.ts'
import { open } from './torrent-life.ts'

/** Dials as many known peers as there should be. */
export function dialMore(s: SwarmState): void {
  if (s.phase === 'stopped') return
  const { clock, random } = s.shared
  const now = clock.now()
  const sourceOf = ({ endpoint }: KnownPeer): PeerSource => s.sources.sourceOf(endpoint.host, endpoint.port)
  const candidates = [...s.known.idle()]
    .filter((known) => known.notBefore <= now && !s.shared.bans.has(known.endpoint.host))
    .map((known) => ({ ...known, source: sourceOf(known) }))
  // Those who dialled us and have nothing for us do not count: they would keep us from who has.
  let connected = 0
  for (const peer of s.peers.values()) if (peer.dialled !== undefined || peer.areWeInterested) connected++
  const free = limits.peersPerTorrentMax - s.peers.size
  const dialling = { first: 0, others: 0 }
  for (const known of s.known.dialling())
    dialling[goesFirst({ source: sourceOf(known) }) ? 'first' : 'others']++
  const room = { now, connected, free, dialling }
  for (const { endpoint } of chooseDials(candidates, room, random)) {
    dial(s, endpoint).catch(() => s.post({ kind: 'dial-failed', endpoint }))
  }
}

async function dial(s: SwarmState, endpoint: Endpoint): Promise<void> {
  const known = s.known.get(endpoint)
  if (known !== undefined) known.state = 'dialling'
  const connection = await connect(s, endpoint)
  if (s.phase === 'stopped') {
    connection.destroy()
    return
  }
  // A socket that waits for the other side's handshake must not outlive the torrent.
  const hangUp = (): void => connection.destroy()
  s.aborter.signal.addEventListener('abort', hangUp)
  const onSettled = (wasTaken: boolean): void => {
    s.aborter.signal.removeEventListener('abort', hangUp)
    if (!wasTaken) s.post({ kind: 'dial-failed', endpoint })
  }
  const { clock, guard } = s.shared
  if (s.spec.admit === 'ours' && guard !== undefined) {
    dialGuarded(s, { connection, guard, endpoint, onSettled })
    return
  }
  const onHandshake = (theirs: Handshake): Peer | undefined => admit(s, connection, theirs, endpoint)
  new Handshaker({ connection, clock, onHandshake, onSettled })
  connection.write(ourOpening(s))
}

interface GuardedDial {
  readonly connection: Connection
  readonly guard: PeerGuard
  readonly endpoint: Endpoint
  readonly onSettled: (wasTaken: boolean) => void
}

function dialGuarded(s: SwarmState, { connection, guard, endpoint, onSettled }: GuardedDial): void {
  new GuardedHandshaker({
    connection,
    clock: s.shared.clock,
    guard,
    opening: () => ourOpening(s),
    onHandshake: (theirs, secured, pass) => admit(s, secured, theirs, endpoint, pass),
    onSettled,
  })
}

async function connect(s: SwarmState, endpoint: Endpoint): Promise<Connection> {
  const late = new AbortController()
  const timer = s.shared.clock.after(limits.handshakeTimeout, () => late.abort())
  try {
    const signal = AbortSignal.any([late.signal, s.aborter.signal])
    return await s.shared.network.dial(endpoint, s.shared.bindAddress, signal)
  } finally {
    timer.cancel()
  }
}

const ourHandshake = (s: SwarmState): Handshake => ({
  infoHash: s.spec.infoHash,
  peerId: s.shared.peerId,
  hasExtensions: true,
  hasFast: true,
})

/** What each side says first. */
function ourOpening(s: SwarmState): Uint8Array {
  const handshake = ourHandshake(s)
  if (s.spec.admit !== 'ours') return encodeHandshake(handshake)
  return encodeOpening({ handshake, permit: s.spec.permit?.() ?? '' })
}

/**
 * The other side's handshake is here: answers the peer that takes the connection over, or undefined to hang
 * up. `dialled`: where we dialled it; absent when it dialled us, and then it is answered. `pass`: what it has
 * shown inside TLS; without one it gets nothing of a release that is for our clients only, and hears of none.
 */
export function admit(
  s: SwarmState,
  connection: Connection,
  theirs: Handshake,
  dialled: Endpoint | undefined,
  pass?: PeerPass,
): Peer | undefined {
  const { clock, cache } = s.shared
  if ((s.spec.admit === 'ours') !== (pass !== undefined)) return undefined
  if (s.phase === 'stopped' || theirs.infoHash !== s.spec.infoHash) return undefined
  if (s.shared.bans.has(connection.remote.host)) return undefined
  if (theirs.peerId === s.shared.peerId) {
    if (dialled !== undefined) s.known.shelve(dialled, clock.now())
    return undefined
  }
  if (s.peers.size >= limits.peersPerTorrentMax && !s.peers.has(theirs.peerId)) return undefined
  const other = s.peers.get(theirs.peerId)
  if (other !== undefined) {
    if (!isBetter(s, connection, other)) return undefined
    other.close()
  }
  if (s.phase === 'asleep' && s.torrent !== undefined) open(s, s.torrent)
  if (dialled === undefined) connection.write(ourOpening(s))
  const peer = new Peer(
    { connection, clock, cache, owner: s.owner },
    {
      id: theirs.peerId,
      hasFast: theirs.hasFast,
      hasExtensions: theirs.hasExtensions,
      ...(dialled !== undefined && { dialled }),
      source: s.sources.sourceOf(connection.remote.host, dialled?.port),
      ...(pass !== undefined && { pass }),
      pieces: s.loaded?.layout.count,
    },
  )
  peer.lease = s.admission?.leaseOf(peer.address)
  s.peers.set(peer.id, peer)
  s.post({ kind: 'peer-connected', peer })
  return peer
}

/**
 * Two connections to one peer. Of two in opposite directions, which both sides see, both keep the one that
 * the lower peer id dialled. Of two in the same direction the newer one counts if it comes from the same
 * address: then the peer has lost the old one and we have not noticed.
 */
function isBetter(s: SwarmState, fresh: Connection, old: Peer): boolean {
  if (fresh.isIncoming === old.connection.isIncoming) return fresh.remote.host === old.address
  const isOursLower = s.shared.peerId < old.id
  return fresh.isIncoming !== isOursLower
}

export function onConnected(s: SwarmState, peer: Peer): void {
  if (peer.dialled !== undefined) {
    const known = s.known.get(peer.dialled)
    if (known !== undefined) {
      known.state = 'connected'
      known.failures = 0
    }
    s.memory.worked(peer.dialled, s.shared.clock.epoch())
  }
  greet(s, peer)
  if (isShaped(s, peer)) revealTo(s, peer)
}

/** By its address, and by where it was dialled or says to listen. */
export function placePeer(s: SwarmState, peer: Peer): void {
  const source = s.sources.sourceOf(peer.address, peer.dialled?.port ?? peer.listenPort)
  if (source !== peer.source) {
    onTellDue(s) // it hears of new pieces as what it was, or it would not hear of some at all
    peer.source = source
    s.loaded?.downloader?.sources.moved(peer)
  }
  considerMember(s, peer)
}

export function onClosed(s: SwarmState, peer: Peer): void {
  s.shared.budget.note(peer, 0)
  if (s.peers.get(peer.id) === peer) s.peers.delete(peer.id)
  s.metadata?.left(peer)
  s.loaded?.downloader?.peerLeft(peer)
  considerMember(s, peer)
  s.limits.left(peer)
  stopRevealingTo(s, peer)
  if (!peer.isChoked && s.phase !== 'stopped') passOnPlace(s, peer)
  if (peer.dialled === undefined || s.phase === 'stopped') return
  const now = s.shared.clock.now()
  if (isUseless(s, peer)) s.known.shelve(peer.dialled, now)
  else s.known.failed(peer.dialled, now, s.shared.random)
}

export function onDialFailed(s: SwarmState, endpoint: Endpoint): void {
  const known = s.known.get(endpoint)
  // It may have become a peer by another way, or have been put aside: then that is what stands.
  if (known?.state === 'dialling') s.known.failed(endpoint, s.shared.clock.now(), s.shared.random)
}

export function onPeersNamed(s: SwarmState, endpoints: readonly Endpoint[]): void {
  for (const endpoint of endpoints) s.known.add(endpoint)
  dialMore(s)
}

/** Neither of us can give the other anything: we have all we want, and it has everything. */
export function isUseless(s: SwarmState, peer: Peer): boolean {
  return (s.phase === 'complete' || s.phase === 'finishing') && peer.has.isFull && !peer.isInterested
}

/** BEP 3: peers hang up after two minutes of silence. */
const KEEP_ALIVE_AFTER = seconds(100)

/** Once a second: hang up on the silent, the useless and those who may no longer be here; keep the others. */
export function mindPeers(s: SwarmState): void {
  const now = s.shared.clock.now()
  for (const peer of [...s.peers.values()]) {
    const isOut = peer.pass !== undefined && s.shared.guard?.holds(peer.pass) !== true
    const isOfNoUse = isUseless(s, peer) && !isWorthKnowing(s)
    if (isOut || now - peer.lastReceivedAt > limits.peerSilenceMax || isOfNoUse) peer.close()
    else if (now - peer.lastSentAt > KEEP_ALIVE_AFTER) peer.send({ kind: 'keep-alive' })
  }
}

/** One torrent. Read `handle`, and you know all that can happen to it. */
import type { Endpoint } from '../core/address.ts'
import { ShoalError, unreachable } from '../core/errors.ts'
import { type Millis, millis } from '../core/units.ts'
import type { Handshake } from '../wire/handshake.ts'
import { admissionOf } from './admission.ts'
import { onAnnounceOver, startAnnouncing } from './announcing.ts'
import {
  admit,
  dialMore,
  mindPeers,
  onClosed,
  onConnected,
  onDialFailed,
  onPeersNamed,
} from './connecting.ts'
import type { AddTorrent } from './engine-types.ts'
import type { PeerPass } from './guard.ts'
import { offerPlace, rechokeIfDue, updateInterest } from './interest.ts'
import type { Way } from './limiting/engine-limits.ts'
import type { Surroundings } from './limiting/whereabouts.ts'
import { startMetadata } from './metadata-traffic.ts'
import type { Connection } from './network.ts'
import type { Peer, PeerOwner } from './peer.ts'
import { onMessage } from './peer-messages.ts'
import { onLoaded, onNotStored, onStored, onVerified } from './piece-traffic.ts'
import { onReadersChanged } from './reading.ts'
import { isOurs, onRevealDue, revealMore } from './revealing.ts'
import { mindMemory, onRecalled, saveMemoryNow, startRemembering } from './remembering.ts'
import { endSiteWork, onSiteDue } from './site-talk.ts'
import { createState } from './create-state.ts'
import type { SwarmEvent } from './swarm-event.ts'
import { onTellDue } from './greeting.ts'
import { isFetching, type Shared, type SwarmState } from './swarm-state.ts'
import {
  finishIfWhole,
  onChecked,
  onMetadata,
  onSynced,
  open,
  saveStateNow,
  saveStateSoon,
} from './torrent-life.ts'
import { mindWebSeeds, onWebSeed } from './web-seeding.ts'

export class Swarm implements PeerOwner {
  readonly state: SwarmState
  #isHandling = false
  readonly #queue: SwarmEvent[] = []
  #stopping: Promise<void> | undefined
  readonly #onEvent: (swarm: Swarm) => void

  /** `onEvent`: it may need ticks from now on. */
  constructor(shared: Shared, spec: AddTorrent, onEvent: (swarm: Swarm) => void) {
    this.#onEvent = onEvent
    this.state = createState(shared, spec, { owner: this, post: (event) => this.handle(event) })
  }

  start(): void {
    const s = this.state
    startRemembering(s)
    startAnnouncing(s)
    const { torrent, peers } = s.spec
    // A seed is opened when somebody asks for it: ten thousand of them cost no file and no bitfield.
    if (torrent === undefined) startMetadata(s)
    else if (s.phase !== 'asleep') open(s, torrent)
    if (peers !== undefined) this.handle({ kind: 'peers-named', endpoints: peers })
  }

  /** Events that come while one is handled wait for their turn. */
  handle(event: SwarmEvent): void {
    this.#onEvent(this)
    this.#queue.push(event)
    if (this.#isHandling) return
    this.#isHandling = true
    try {
      for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) this.#guarded(next)
    } finally {
      this.#isHandling = false
    }
  }

  /** Nothing that a peer sends, and no bug that it uncovers, may end more than its connection. */
  #guarded(event: SwarmEvent): void {
    try {
      this.#apply(event)
    } catch (error) {
      if ('peer' in event) this.onBroken(event.peer, error)
      else this.#reportBug(error, `a torrent failed at ${event.kind}`)
    }
  }

  #apply(event: SwarmEvent): void {
    const s = this.state
    switch (event.kind) {
      case 'message': onMessage(s, event.peer, event.message); break
      case 'block-arrived': onBlock(s, event.peer); break
      case 'read-done': onReadDone(s, event.peer); break
      case 'drained': s.loaded?.uploader.pump(event.peer); break
      case 'peer-connected': onConnected(s, event.peer); break
      case 'peer-closed': onClosed(s, event.peer); break
      case 'dial-failed': onDialFailed(s, event.endpoint); break
      case 'peers-named': onPeersNamed(s, event.endpoints); break
      case 'peers-recalled': onRecalled(s, event.bytes); break
      case 'announce-over': onAnnounceOver(s, event.outcome); break
      case 'metadata-fetched': onMetadata(s, event.infoBytes); break
      case 'content-checked': onChecked(s, event.result); onEveryPeer(s); break
      case 'piece-verified': onVerified(s, event.piece, event.bytes, event.givers); break
      case 'piece-stored': onStored(s, event.piece, event.bytes); break
      case 'piece-not-stored': onNotStored(s, event.piece, event.bytes, event.error); break
      case 'piece-loaded': onLoaded(s, event.piece, event.outcome); break
      case 'web-seed': onWebSeed(s, event.news); break
      case 'readers-changed': onReadersChanged(s); break
      case 'all-synced': onSynced(s); onEveryPeer(s); break
      case 'limit-lifted': onLimitLifted(s, event); break
      case 'tick': onTick(s); break
      case 'reveal-due': onRevealDue(s); break
      case 'tell-due': onTellDue(s); break
      case 'site-due': onSiteDue(s); break
      case 'failed': this.#fail(event.error); break
      default: unreachable(event)
    }
    if (s.needsFill) fillAll(s)
    if (s.needsReveal && !isMidRead(event)) for (const peer of revealMore(s)) offerPlace(s, peer)
  } // prettier-ignore

  placeFor(peer: Peer, piece: number, offset: number, length: number): Uint8Array | undefined {
    const downloader = this.state.loaded?.downloader
    if (downloader !== undefined) return downloader.placeFor(peer, piece, offset, length)
    peer.sentUnasked(length)
    return undefined
  }

  onBroken(peer: Peer, error: unknown): void {
    if (!(error instanceof ShoalError)) this.#reportBug(error, 'a peer was dropped after a bug of ours')
    peer.close()
  }

  #reportBug(error: unknown, what: string): void {
    this.state.shared.log.error({ err: error, infoHash: this.state.spec.infoHash }, what)
  }

  /** Somebody wants this torrent: answers who takes the connection, or undefined to hang up. */
  accept(connection: Connection, theirs: Handshake, pass?: PeerPass): Peer | undefined {
    return admit(this.state, connection, theirs, undefined, pass)
  }

  /** For one that came without TLS. Undefined: the torrent is not guarded. Asked before {@link accept}. */
  mayEnter({ remote, isVouchedFor }: Connection): Promise<boolean> | undefined {
    if (this.state.spec.admit === 'ours') return Promise.resolve(false)
    if (isVouchedFor === true) return undefined
    return admissionOf(this.state)?.mayEnter(remote.host)
  }

  addPeers(endpoints: readonly Endpoint[]): void {
    this.handle({ kind: 'peers-named', endpoints })
  }

  /** False: nothing would happen at a tick. */
  get needsTicks(): boolean {
    const s = this.state
    return s.phase !== 'stopped' && (s.peers.size > 0 || isFetching(s) || s.known.size + s.memory.size > 0)
  }

  /** It may be somewhere where others share a link with it, too. Until the next event this does not become true again. */
  get isAwake(): boolean {
    return this.needsTicks || (this.state.phase !== 'stopped' && this.state.sources.site !== undefined)
  }

  get surroundings(): Surroundings {
    const { peers, sources } = this.state
    const isColleague = (peer: Peer): boolean => peer.source !== 'origin' && isOurs(peer)
    return { sources, ownClients: () => [...peers.values()].filter(isColleague) }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const s = this.state
    s.phase = 'stopped'
    s.retryTimer?.cancel()
    s.tellTimer?.cancel()
    endSiteWork(s)
    s.aborter.abort()
    s.readers.wake()
    for (const peer of [...s.peers.values()]) peer.close()
    s.limits.stop()
    await Promise.all([s.announcer?.stop(), saveMemoryNow(s), this.#close()])
  }

  async #close(): Promise<void> {
    const s = this.state
    await Promise.allSettled([...s.writes])
    try {
      await saveStateNow(s)
    } catch (error) {
      s.shared.log.warn({ err: error, infoHash: s.spec.infoHash }, 'the state of a download was not saved')
    }
    await s.loaded?.content.close()
    s.shared.cache.dropAll(`${s.spec.infoHash}/`)
  }

  #fail(error: unknown): void {
    if (this.state.phase === 'stopped') return
    this.state.emit({ kind: 'failed', error: error instanceof Error ? error : new Error(String(error)) })
    void this.stop()
  }
}

/** `read-done` follows: what to show is decided once for all that a peer said together, not for each of 64 requests. */
const isMidRead = ({ kind }: SwarmEvent): boolean => kind === 'message' || kind === 'block-arrived'

function onBlock(s: SwarmState, peer: Peer): void {
  const before = peer.down.meter.totalBytes
  s.loaded?.downloader?.blockArrived(peer)
  s.meterDown.add(peer.down.meter.totalBytes - before, s.shared.clock.now())
}

function onReadDone(s: SwarmState, peer: Peer): void {
  if (peer.isClosed) return
  s.loaded?.downloader?.fill(peer)
  if (peer.up.queue.length > 0) s.loaded?.uploader.pump(peer)
}

function onEveryPeer(s: SwarmState): void {
  for (const peer of [...s.peers.values()]) updateInterest(s, peer)
  mindPeers(s)
}

function fillAll(s: SwarmState): void {
  s.needsFill = false
  const downloader = s.phase === 'active' ? s.loaded?.downloader : undefined
  if (downloader === undefined) return
  for (const peer of bestFirst(s)) downloader.fill(peer)
}

/** Who sends before who was silent: a piece that must come from one peer alone must not go to that one again and again. */
function bestFirst(s: SwarmState): Peer[] {
  const rank = ({ down }: Peer): number => (down.isSnubbing ? 2 : down.isProven ? 0 : 1)
  return [...s.peers.values()].toSorted((a, b) => rank(a) - rank(b))
}

function onLimitLifted(s: SwarmState, { peer, way }: { readonly peer: Peer; readonly way: Way }): void {
  if (peer.isClosed) return
  if (way === 'down') s.loaded?.downloader?.fill(peer)
  else s.loaded?.uploader.pump(peer)
}

function onTick(s: SwarmState): void {
  onEveryPeer(s)
  if (s.peers.size > 0) admissionOf(s)?.tick()
  for (const peer of [...s.peers.values()]) {
    s.loaded?.downloader?.snubIfSilent(peer)
    s.loaded?.downloader?.mindCancels(peer)
    s.loaded?.downloader?.sources.mindWaiting(peer, s.shared.clock.now())
  }
  s.loaded?.downloader?.sources.mindNear(s.peers.values(), s.shared.clock.now())
  s.metadata?.tick()
  if (s.metadata !== undefined) for (const peer of s.peers.values()) s.metadata.consider(peer)
  for (const peer of bestFirst(s)) onReadDone(s, peer)
  rechokeIfDue(s)
  mindMemory(s)
  dialMore(s)
  mindWebSeeds(s)
  finishIfWhole(s)
  saveStateSoon(s)
}

export const TICK_EVERY: Millis = millis(1_000)

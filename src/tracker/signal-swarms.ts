/**
 * Which browsers are in which swarm. They have no address that others could dial, so they stand beside the
 * swarm store, not in it: whoever wants to meet one sends it an offer through its socket.
 */
import type { IpAddress } from '../core/address.ts'
import type { InfoHash, PeerId } from '../core/ids.ts'
import { type Random, shuffled } from '../core/random.ts'
import type { Clock } from '../platform/clock.ts'
import { chooseIntroductions } from './choose-introductions.ts'
import { OffersOut } from './offers-out.ts'
import { SitePool } from './site-pool.ts'
import type { SwarmCounts } from './swarm-store.ts'
import type { VerifiedGrant } from './verified-grant.ts'

/** A browser in a swarm. `Socket` is whatever it is reached by. */
export interface SignalPeer<Socket> {
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  readonly host: IpAddress
  readonly grant: VerifiedGrant
  readonly socket: Socket
  readonly offersOut: OffersOut<SignalPeer<Socket>>
  site: string
  isSeed: boolean
  /** Monotonic; from then on nobody is told of it. */
  expiresAt: number
  /** The pool's. */
  slot: number
}

/** What an announce says of a peer, beside who it is. */
export interface Standing {
  readonly site: string
  readonly isSeed: boolean
  readonly expiresAt: number
}

interface Swarm<Socket> {
  readonly peers: Map<PeerId, SignalPeer<Socket>>
  readonly seeds: SitePool<SignalPeer<Socket>>
  readonly leechers: SitePool<SignalPeer<Socket>>
  downloaded: number
}

const NOTHING: SwarmCounts = { complete: 0, incomplete: 0, downloaded: 0 }

export class SignalSwarms<Socket> {
  readonly #clock: Clock
  readonly #random: Random
  readonly #swarms = new Map<InfoHash, Swarm<Socket>>()
  #peerCount = 0

  constructor(parts: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = parts.clock
    this.#random = parts.random
  }

  get swarmCount(): number {
    return this.#swarms.size
  }

  get peerCount(): number {
    return this.#peerCount
  }

  find(infoHash: InfoHash, peerId: PeerId): SignalPeer<Socket> | undefined {
    return this.#swarms.get(infoHash)?.peers.get(peerId)
  }

  /** The caller has made sure that nobody has this peer id in the swarm. */
  join(
    who: Pick<SignalPeer<Socket>, 'infoHash' | 'peerId' | 'host' | 'grant' | 'socket'>,
    standing: Standing,
  ): SignalPeer<Socket> {
    let swarm = this.#swarms.get(who.infoHash)
    if (swarm === undefined) {
      const parts = { random: this.#random }
      swarm = { peers: new Map(), seeds: new SitePool(parts), leechers: new SitePool(parts), downloaded: 0 }
      this.#swarms.set(who.infoHash, swarm)
    }
    const peer: SignalPeer<Socket> = { ...who, ...standing, offersOut: new OffersOut(), slot: -1 }
    swarm.peers.set(peer.peerId, peer)
    poolOf(swarm, peer).add(peer)
    this.#peerCount++
    return peer
  }

  /** A peer that left stays out. */
  renew(peer: SignalPeer<Socket>, standing: Standing): void {
    const swarm = this.#swarms.get(peer.infoHash)
    if (swarm?.peers.get(peer.peerId) !== peer) return
    peer.expiresAt = standing.expiresAt
    if (peer.site === standing.site && peer.isSeed === standing.isSeed) return
    poolOf(swarm, peer).delete(peer)
    peer.site = standing.site
    peer.isSeed = standing.isSeed
    poolOf(swarm, peer).add(peer)
  }

  /** Leaving twice changes nothing. An empty swarm is freed. */
  leave(peer: SignalPeer<Socket>): void {
    const swarm = this.#swarms.get(peer.infoHash)
    if (swarm?.peers.get(peer.peerId) !== peer) return
    swarm.peers.delete(peer.peerId)
    poolOf(swarm, peer).delete(peer)
    this.#peerCount--
    if (swarm.peers.size === 0) this.#swarms.delete(peer.infoHash)
  }

  addCompleted(infoHash: InfoHash): void {
    const swarm = this.#swarms.get(infoHash)
    if (swarm !== undefined) swarm.downloaded++
  }

  /** Whom so many offers of this peer are for. Costs time in proportion to their number, not to the swarm. */
  peersToMeet(self: SignalPeer<Socket>, offers: number): SignalPeer<Socket>[] {
    const swarm = this.#swarms.get(self.infoHash)
    if (swarm === undefined || offers <= 0) return []
    const now = this.#clock.now()
    const isWanted = (peer: SignalPeer<Socket>): boolean => peer !== self && peer.expiresAt > now
    const pools = self.isSeed ? [swarm.leechers] : [swarm.leechers, swarm.seeds]
    const near = pools.flatMap((pool) => pool.drawAt(self.site, offers, isWanted))
    const far = pools.flatMap((pool) => pool.drawAround(self.site, offers, isWanted))
    return chooseIntroductions(offers, shuffled(near, this.#random), shuffled(far, this.#random))
  }

  /** May include peers whose time ran out and that were not swept yet. */
  counts(infoHash: InfoHash): SwarmCounts {
    const swarm = this.#swarms.get(infoHash)
    if (swarm === undefined) return NOTHING
    return { complete: swarm.seeds.size, incomplete: swarm.leechers.size, downloaded: swarm.downloaded }
  }

  /** Puts each peer under the site that `siteOf` names: the operator has drawn a new map. */
  resite(siteOf: (host: IpAddress) => string): void {
    for (const peer of this.peers()) {
      const { isSeed, expiresAt } = peer
      this.renew(peer, { site: siteOf(peer.host), isSeed, expiresAt })
    }
  }

  /** A copy: they may leave while it is walked. */
  peers(): SignalPeer<Socket>[] {
    return [...this.#swarms.values()].flatMap((swarm) => [...swarm.peers.values()])
  }
}

function poolOf<Socket>(swarm: Swarm<Socket>, peer: SignalPeer<Socket>): SitePool<SignalPeer<Socket>> {
  return peer.isSeed ? swarm.seeds : swarm.leechers
}

/**
 * Which browsers are in which swarm. They have no address that others could dial, so they stand beside the
 * swarm store, not in it: whoever wants to meet one sends it an offer through its socket.
 */
import type { IpAddress } from '../core/address.ts'
import type { InfoHash, PeerId } from '../core/ids.ts'
import { type Random, shuffled } from '../core/random.ts'
import { mayCross, mayPeer, type Site, type SitePolicy } from '../core/site.ts'
import type { Clock } from '../platform/clock.ts'
import { chooseIntroductions } from './choose-introductions.ts'
import { OffersOut } from './offers-out.ts'
import { SitePool } from './site-pool.ts'
import type { SwarmCounts } from './swarm-store.ts'
import type { VerifiedGrant } from './verified-grant.ts'

/** Who may be introduced to a peer, and it to them: nobody, its site, everybody but those of closed sites. */
export type Reach = 'nobody' | 'site' | 'everybody'

export function reachOf(site: SitePolicy): Reach {
  if (!mayPeer(site)) return 'nobody'
  return mayCross(site) ? 'everybody' : 'site'
}

/** A browser in a swarm. `Socket` is whatever it is reached by. */
export interface SignalPeer<Socket> {
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  readonly host: IpAddress
  readonly grant: VerifiedGrant
  readonly socket: Socket
  readonly offersOut: OffersOut<SignalPeer<Socket>>
  site: string
  reach: Reach
  isSeed: boolean
  /** Monotonic; from then on nobody is told of it. */
  expiresAt: number
  /** The pool's. */
  slot: number
}

/** What an announce says of a peer, beside who it is. */
export interface Standing {
  readonly site: string
  /** Of that site. */
  readonly reach: Reach
  readonly isSeed: boolean
  readonly expiresAt: number
}

interface Pools<Socket> {
  readonly seeds: SitePool<SignalPeer<Socket>>
  readonly leechers: SitePool<SignalPeer<Socket>>
}

interface Swarm<Socket> {
  readonly peers: Map<PeerId, SignalPeer<Socket>>
  /** Those who reach everybody, and apart from them the others: so a draw around finds the open sites among any number. */
  readonly open: Pools<Socket>
  readonly closed: Pools<Socket>
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
      swarm = { peers: new Map(), open: this.#pools(), closed: this.#pools(), downloaded: 0 }
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
    const { site, reach, isSeed } = standing
    if (peer.site === site && peer.reach === reach && peer.isSeed === isSeed) return
    poolOf(swarm, peer).delete(peer)
    peer.site = site
    peer.reach = reach
    peer.isSeed = isSeed
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
    if (swarm === undefined || offers <= 0 || self.reach === 'nobody') return []
    const now = this.#clock.now()
    const isWanted = (peer: SignalPeer<Socket>): boolean => peer !== self && peer.expiresAt > now
    const { seeds, leechers } = poolsOf(swarm, self)
    const pools = self.isSeed ? [leechers] : [leechers, seeds]
    const near = pools.flatMap((pool) => pool.drawAt(self.site, offers, isWanted))
    const around = self.reach === 'everybody' ? pools : []
    const far = around.flatMap((pool) => pool.drawAround(self.site, offers, isWanted))
    return chooseIntroductions(offers, shuffled(near, this.#random), shuffled(far, this.#random))
  }

  /** May include peers whose time ran out and that were not swept yet. */
  counts(infoHash: InfoHash): SwarmCounts {
    const swarm = this.#swarms.get(infoHash)
    if (swarm === undefined) return NOTHING
    const { open, closed, downloaded } = swarm
    return {
      complete: open.seeds.size + closed.seeds.size,
      incomplete: open.leechers.size + closed.leechers.size,
      downloaded,
    }
  }

  /** Puts each peer under the site that `siteOf` gives: the operator has drawn a new map. */
  resite(siteOf: (host: IpAddress) => Site): void {
    for (const peer of this.peers()) {
      const { isSeed, expiresAt } = peer
      const site = siteOf(peer.host)
      this.renew(peer, { site: site.name, reach: reachOf(site), isSeed, expiresAt })
    }
  }

  /** A copy: they may leave while it is walked. */
  peers(): SignalPeer<Socket>[] {
    return [...this.#swarms.values()].flatMap((swarm) => [...swarm.peers.values()])
  }

  #pools(): Pools<Socket> {
    const parts = { random: this.#random }
    return { seeds: new SitePool(parts), leechers: new SitePool(parts) }
  }
}

function poolsOf<Socket>(swarm: Swarm<Socket>, { reach }: SignalPeer<Socket>): Pools<Socket> {
  return reach === 'everybody' ? swarm.open : swarm.closed
}

function poolOf<Socket>(swarm: Swarm<Socket>, peer: SignalPeer<Socket>): SitePool<SignalPeer<Socket>> {
  const { seeds, leechers } = poolsOf(swarm, peer)
  return peer.isSeed ? seeds : leechers
}

/**
 * The bridges of all swarms (`swarm-bridges.ts`): elected as peers announce, freed with their swarm. A site has an
 * entry only while it has a peer that is or was live, so the store's bound on peers bounds this too.
 */
import { ipAddress, type Endpoint, type IpAddress } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import { mayCross, mayPeer, type Site } from '../core/site.ts'
import type { Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { OTHER_SITES_MAX } from './choose-peers.ts'
import { SEATS, type SeatIndex, type SiteSeats } from './site-seats.ts'
import { SwarmBridges, type LinksWanted, type PeerLookUp } from './swarm-bridges.ts'
import { ALL, type DrawnPeer, type Next, type Part, type SwarmPeer, type SwarmStore } from './swarm-store.ts'

export interface BridgesParts {
  readonly clock: Clock
  readonly store: SwarmStore
  readonly siteOf: (host: IpAddress) => Site | undefined
}

/** How a peer stands to the bridges of its site. */
export interface Standing {
  /** Its own seat; undefined when it is no bridge. */
  readonly seat: SeatIndex | undefined
  /** Where the live bridges of its site but itself are. */
  readonly hubs: readonly Endpoint[]
  /** Sites to which it may be joined, as far as they are known. */
  readonly otherSiteCount: number
}

/** After so many sweeps every swarm was looked at: an empty one is freed within a minute at the default interval. */
const SWEEPS_A_ROUND = 3

export class Bridges {
  readonly #clock: Clock
  readonly #store: SwarmStore
  readonly #siteOf: (host: IpAddress) => Site | undefined
  readonly #swarms = new Map<InfoHash, SwarmBridges>()
  /** Where the last sweep stopped. */
  #round: Iterator<[InfoHash, SwarmBridges]> = this.#swarms.entries()
  /** So many swarms the sweep that is under way looks at. */
  #inSweep = 0

  constructor(parts: BridgesParts) {
    this.#clock = parts.clock
    this.#store = parts.store
    this.#siteOf = parts.siteOf
  }

  get swarmCount(): number {
    return this.#swarms.size
  }

  /** A peer that is in the store has announced, and is to do so again after `dueIn`. */
  sit(
    infoHash: InfoHash,
    peer: Pick<SwarmPeer, 'host' | 'port' | 'isOurs'>,
    site: Site,
    dueIn: Millis,
  ): void {
    // Machines that may not peer pass nothing on: there is nothing to elect.
    if (!mayPeer(site)) return
    let swarm = this.#swarms.get(infoHash)
    if (swarm === undefined) {
      swarm = new SwarmBridges(infoHash)
      this.#swarms.set(infoHash, swarm)
    }
    const dueAtS = Math.ceil((this.#clock.now() + dueIn) / 1_000)
    const { isOurs } = peer
    swarm.sit({ peer, site: site.name, isOpen: mayCross(site), isOurs, dueAtS }, this.#peers(infoHash, peer))
  }

  /** Harmless for who was none. */
  leave(infoHash: InfoHash, peer: Endpoint, site: Site): void {
    const swarm = this.#swarms.get(infoHash)
    swarm?.leave(site.name, peer)
    if (swarm?.isEmpty === true) this.#swarms.delete(infoHash)
  }

  standing(infoHash: InfoHash, self: Endpoint, site: Site): Standing {
    const swarm = this.#swarms.get(infoHash)
    const seats = swarm?.site(site.name)
    if (swarm === undefined || seats === undefined)
      return { seat: undefined, hubs: [], otherSiteCount: swarm?.otherSiteCount(site.name) ?? 0 }
    const seat = seats.indexOf(self)
    const hubs: Endpoint[] = []
    for (const i of SEATS) {
      const other = i === seat ? undefined : seats.at(i)
      if (other !== undefined && this.#store.has(infoHash, other)) hubs.push(other)
    }
    return { seat, hubs, otherSiteCount: swarm.otherSiteCount(site.name) }
  }

  /** Whom the bridge at `self` is told of at other sites (`SwarmBridges.linksOf`); nobody for who is none. */
  linksOf(infoHash: InfoHash, self: Endpoint, site: Site, wanted: LinksWanted): DrawnPeer[] {
    const swarm = this.#swarms.get(infoHash)
    const seats = swarm?.site(site.name)
    const index = seats?.indexOf(self)
    if (swarm === undefined || seats === undefined || index === undefined || !seats.isOpen) return []
    const peers = this.#peers(infoHash, self)
    const links = swarm.linksOf({ site: seats, index }, wanted, peers)
    if (links.length > 0 || wanted.max <= 0 || swarm.otherSiteCount(site.name) > 0) return links
    // After a new map nobody is known, and those of other sites may not announce for half an hour.
    for (const peer of this.#strangers(infoHash, self, site)) swarm.adopt(peer, peers.nowS)
    return swarm.linksOf({ site: seats, index }, wanted, peers)
  }

  /** A peer of each of some other sites that may be introduced to this. */
  #strangers(infoHash: InfoHash, self: Endpoint, site: Site): readonly DrawnPeer[] {
    const { otherSites } = this.#store.draw(infoHash, {
      self,
      site: site.name,
      wantsSeeds: true,
      sameSiteMax: 0,
      otherSitesMax: OTHER_SITES_MAX,
    })
    return otherSites.filter(({ host, site: name }) => {
      const theirs = this.#siteOf(host)
      return theirs?.name === name && mayCross(theirs)
    })
  }

  /** A bridge of each of up to `max` other open sites. */
  ofOtherSites(infoHash: InfoHash, self: Endpoint, site: Site, max: number): DrawnPeer[] {
    return this.#swarms.get(infoHash)?.ofOtherSites(site.name, max, this.#peers(infoHash, self)) ?? []
  }

  /** One of ours of each other open site that has one. */
  oursOfOtherSites(infoHash: InfoHash, self: Endpoint, site: Site): DrawnPeer[] {
    return this.#swarms.get(infoHash)?.oursOfOtherSites(site.name, this.#peers(infoHash, self)) ?? []
  }

  /**
   * Whether an origin should show pieces to the peer at `host`: it is a bridge, from which others of its site take them,
   * or its site is one whose machines may not take from each other. Says nothing of whether it is in the swarm at all.
   */
  isBridge(infoHash: InfoHash, host: IpAddress): boolean {
    const site = this.#siteOf(host)
    if (site === undefined) return false
    return !mayPeer(site) || this.#siteSeats(infoHash, site)?.hasHost(host) === true
  }

  /** The site is in the swarm for less than `span`, or not yet. */
  isNew(infoHash: InfoHash, site: Site, span: Millis): boolean {
    const bornAtS = this.#siteSeats(infoHash, site)?.bornAtS
    return bornAtS === undefined || this.#clock.now() < 1_000 * bornAtS + span
  }

  /** Frees what the store has freed: in each sweep, begun with 0, some of all swarms, and of these `part`. */
  sweep({ from, most }: Part = ALL): Next {
    if (from === 0) this.#inSweep = Math.ceil(this.#swarms.size / SWEEPS_A_ROUND)
    const end = Math.min(this.#inSweep, from + most)
    for (let at = from; at < end; at++) {
      let next = this.#round.next()
      if (next.done === true) {
        this.#round = this.#swarms.entries()
        next = this.#round.next()
        if (next.done === true) return undefined
      }
      const [infoHash, swarm] = next.value
      const { complete, incomplete } = this.#store.counts(infoHash)
      if (complete + incomplete > 0) swarm.prune(this.#peers(infoHash))
      if (complete + incomplete === 0 || swarm.isEmpty) this.#swarms.delete(infoHash)
    }
    return end < this.#inSweep ? end : undefined
  }

  /** The operator drew a new map: who is where must be learnt anew. */
  clear(): void {
    this.#swarms.clear()
    this.#round = this.#swarms.entries()
  }

  #siteSeats(infoHash: InfoHash, site: Site): SiteSeats | undefined {
    return this.#swarms.get(infoHash)?.site(site.name)
  }

  #peers(infoHash: InfoHash, self: Endpoint = NOBODY): PeerLookUp {
    return new StorePeers(this.#store, infoHash, self, Math.floor(this.#clock.now() / 1_000))
  }
}

/** The peers of a swarm but one, as the store knows them. */
class StorePeers implements PeerLookUp {
  readonly nowS: number
  readonly #store: SwarmStore
  readonly #infoHash: InfoHash
  readonly #self: Endpoint

  constructor(store: SwarmStore, infoHash: InfoHash, self: Endpoint, nowS: number) {
    this.nowS = nowS
    this.#store = store
    this.#infoHash = infoHash
    this.#self = self
  }

  isLive(peer: Endpoint): boolean {
    return this.#store.has(this.#infoHash, peer)
  }

  find(peer: Endpoint): DrawnPeer | undefined {
    return this.#store.find(this.#infoHash, peer)
  }

  anyOf(site: string): DrawnPeer | undefined {
    const request = { self: this.#self, site, wantsSeeds: true, sameSiteMax: 1, otherSitesMax: 0 }
    return this.#store.draw(this.#infoHash, request).sameSite[0]
  }
}

/** Nobody listens at port 0. */
const NOBODY: Endpoint = { host: ipAddress('0.0.0.0'), port: 0 }

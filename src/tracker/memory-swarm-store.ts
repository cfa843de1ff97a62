/**
 * Swarms in this process's memory. A tracker that starts again has forgotten them; the control feed's epoch
 * then makes our clients announce again, and others do so at their interval.
 */
import type { Endpoint, IpAddress } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import type { Random } from '../core/random.ts'
import type { Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { EndpointIndex } from './endpoint-index.ts'
import { Interned } from './interned.ts'
import { PeerTable, wordsOf, type Slot } from './peer-table.ts'
import { hostOf, peerAt, RecordDrawn, type RecordTables } from './record-peer.ts'
import { SwarmShelves } from './swarm-shelves.ts'
import {
  ALL,
  type Draw,
  type DrawnPeer,
  type DrawRequest,
  type Next,
  OTHER_FAMILY_LOOKS_MAX,
  type Part,
  type SwarmCounts,
  type SwarmPeer,
  type SwarmStore,
  type SwarmStoreOptions,
  type SwarmStoreParts,
} from './swarm-store.ts'

const NOBODY: Draw = { sameSite: [], otherSites: [] }
const NOTHING: SwarmCounts = { complete: 0, incomplete: 0, downloaded: 0 }

export class MemorySwarmStore implements SwarmStore {
  readonly #clock: Clock
  readonly #random: Random
  readonly #tables: RecordTables
  readonly #index: EndpointIndex

  constructor(parts: SwarmStoreParts, options: SwarmStoreOptions) {
    this.#clock = parts.clock
    this.#random = parts.random
    const peers = new PeerTable(options.peersMax)
    this.#index = new EndpointIndex(peers, parts.random)
    this.#tables = {
      peers,
      swarms: new Interned<SwarmShelves>((swarm) => swarm.infoHash),
      sites: new Interned<string>((site) => site),
      keys: new Interned((key) => `${key.kid} ${key.keyX}`),
    }
  }

  get swarmCount(): number {
    return this.#tables.swarms.size
  }

  get peerCount(): number {
    return this.#tables.peers.used
  }

  put(infoHash: InfoHash, peer: SwarmPeer, lease: Millis): boolean {
    const { peers, swarms, sites, keys } = this.#tables
    const known = this.#slotOf(infoHash, peer)
    const slot = known ?? peers.take(wordsOf(peer.host, peer.port))
    if (slot === undefined) return false
    const isMoved = known === undefined || !this.#standsFor(known, peer)
    // Before the old ones are let go: a number that nobody holds may become another's.
    const site = sites.hold(peer.site)
    const key = keys.hold({ kid: peer.grant.kid, keyX: peer.grant.keyX })
    if (known === undefined) {
      peers.swarm[slot] = swarms.hold(this.#find(infoHash) ?? new SwarmShelves(infoHash, peers))
      this.#index.add(slot)
    } else {
      if (isMoved) this.#swarmOf(slot).delete(slot)
      sites.letGo(peers.site[slot] ?? 0)
      keys.letGo(peers.key[slot] ?? 0)
    }
    peers.site[slot] = site
    peers.key[slot] = key
    peers.setKind(slot, peer.isSeed, peer.isOurs)
    peers.setPeerId(slot, peer.peerId)
    peers.setGrant(slot, peer.grant.claims.id, peer.grant.claims.expiresAt)
    peers.expiresAt[slot] = this.#clock.now() + lease
    if (isMoved) this.#swarmOf(slot).add(slot)
    return true
  }

  addCompleted(infoHash: InfoHash): void {
    const swarm = this.#find(infoHash)
    if (swarm !== undefined) swarm.downloaded++
  }

  remove(infoHash: InfoHash, endpoint: Endpoint): void {
    const slot = this.#slotOf(infoHash, endpoint)
    if (slot !== undefined) this.#drop(slot)
  }

  removeWhere(isRefused: (swarm: InfoHash, peer: SwarmPeer) => boolean, part = ALL): Next {
    return this.#walk(part, (slot) => {
      if (isRefused(this.#swarmOf(slot).infoHash, peerAt(this.#tables, slot))) this.#drop(slot)
    })
  }

  resite(siteOf: (host: IpAddress) => string, part = ALL): Next {
    const { peers, sites } = this.#tables
    return this.#walk(part, (slot) => {
      const site = siteOf(hostOf(peers.packed(slot)))
      const before = peers.site[slot] ?? 0
      if (sites.at(before) === site) return
      const swarm = this.#swarmOf(slot)
      swarm.delete(slot)
      peers.site[slot] = sites.hold(site)
      sites.letGo(before)
      swarm.add(slot)
    })
  }

  has(infoHash: InfoHash, endpoint: Endpoint): boolean {
    const slot = this.#slotOf(infoHash, endpoint)
    return slot !== undefined && this.#isLive(slot)
  }

  find(infoHash: InfoHash, endpoint: Endpoint): DrawnPeer | undefined {
    const slot = this.#slotOf(infoHash, endpoint)
    return slot === undefined || !this.#isLive(slot) ? undefined : new RecordDrawn(this.#tables, slot, true)
  }

  draw(infoHash: InfoHash, request: DrawRequest): Draw {
    const swarm = this.#find(infoHash)
    if (swarm === undefined) return NOBODY
    const self = this.#slotOf(infoHash, request.self)
    const site = this.#tables.sites.numberOf(request.site)
    const expired: Slot[] = []
    const { peers } = this.#tables
    const { family } = request
    const now = this.#clock.now()
    let others = 0
    const wanted = (slot: Slot): boolean | undefined => {
      if (slot === self) return false
      if ((peers.expiresAt[slot] ?? 0) <= now) {
        expired.push(slot)
        return false
      }
      if (family === undefined || peers.isV6(slot) === (family === 'v6')) return true
      return ++others < OTHER_FAMILY_LOOKS_MAX ? false : undefined
    }
    const { wantsSeeds, sameSiteMax, otherSitesMax, withPeerIds = false } = request
    const near = swarm.pickFrom(site, sameSiteMax, wantsSeeds, this.#random, wanted)
    const far = swarm.pickAround(site, otherSitesMax, wantsSeeds, this.#random, wanted)
    const drawn = (slot: Slot): RecordDrawn => new RecordDrawn(this.#tables, slot, withPeerIds)
    const draw = { sameSite: near.map(drawn), otherSites: far.map(drawn) }
    for (const slot of expired) this.#drop(slot)
    return draw
  }

  counts(infoHash: InfoHash): SwarmCounts {
    const swarm = this.#find(infoHash)
    if (swarm === undefined) return NOTHING
    const incomplete = swarm.leechers
    return { complete: swarm.size - incomplete, incomplete, downloaded: swarm.downloaded }
  }

  countAt(infoHash: InfoHash, site: string): number {
    return this.#find(infoHash)?.sizeAt(this.#tables.sites.numberOf(site)) ?? 0
  }

  countBySite(): ReadonlyMap<string, number> {
    return new Map(this.#tables.sites.holders())
  }

  sweep(part = ALL): Next {
    const { expiresAt } = this.#tables.peers
    const now = this.#clock.now()
    return this.#walk(part, (slot) => {
      if ((expiresAt[slot] ?? 0) <= now) this.#drop(slot)
    })
  }

  /** `visit` may drop the record. */
  #walk({ from, most }: Part, visit: (slot: Slot) => void): Next {
    const { peers } = this.#tables
    const end = Math.min(peers.touched, from + most)
    for (let slot = from; slot < end; slot++) if ((peers.expiresAt[slot] ?? 0) !== 0) visit(slot)
    return end < peers.touched ? end : undefined
  }

  #find(infoHash: InfoHash): SwarmShelves | undefined {
    const { swarms } = this.#tables
    const number = swarms.numberOf(infoHash)
    return number === undefined ? undefined : swarms.at(number)
  }

  #slotOf(infoHash: InfoHash, { host, port }: Endpoint): Slot | undefined {
    const swarm = this.#tables.swarms.numberOf(infoHash)
    return swarm === undefined ? undefined : this.#index.find(swarm, wordsOf(host, port))
  }

  #swarmOf(slot: Slot): SwarmShelves {
    return this.#tables.swarms.at(this.#tables.peers.swarm[slot] ?? 0)
  }

  /** Where it stands on the shelves is where `peer` belongs. */
  #standsFor(slot: Slot, { site, isSeed }: SwarmPeer): boolean {
    const { peers, sites } = this.#tables
    return peers.isSeed(slot) === isSeed && sites.at(peers.site[slot] ?? 0) === site
  }

  #isLive(slot: Slot): boolean {
    return (this.#tables.peers.expiresAt[slot] ?? 0) > this.#clock.now()
  }

  #drop(slot: Slot): void {
    const { peers, swarms, sites, keys } = this.#tables
    this.#swarmOf(slot).delete(slot)
    this.#index.delete(slot)
    swarms.letGo(peers.swarm[slot] ?? 0)
    sites.letGo(peers.site[slot] ?? 0)
    keys.letGo(peers.key[slot] ?? 0)
    peers.free(slot)
  }
}

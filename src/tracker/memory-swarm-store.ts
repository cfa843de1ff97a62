/**
 * Swarms in this process's memory. A tracker that starts again has forgotten them; the control feed's epoch
 * then makes our clients announce again, and others do so at their interval.
 */
import type { Endpoint, IpAddress } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import type { Random } from '../core/random.ts'
import { type Millis, millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { limits } from '../wire/limits.ts'
import { NO_PACKED_PEERS, PACKED_BYTES, type PackedPeers } from '../wire/packed-peers.ts'
import { AddressIndex } from './address-index.ts'
import { EndpointIndex } from './endpoint-index.ts'
import { Interned } from './interned.ts'
import { EXPIRY_MAX, PeerTable, wordsOf, type Slot } from './peer-table.ts'
import { hostOf, peerAt, RecordDrawn, seedsIn, type RecordTables } from './record-peer.ts'
import { SwarmShelves } from './swarm-shelves.ts'
import {
  ALL,
  type Draw,
  type DrawnPeer,
  type DrawRequest,
  type LeaseFacts,
  type Next,
  OTHER_LOOKS_MAX,
  type PackedDrawRequest,
  type Part,
  type SwarmCounts,
  type SwarmPeer,
  type SwarmStore,
  type SwarmStoreOptions,
  type SwarmStoreParts,
} from './swarm-store.ts'
import type { VerifiedGrant } from './verified-grant.ts'

const NOBODY: Draw = { sameSite: [], otherSites: [] }
const NOTHING: SwarmCounts = { complete: 0, incomplete: 0, downloaded: 0 }

export class MemorySwarmStore implements SwarmStore {
  readonly #clock: Clock
  readonly #random: Random
  readonly #tables: RecordTables
  readonly #index: EndpointIndex
  readonly #byAddress: AddressIndex
  /** Where the peers of an answer are put together. */
  readonly #v4Room = Buffer.alloc(limits.numWantMax * PACKED_BYTES.v4)
  readonly #v6Room = Buffer.alloc(limits.numWantMax * PACKED_BYTES.v6)

  constructor(parts: SwarmStoreParts, options: SwarmStoreOptions) {
    this.#clock = parts.clock
    this.#random = parts.random
    const peers = new PeerTable(options.peersMax)
    this.#index = new EndpointIndex(peers, parts.random)
    this.#byAddress = new AddressIndex(peers, parts.random)
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
    if (known === undefined) {
      peers.swarm[slot] = swarms.hold(this.#find(infoHash) ?? new SwarmShelves(infoHash, peers))
      peers.site[slot] = sites.hold(peer.site)
      peers.key[slot] = keys.hold(keyOf(peer))
      this.#index.add(slot)
      this.#byAddress.add(slot)
    } else {
      if (isMoved) {
        this.#swarmOf(slot).delete(slot)
        peers.site[slot] = sites.exchange(peers.site[slot] ?? 0, peer.site)
      }
      const { kid, keyX } = keys.at(peers.key[slot] ?? 0)
      if (kid !== peer.grant.kid || keyX !== peer.grant.keyX)
        peers.key[slot] = keys.exchange(peers.key[slot] ?? 0, keyOf(peer))
    }
    peers.setKind(slot, peer.isSeed, peer.isOurs)
    peers.setPeerId(slot, peer.peerId)
    peers.setGrant(slot, peer.grant.claims.id, peer.grant.claims.expiresAt)
    peers.setExpiry(slot, this.#clock.now() + Math.min(lease, EXPIRY_MAX - 1))
    if (isMoved) this.#swarmOf(slot).add(slot, this.#random)
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
      peers.site[slot] = sites.exchange(before, site)
      swarm.add(slot, this.#random)
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

  leaseAt(infoHash: InfoHash, host: IpAddress): LeaseFacts | undefined {
    const { peers, swarms } = this.#tables
    const swarm = swarms.numberOf(infoHash)
    if (swarm === undefined) return undefined
    const now = this.#clock.now()
    let left = 0
    let isOurs = true
    for (const slot of this.#byAddress.at(swarm, wordsOf(host, 0))) {
      const leftOfThis = peers.leftOf(slot, now)
      if (leftOfThis <= 0) continue
      left = Math.max(left, leftOfThis)
      isOurs &&= peers.isOurs(slot)
    }
    return left === 0 ? undefined : { leftMs: millis(left), isOurs }
  }

  draw(infoHash: InfoHash, request: DrawRequest): Draw {
    const swarm = this.#find(infoHash)
    if (swarm === undefined) return NOBODY
    const self = this.#slotOf(infoHash, request.self)
    const site = this.#tables.sites.numberOf(request.site)
    const expired: Slot[] = []
    const { peers } = this.#tables
    const { family, wantsSeeds, sameSiteMax, otherSitesMax, withPeerIds = false } = request
    const now = this.#clock.now()
    let others = 0
    const wanted = (slot: Slot): boolean | undefined => {
      if (slot === self) return false
      if (peers.isOver(slot, now)) {
        expired.push(slot)
        return false
      }
      if (family === undefined || peers.isV6(slot) === (family === 'v6')) return true
      return ++others < OTHER_LOOKS_MAX ? false : undefined
    }
    const near = swarm.pickFrom(site, sameSiteMax, wantsSeeds, this.#random, wanted)
    const far = swarm.pickAround(site, otherSitesMax, wantsSeeds, this.#random, wanted)
    const drawn = (slot: Slot): RecordDrawn => new RecordDrawn(this.#tables, slot, withPeerIds)
    const draw = { sameSite: near.map(drawn), otherSites: far.map(drawn) }
    for (const slot of expired) this.#drop(slot)
    return draw
  }

  /** In the way of nearly every announce: so no object is made for a peer, and no function for a draw. */
  drawPacked(infoHash: InfoHash, request: PackedDrawRequest): PackedPeers {
    const { peers, sites, swarms } = this.#tables
    const swarm = swarms.numberOf(infoHash)
    const site = sites.numberOf(request.site)
    if (swarm === undefined || site === undefined) return NO_PACKED_PEERS
    const walk = swarms.at(swarm).walkAt(site, request.wantsSeeds, this.#random)
    if (walk === undefined) return NO_PACKED_PEERS
    const self = this.#slotIn(swarm, request.self)
    const apart: (Slot | undefined)[] = []
    for (const one of request.apart) apart.push(this.#slotIn(swarm, one))
    const now = this.#clock.now()
    const max = Math.min(request.max, limits.numWantMax)
    let expired: Slot[] | undefined
    let v4Bytes = 0
    let v6Bytes = 0
    for (let length = 0, others = 0; length < max && others < OTHER_LOOKS_MAX;) {
      const slot = walk.next()
      if (slot === undefined) break
      if (slot === self || apart.includes(slot)) continue
      if (peers.isOver(slot, now)) {
        expired ??= []
        expired.push(slot)
        continue
      }
      const isV6 = peers.isV6(slot)
      if (isV6 ? request.family === 'v4' : request.family === 'v6') others++
      else if (!request.withLoopback && peers.isOnLoopback(slot)) others++
      else {
        length++
        if (isV6) v6Bytes = peers.pack(slot, this.#v6Room, v6Bytes)
        else v4Bytes = peers.pack(slot, this.#v4Room, v4Bytes)
      }
    }
    if (expired !== undefined) for (const slot of expired) this.#drop(slot)
    return {
      length: v4Bytes / PACKED_BYTES.v4 + v6Bytes / PACKED_BYTES.v6,
      v4: this.#v4Room.toString('latin1', 0, v4Bytes),
      v6: v6Bytes === 0 ? '' : this.#v6Room.toString('latin1', 0, v6Bytes),
    }
  }

  counts(infoHash: InfoHash): SwarmCounts {
    const swarm = this.#find(infoHash)
    if (swarm === undefined) return NOTHING
    const incomplete = swarm.leechers
    return { complete: swarm.size - incomplete, incomplete, downloaded: swarm.downloaded }
  }

  seedsOf(infoHash: InfoHash, max: number): ReturnType<typeof seedsIn> {
    return seedsIn(this.#tables, this.#find(infoHash), { max, now: this.#clock.now() })
  }

  countAt(infoHash: InfoHash, site: string): number {
    return this.#find(infoHash)?.sizeAt(this.#tables.sites.numberOf(site)) ?? 0
  }

  countBySite(): ReadonlyMap<string, number> {
    return new Map(this.#tables.sites.holders())
  }

  sweep(part = ALL): Next {
    const { peers } = this.#tables
    const now = this.#clock.now()
    return this.#walk(part, (slot) => {
      if (peers.isOver(slot, now)) this.#drop(slot)
    })
  }

  /** `visit` may drop the record. */
  #walk({ from, most }: Part, visit: (slot: Slot) => void): Next {
    const { peers } = this.#tables
    const end = Math.min(peers.touched, from + most)
    for (let slot = from; slot < end; slot++) if (peers.isUsed(slot)) visit(slot)
    return end < peers.touched ? end : undefined
  }

  #find(infoHash: InfoHash): SwarmShelves | undefined {
    const { swarms } = this.#tables
    const number = swarms.numberOf(infoHash)
    return number === undefined ? undefined : swarms.at(number)
  }

  #slotOf(infoHash: InfoHash, endpoint: Endpoint): Slot | undefined {
    const swarm = this.#tables.swarms.numberOf(infoHash)
    return swarm === undefined ? undefined : this.#slotIn(swarm, endpoint)
  }

  #slotIn(swarm: number, { host, port }: Endpoint): Slot | undefined {
    return this.#index.find(swarm, wordsOf(host, port))
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
    return !this.#tables.peers.isOver(slot, this.#clock.now())
  }

  #drop(slot: Slot): void {
    const { peers, swarms, sites, keys } = this.#tables
    this.#swarmOf(slot).delete(slot)
    this.#index.delete(slot)
    this.#byAddress.delete(slot)
    swarms.letGo(peers.swarm[slot] ?? 0)
    sites.letGo(peers.site[slot] ?? 0)
    keys.letGo(peers.key[slot] ?? 0)
    peers.free(slot)
  }
}

const keyOf = ({ grant: { kid, keyX } }: SwarmPeer): Pick<VerifiedGrant, 'kid' | 'keyX'> => ({ kid, keyX })

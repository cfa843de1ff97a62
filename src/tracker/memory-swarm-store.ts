/**
 * Swarms in this process's memory. A tracker that starts again has forgotten them; the control feed's epoch
 * then makes our clients announce again, and others do so at their interval.
 */
import type { Endpoint, IpAddress } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import type { Random } from '../core/random.ts'
import type { Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { PeerPool, type PoolEntry, type Wanted } from './peer-pool.ts'
import {
  endpointKey,
  type Draw,
  type DrawRequest,
  type SwarmCounts,
  type SwarmPeer,
  type SwarmStore,
  type SwarmStoreOptions,
  type SwarmStoreParts,
} from './swarm-store.ts'

interface Swarm {
  readonly entries: Map<string, PoolEntry>
  readonly everyone: PeerPool
  /** Those without everything: what seeds are told of. */
  readonly leechers: PeerPool
  downloaded: number
}

const NOBODY: Draw = { sameSite: [], otherSites: [] }
const NOTHING: SwarmCounts = { complete: 0, incomplete: 0, downloaded: 0 }

export class MemorySwarmStore implements SwarmStore {
  readonly #clock: Clock
  readonly #random: Random
  readonly #peersMax: number
  readonly #swarms = new Map<InfoHash, Swarm>()
  #peerCount = 0

  constructor(parts: SwarmStoreParts, options: SwarmStoreOptions) {
    this.#clock = parts.clock
    this.#random = parts.random
    this.#peersMax = options.peersMax
  }

  get swarmCount(): number {
    return this.#swarms.size
  }

  get peerCount(): number {
    return this.#peerCount
  }

  put(infoHash: InfoHash, peer: SwarmPeer, lease: Millis): boolean {
    let swarm = this.#swarms.get(infoHash)
    const key = endpointKey(peer.host, peer.port)
    let entry = swarm?.entries.get(key)
    if (entry === undefined) {
      if (this.#peerCount >= this.#peersMax) return false
      if (swarm === undefined) {
        swarm = newSwarm()
        this.#swarms.set(infoHash, swarm)
      }
      entry = { peer, expiresAt: 0, slots: [-1, -1] }
      swarm.entries.set(key, entry)
      this.#peerCount++
    }
    if (swarm !== undefined) seat(swarm, entry, peer)
    entry.expiresAt = this.#clock.now() + lease
    return true
  }

  addCompleted(infoHash: InfoHash): void {
    const swarm = this.#swarms.get(infoHash)
    if (swarm !== undefined) swarm.downloaded++
  }

  remove(infoHash: InfoHash, endpoint: Endpoint): void {
    const swarm = this.#swarms.get(infoHash)
    const entry = swarm?.entries.get(endpointKey(endpoint.host, endpoint.port))
    if (swarm === undefined || entry === undefined) return
    this.#drop(swarm, entry)
    if (swarm.entries.size === 0) this.#swarms.delete(infoHash)
  }

  removeWhere(isRefused: (swarm: InfoHash, peer: SwarmPeer) => boolean): number {
    return this.#dropWhere((infoHash, entry) => isRefused(infoHash, entry.peer))
  }

  resite(siteOf: (host: IpAddress) => string): void {
    for (const swarm of this.#swarms.values()) {
      for (const entry of swarm.entries.values()) {
        const site = siteOf(entry.peer.host)
        if (site !== entry.peer.site) seat(swarm, entry, { ...entry.peer, site })
      }
    }
  }

  find(infoHash: InfoHash, endpoint: Endpoint): SwarmPeer | undefined {
    const entry = this.#swarms.get(infoHash)?.entries.get(endpointKey(endpoint.host, endpoint.port))
    return entry !== undefined && entry.expiresAt > this.#clock.now() ? entry.peer : undefined
  }

  draw(infoHash: InfoHash, request: DrawRequest): Draw {
    const swarm = this.#swarms.get(infoHash)
    if (swarm === undefined) return NOBODY
    const pool = request.wantsSeeds ? swarm.everyone : swarm.leechers
    const now = this.#clock.now()
    const { host, port } = request.self
    const wanted: Wanted = ({ peer, expiresAt }) => {
      if (expiresAt <= now) return 'expired'
      return peer.port === port && peer.host === host ? 'skip' : 'take'
    }
    const drop = (entry: PoolEntry): void => {
      this.#drop(swarm, entry)
    }
    const sameSite = pool.drawFrom(request.site, request.sameSiteMax, this.#random, wanted, drop)
    const otherSites = pool.drawAround(request.site, request.otherSitesMax, this.#random, wanted, drop)
    if (swarm.entries.size === 0) this.#swarms.delete(infoHash)
    return { sameSite, otherSites }
  }

  counts(infoHash: InfoHash): SwarmCounts {
    const swarm = this.#swarms.get(infoHash)
    if (swarm === undefined) return NOTHING
    const incomplete = swarm.leechers.size
    return { complete: swarm.everyone.size - incomplete, incomplete, downloaded: swarm.downloaded }
  }

  countBySite(): ReadonlyMap<string, number> {
    const counts = new Map<string, number>()
    for (const swarm of this.#swarms.values()) swarm.everyone.addCounts(counts)
    return counts
  }

  sweep(): number {
    const now = this.#clock.now()
    return this.#dropWhere((_, entry) => entry.expiresAt <= now)
  }

  #dropWhere(isDue: (infoHash: InfoHash, entry: PoolEntry) => boolean): number {
    const before = this.#peerCount
    for (const [infoHash, swarm] of this.#swarms) {
      for (const entry of swarm.entries.values()) if (isDue(infoHash, entry)) this.#drop(swarm, entry)
      if (swarm.entries.size === 0) this.#swarms.delete(infoHash)
    }
    return before - this.#peerCount
  }

  #drop(swarm: Swarm, entry: PoolEntry): void {
    swarm.everyone.delete(entry)
    swarm.leechers.delete(entry)
    swarm.entries.delete(endpointKey(entry.peer.host, entry.peer.port))
    this.#peerCount--
  }
}

function newSwarm(): Swarm {
  return { entries: new Map(), everyone: new PeerPool(0), leechers: new PeerPool(1), downloaded: 0 }
}

/** Makes `entry` stand for `peer`, in the pools and under the site where it belongs. */
function seat(swarm: Swarm, entry: PoolEntry, peer: SwarmPeer): void {
  if (entry.peer.site !== peer.site) {
    swarm.everyone.delete(entry)
    swarm.leechers.delete(entry)
  }
  entry.peer = peer
  swarm.everyone.add(entry)
  if (peer.isSeed) swarm.leechers.delete(entry)
  else swarm.leechers.add(entry)
}

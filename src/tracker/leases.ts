/**
 * At which addresses each swarm has live peers: asked by address, while the swarm store knows them by endpoint.
 * It is told of every peer that the store takes and drops, so both know the same ones. A million of them are
 * to fit beside the store, so an entry is 15 bytes in typed arrays: 64 bits of hash of swarm and address, with seeds
 * of chance that nobody outside knows, the port, and when it ends.
 */
import type { IpAddress } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import type { Random } from '../core/random.ts'
import { type Millis, millis, seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { LeaseShard, type LeaseKey } from './lease-shard.ts'
import { Lru } from './lru.ts'
import { ALL, type Next, type Part } from './swarm-store.ts'

export interface LeaseFacts {
  /** Of the peer there that lasts longest. */
  readonly leftMs: Millis
  /** Every peer there says to be our own client. */
  readonly isOurs: boolean
}

/** Of those who left or were put out, the last so many are remembered: their absence is no doubt. */
const GONE_MAX = 20_000

/** A shard grows and is swept by itself, so that neither ever takes long; also for a million peers. */
const SHARDS = 64

export class Leases {
  readonly #clock: Clock
  readonly #seeds: readonly [number, number]
  readonly #gone = new Lru<string, true>({ capacity: GONE_MAX })
  readonly #shards = Array.from({ length: SHARDS }, () => new LeaseShard())

  constructor(parts: { readonly clock: Clock; readonly random: Random }) {
    this.#clock = parts.clock
    this.#seeds = [seedOf(parts.random), seedOf(parts.random)]
  }

  /** Peers that are known, those whose time is over included until the next sweep. */
  get size(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.size, 0)
  }

  /** Adds the peer, or gives it a new end. */
  put(swarm: InfoHash, peer: LeasePeer, lease: Millis): void {
    if (this.#gone.size > 0) this.#gone.delete(`${swarm} ${peer.host}`)
    const key = this.#keyOf(swarm, peer.host)
    this.#shardOf(key).put(key, { port: peer.port, isOurs: peer.isOurs, end: this.#endOf(lease) })
  }

  /** Harmless for one that is not there. */
  remove(swarm: InfoHash, host: IpAddress, port: number): void {
    const key = this.#keyOf(swarm, host)
    this.#shardOf(key).remove(key, port)
    if (this.find(swarm, host) === undefined) this.#gone.set(`${swarm} ${host}`, true)
  }

  /** A peer there has left lately, or was put out. */
  hasLeft(swarm: InfoHash, host: IpAddress): boolean {
    return this.#gone.get(`${swarm} ${host}`) !== undefined
  }

  /** Undefined when the swarm has no live peer at this address, whatever the port. */
  find(swarm: InfoHash, host: IpAddress): LeaseFacts | undefined {
    const key = this.#keyOf(swarm, host)
    const now = this.#secondsNow()
    let end = 0
    let isOurs = true
    for (const entry of this.#shardOf(key).at(key)) {
      if (entry.end <= now) continue
      end = Math.max(end, entry.end)
      isOurs &&= entry.isOurs
    }
    return end === 0 ? undefined : { leftMs: seconds(end - now), isOurs }
  }

  /** Frees those whose time is over: shard by shard, until `most` places were looked at. `from`: a shard. */
  sweep({ from, most }: Part = ALL): Next {
    const now = this.#secondsNow()
    let looked = 0
    for (let at = from; at < SHARDS; at++) {
      if (looked >= most) return at
      looked += this.#shards[at]?.dropEnded(now) ?? 0
    }
    return undefined
  }

  #shardOf(key: LeaseKey): LeaseShard {
    const shard = this.#shards[key.high % SHARDS]
    if (shard === undefined) throw new RangeError('no such shard')
    return shard
  }

  #secondsNow(): number {
    return Math.floor(this.#clock.now() / 1_000)
  }

  /** In whole seconds, rounded up: the store knows the peer for as long, at least. Never 0. */
  #endOf(lease: Millis): number {
    return Math.max(1, Math.ceil(millis(this.#clock.now() + lease) / 1_000))
  }

  /** Two rounds of Murmur's mixing over the text, each with a seed of its own. */
  #keyOf(swarm: InfoHash, host: IpAddress): LeaseKey {
    let [low, high] = this.#seeds
    for (const text of [swarm, host]) {
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i)
        low = Math.imul(low ^ code, 0x5bd1e995)
        low ^= low >>> 15
        high = Math.imul(high ^ code, 0x27d4eb2f)
        high ^= high >>> 13
      }
      low ^= 0x7c // between the two: no text is the end of another
    }
    return { low: low >>> 0, high: high >>> 0 }
  }
}

export interface LeasePeer {
  readonly host: IpAddress
  readonly port: number
  readonly isOurs: boolean
}

const seedOf = (random: Random): number => Math.floor(random() * 0x1_0000_0000) >>> 0

/** What those who serve a release may know of an address: whether a swarm has live peers there, and whether one left. */
import type { IpAddress } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import { Lru } from './lru.ts'
import type { LeaseFacts, SwarmStore } from './swarm-store.ts'

/** Of those who left or were put out, the last so many are remembered: their absence is no doubt. */
const GONE_MAX = 20_000

export class Leases {
  readonly #store: SwarmStore
  readonly #gone = new Lru<string, true>({ capacity: GONE_MAX })

  constructor(parts: { readonly store: SwarmStore }) {
    this.#store = parts.store
  }

  /** The store has a peer there, or has it again. */
  came(swarm: InfoHash, host: IpAddress): void {
    if (this.#gone.size > 0) this.#gone.delete(`${swarm} ${host}`)
  }

  /** Also where another has stayed. */
  left(swarm: InfoHash, host: IpAddress): void {
    this.#gone.set(`${swarm} ${host}`, true)
  }

  /** A peer there has left lately, or was put out. */
  hasLeft(swarm: InfoHash, host: IpAddress): boolean {
    return this.#gone.get(`${swarm} ${host}`) !== undefined
  }

  /** Undefined when the swarm has no live peer at this address, whatever the port. */
  find(swarm: InfoHash, host: IpAddress): LeaseFacts | undefined {
    return this.#store.leaseAt(swarm, host)
  }
}

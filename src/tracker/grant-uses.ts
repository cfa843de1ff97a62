/**
 * From which addresses each grant is used. A link is for a person with a few devices: it is counted by
 * distinct address, and an address counts for some time after its last announce, so that passing the link
 * round does not help. Bounded: the grant used least recently is forgotten, and of an address the oldest port.
 */
import type { IpAddress } from '../core/address.ts'
import type { GrantId } from '../core/ids.ts'
import type { Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { Lru } from './lru.ts'

interface AddressUse {
  lastSeenAt: number
  /** In the order of their last announce. */
  readonly ports: Set<number>
}

type GrantUse = Map<IpAddress, AddressUse>

export interface GrantUsesOptions {
  readonly grantsMax: number
  readonly portsPerAddressMax: number
  /** For how long after its last announce an address counts. */
  readonly hold: Millis
}

export type UseAnswer =
  /** `addresses`: of the grant, this one included. */
  | { readonly kind: 'admitted'; readonly addresses: number; readonly portForgotten?: number }
  | { readonly kind: 'too-many-addresses' }

export class GrantUses {
  readonly #clock: Clock
  readonly #options: GrantUsesOptions
  readonly #uses: Lru<GrantId, GrantUse>

  constructor(parts: { readonly clock: Clock }, options: GrantUsesOptions) {
    this.#clock = parts.clock
    this.#options = options
    this.#uses = new Lru({ capacity: options.grantsMax })
  }

  /** Grants whose addresses are remembered. */
  get grantCount(): number {
    return this.#uses.size
  }

  /** Counts an announce. `portForgotten` is the port that had to make room at this address. */
  admit(id: GrantId, host: IpAddress, port: number, addressesMax: number): UseAnswer {
    const now = this.#clock.now()
    let use = this.#uses.get(id)
    if (use === undefined) {
      use = new Map()
      this.#uses.set(id, use)
    }
    let address = use.get(host)
    if (address === undefined) {
      this.#forgetQuiet(use)
      if (use.size >= addressesMax) return { kind: 'too-many-addresses' }
      address = { lastSeenAt: now, ports: new Set() }
      use.set(host, address)
    }
    address.lastSeenAt = now
    address.ports.delete(port)
    address.ports.add(port)
    if (address.ports.size <= this.#options.portsPerAddressMax)
      return { kind: 'admitted', addresses: use.size }
    const [oldest = port] = address.ports
    address.ports.delete(oldest)
    return { kind: 'admitted', addresses: use.size, portForgotten: oldest }
  }

  /** The peer left; its address still counts for a while. */
  stopped(id: GrantId, host: IpAddress, port: number): void {
    this.#uses.get(id)?.get(host)?.ports.delete(port)
  }

  /** Frees what no longer counts. */
  sweep(): void {
    for (const [id, use] of this.#uses.entries()) {
      this.#forgetQuiet(use)
      if (use.size === 0) this.#uses.delete(id)
    }
  }

  #forgetQuiet(use: GrantUse): void {
    const now = this.#clock.now()
    for (const [host, address] of use) if (now - address.lastSeenAt >= this.#options.hold) use.delete(host)
  }
}

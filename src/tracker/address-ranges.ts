/** Sets of addresses as CIDR ranges: whose word about a client's address counts, and who may be listed. */
import ipaddr from 'ipaddr.js'
import type { IpAddress } from '../core/address.ts'
import { canonicalCidr } from '../core/site.ts'

/**
 * What ipaddr.js calls the ranges in which a peer can be dialled: never multicast, unspecified, link-local or
 * translated ones. `reserved` are the documentation and benchmarking ranges (192.0.2.0/24, 198.18.0.0/15), which
 * labs and sandboxes use as their own; nobody's service stands there.
 */
const DIALLABLE: ReadonlySet<string> = new Set([
  'unicast',
  'private',
  'loopback',
  'uniqueLocal',
  'carrierGradeNat',
  'reserved',
])

export class AddressRanges {
  /** In canonical spelling, e.g. `10.4.0.0/16`. */
  readonly cidrs: readonly string[]
  readonly #ranges: readonly ReturnType<typeof ipaddr.parseCIDR>[]

  /** @throws ShoalError `bad-input` naming the first range that cannot be read. */
  constructor(cidrs: readonly string[]) {
    this.cidrs = cidrs.map(canonicalCidr)
    this.#ranges = this.cidrs.map((cidr) => ipaddr.parseCIDR(cidr))
  }

  get isEmpty(): boolean {
    return this.#ranges.length === 0
  }

  has(host: IpAddress): boolean {
    const address = ipaddr.parse(host)
    return this.#ranges.some((range) => range[0].kind() === address.kind() && address.match(range))
  }
}

export function isLoopback(host: IpAddress): boolean {
  return host === '::1' || host.startsWith('127.')
}

/** Whether a peer at `host` may be told to others. Empty ranges allow every address that can be dialled. */
export function isListable(host: IpAddress, allowed: AddressRanges): boolean {
  return DIALLABLE.has(ipaddr.parse(host).range()) && (allowed.isEmpty || allowed.has(host))
}

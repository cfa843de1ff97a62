/**
 * Sites: places with a fast network inside and a slow link out. The longest prefix that holds an address
 * names its site; tracker, clients and portal all decide by this file, and always by the address seen, never
 * by what a peer says.
 */
import ipaddr from 'ipaddr.js'
import { ShoalError } from './errors.ts'
import type { IpAddress } from './address.ts'

/** What the operator says of a site beside its ranges; nothing said is an ordinary site. */
export interface SitePolicy {
  /**
   * `off`, as for the ranges of a VPN: its machines take from origins and mirrors only, are told of nobody else
   * and to nobody, since any two of them are far from each other.
   */
  readonly peering?: 'off' | undefined
  /** What swarms may use of its link to other sites, bytes a second; 0: its machines are introduced to no other site. */
  readonly wanBytesPerSecond?: number | undefined
}

export interface Site extends SitePolicy {
  readonly name: string
  /** In canonical spelling, e.g. `10.4.0.0/16`. */
  readonly cidrs: readonly string[]
}

interface Prefix {
  readonly bytes: readonly number[]
  readonly bits: number
  readonly site: Site
}

/** What may answer "in which site is this address?". */
export class SiteMap {
  readonly sites: readonly Site[]
  /** What holds for every address that no site lists. */
  readonly unlisted: SitePolicy
  /** Some site may not be introduced to others: who tells of peers must look. */
  readonly hasClosedSites: boolean
  /** Longest first, so that the first match is the answer. */
  readonly #prefixes: readonly Prefix[]

  /** @throws ShoalError `bad-input` naming the first range that cannot be read, or that two sites claim. */
  constructor(sites: readonly Site[], unlisted: SitePolicy = {}) {
    this.sites = sites.map((s) => ({ name: s.name, cidrs: s.cidrs.map(canonicalCidr), ...policyOf(s) }))
    this.unlisted = policyOf(unlisted)
    this.hasClosedSites = [...this.sites, this.unlisted].some((site) => !mayCross(site))
    const prefixes: Prefix[] = []
    const owner = new Map<string, string>()
    for (const site of this.sites) {
      for (const cidr of site.cidrs) {
        const other = owner.get(cidr)
        if (other !== undefined)
          throw new ShoalError('bad-input', `sites: ${cidr} is in both ${other} and ${site.name}`)
        owner.set(cidr, site.name)
        const [range, bits] = ipaddr.parseCIDR(cidr)
        prefixes.push({ bytes: range.toByteArray(), bits, site })
      }
    }
    this.#prefixes = prefixes.toSorted((a, b) => b.bits - a.bits)
  }

  /** The listed site that holds `host` by longest prefix, else {@link defaultSite} under the policy of the unlisted. */
  siteOf(host: IpAddress): Site {
    const bytes = ipaddr.parse(host).toByteArray()
    for (const prefix of this.#prefixes) if (holds(prefix, bytes)) return prefix.site
    return { ...defaultSite(host), ...this.unlisted }
  }
}

/** Whether its machines are introduced to each other. */
export const mayPeer = (site: SitePolicy): boolean => site.peering !== 'off'

/** Whether its machines are introduced to those of other sites. */
export const mayCross = (site: SitePolicy): boolean => mayPeer(site) && site.wanBytesPerSecond !== 0

/**
 * Whether its machines are next to each other, as far as anybody has said. Of ranges that no line lists only private
 * ones are: what is public may be anywhere, and loopback addresses stand for other machines in tests. Where peering is
 * off, as for a VPN, any two are far from each other.
 */
export function isOneNetwork(site: Site): boolean {
  if (!mayPeer(site) || site.name === INTERNET.name) return false
  const [cidr = ''] = site.cidrs
  // The /64 of ::1 begins with the unspecified address.
  return isListed(site) || !['loopback', 'unspecified'].includes(ipaddr.parseCIDR(cidr)[0].range())
}

/** Whether a line of the map names it; the others are called by their range. */
export const isListed = ({ name, cidrs: [cidr] }: Site): boolean => name !== cidr && name !== INTERNET.name

/** The policy alone, without keys that say nothing. */
export function policyOf({ peering, wanBytesPerSecond }: SitePolicy): SitePolicy {
  return {
    ...(peering !== undefined && { peering }),
    ...(wanBytesPerSecond !== undefined && { wanBytesPerSecond }),
  }
}

/**
 * The site of an address that no range lists: one site per /24 (IPv4) or /64 (IPv6) among private and
 * loopback ranges; all public addresses together are one site, `internet`, since nothing says who is near.
 */
export function defaultSite(host: IpAddress): Site {
  const address = ipaddr.parse(host)
  if (address.range() === 'unicast') return INTERNET
  const bits = address.kind() === 'ipv4' ? 24 : 64
  const cidr = canonicalCidr(`${host}/${bits}`)
  return { name: cidr, cidrs: [cidr] }
}

const INTERNET: Site = { name: 'internet', cidrs: ['0.0.0.0/0', '::/0'] }

/** @throws ShoalError `bad-input`. `10.4.7.9/16` becomes `10.4.0.0/16`. */
export function canonicalCidr(text: string): string {
  if (text.length <= 49 && /^[0-9a-fA-F:.]+\/\d{1,3}$/.test(text) && ipaddr.isValidCIDR(text)) {
    const [range, bits] = ipaddr.parseCIDR(text)
    const masked = range.toByteArray().map((byte, i) => byte & maskOf(bits - 8 * i))
    return `${ipaddr.fromByteArray(masked).toString()}/${bits}`
  }
  throw new ShoalError(
    'bad-input',
    `sites: ${JSON.stringify(text.slice(0, 60))} is no address range such as 10.4.0.0/16`,
  )
}

function holds(prefix: Prefix, bytes: readonly number[]): boolean {
  if (prefix.bytes.length !== bytes.length) return false
  for (let i = 0; 8 * i < prefix.bits; i++) {
    const mask = maskOf(prefix.bits - 8 * i)
    if (((prefix.bytes[i] ?? 0) & mask) !== ((bytes[i] ?? 0) & mask)) return false
  }
  return true
}

/** The byte whose `bits` highest bits are set; `bits` may be below 0 or above 8. */
function maskOf(bits: number): number {
  return bits >= 8 ? 0xff : bits <= 0 ? 0 : (0xff << (8 - bits)) & 0xff
}

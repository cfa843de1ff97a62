/** What each address means here, looked up once: its canonical spelling, its site, whether it may be listed. */
import { tryIpAddress, type IpAddress } from '../core/address.ts'
import type { Site, SiteMap } from '../core/site.ts'
import { isListable, isLoopback, type AddressRanges } from './address-ranges.ts'
import { Lru } from './lru.ts'

export interface AddressFacts {
  readonly host: IpAddress
  readonly site: Site
  /** It is in the allowed ranges and can be dialled. */
  readonly isListable: boolean
  readonly isLoopback: boolean
}

/** Addresses remembered: more than any company's machines in use at a time cost only a second look-up. */
const ADDRESSES_MAX = 50_000
const SITES_MAX = 10_000

export class AddressBook {
  readonly #sites: () => SiteMap
  readonly #allowed: AddressRanges
  /** By host, and by spellings of it that sockets use. */
  readonly #facts = new Lru<string, AddressFacts>({ capacity: ADDRESSES_MAX })
  /** One object a site, not one an address of it. */
  readonly #siteByName = new Lru<string, Site>({ capacity: SITES_MAX })
  #map: SiteMap | undefined

  constructor(parts: { readonly sites: () => SiteMap }, options: { readonly allowed: AddressRanges }) {
    this.#sites = parts.sites
    this.#allowed = options.allowed
  }

  /** Some site may not be introduced to others (`SiteMap`). */
  get hasClosedSites(): boolean {
    return this.#sites().hasClosedSites
  }

  /** Undefined for what is no literal address. */
  lookUp(text: string): AddressFacts | undefined {
    const map = this.#sites()
    if (map !== this.#map) {
      this.#facts.clear() // the operator drew a new map
      this.#siteByName.clear()
      this.#map = map
    }
    const known = this.#facts.get(text)
    if (known !== undefined) return known
    const host = tryIpAddress(text)
    if (host === undefined) return undefined
    const facts: AddressFacts = {
      host,
      site: this.#siteOf(host, map),
      isListable: isListable(host, this.#allowed),
      isLoopback: isLoopback(host),
    }
    this.#facts.set(text, facts)
    return facts
  }

  #siteOf(host: IpAddress, map: SiteMap): Site {
    const site = map.siteOf(host)
    const known = this.#siteByName.get(site.name)
    if (known === undefined) this.#siteByName.set(site.name, site)
    return known ?? site
  }
}

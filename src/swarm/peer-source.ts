/** Where a peer is: by its address and by the tracker's word, never by its own. */
import { type Endpoint, formatEndpoint, type IpAddress } from '../core/address.ts'
import { defaultSite, isOneNetwork, type Site, SiteMap } from '../core/site.ts'
import type { PeerSource } from './engine-types.ts'

const KNOWN_MAX = 4_096

export class SourceMap {
  /** Our addresses, for as long as no tracker has said in which site it sees us. */
  readonly #ownAddresses: readonly IpAddress[]
  #site: { readonly site: Site; readonly map: SiteMap; readonly peers: number } | undefined
  readonly #origins = new Set<string>()
  /** Answers given: parsing an address costs more than remembering it. */
  readonly #known = new Map<IpAddress, boolean>()

  constructor(ownAddresses: readonly IpAddress[]) {
    this.#ownAddresses = ownAddresses
  }

  /** The tracker says in which site it sees us, and perhaps how many are there with us. */
  setSite(site: Site, peers = 1): void {
    this.#site = { site, map: new SiteMap([site]), peers }
    this.#known.clear()
  }

  /** Ours, as the tracker has told it. */
  get site(): Site | undefined {
    return this.#site?.site
  }

  /** How many peers of the swarm there are at our site, by the tracker's last count. */
  get sitePeers(): number {
    return this.#site?.peers ?? 1
  }

  /** The tracker says that an origin or a mirror listens there. */
  markOrigin(endpoint: Endpoint): void {
    this.#origins.add(formatEndpoint(endpoint))
  }

  /** `host` as seen; `listenPort` where it was dialled, or where it says that it listens. */
  sourceOf(host: IpAddress, listenPort: number | undefined): PeerSource {
    if (listenPort !== undefined && this.#origins.has(formatEndpoint({ host, port: listenPort })))
      return 'origin'
    return this.isOurSite(host) ? 'site' : 'otherSites'
  }

  /** Whether it is at our site; an origin may be, too. */
  isOurSite(host: IpAddress): boolean {
    let isSame = this.#known.get(host)
    if (isSame === undefined) {
      if (this.#known.size >= KNOWN_MAX) this.#known.clear()
      isSame = this.#isSameSite(host)
      this.#known.set(host, isSame)
    }
    return isSame
  }

  /** Whether a fast network is between us: the same site, and one that is a place. */
  isNear(host: IpAddress): boolean {
    return this.isOurSite(host) && isOneNetwork(this.#site?.site ?? defaultSite(host))
  }

  #isSameSite(host: IpAddress): boolean {
    if (this.#site !== undefined) return this.#site.map.siteOf(host).name === this.#site.site.name
    const theirs = defaultSite(host).name
    return this.#ownAddresses.some((own) => defaultSite(own).name === theirs)
  }
}

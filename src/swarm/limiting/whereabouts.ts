/**
 * Where this engine is: who is next to it, and whose budget it lives on. An origin reads both from the map; others
 * take the tracker's word, which each torrent keeps (`peer-source.ts`).
 */
import type { IpAddress } from '../../core/address.ts'
import type { PeerId } from '../../core/ids.ts'
import type { Rate } from '../../core/rate-schedule.ts'
import { isListed, isOneNetwork, type Site } from '../../core/site.ts'
import { type Millis, seconds } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { SourceMap } from '../peer-source.ts'
import { wanShare } from './wan-share.ts'

export interface WhereaboutsParts {
  readonly clock: Clock
  readonly ownAddresses: () => readonly IpAddress[]
  /** Absent where the map is not known. */
  readonly siteOf: ((host: IpAddress) => Site) | undefined
}

/** One torrent's part of it. */
export interface Surroundings {
  readonly sources: SourceMap
  /** Our own clients that we are connected to, servers aside. */
  readonly ownClients: () => Iterable<{ readonly id: PeerId; readonly address: IpAddress }>
}

/** Addresses of a machine and the map change rarely; asking the system each time costs more than a block. */
const LOOK_EVERY = seconds(10)

export class Whereabouts {
  readonly #parts: WhereaboutsParts
  #own: readonly Site[] = []
  #lookedAt: Millis | undefined

  constructor(parts: WhereaboutsParts) {
    this.#parts = parts
  }

  /** Whether a fast network is between us. */
  isNear(host: IpAddress, sources: SourceMap): boolean {
    const { siteOf } = this.#parts
    if (siteOf === undefined) return sources.isNear(host)
    const site = siteOf(host)
    return isOneNetwork(site) && this.#isOwn(site)
  }

  /** The rate that is ours of the budget of our site; undefined where it has none. */
  shareOfBudget(torrents: readonly Surroundings[]): Rate {
    const { siteOf } = this.#parts
    const isColleague = (host: IpAddress, sources: SourceMap): boolean =>
      siteOf === undefined ? sources.isOurSite(host) : this.#isOwn(siteOf(host))
    return wanShare({
      sites: siteOf === undefined ? torrents.map(({ sources }) => sources.site) : this.#ownSites(),
      peers: Math.max(1, ...torrents.map(({ sources }) => sources.sitePeers)),
      *colleagues() {
        for (const { sources, ownClients } of torrents)
          for (const { id, address } of ownClients()) if (isColleague(address, sources)) yield id
      },
    })
  }

  #isOwn(site: Site): boolean {
    return this.#ownSites().some((own) => own.name === site.name)
  }

  /** Ranges that no line lists (of containers, say) count where no address of ours is in one that is listed. */
  #ownSites(): readonly Site[] {
    const { clock, ownAddresses, siteOf } = this.#parts
    const now = clock.now()
    if (siteOf === undefined || (this.#lookedAt !== undefined && now - this.#lookedAt < LOOK_EVERY))
      return this.#own
    this.#lookedAt = now
    const sites = ownAddresses().map(siteOf)
    const listed = sites.filter(isListed)
    this.#own = listed.length > 0 ? listed : sites
    return this.#own
  }
}

/** What the portal's own web seed sends, counted where it is sent; a minute of it is lost when the process dies. */
import type { IpAddress } from '../../core/address.ts'
import type { InfoHash } from '../../core/ids.ts'
import type { Presence } from '../control/presence.ts'
import type { RecordParts } from '../journal.ts'
import type { Sites } from '../sites.ts'
import { Tally } from './roll-up.ts'

export interface WebSeedTallyParts extends RecordParts {
  readonly sites: Pick<Sites, 'map'>
  readonly presence: Pick<Presence, 'hostsOf'>
}

export class WebSeedTally {
  readonly #parts: WebSeedTallyParts
  /** By release, then by site: no more than links with a web seed are used in a minute. */
  #bytes = new Map<InfoHash, Map<string, number>>()

  constructor(parts: WebSeedTallyParts) {
    this.#parts = parts
  }

  sent(infohash: InfoHash, to: IpAddress | undefined, bytes: number): void {
    const site = to === undefined ? 'internet' : this.#parts.sites.map.siteOf(to).name
    let sites = this.#bytes.get(infohash)
    if (sites === undefined) this.#bytes.set(infohash, (sites = new Map<string, number>()))
    sites.set(site, (sites.get(site) ?? 0) + bytes)
  }

  /** The web seed is where the content is: with an origin. */
  isFar(site: string): boolean {
    const { presence, sites } = this.#parts
    return !presence
      .hostsOf('origin')
      .values()
      .some((host) => sites.map.siteOf(host).name === site)
  }

  /** How much it was. */
  async write(): Promise<number> {
    const bytes = this.#bytes
    if (bytes.size === 0) return 0
    this.#bytes = new Map()
    const { journal, clock } = this.#parts
    const tally = new Tally()
    let sum = 0
    try {
      await journal.change(async (tx) => {
        const rows = await tx
          .selectFrom('releases')
          .select(['id', 'infohash'])
          .where('infohash', 'in', [...bytes.keys()])
          .execute()
        for (const { id, infohash } of rows)
          for (const [site, sent] of bytes.get(infohash) ?? []) {
            sum += sent
            tally.add(id, site, { sent_web: sent, sent_far: this.isFar(site) ? sent : 0 })
          }
        await tally.write(tx, clock.epoch())
      })
    } catch (error) {
      this.#giveBack(bytes)
      throw error
    }
    return sum
  }

  /** Written the next time. */
  #giveBack(bytes: ReadonlyMap<InfoHash, ReadonlyMap<string, number>>): void {
    for (const [infohash, sites] of bytes) {
      const now = this.#bytes.get(infohash) ?? new Map<string, number>()
      for (const [site, sent] of sites) now.set(site, (now.get(site) ?? 0) + sent)
      this.#bytes.set(infohash, now)
    }
  }
}

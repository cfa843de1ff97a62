/** The site map: kept here, read by the tracker, changed by an admin or by the sites file at start. */
import { z } from 'zod'
import { type Site, SiteMap, type SitePolicy } from '../core/site.ts'
import { zSite, zSiteList } from '../wire/api.ts'
import type { Database } from './database/tables.ts'
import { readEpoch, readFact, writeFact } from './facts.ts'
import type { Journal } from './journal.ts'

/** As it is kept. A list alone is of before there was a policy for the unlisted. */
const zKept = z.union([zSiteList, z.array(zSite).transform((items) => ({ items, unlisted: undefined }))])

export class Sites {
  readonly #journal: Journal
  #map: SiteMap

  private constructor(journal: Journal, map: SiteMap) {
    this.#journal = journal
    this.#map = map
  }

  /** `given` replaces what is kept: whoever runs with a sites file means that file. */
  static async open(parts: { db: Database; journal: Journal; given?: SiteMap | undefined }): Promise<Sites> {
    const kept = await readFact(parts.db, 'sites')
    const { items, unlisted } = zKept.parse(kept === undefined ? [] : JSON.parse(kept))
    const sites = new Sites(parts.journal, new SiteMap(items, unlisted))
    const { given } = parts
    if (given !== undefined && textOf(given) !== textOf(sites.map))
      await sites.set(given.sites, given.unlisted, 'sites file')
    return sites
  }

  get map(): SiteMap {
    return this.#map
  }

  /**
   * Begins a new epoch: who is near whom has changed, so every client should ask its tracker again.
   * @throws ShoalError `bad-input` for ranges that cannot be read or that two sites claim.
   */
  async set(sites: readonly Site[], unlisted: SitePolicy, by: string): Promise<SiteMap> {
    const map = new SiteMap(sites, unlisted)
    await this.#journal.change(async (tx, notes) => {
      const epoch = (await readEpoch(tx)) + 1
      await writeFact(tx, 'sites', textOf(map))
      await writeFact(tx, 'epoch', String(epoch))
      notes.audit({ actor: by, action: 'sites-changed', subject: `${map.sites.length} sites` })
      notes.event({ kind: 'epoch', epoch })
    })
    this.#map = map
    return map
  }
}

const textOf = (map: SiteMap): string => JSON.stringify({ items: map.sites, unlisted: map.unlisted })

/** What the page of the site map may call. The map is the text of a sites file, as operators know it. */
import { ipAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import type { Site, SiteMap } from '../core/site.ts'
import { formatSites, parseSitesFile } from '../wire/sites-file.ts'
import { mustBeAllowed } from './access.ts'
import type { Account } from './account.ts'
import { may } from './policy.ts'
import type { Services } from './services.ts'

export interface SitePages {
  mayRead(account: Account): boolean
  maySet(account: Account): boolean
  /** @throws ShoalError `not-found` for whom that is no business. */
  map(account: Account): { readonly sites: SiteMap['sites']; readonly text: string }
  /** @throws ShoalError `bad-input` for what is no address; `not-found`. */
  siteOf(account: Account, address: string): Site
  /** Every client is asked to announce again. @throws ShoalError `not-granted`; `bad-input` that names the line. */
  set(account: Account, text: string): Promise<number>
}

export function sitePages({ sites }: Services): SitePages {
  const mustRead = (account: Account): void => {
    if (!may(account, { kind: 'read-sites' })) throw new ShoalError('not-found', 'no such page')
  }
  return {
    mayRead: (account) => may(account, { kind: 'read-sites' }),
    maySet: (account) => may(account, { kind: 'set-sites' }),
    map(account) {
      mustRead(account)
      return { sites: sites.map.sites, text: formatSites(sites.map) }
    },
    siteOf(account, address) {
      mustRead(account)
      return sites.map.siteOf(ipAddress(address.trim()))
    },
    async set(account, text) {
      mustBeAllowed(account, { kind: 'set-sites' })
      const { sites: given, unlisted } = parseSitesFile(text)
      return (await sites.set(given, unlisted, account.user)).sites.length
    },
  }
}

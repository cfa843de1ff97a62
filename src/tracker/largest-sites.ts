/** Peers by site, as figures show them: a company of many small offices must not make a thousand series of it. */

export interface SiteSize {
  readonly site: string
  readonly peers: number
}

/** Sites that are named. */
export const NAMED_SITES_MAX = 100
/** Under which the peers of all others are counted: no site has this name. */
export const OTHER_SITES = 'all others'

/** Largest first, those of one size by name; the rest as one. */
export function largestSites(counts: ReadonlyMap<string, number>): SiteSize[] {
  const sizes = [...counts].map(([site, peers]) => ({ site, peers }))
  const sorted = sizes.toSorted((a, b) => b.peers - a.peers || (a.site < b.site ? -1 : 1))
  const rest = sorted.slice(NAMED_SITES_MAX).reduce((sum, { peers }) => sum + peers, 0)
  return [...sorted.slice(0, NAMED_SITES_MAX), ...(rest > 0 ? [{ site: OTHER_SITES, peers: rest }] : [])]
}

/** Counts of figures, and what follows from them. Pure. */
import type { ByServer, FigureRow } from '../../wire/api.ts'
import { FIGURES_COUNTED, type Counts } from '../database/figure-tables.ts'

export const noCounts = (): Counts => ({
  near: 0,
  far: 0,
  origin: 0,
  mirror: 0,
  web: 0,
  server_far: 0,
  given: 0,
  sent_origin: 0,
  sent_mirror: 0,
  sent_web: 0,
  sent_far: 0,
})

export function addTo(counts: Counts, more: Readonly<Partial<Counts>>): void {
  for (const name of FIGURES_COUNTED) counts[name] += more[name] ?? 0
}

export const isNothing = (counts: Readonly<Counts>): boolean =>
  FIGURES_COUNTED.every((name) => counts[name] === 0)

/**
 * Of servers the end that says more is believed: other clients than ours do not say what they get, and a server whose last report
 * got lost has sent no less than was received.
 */
export function figureRowOf(counts: Readonly<Counts>): FigureRow {
  const receiversSay = { origins: counts.origin, mirrors: counts.mirror, webSeeds: counts.web }
  const serversSay = { origins: counts.sent_origin, mirrors: counts.sent_mirror, webSeeds: counts.sent_web }
  const fromServers = {
    origins: Math.max(receiversSay.origins, serversSay.origins),
    mirrors: Math.max(receiversSay.mirrors, serversSay.mirrors),
    webSeeds: Math.max(receiversSay.webSeeds, serversSay.webSeeds),
  }
  const fromPeers = counts.near + counts.far
  const delivered = fromPeers + sumOf(fromServers)
  return {
    delivered,
    fromSite: counts.near,
    fromOtherSites: counts.far,
    fromServers,
    receiversSay,
    serversSay,
    offload: delivered === 0 ? null : fromPeers / delivered,
    wan: wanOf(counts),
    given: counts.given,
  }
}

export const sumOf = ({ origins, mirrors, webSeeds }: ByServer): number => origins + mirrors + webSeeds

/** Over the WAN link into the site. */
const wanOf = (counts: Readonly<Pick<Counts, 'far' | 'server_far' | 'sent_far'>>): number =>
  counts.far + Math.max(counts.server_far, counts.sent_far)

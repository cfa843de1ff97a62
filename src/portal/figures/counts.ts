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

/** Whether it is the servers that are believed, of each kind, and of what went over WAN links. */
export type Believed = Readonly<Record<'origins' | 'mirrors' | 'webSeeds' | 'far', boolean>>

/**
 * The end that says more: other clients than ours do not say what they get, and a server whose last report got lost has sent no less
 * than was received. Asked of a whole, the answer holds for its parts, so that they add up to it.
 */
export const believedOf = (counts: Readonly<Counts>): Believed => ({
  origins: counts.sent_origin > counts.origin,
  mirrors: counts.sent_mirror > counts.mirror,
  webSeeds: counts.sent_web > counts.web,
  far: counts.sent_far > counts.server_far,
})

export function figureRowOf(counts: Readonly<Counts>, believed = believedOf(counts)): FigureRow {
  const receiversSay = { origins: counts.origin, mirrors: counts.mirror, webSeeds: counts.web }
  const serversSay = { origins: counts.sent_origin, mirrors: counts.sent_mirror, webSeeds: counts.sent_web }
  const said = (kind: keyof ByServer): number => (believed[kind] ? serversSay : receiversSay)[kind]
  const fromServers = { origins: said('origins'), mirrors: said('mirrors'), webSeeds: said('webSeeds') }
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
    wan: counts.far + (believed.far ? counts.sent_far : counts.server_far),
    given: counts.given,
  }
}

export const sumOf = ({ origins, mirrors, webSeeds }: ByServer): number => origins + mirrors + webSeeds

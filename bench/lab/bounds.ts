/**
 * The least time in which a swarm can have brought the content to each host and to all, counting content bytes
 * alone: the best that any rules could do over the links of a plan. Pure.
 *
 * A host has everything once its own link, its site's WAN link and the origin's uplink have each carried one copy:
 * the first since the host came, the others since the first came whom they serve. A link that is cut carries
 * nothing meanwhile. Hosts that accept no connection can have bytes from those that do, and from nobody else: in a
 * site of such hosts alone, each takes a copy of its own over the WAN. What sites and hosts have to send on is never
 * more than what they can, since links are as fast out as in.
 */
import { peersOf, type Cut, type LabPlan, type PlacedHost, type SitePlan } from './plan.ts'
import { secondsFor } from './shape.ts'

export interface Bounds {
  /** By host in the plan's order, poisoners left out: seconds from its own arrival. */
  readonly hostSeconds: readonly number[]
  /**
   * What each link on its way needs from its arrival on, as if nothing had been fetched before: the measure of who
   * starves. One copy; over the WAN link of a site where nobody accepts a connection, a copy for each host. A host that
   * comes when its site has nearly everything has a bound of a few seconds, of which its start alone takes its share.
   */
  readonly aloneSeconds: readonly number[]
  /** Until the last host has everything, from the start of the run. */
  readonly wholeSeconds: number
}

type Outages = readonly (readonly [fromSeconds: number, untilSeconds: number])[]

export function boundsOf(sizeBytes: number, plan: Pick<LabPlan, 'originMbit' | 'sites' | 'cuts'>): Bounds {
  const copySeconds = (mbit: number): number => secondsFor(sizeBytes, mbit)
  const peers = peersOf(plan)
  const first = earliest(peers)
  const outages = plan.sites.map((_, site) => outagesOf(plan.cuts, site))
  const originDone = first + copySeconds(plan.originMbit)
  const doneAt = peers.map((host) => {
    const { wanMbit } = plan.sites[host.site] ?? { wanMbit: 0 }
    const ofSite = peers.filter(({ site }) => site === host.site)
    // Where nobody accepts connections there is nobody to have it from but those elsewhere.
    const since = canShare(ofSite) ? earliest(ofSite) : host.arrivesAtSeconds
    return Math.max(
      originDone,
      host.arrivesAtSeconds + copySeconds(host.lanMbit),
      carriedAt(since, copySeconds(wanMbit), outages[host.site] ?? []),
    )
  })
  const aloneSeconds = peers.map(({ arrivesAtSeconds, lanMbit, site }) => {
    const at = plan.sites[site]
    const wan = at === undefined ? 0 : leastWanCopies(at) * copySeconds(at.wanMbit)
    const wanDone = carriedAt(arrivesAtSeconds, wan, outages[site] ?? [])
    return Math.max(wanDone - arrivesAtSeconds, copySeconds(lanMbit), copySeconds(plan.originMbit))
  })
  const copies = plan.sites.map(leastWanCopies)
  const wanSeconds = plan.sites.map(({ wanMbit }, site) =>
    carriedAt(
      earliest(peers.filter((peer) => peer.site === site)),
      (copies[site] ?? 0) * copySeconds(wanMbit),
      outages[site] ?? [],
    ),
  )
  const originCopies = canShare(peers) ? 1 : peers.length
  return {
    hostSeconds: doneAt.map((at, i) => at - (peers[i]?.arrivesAtSeconds ?? 0)),
    aloneSeconds,
    wholeSeconds: Math.max(
      ...doneAt,
      ...wanSeconds.filter(Number.isFinite),
      first + originCopies * copySeconds(plan.originMbit),
    ),
  }
}

/** How often the content has to enter a site for all of its hosts to have it. */
export function leastWanCopies({ hosts }: SitePlan): number {
  const peers = hosts.filter(({ client }) => client !== 'poisoner')
  return canShare(peers) ? Math.min(1, peers.length) : peers.length
}

/** Whether one of them can have bytes from another: both ends of a connection are never closed. */
const canShare = (hosts: readonly { readonly acceptsConnections: boolean }[]): boolean =>
  hosts.length < 2 || hosts.some(({ acceptsConnections }) => acceptsConnections)

/** When a link that needs `seconds` of work and has outages is done with it. */
function carriedAt(fromSeconds: number, seconds: number, outages: Outages): number {
  let [at, left] = [fromSeconds, seconds]
  for (const [begin, end] of outages) {
    if (end <= at) continue
    if (at + left <= begin) break
    left -= Math.max(0, begin - at)
    at = end
  }
  return at + left
}

function outagesOf(cuts: readonly Cut[], site: number): Outages {
  return cuts
    .filter(({ between }) => between.kind === 'apart' && between.sites.includes(site))
    .map(({ fromSeconds, untilSeconds }) => [fromSeconds, untilSeconds] as const)
    .toSorted(([a], [b]) => a - b)
}

const earliest = (hosts: readonly PlacedHost[]): number =>
  Math.min(...hosts.map(({ arrivesAtSeconds }) => arrivesAtSeconds))

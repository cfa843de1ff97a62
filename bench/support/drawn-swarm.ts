/** A topology of the lab as a simulated swarm of our own clients, and its figures over the lab's own bounds. */
import { bytesPerSecond, millis } from '../../src/core/units.ts'
import { SitesSwarm } from '../../test/support/sites-swarm.ts'
import { boundsOf, leastWanCopies } from '../lab/bounds.ts'
import type { LabPlan } from '../lab/plan.ts'

export interface PlanContent {
  readonly sizeBytes: number
  readonly pieceLength: number
  readonly seed: number
}

const rateOf = (mbit: number): number => bytesPerSecond((mbit * 1e6) / 8)

export function swarmOfPlan(
  plan: LabPlan,
  { sizeBytes, pieceLength, seed }: PlanContent,
): Promise<SitesSwarm> {
  const site = (index: number): LabPlan['sites'][number] => {
    const found = plan.sites[index]
    if (found === undefined) throw new RangeError(`the plan has no site ${index}`)
    return found
  }
  const host = (index: number, inSite: number): LabPlan['sites'][number]['hosts'][number] => {
    const found = site(index).hosts[inSite]
    if (found === undefined) throw new RangeError(`site ${index} has no host ${inSite}`)
    return found
  }
  return SitesSwarm.create({
    hostsPerSite: plan.sites.map(({ hosts }) => hosts.length),
    sizeBytes,
    pieceLength,
    seed,
    originBps: rateOf(plan.originMbit),
    wanBps: (index) => rateOf(site(index).wanMbit),
    lanBps: (index, inSite) => rateOf(host(index, inSite).lanMbit),
    accepts: (index, inSite) => host(index, inSite).acceptsConnections,
    arrivesAt: (index, inSite) => millis(1_000 * host(index, inSite).arrivesAtSeconds),
  })
}

/** As `bench/lab` has them: see there in bounds.ts. Null where somebody was not done. */
export function figuresOfPlan(plan: LabPlan, sizeBytes: number, swarm: SitesSwarm) {
  const { hostSeconds, aloneSeconds, wholeSeconds } = boundsOf(sizeBytes, plan)
  const took = swarm.hosts.map(({ doneAt, arrivesAt }) =>
    doneAt === undefined ? Infinity : (doneAt - arrivesAt) / 1_000,
  )
  const worstOver = (least: readonly number[]): number | null =>
    rounded(Math.max(...took.map((seconds, i) => seconds / (least[i] ?? NaN))))
  const last = Math.max(...swarm.hosts.map(({ doneAt }) => (doneAt ?? Infinity) / 1_000))
  const wanCopies = swarm.wanIn.map((link) => link.bytes / sizeBytes)
  return {
    hosts: plan.sites.map(({ hosts }) => hosts.length),
    thinSite: plan.sites.findIndex(({ wanMbit }) => wanMbit < plan.originMbit),
    boundSeconds: rounded(wholeSeconds),
    lastOverBound: rounded(last / wholeSeconds),
    worstOverAlone: worstOver(aloneSeconds),
    worstOverOwnBound: worstOver(hostSeconds),
    originCopies: rounded(swarm.originOut.bytes / sizeBytes),
    wanCopies: wanCopies.map(rounded),
    wanOverLeastMost: rounded(
      Math.max(...plan.sites.map((site, i) => (wanCopies[i] ?? NaN) / leastWanCopies(site))),
    ),
  }
}

const rounded = (n: number): number | null => (Number.isFinite(n) ? Number(n.toFixed(3)) : null)

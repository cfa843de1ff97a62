/** Topologies drawn from a seed: the same seed gives the same one, everywhere. Pure. */
import { seededRandom, shuffled, type Random } from '../../src/core/random.ts'
import type { ClientKind } from './clients.ts'
import type { HostPlan, LabPlan, SitePlan } from './plan.ts'
import { secondsFor, type Rates } from './shape.ts'

const SITES = { least: 2, most: 8 } as const
const HOSTS = { least: 1, most: 12 } as const
/** Of the one slow site's WAN link, and of the one slow host's link. */
const SLOW_SHARE = 0.1
const CLOSED_SHARE = 0.5

export interface DrawOptions {
  /** Of all that is not slow. */
  readonly rates: Rates
  readonly sizeBytes: number
  /** Given to the hosts of a site in turn. */
  readonly clients: readonly ClientKind[]
}

/**
 * 2 to 8 sites of 1 to 12 hosts; one site with a tenth of the bandwidth, one host ten times slower, half of the hosts
 * accept no connection, and hosts arrive at any time of what the transfer would take at the least without the slow.
 */
export function drawPlan(seed: number, { rates, sizeBytes, clients }: DrawOptions): LabPlan {
  const random = seededRandom(seed)
  const counts = Array.from({ length: between(SITES, random) }, () => between(HOSTS, random))
  const all = counts.reduce((sum, count) => sum + count, 0)
  const slowSite = Math.floor(random() * counts.length)
  const slowHost = Math.floor(random() * all)
  const closed = new Set(chosen(all, CLOSED_SHARE, random))
  const spread = secondsFor(sizeBytes, Math.min(rates.wanMbit, rates.lanMbit, rates.originMbit))
  const arrivals = arrivalsWithin(spread, all, random)
  let number = 0
  const host = (inSite: number): HostPlan => {
    const i = number++
    return {
      client: clients[inSite % clients.length] ?? 'shoal',
      lanMbit: rates.lanMbit * (i === slowHost ? SLOW_SHARE : 1),
      arrivesAtSeconds: arrivals[i] ?? 0,
      acceptsConnections: !closed.has(i),
    }
  }
  const sites = counts.map((count, i): SitePlan => ({
    wanMbit: rates.wanMbit * (i === slowSite ? SLOW_SHARE : 1),
    hosts: Array.from({ length: count }, (_, inSite) => host(inSite)),
  }))
  return { originMbit: rates.originMbit, sites, cuts: [], kill: undefined, originLeavesAtCopies: undefined }
}

/** Which of `count`: that share of them, rounded down. */
export function chosen(count: number, share: number, random: Random): readonly number[] {
  const all = Array.from({ length: count }, (_, i) => i)
  return shuffled(all, random).slice(0, Math.floor(count * share))
}

/** A time for each, the first at 0. Tenths of a second, so that a printed plan says all. */
export function arrivalsWithin(seconds: number, count: number, random: Random): readonly number[] {
  const times = Array.from({ length: count }, () => random() * seconds)
  const first = Math.min(...times)
  return times.map((time) => Math.round((time - first) * 10) / 10)
}

const between = (
  { least, most }: { readonly least: number; readonly most: number },
  random: Random,
): number => least + Math.floor(random() * (most - least + 1))

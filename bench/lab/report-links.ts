/** What the links of a run carried: over time, between sites, and how long nothing. */
import { PACE_MS, type Carried, type LinkCounts } from './counters.ts'
import { round, sum, thinned } from './figures.ts'
import type { Flows } from './flows.ts'
import type { LabPlan } from './plan.ts'
import type { RunResult } from './run.ts'
import { bytesIn } from './shape.ts'
import { exchangeAfter, longestStall } from './stalls.ts'

/** So many numbers of `pace` for each link: enough to see, few enough to keep. */
const PACE_NUMBERS = 20
const MOST_HOSTS = 0.9
const EVERY_SECONDS = PACE_MS / 1_000

/** Of all hosts that were done and wanted the content: the longest time in which one of them got nothing. */
export function longestStallOf({ hosts, pace }: RunResult): number {
  const stalls = hosts.map(({ host, seconds, wasKilled }, i) => {
    if (seconds === undefined || wasKilled || host.plan.client === 'poisoner') return 0
    const bytes = pace.map((counts) => counts.hostIn[i]?.payloadBytes ?? 0)
    const arrives = host.plan.arrivesAtSeconds
    return longestStall({ everySeconds: EVERY_SECONDS, bytes }, arrives, arrives + seconds)
  })
  return Math.max(0, ...stalls)
}

/** How long after the last cut was mended each site that was cut sends to others again; nothing when one does not. */
export function mergedAfterSeconds({ pace }: RunResult, { cuts, sites }: LabPlan): number | undefined {
  const links = [...new Set(cuts.flatMap(({ between }) => between.sites))].map((site) => ({
    everySeconds: EVERY_SECONDS,
    bytes: pace.map((counts) => counts.wanOut[site]?.payloadBytes ?? 0),
    fullBytes: bytesIn(PACE_MS, sites[site]?.wanMbit ?? 0),
  }))
  return exchangeAfter(links, Math.max(...cuts.map(({ untilSeconds }) => untilSeconds)))
}

/** How full each link was over time: percents of its rate, headers included. */
export function paceOf({ pace }: RunResult, plan: LabPlan) {
  const everyMs = PACE_MS * Math.max(1, Math.ceil(pace.length / PACE_NUMBERS))
  const percents = (of: (counts: LinkCounts) => Carried | undefined, mbit: number): readonly number[] =>
    thinned(
      pace.map((counts) => of(counts)?.wireBytes ?? 0),
      PACE_NUMBERS,
    ).map((bytes) => Math.round((100 * bytes) / bytesIn(everyMs, mbit)))
  const each = (of: (counts: LinkCounts) => readonly Carried[]): readonly (readonly number[])[] =>
    plan.sites.map(({ wanMbit }, i) => percents((counts) => of(counts)[i], wanMbit))
  return {
    everyMs,
    origin: percents((counts) => counts.origin, plan.originMbit),
    wanIn: each((counts) => counts.wanIn),
    wanOut: each((counts) => counts.wanOut),
    /** Percents of each time in which somebody waited for a processor. */
    cpuWait: thinned(
      pace.map(({ cpuWaitShare }) => cpuWaitShare ?? 0),
      PACE_NUMBERS,
    ).map((shares) => Math.round((100 * shares * PACE_MS) / everyMs)),
  }
}

/** While nine in ten of the hosts were not done: the share of the time in which somebody waited for a processor. */
export function cpuWaitOfMost({ hosts, pace }: RunResult): number | null {
  const doneAt = hosts
    .flatMap(({ host, seconds }) => (seconds === undefined ? [] : [host.plan.arrivesAtSeconds + seconds]))
    .sort((a, b) => a - b)
  const until = doneAt[Math.ceil(MOST_HOSTS * hosts.length) - 1] ?? Infinity
  const shares = pace.slice(0, Math.ceil(until / EVERY_SECONDS)).map(({ cpuWaitShare }) => cpuWaitShare)
  return shares.length === 0 || shares.includes(null) ? null : round(sum(shares.map(Number)) / shares.length)
}

/** By site of the receiver, then of the sender (or `origin`): how many copies of the content went there. */
export function matrixOf(
  { hosts, flows }: RunResult,
  sizeBytes: number,
): Record<string, Record<string, number>> {
  const kinds = new Set(hosts.map(({ host }) => host.plan.client).filter((kind) => kind !== 'poisoner'))
  const isMixed = kinds.size > 1
  const siteOf = (address: string): string => {
    const found = hosts.find(({ host }) => host.address === address)?.host.plan
    if (found === undefined) return 'origin'
    if (found.client === 'poisoner') return 'poisoners'
    return isMixed ? `site${found.site + 1} ${found.client}` : `site${found.site + 1}`
  }
  const matrix: Record<string, Record<string, number>> = {}
  for (const { to, from, bytes } of pairsOf(flows)) {
    const row = (matrix[siteOf(to)] ??= {})
    row[siteOf(from)] = (row[siteOf(from)] ?? 0) + bytes
  }
  const inCopies = (row: Record<string, number>): Record<string, number> =>
    Object.fromEntries(Object.entries(row).map(([from, bytes]) => [from, round(bytes / sizeBytes)]))
  return Object.fromEntries(Object.entries(matrix).map(([to, row]) => [to, inCopies(row)]))
}

function* pairsOf(flows: Flows): Generator<{ to: string; from: string; bytes: number }> {
  for (const [to, senders] of flows) for (const [from, bytes] of senders) yield { to, from, bytes }
}

/** What a run showed, as the one line of JSON and as a few words. */
import { PACE_MS, type Carried, type LinkCounts } from './counters.ts'
import type { Flows } from './flows.ts'
import type { RunOptions, RunResult } from './run.ts'
import { bytesIn, lowerBoundSeconds, type Rates } from './shape.ts'
import type { Usage } from './usage.ts'

const BYTES_PER_MIB = 1_048_576

export type Line = ReturnType<typeof lineOf>

export function lineOf(options: RunOptions, result: RunResult, startedAt: Date) {
  const { topology, sizeMiB } = options
  const sizeBytes = sizeMiB * BYTES_PER_MIB
  const bound = lowerBoundSeconds(sizeBytes, topology)
  const times = result.peers.flatMap(({ seconds }) => seconds ?? []).toSorted((a, b) => a - b)
  const isComplete = times.length === result.peers.length
  const last = isComplete ? times.at(-1) : undefined
  const middle = isComplete ? times[times.length >> 1] : undefined
  const over = (seconds: number | undefined): number | null =>
    seconds === undefined ? null : round(seconds / bound)
  const payload = (carried: Carried): number => round(carried.payloadBytes / sizeBytes)
  const wire = (carried: Carried): number => round(carried.wireBytes / sizeBytes)
  const { origin, wanIn, wanOut } = result.counts
  return {
    bench: 'lab',
    at: startedAt.toISOString(),
    client: options.client,
    tracker: options.origin === 'shoal' ? 'shoal' : 'opentracker',
    origin: options.origin,
    sites: topology.hostsPerSite,
    sizeMiB,
    rates: { wanMbit: topology.wanMbit, lanMbit: topology.lanMbit, originMbit: topology.originMbit },
    boundSeconds: round(bound),
    ...(result.floorSeconds === undefined
      ? {}
      : { floorSeconds: round(result.floorSeconds), floorOverBound: over(result.floorSeconds) }),
    finished: times.length,
    areBytesRight: result.peers.every((peer) => peer.seconds === undefined || peer.hasRightBytes),
    lastSeconds: last === undefined ? null : round(last),
    lastOverBound: over(last),
    medianSeconds: middle === undefined ? null : round(middle),
    medianOverBound: over(middle),
    originCopies: payload(origin),
    wanCopiesMean: mean(wanIn.map((carried) => carried.payloadBytes / sizeBytes)),
    wanCopies: wanIn.map(payload),
    wanOutCopies: wanOut.map(payload),
    onWire: { originCopies: wire(origin), wanCopies: wanIn.map(wire) },
    dropped: { origin: origin.dropped, wanIn: wanIn.map((carried) => carried.dropped) },
    peerSeconds: result.peers.map(({ seconds }) => (seconds === undefined ? null : round(seconds))),
    copiesFrom: matrixOf(result, sizeBytes),
    peerCpuSeconds: spreadOf(result.peers.map(({ usage }) => usage?.cpuSeconds)),
    peerPeakMiB: spreadOf(result.peers.map(({ usage }) => usage?.peakMiB)),
    originUsage: result.originUsage satisfies Readonly<Record<string, Usage | undefined>>,
    pace: paceOf(result, topology),
    machine: result.machine,
  }
}

/** For whoever watches. */
export function textOf(line: Line): string {
  const last =
    line.lastSeconds === null
      ? 'not all were done'
      : `last ${line.lastSeconds} s = ${String(line.lastOverBound)} x the bound`
  return (
    `${line.client} with ${line.tracker}, origin ${line.origin}: ${line.finished} of ${line.peerSeconds.length} done, ${last}; ` +
    `origin copies ${line.originCopies}, WAN copies ${line.wanCopiesMean} (${line.wanCopies.join(', ')}); ` +
    `bytes ${line.areBytesRight ? 'right' : 'WRONG'}`
  )
}

/** How full each link was, two seconds at a time: percents of its rate, headers included. */
function paceOf({ pace }: RunResult, { wanMbit, originMbit }: Rates) {
  const percents = (of: (counts: LinkCounts) => Carried | undefined, mbit: number): readonly number[] =>
    pace.map((counts) => Math.round((100 * (of(counts)?.wireBytes ?? 0)) / bytesIn(PACE_MS, mbit)))
  const each = (of: (counts: LinkCounts) => readonly Carried[]): readonly (readonly number[])[] =>
    (pace[0] === undefined ? [] : of(pace[0])).map((_, i) => percents((counts) => of(counts)[i], wanMbit))
  return {
    origin: percents((counts) => counts.origin, originMbit),
    wanIn: each((counts) => counts.wanIn),
    wanOut: each((counts) => counts.wanOut),
  }
}

/** By site of the receiver, then of the sender (or `origin`): how many copies of the content went there. */
function matrixOf({ peers, flows }: RunResult, sizeBytes: number): Record<string, Record<string, number>> {
  const siteOf = (address: string): string => peers.find((peer) => peer.address === address)?.site ?? 'origin'
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

function spreadOf(values: readonly (number | undefined)[]): { median: number; most: number } | null {
  const sorted = values.flatMap((value) => value ?? []).toSorted((a, b) => a - b)
  const [median, most] = [sorted[sorted.length >> 1], sorted.at(-1)]
  return median === undefined || most === undefined ? null : { median, most }
}

const mean = (values: readonly number[]): number =>
  round(values.reduce((sum, value) => sum + value, 0) / values.length)
const round = (n: number): number => Math.round(n * 1_000) / 1_000

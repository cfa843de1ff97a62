/** What a run showed, as the one line of JSON and as a few words. Hosts that were killed count only where it says so. */
import { boundsOf, leastWanCopies } from './bounds.ts'
import type { Carried } from './counters.ts'
import type { HostResult } from './fetch-on-all.ts'
import { mean, round, spreadOf, sum } from './figures.ts'
import type { LabPlan } from './plan.ts'
import { cpuWaitOfMost, longestStallOf, matrixOf, mergedAfterSeconds, paceOf } from './report-links.ts'
import type { RunOptions, RunResult } from './run.ts'

export type Line = ReturnType<typeof lineOf>

export function lineOf(options: RunOptions, result: RunResult, startedAt: Date) {
  const { plan, content } = options
  const sizeBytes = content.files * content.fileBytes
  const bounds = boundsOf(sizeBytes, plan)
  const peers = result.hosts
    .filter(({ host }) => host.plan.client !== 'poisoner')
    .map((peer, i) => ({
      ...peer,
      boundSeconds: bounds.hostSeconds[i] ?? NaN,
      aloneSeconds: bounds.aloneSeconds[i] ?? NaN,
    }))
  const survivors = peers.filter(({ wasKilled }) => !wasKilled)
  const payload = (carried: Carried): number => round(carried.payloadBytes / sizeBytes)
  const wire = (carried: Carried): number => round(carried.wireBytes / sizeBytes)
  const { origin, wanIn, wanOut } = result.counts
  const last = timesOf(survivors, bounds.wholeSeconds)
  return {
    bench: 'lab',
    at: startedAt.toISOString(),
    client: options.clients.join(':'),
    tracker: options.origin === 'shoal' ? 'shoal' : 'opentracker',
    origin: options.origin,
    ...planLine(options),
    boundSeconds: round(bounds.wholeSeconds),
    ...(result.floorSeconds === undefined
      ? {}
      : {
          floorSeconds: round(result.floorSeconds),
          floorOverBound: round(result.floorSeconds / bounds.wholeSeconds),
        }),
    finished: survivors.filter(({ seconds }) => seconds !== undefined).length,
    wanted: survivors.length,
    areBytesRight: peers.every((peer) => peer.seconds === undefined || peer.hasRightBytes),
    ...last,
    byClient: Object.fromEntries(
      [...new Set(options.clients)].map((kind) => [
        kind,
        timesOf(
          survivors.filter(({ host }) => host.plan.client === kind),
          bounds.wholeSeconds,
        ),
      ]),
    ),
    originCopies: payload(origin),
    wanCopiesMean: mean(wanIn.map((carried) => carried.payloadBytes / sizeBytes)),
    wanCopies: wanIn.map(payload),
    /** Over the least that a site needs: what counts where no host of a site accepts connections. */
    wanOverLeastMost: round(
      Math.max(...wanIn.map((carried, i) => payload(carried) / leastWanCopiesOf(plan, i))),
    ),
    wanOutCopies: wanOut.map(payload),
    onWire: { originCopies: wire(origin), wanCopies: wanIn.map(wire) },
    dropped: { origin: origin.dropped, wanIn: wanIn.map((carried) => carried.dropped) },
    receivedCopiesMean: mean(peers.map((peer) => receivedBy(peer, result) / sizeBytes)),
    wastedBytes: sum(peers.map(({ wastedBytes }) => wastedBytes ?? 0)),
    longestStallSeconds: longestStallOf(result),
    ...(plan.cuts.length === 0 ? {} : { mergedAfterSeconds: mergedAfterSeconds(result, plan) ?? null }),
    faults: result.faults,
    peerSeconds: peers.map(({ seconds, wasKilled }) =>
      wasKilled ? 'killed' : seconds === undefined ? null : round(seconds),
    ),
    copiesFrom: matrixOf(result, sizeBytes),
    peerCpuSeconds: spreadOf(peers.map(({ usage }) => usage?.cpuSeconds)),
    peerPeakMiB: spreadOf(peers.map(({ usage }) => usage?.peakMiB)),
    usage: {
      cpuSeconds: peers.map(({ usage }) => usage?.cpuSeconds ?? null),
      peakMiB: peers.map(({ usage }) => usage?.peakMiB ?? null),
    },
    originUsage: result.originUsage,
    pace: paceOf(result, plan),
    machine: { ...result.machine, cpuWaitOfMost: cpuWaitOfMost(result) },
  }
}

/** For whoever watches. */
export function textOf(line: Line): string {
  const last =
    line.lastSeconds === null
      ? 'not all were done'
      : `last ${line.lastSeconds} s = ${String(line.lastOverBound)} x the bound, worst ${String(line.worstOverAlone)} x alone`
  const drawn = line.isDrawn ? `seed ${line.seed}, ` : ''
  return (
    `${drawn}${line.client} with ${line.tracker}, origin ${line.origin}: ${line.finished} of ${line.wanted} done, ${last}; ` +
    `origin copies ${line.originCopies}, WAN copies ${line.wanCopiesMean} (${line.wanCopies.join(', ')}); ` +
    `bytes ${line.areBytesRight ? 'right' : 'WRONG'}`
  )
}

/** What was asked for: enough to run it again, and to see how hard it was. */
function planLine({ plan, content, seed, isDrawn }: RunOptions) {
  const hosts = plan.sites.flatMap((site) => site.hosts)
  const peers = hosts.filter(({ client }) => client !== 'poisoner')
  const wan = plan.sites.map(({ wanMbit }) => wanMbit)
  const lanMbit = Math.max(...hosts.map((host) => host.lanMbit))
  const isSlow = (mbit: number): boolean => mbit < lanMbit
  return {
    seed,
    isDrawn,
    sites: plan.sites.map((site) => site.hosts.filter(({ client }) => client !== 'poisoner').length),
    sizeMiB: round((content.files * content.fileBytes) / 1_048_576),
    files: content.files,
    rates: {
      wanMbit: new Set(wan).size === 1 ? (wan[0] ?? 0) : wan,
      lanMbit,
      originMbit: plan.originMbit,
      slowHostsMbit: peers.map((host) => host.lanMbit).filter(isSlow),
    },
    closedHosts: peers.filter(({ acceptsConnections }) => !acceptsConnections).length,
    poisoners: hosts.length - peers.length,
    lastArrivalSeconds: Math.max(...peers.map(({ arrivesAtSeconds }) => arrivesAtSeconds)),
    ...(plan.cuts.length === 0 ? {} : { cuts: plan.cuts }),
    ...(plan.kill === undefined ? {} : { kill: plan.kill }),
    ...(plan.originLeavesAtCopies === undefined ? {} : { originLeavesAtCopies: plan.originLeavesAtCopies }),
  }
}

interface MeasuredPeer extends HostResult {
  readonly boundSeconds: number
  readonly aloneSeconds: number
}

/** The last and the middle of some hosts; nothing when one of them was not done. */
function timesOf(peers: readonly MeasuredPeer[], wholeSeconds: number) {
  const isComplete = peers.every(({ seconds }) => seconds !== undefined)
  const doneAt = isComplete ? spreadOf(peers.map(doneAtSeconds)) : null
  const worst = (own: (peer: MeasuredPeer) => number): number | undefined =>
    isComplete ? spreadOf(peers.map((peer) => (peer.seconds ?? NaN) / own(peer)))?.most : undefined
  const orNull = (value: number | undefined): number | null => (value === undefined ? null : round(value))
  const over = (value: number | undefined): number | null =>
    value === undefined ? null : round(value / wholeSeconds)
  return {
    /** Since the run began, late joiners too. */
    lastSeconds: orNull(doneAt?.most),
    lastOverBound: over(doneAt?.most),
    medianSeconds: orNull(doneAt?.median),
    medianOverBound: over(doneAt?.median),
    /** Since its own arrival, over its own bound: who waited longest for what it could have had. */
    worstOverOwnBound: orNull(worst((peer) => peer.boundSeconds)),
    /** The same over what its links need for one copy: 1.5 is where a host begins to starve. */
    worstOverAlone: orNull(worst((peer) => peer.aloneSeconds)),
  }
}

const doneAtSeconds = ({ seconds, host }: HostResult): number | undefined =>
  seconds === undefined ? undefined : host.plan.arrivesAtSeconds + seconds

function leastWanCopiesOf(plan: LabPlan, site: number): number {
  const found = plan.sites[site]
  return Math.max(1, found === undefined ? 1 : leastWanCopies(found))
}

const receivedBy = ({ host }: HostResult, { hosts, counts }: RunResult): number =>
  counts.hostIn[hosts.findIndex((each) => each.host === host)]?.payloadBytes ?? 0

/** What a run measured, as its picture shows it. */
import type { Chart, ChartHost } from './chart.ts'
import { PACE_MS } from './counters.ts'
import type { Line } from './report.ts'
import type { RunResult } from './run.ts'
import { ORIGIN_ADDRESS } from './topology.ts'

const MS_PER_SECOND = 1_000

export function chartOfRun(line: Line, result: RunResult): Chart {
  const sizeBytes = line.sizeMiB * 1_048_576
  const origin: ChartHost = { name: 'origin', site: undefined, isPoisoner: false, progress: [] }
  const addresses = [ORIGIN_ADDRESS, ...result.hosts.map(({ host }) => host.address)]
  return {
    title: `${line.client} with ${line.tracker === 'shoal' ? "Shoal's tracker and origin" : line.tracker}`,
    words: wordsOf(line),
    boundSeconds: line.boundSeconds,
    marks: marksOf(line),
    hosts: [
      origin,
      ...result.hosts.map(({ host }, i): ChartHost => {
        const isPoisoner = host.plan.client === 'poisoner'
        const progress = isPoisoner ? [] : progressOf(result, i, sizeBytes)
        return { name: host.name, site: host.plan.site, isPoisoner, progress }
      }),
    ],
    sent: addresses.map((to) => addresses.map((from) => (result.flows.get(to)?.get(from) ?? 0) / sizeBytes)),
  }
}

function wordsOf(line: Line): string {
  const last = line.lastOverBound === null ? 'not all were done' : `last ${line.lastOverBound} x the bound`
  return (
    `${line.sites.length} sites, ${line.wanted} hosts, ${line.sizeMiB} MiB: ${last}, ` +
    `origin copies ${line.originCopies}, WAN copies ${line.wanCopiesMean}`
  )
}

function marksOf({ cuts, faults }: Line): Chart['marks'] {
  const { killedAtSeconds, originLeftAtSeconds } = faults
  return [
    ...(cuts ?? []).flatMap(({ fromSeconds, untilSeconds }) => [
      { atSeconds: fromSeconds, text: 'cut' },
      { atSeconds: untilSeconds, text: 'mended' },
    ]),
    ...(killedAtSeconds === undefined ? [] : [{ atSeconds: killedAtSeconds, text: 'killed' }]),
    ...(originLeftAtSeconds === undefined ? [] : [{ atSeconds: originLeftAtSeconds, text: 'origin left' }]),
  ]
}

/** From when it arrived on. */
function progressOf({ pace, hosts }: RunResult, host: number, sizeBytes: number): ChartHost['progress'] {
  const arrives = hosts[host]?.host.plan.arrivesAtSeconds ?? 0
  let received = 0
  const points = pace.map((counts, i) => {
    received += counts.hostIn[host]?.payloadBytes ?? 0
    return [((i + 1) * PACE_MS) / MS_PER_SECOND, received / sizeBytes] as const
  })
  return [[arrives, 0], ...points.filter(([at]) => at > arrives)]
}

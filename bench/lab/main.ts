/**
 * How near does a swarm come to the best that its links allow, and how often does a byte cross each of them? Sites
 * of hosts in network namespaces, each site behind a shaped WAN link, for our client and for stock ones.
 *
 *     node bench/lab/main.ts [--client shoal|libtorrent|aria2|transmission|webtorrent | --mix libtorrent:shoal]
 *       [--tracker shoal|opentracker] [--origin shoal|libtorrent|…] [--sites 3] [--hosts 4 | --hosts 1,2,8]
 *       [--size-mib 64 | --files 2000x16KiB] [--wan-mbit 20 | --wan-mbit 20,20,2] [--lan-mbit 100]
 *       [--origin-mbit 20] [--slow-hosts COUNT@MBIT] [--closed SHARE] [--arrivals SECONDS] [--late SHARE@SECONDS]
 *       [--kill SHARE@PROGRESS] [--origin-leaves COPIES] [--cut all@20-80 | --cut 1,3@… | --cut 1-2@…]
 *       [--poisoners N] [--seed 1] [--draw SEED [--topologies N]] [--timeout-s N] [--floor] [--svg FILE] [--json]
 *       [--transcripts]
 *
 * As root on Linux with iproute2 and curl. With opentracker the origin is the same client as the others, unless
 * --origin names another. Prints one JSON line a run; ends with 1 when somebody was not done in time or bytes
 * differ. Seconds count from the moment in which a client is started, process start included. A copy is the
 * content's size; copies are from the kernel's counters of the links (counters.ts), `copiesFrom` is from those of
 * the hosts' connections (flows.ts). The bounds are explained in bounds.ts.
 *
 * - `--mix` gives the hosts of a site these clients in turn; figures of each kind are in `byClient`.
 * - `--closed`: that share of the hosts accepts no connection. `--arrivals`: hosts start at any time of so long;
 *   `--late`: that share of them starts then. `--kill 0.5@0.5`: half of them end at once when the mean host has half.
 * - `--cut`: sites from all others and the origin, or two from each other, between two times in seconds.
 * - `--poisoners`: hosts more that send noise. `wastedBytes` is what our clients say that they threw away,
 *   `receivedCopiesMean` what came to a host, whatever it runs.
 * - `--draw`: sites, hosts, who is slow, closed and late are drawn from that seed (draw.ts), and with `--topologies`
 *   from those that follow; then the last line sums up the worst.
 * - `--floor` also times one bare TCP stream over the same links; `--svg` draws progress and who sent to whom;
 *   `--transcripts` shows what the clients printed.
 */
import { writeFile } from 'node:fs/promises'
import { endedBySignal, INTERRUPTED } from '../support/ended-by-signal.ts'
import { chartOfRun } from './chart-of-run.ts'
import { drawChart } from './chart.ts'
import { readOptions } from './options.ts'
import { lineOf, textOf, type Line } from './report.ts'
import { runLab } from './run.ts'
import { worstOf } from './worst.ts'

const { runs, isQuiet, areLogsWanted } = readOptions(process.argv.slice(2))
const stop = endedBySignal()

const note = (text: string): void => {
  if (!isQuiet) process.stderr.write(`${text}\n`)
}
const lines: Line[] = []
try {
  for (const each of runs) {
    const run = { ...each, note }
    const startedAt = new Date()
    const result = await runLab(run, stop)
    const line = lineOf(run, result, startedAt)
    lines.push(line)
    if (run.svgFile !== undefined) await writeFile(run.svgFile, drawChart(chartOfRun(line, result)))
    if (areLogsWanted) for (const { transcript } of result.hosts) process.stderr.write(`${transcript}\n`)
    note(textOf(line))
    process.stdout.write(`${JSON.stringify(line)}\n`)
    if (line.finished < line.wanted || !line.areBytesRight) process.exitCode = 1
  }
  if (lines.length > 1) process.stdout.write(`${JSON.stringify(worstOf(lines))}\n`)
} catch (error) {
  if (!stop.aborted) throw error
  note(String(stop.reason))
  process.exitCode = INTERRUPTED
}

/**
 * How near does a swarm come to the best that its links allow, and how often does a byte cross each of them? Sites
 * of hosts in network namespaces, each site behind a shaped WAN link, for our client and for stock ones.
 *
 *     node bench/lab/main.ts [--client shoal|libtorrent|aria2|transmission|webtorrent] [--tracker shoal|opentracker]
 *       [--origin shoal|libtorrent|…] [--sites 3] [--hosts 4 | --hosts 1,2,8] [--size-mib 64] [--wan-mbit 20]
 *       [--lan-mbit 100] [--origin-mbit 20] [--timeout-s 300] [--floor] [--json] [--transcripts]
 *
 * As root on Linux with iproute2 and curl. With opentracker the origin is the same client as the others, unless
 * --origin names another. Prints one JSON line a run; ends with 1 when somebody was not done in time or bytes
 * differ. Seconds count from the moment in which all clients are started, process start included. A copy is the
 * content's size; copies are from the kernel's counters of the links (counters.ts), `copiesFrom` is from those of
 * the hosts' connections (flows.ts). --floor also times one bare TCP stream over the same links; --transcripts
 * shows what the clients printed.
 */
import { readOptions } from './options.ts'
import { lineOf, textOf } from './report.ts'
import { runLab } from './run.ts'

/** As shells say that a program was interrupted. */
const INTERRUPTED = 130

const { isQuiet, areLogsWanted, ...options } = readOptions(process.argv.slice(2))
const stop = new AbortController()
// Once: whoever asks twice does not want to wait for the cleaning up, which then is what the exit handlers do.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    stop.abort(new Error(`ended by ${signal}`))
    process.once(signal, () => process.exit(INTERRUPTED))
  })

const note = (text: string): void => {
  if (!isQuiet) process.stderr.write(`${text}\n`)
}
const startedAt = new Date()
const run = { ...options, note }
try {
  const result = await runLab(run, stop.signal)
  const line = lineOf(run, result, startedAt)
  if (areLogsWanted) for (const { transcript } of result.peers) process.stderr.write(`${transcript}\n`)
  note(textOf(line))
  process.stdout.write(`${JSON.stringify(line)}\n`)
  if (line.finished < result.peers.length || !line.areBytesRight) process.exitCode = 1
} catch (error) {
  if (!stop.signal.aborted) throw error
  note(String(stop.signal.reason))
  process.exitCode = INTERRUPTED
}

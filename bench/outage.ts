/**
 * The tracker is killed while a thousand of our own clients are in swarms: do transfers go on, how soon is everybody
 * back once it is there again, and how many announces does it get in a second?
 *
 *     node bench/outage.ts [--clients 1000] [--processes 4] [--releases 100] [--outage 60] [--warm 70]
 *
 * Prints one JSON line; ends with 1 unless 95 % are back within 60 s and all within 120 s. `shoal up` is portal and
 * origin, at 512 KB/s for all; `shoal tracker` is a process beside it, killed with SIGKILL and started again on its
 * port. The clients are engines with sockets of their own, ten in a swarm; of five, four go on downloading and one has
 * all and waits. `back` counts clients whose announce was answered since the new tracker was ready; `transfer` is what came
 * in a second during the outage, as a part of what came before. Everything shares one machine, so that starting a
 * thousand engines and the tracker's own start compete with the transfers.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import type { Assignment, Report } from './support/outage-clients.ts'
import { makeLibrary, type Release, releasesOf, startTrackerBeside } from './support/outage-library.ts'
import { ShoalProcess } from './support/shoal-process.ts'

const CLIENTS = join(import.meta.dirname, 'support/outage-clients.ts')
const SOON_MS = 60_000
const ALL_MS = 120_000
const SOON_SHARE = 0.95

interface Options {
  readonly clients: number
  readonly processes: number
  readonly releases: number
  readonly outageSeconds: number
  readonly warmSeconds: number
}

/** What all processes of clients say, in one place. */
class Watch implements Disposable {
  /** Answered announces: who, and when. */
  readonly answers: { readonly client: number; readonly at: number }[] = []
  readonly #bytes: number[] = []
  readonly #children: ChildProcess[] = []

  start(assignment: Assignment): void {
    const child = spawn(process.execPath, [CLIENTS], { stdio: ['pipe', 'pipe', 'inherit'] })
    const n = this.#children.push(child) - 1
    child.stdin.end(JSON.stringify(assignment))
    createInterface(child.stdout).on('line', (line) => {
      const report = JSON.parse(line) as Report
      if ('bytes' in report) this.#bytes[n] = report.bytes
      else this.answers.push(report)
    })
  }

  get bytes(): number {
    return this.#bytes.reduce((sum, bytes) => sum + bytes, 0)
  }

  heardSince(since: number): Set<number> {
    return new Set(this.answers.filter(({ at }) => at >= since).map(({ client }) => client))
  }

  [Symbol.dispose](): void {
    for (const child of this.#children) child.kill('SIGKILL')
  }
}

const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function bytesPerSecond(watch: Watch, ms: number): Promise<number> {
  const before = watch.bytes
  await wait(ms)
  return ((watch.bytes - before) * 1_000) / ms
}

function assignments(folder: string, releases: readonly Release[], options: Options): Assignment[] {
  return Array.from({ length: options.processes }, (_, n) => ({
    folder,
    clients: Array.from({ length: options.clients }, (_unused, client) => client)
      .filter((client) => client % options.processes === n)
      .map((client) => {
        const release = releases[client % releases.length]
        if (release === undefined) throw new Error('no releases')
        return { client, ...release }
      }),
  }))
}

function peakPerSecond(times: readonly number[]): number {
  const bySecond = Map.groupBy(times, (at) => Math.floor(at / 1_000))
  return Math.max(0, ...Array.from(bySecond.values(), (all) => all.length))
}

async function measure(dir: string, options: Options): Promise<boolean> {
  const dataDir = join(dir, 'data')
  await makeLibrary(join(dir, 'library'), options.releases)
  await using up = await ShoalProcess.start([
    'up',
    ...['--data', dataDir, '--library', join(dir, 'library'), '--listen', '127.0.0.1:0'],
    ...['--peer-port', '0', '--peer-host', '127.0.0.1', '--limit-up', '512KB'],
  ])
  const portal = String(up.ready['portal'])
  const first = await startTrackerBeside(dataDir, { portal, port: 0 })
  const releases = await releasesOf(dataDir, { portal, tracker: first.url, count: options.releases })
  using watch = new Watch()
  for (const assignment of assignments(join(dir, 'clients'), releases, options)) watch.start(assignment)
  for (let s = 0; watch.heardSince(0).size < options.clients; s++) {
    if (s > 600) throw new Error(`only ${watch.heardSince(0).size} clients announced`)
    await wait(1_000)
  }
  await wait(1_000 * options.warmSeconds)
  const before = await bytesPerSecond(watch, 20_000)
  await first.process.stop('SIGKILL')
  const during = await bytesPerSecond(watch, 1_000 * options.outageSeconds)
  const again = await startTrackerBeside(dataDir, { portal, port: first.port })
  await using _tracker = again.process
  const since = Date.now()
  await wait(ALL_MS)
  const back = new Map<number, number>()
  for (const { client, at } of watch.answers)
    // Some come between the moment that it listens and the one in which we hear of it.
    if (at > since - 5_000 && !back.has(client)) back.set(client, Math.max(0, at - since))
  const within = (ms: number): number => [...back.values()].filter((at) => at <= ms).length / options.clients
  const line = {
    bench: 'outage',
    ...options,
    backIn60sPercent: Number((100 * within(SOON_MS)).toFixed(1)),
    backIn120sPercent: Number((100 * within(ALL_MS)).toFixed(1)),
    lastBackSeconds: Number((Math.max(...back.values()) / 1_000).toFixed(1)),
    peakAnnouncesPerSecond: peakPerSecond(
      watch.answers.map(({ at }) => at).filter((at) => at > since - 5_000),
    ),
    bytesPerSecondBefore: Math.round(before),
    bytesPerSecondDuring: Math.round(during),
    transfer: Number((during / before).toFixed(2)),
    trackerCpuSeconds: Number(again.process.cpuSeconds().toFixed(2)),
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
  return within(SOON_MS) >= SOON_SHARE && within(ALL_MS) === 1
}

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '1000' },
    processes: { type: 'string', default: '4' },
    releases: { type: 'string', default: '100' },
    outage: { type: 'string', default: '60' },
    warm: { type: 'string', default: '70' },
  },
})
const dir = await mkdtemp(join(tmpdir(), 'shoal-bench-outage-'))
try {
  const isKept = await measure(dir, {
    clients: Number(values.clients),
    processes: Number(values.processes),
    releases: Number(values.releases),
    outageSeconds: Number(values.outage),
    warmSeconds: Number(values.warm),
  })
  process.exitCode = isKept ? 0 : 1
} finally {
  await rm(dir, { recursive: true, force: true })
}

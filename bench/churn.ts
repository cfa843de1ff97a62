/**
 * A day of coming and going, compressed: do memory and descriptors of `shoal up` stay flat?
 *
 *     node bench/churn.ts [--seconds 300] [--releases 1000] [--peers 5000]
 *
 * Prints one JSON line; ends with 1 when a figure grows or an announce is refused. `shoal up` holds the releases; so
 * many peers at a time, each with a grant and a loopback address of its own, announce every 20 seconds in place of
 * every half hour (a lease is cut to match: 30 s intervals and 1 s of slack), complete, say `stopped` or vanish, and
 * others come in their place. The control plane goes on meanwhile: links are taken, and some revoked. Every 5 seconds memory
 * and descriptors are looked at, and then all garbage is collected, so that the heap's figure is what is in use. Flat
 * means: the median of the last third of the time is at most a tenth above that of the middle third; the first warms up.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../src/core/random.ts'
import { Churn } from './support/churn-peers.ts'
import { grantsOf, takeSomeLinks } from './support/churn-grants.ts'
import { flatnessOf } from './support/flatness.ts'
import { HttpLoad } from './support/http-load.ts'
import { freePort } from '../test/support/free-port.ts'
import { LiveHeap } from './support/live-heap.ts'
import { fillLibrary } from './support/library.ts'
import { figuresOf, ShoalProcess } from './support/shoal-process.ts'

const INTERVAL_MS = 20_000
const CONCURRENCY = 64
const SAMPLE_EVERY_MS = 5_000
/** As short as the settings allow, so that who vanishes is forgotten within the run. */
const SETTINGS = {
  SHOAL_TRACKER_STOCK_INTERVAL_MS: '30000',
  SHOAL_TRACKER_OWN_LEECHER_INTERVAL_MS: '30000',
  SHOAL_TRACKER_OWN_SEED_INTERVAL_MS: '30000',
  SHOAL_TRACKER_LEASE_SLACK_MS: '1000',
  SHOAL_TRACKER_SWEEP_INTERVAL_MS: '5000',
  SHOAL_TRACKER_GRANT_ADDRESS_HOLD_MS: '60000',
  SHOAL_TRACKER_VERIFIED_GRANTS_MAX: '10000',
}
const MiB = 1_048_576
/** What a quiet process goes up and down by, too. */
const SLACK = { rssMiB: 10, liveHeapMiB: 2, descriptors: 10, swarms: 20, peers: 200 }

type Figure = keyof typeof SLACK

interface Options {
  readonly seconds: number
  readonly releases: number
  readonly peers: number
}

async function main(options: Options): Promise<void> {
  const dataDir = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  try {
    await fillLibrary(dataDir, options.releases, () => undefined)
    const args = ['up', '--data', dataDir, '--listen', '127.0.0.1:0', '--peer-port', '0']
    const inspectPort = await freePort()
    const nodeArgs = [`--inspect=127.0.0.1:${inspectPort}`]
    await using shoal = await ShoalProcess.start(args, { env: SETTINGS, nodeArgs })
    using heap = await LiveHeap.connect(inspectPort)
    const line = await churn(shoal, heap, dataDir, options)
    process.stdout.write(`${JSON.stringify(line)}\n`)
    if (!line.isFlat || line.counts.refused > 0) process.exitCode = 1
  } finally {
    await rm(dataDir, { recursive: true })
  }
}

async function churn(
  shoal: ShoalProcess,
  heap: LiveHeap,
  dataDir: string,
  { seconds, releases, peers }: Options,
) {
  const port = Number(new URL(String(shoal.ready['portal'])).port)
  const token = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim()
  using load = new HttpLoad(port)
  const swarms = await grantsOf(dataDir, releases)
  const start = performance.now()
  const untilMs = start + seconds * 1_000
  const peersAtWork = new Churn(
    swarms,
    { port, peers, intervalMs: INTERVAL_MS, concurrency: CONCURRENCY },
    seededRandom(5),
  )
  const [samples, links] = await Promise.all([
    sample({ shoal, heap, load }, { token, untilMs }),
    takeSomeLinks(load, { token, releases, untilMs }),
    peersAtWork.run(untilMs),
  ])
  const figures = Object.fromEntries(
    Object.entries(SLACK).map(([name, slack]) => [
      name,
      flatnessOf(
        samples.map((one) => ({ atMs: one.atMs, value: one[name as Figure] })),
        slack,
      ),
    ]),
  )
  const isFlat = samples.length >= 9 && Object.values(figures).every((figure) => figure.isFlat)
  const cpuSeconds = Number(shoal.cpuSeconds().toFixed(1))
  return { bench: 'churn', seconds, releases, peers, counts: peersAtWork.counts, links, cpuSeconds, figures, isFlat } // prettier-ignore
}

async function sample(
  { shoal, heap, load }: { shoal: ShoalProcess; heap: LiveHeap; load: HttpLoad },
  { token, untilMs }: { token: string; untilMs: number },
): Promise<readonly (Record<Figure, number> & { atMs: number })[]> {
  const samples = []
  for (let next = performance.now() + SAMPLE_EVERY_MS; next < untilMs; next += SAMPLE_EVERY_MS) {
    await new Promise((resolve) => setTimeout(resolve, next - performance.now()))
    const figures = figuresOf((await load.send({ path: '/metrics', token })).body)
    samples.push({
      atMs: performance.now(),
      rssMiB: shoal.rssBytes() / MiB,
      liveHeapMiB: (await heap.bytes()) / MiB,
      descriptors: shoal.descriptors(),
      swarms: figures.get('shoal_tracker_swarms') ?? NaN,
      peers: figures.get('shoal_tracker_peers') ?? NaN,
    })
  }
  return samples
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '300' },
    releases: { type: 'string', default: '1000' },
    peers: { type: 'string', default: '5000' },
  },
})
await main({
  seconds: Number(values.seconds),
  releases: Number(values.releases),
  peers: Number(values.peers),
})

/**
 * What the rules of our own clients give where nothing but links is slow: our engine at many sites in memory, on a
 * manual clock. One JSON line a run.
 *
 *     node bench/simulation.ts [--hosts 4,4,4] [--mib 64] [--piece-kib 32] [--mbit 20] [--lan-mbit 100] [--seed 1] [--arrive 0]
 *         [--rtt-ms 20] [--slow-host] [--thin-site] [--closed 0.5] [--kill 0.5] [--pace] [--every 2000] [--most 600]
 *     node bench/simulation.ts --draw 1 [--topologies 20] [--mib 64] …
 *
 * `--slow-host`: the first host has a tenth of the others' LAN rate. `--thin-site`: the last site a tenth of the WAN
 * rate. `--closed`: so many accept no connection. `--kill`: so many end at 50 %.
 * `--draw`: the lab's topologies of that seed and those that follow (lab/draw.ts), over the lab's bounds.
 * `--pace`: what each link did and each host has, on stderr, every so many ms. `--most`: seconds after which it is given up.
 */
import { parseArgs } from 'node:util'
import { seededRandom } from '../src/core/random.ts'
import { KiB, MiB, millis, seconds } from '../src/core/units.ts'
import { type SimulatedHost, SitesSwarm } from '../test/support/sites-swarm.ts'
import { drawPlan } from './lab/draw.ts'
import { figuresOfPlan, swarmOfPlan } from './support/drawn-swarm.ts'

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '4,4,4' },
    mib: { type: 'string', default: '64' },
    'piece-kib': { type: 'string', default: '32' },
    mbit: { type: 'string', default: '20' },
    'lan-mbit': { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    arrive: { type: 'string', default: '0' },
    'rtt-ms': { type: 'string', default: '20' },
    most: { type: 'string', default: '600' },
    'slow-host': { type: 'boolean', default: false },
    'thin-site': { type: 'boolean', default: false },
    closed: { type: 'string', default: '0' },
    kill: { type: 'string', default: '0' },
    every: { type: 'string', default: '2000' },
    pace: { type: 'boolean', default: false },
    draw: { type: 'string' },
    topologies: { type: 'string', default: '1' },
  },
})
const mbitBps = (mbit: string): number => (Number(mbit) * 1e6) / 8
const sizeBytes = Number(values.mib) * MiB
const pieceLength = Number(values['piece-kib']) * KiB
const atMost = seconds(Number(values.most))

if (values.draw === undefined) await runAsAsked(Number(values.seed))
else for (let i = 0; i < Number(values.topologies); i++) await runDrawn(Number(values.draw) + i)
process.exit(0)

async function runDrawn(seed: number): Promise<void> {
  const startedAt = performance.now()
  const rates = {
    wanMbit: Number(values.mbit),
    lanMbit: Number(values['lan-mbit']),
    originMbit: Number(values.mbit),
  }
  const plan = drawPlan(seed, { rates, sizeBytes, clients: ['shoal'] })
  await using swarm = await swarmOfPlan(plan, { sizeBytes, pieceLength, seed })
  await swarm.run(atMost, paceOf(swarm))
  print({ seed, ...figuresOfPlan(plan, sizeBytes, swarm) }, startedAt)
}

async function runAsAsked(seed: number): Promise<void> {
  const startedAt = performance.now()
  const random = seededRandom(seed + 1)
  const hostsPerSite = values.hosts.split(',').map(Number)
  const isThin = (site: number): boolean => values['thin-site'] && site === hostsPerSite.length - 1
  await using swarm = await SitesSwarm.create({
    hostsPerSite,
    sizeBytes,
    pieceLength,
    seed,
    originBps: mbitBps(values.mbit),
    wanBps: (site) => mbitBps(values.mbit) / (isThin(site) ? 10 : 1),
    wanLatency: millis(Number(values['rtt-ms']) / 2),
    lanBps: (site, host) => mbitBps(values['lan-mbit']) / (values['slow-host'] && site + host === 0 ? 10 : 1),
    accepts: () => random() >= Number(values.closed),
    arrivesAt: () => millis(random() * 1_000 * Number(values.arrive)),
  })
  const doomed = swarm.hosts.filter(() => random() < Number(values.kill))
  const tellPace = paceOf(swarm)
  await swarm.run(atMost, () => {
    for (const host of doomed) if (!host.isKilled && shareOf(host) >= 0.5) swarm.kill(host)
    tellPace()
  })
  print(swarm.figures(), startedAt)
}

function print(figures: object, startedAt: number): void {
  const realSeconds = Number(((performance.now() - startedAt) / 1_000).toFixed(1))
  process.stdout.write(`${JSON.stringify({ bench: 'simulation', ...figures, realSeconds })}\n`)
}

function shareOf(host: SimulatedHost): number {
  return (host.handle?.stats().haveBytes ?? 0) / sizeBytes
}

/** Called at every step; says what happened since it last said something. */
function paceOf(swarm: SitesSwarm): () => void {
  const every = Number(values.every)
  const links = [swarm.originOut, ...swarm.wanIn, ...swarm.wanOut]
  let told = 0
  let before: readonly number[] = []
  return () => {
    if (!values.pace || swarm.clock.now() - told < every) return
    told = swarm.clock.now()
    const now = links.map((link) => link.bytes)
    const used = now.map((bytes, i) =>
      ((bytes - (before[i] ?? 0)) / (every / 1e3) / (links[i]?.rateBps ?? 1)).toFixed(2),
    )
    before = now
    const have = swarm.hosts.map((host) => Math.round(100 * shareOf(host)))
    process.stderr.write(`${Math.round(told / 1_000)} s  ${used.join(' ')}  ${have.join(' ')}\n`)
  }
}

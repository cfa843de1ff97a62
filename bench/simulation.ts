/**
 * What the rules of our own clients give where nothing but links is slow: our engine at many sites in memory, on a
 * manual clock. One JSON line a run.
 *
 *     node bench/simulation.ts [--hosts 4,4,4] [--mib 64] [--piece-kib 32] [--mbit 20] [--lan-mbit 100] [--seed 1] [--arrive 0]
 *         [--slow-host] [--thin-site] [--closed 0.5] [--kill 0.5] [--pace] [--every 2000] [--most 600]
 *
 * `--slow-host`: the first host has a tenth of the others' LAN rate. `--thin-site`: the last site a tenth of the WAN
 * rate. `--closed`: so many accept no connection. `--kill`: so many end at 50 %.
 * `--pace`: what each link did and each host has, on stderr, every so many ms. `--most`: seconds after which it is given up.
 */
import { parseArgs } from 'node:util'
import { seededRandom } from '../src/core/random.ts'
import { KiB, MiB, millis, seconds } from '../src/core/units.ts'
import { SitesSwarm } from '../test/support/sites-swarm.ts'

const { values } = parseArgs({
  options: {
    hosts: { type: 'string', default: '4,4,4' },
    mib: { type: 'string', default: '64' },
    'piece-kib': { type: 'string', default: '32' },
    mbit: { type: 'string', default: '20' },
    'lan-mbit': { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    arrive: { type: 'string', default: '0' },
    most: { type: 'string', default: '600' },
    'slow-host': { type: 'boolean', default: false },
    'thin-site': { type: 'boolean', default: false },
    closed: { type: 'string', default: '0' },
    kill: { type: 'string', default: '0' },
    every: { type: 'string', default: '2000' },
    pace: { type: 'boolean', default: false },
  },
})
const bps = (mbit: string): number => (Number(mbit) * 1e6) / 8
const random = seededRandom(Number(values.seed) + 1)
const hostsPerSite = values.hosts.split(',').map(Number)
const swarm = await SitesSwarm.create({
  hostsPerSite,
  sizeBytes: Number(values.mib) * MiB,
  pieceLength: Number(values['piece-kib']) * KiB,
  seed: Number(values.seed),
  originBps: bps(values.mbit),
  wanBps: (site) => bps(values.mbit) / (values['thin-site'] && site === hostsPerSite.length - 1 ? 10 : 1),
  lanBps: (site, host) => bps(values['lan-mbit']) / (values['slow-host'] && site + host === 0 ? 10 : 1),
  accepts: () => random() >= Number(values.closed),
  arrivesAt: () => millis(random() * 1_000 * Number(values.arrive)),
})
const startedAt = performance.now()
let told = 0
let before: number[] = []
const doomed = swarm.hosts.filter(() => random() < Number(values.kill))
const share = (host: (typeof doomed)[number]): number =>
  (host.handle?.stats().haveBytes ?? 0) / Number(values.mib) / MiB
await swarm.run(seconds(Number(values.most)), () => {
  for (const host of doomed) if (!host.isKilled && share(host) >= 0.5) swarm.kill(host)
  if (!values.pace || swarm.clock.now() - told < Number(values.every)) return
  told = swarm.clock.now()
  const links = [swarm.originOut, ...swarm.wanIn, ...swarm.wanOut]
  const now = links.map((link) => link.bytes)
  const used = now.map((bytes, i) =>
    ((bytes - (before[i] ?? 0)) / (Number(values.every) / 1e3) / (links[i]?.rateBps ?? 1)).toFixed(2),
  )
  before = now
  const have = swarm.hosts.map((host) => Math.round(100 * share(host)))
  process.stderr.write(`${Math.round(told / 1_000)} s  ${used.join(' ')}  ${have.join(' ')}\n`)
})
process.stdout.write(
  `${JSON.stringify({ bench: 'simulation', ...swarm.figures(), realSeconds: Number(((performance.now() - startedAt) / 1_000).toFixed(1)) })}\n`,
)
process.exit(0)

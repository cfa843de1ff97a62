/**
 * Many peers take one torrent from one origin at the same time: is each served as well as the others, and does the
 * origin's event loop stand still? Against libtorrent 2.0.8 (Debian's python3-libtorrent) that seeds for the same peers.
 *
 *     node bench/many-peers.ts [--peers 200] [--size-mib 16] [--sites 4] [--stuck 0] [--rounds 1] [--origins shoal,shown,libtorrent]
 *
 * The peers are here, in one process: each dials from a loopback address of its own, keeps 64 requests on their way, checks
 * every piece, tells HAVE, and shares with nobody, so that everything comes from the origin. The origin is a
 * process of its own: `shoal` is `shoal up` as it is, `shown` the same with `SHOAL_SEEDER_REVEAL=false`, which shows
 * everything to everybody as other seeders do. `--stuck` peers of these ask and never read; they are not counted.
 *
 * Prints one JSON line (and on stderr each run as it ends): of each run the seconds until all had all, MB/s that left the origin, the rate of each honest
 * peer (content by its own time from the common start), the slowest's by the median's, when content first came, CPU-seconds of the
 * origin, and for how long its event loop stood still (`bench/support/loop-watch.ts`).
 */
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { seededRandom } from '../src/core/random.ts'
import { watchMachine } from './lab/machine.ts'
import { fetchByMany } from './support/fetch-by-many.ts'
import { fairnessOf } from './support/fairness.ts'
import { quantile, rounded } from './support/http-load.ts'
import { libtorrentSeed, shoalSeed, type ManySeed } from './support/many-seeds.ts'
import { cpuSecondsOf } from './support/usage.ts'

const MiB = 1_048_576
const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '200' },
    'size-mib': { type: 'string', default: '16' },
    sites: { type: 'string', default: '4' },
    stuck: { type: 'string', default: '0' },
    rounds: { type: 'string', default: '1' },
    origins: { type: 'string', default: 'shoal,shown,libtorrent' },
    'cpu-prof': { type: 'string' },
  },
})
const peers = Number(values.peers)
const stuck = Number(values.stuck)
const sizeBytes = Number(values['size-mib']) * MiB
const GIVE_UP_SECONDS = 300

type Kind = 'shoal' | 'shown' | 'libtorrent'
const kinds = values.origins.split(',') as readonly Kind[]

const root = await mkdtemp(join(tmpdir(), 'shoal-many-peers-'))
try {
  const library = join(root, 'library')
  await mkdir(library)
  await writeFile(join(library, 'content.bin'), randomBytes(sizeBytes))
  const busyness = watchMachine()
  const runs: object[] = []
  let torrentBytes: Uint8Array | undefined
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const kind of kinds) {
      const folder = join(root, `${kind}-${round}`)
      await using seed = await seedOf(kind, folder, library, torrentBytes)
      torrentBytes = seed.torrentBytes
      const run = { origin: kind, ...(await runOf(seed)) }
      process.stderr.write(`${JSON.stringify(run)}\n`)
      runs.push(run)
    }
  }
  const line = {
    bench: 'many-peers',
    peers,
    stuck,
    sizeBytes,
    sites: Number(values.sites),
    ...busyness(),
    runs,
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
} finally {
  await rm(root, { recursive: true, force: true })
}

/** libtorrent comes after one of ours: it seeds the torrent that was published there. */
async function seedOf(
  kind: Kind,
  folder: string,
  library: string,
  torrentBytes: Uint8Array | undefined,
): Promise<ManySeed> {
  if (kind !== 'libtorrent')
    return shoalSeed({ folder, library, reveal: kind === 'shoal', nodeArgs: profileArgs(kind) })
  if (torrentBytes === undefined) throw new Error('--origins: libtorrent cannot be the first')
  return libtorrentSeed(torrentBytes, folder, library)
}

async function runOf(seed: ManySeed): Promise<object> {
  const random = seededRandom(1)
  await seed.loop()
  const cpuBefore = cpuSecondsOf(seed.pid)
  const options = { peers, stuck, sites: Number(values.sites), random, giveUpSeconds: GIVE_UP_SECONDS }
  const { firstByte, done, unserved } = await fetchByMany(seed, options)
  const originCpuSeconds = rounded(cpuSecondsOf(seed.pid) - cpuBefore, 2)
  const seconds = Math.max(...done)
  return {
    seconds: rounded(seconds, 2),
    unserved,
    MBps: rounded((done.length * sizeBytes) / 1_000_000 / seconds),
    ...fairnessOf(done, sizeBytes),
    firstByteSeconds: { p50: rounded(quantile(firstByte, 0.5), 2), max: rounded(Math.max(...firstByte), 2) },
    originCpuSeconds,
    loop: await seed.loop(),
  }
}

function profileArgs(kind: Kind): readonly string[] {
  const dir = values['cpu-prof']
  return dir === undefined ? [] : ['--cpu-prof', '--cpu-prof-dir', join(dir, kind)]
}

/**
 * One peer to one over a line with a delay and loss: how fast `shoal get` fetches from `shoal up`, beside libtorrent 2.0.8
 * (Debian's python3-libtorrent) to itself, alternating in one run. Process start to files in place; every SHA-256 is
 * checked. Needs root and /dev/net/tun.
 *
 *     node bench/lossy.ts [--size 32] [--rounds 5] [--rtt 80] [--loss 0.01] [--mbit 100] [--seed 1] [--congestion bbr] [--utp]
 *
 * `--size`: of one file, in MiB. `--congestion`: of all TCP at both ends. `--utp`: libtorrent may use uTP, as it does unless it is
 * told not to. Prints one JSON line, with what the line passed, lost and dropped.
 */
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { digestsOf, makeContent, planOf } from './support/bench-content.ts'
import { LossyLine } from './support/lossy-line.ts'
import { compare } from './support/rival-figures.ts'
import { Rivals } from './support/rivals.ts'

const SYSCTL = '/proc/sys/net/ipv4/tcp_'
/** In a namespace nobody else has it. */
const PEER_PORT = 51_413

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '32' },
    rounds: { type: 'string', default: '5' },
    rtt: { type: 'string', default: '80' },
    loss: { type: 'string', default: '0.01' },
    mbit: { type: 'string', default: '100' },
    seed: { type: 'string', default: '1' },
    congestion: { type: 'string', default: 'bbr' },
    utp: { type: 'boolean', default: false },
  },
})
const plan = planOf(values.size)
const line = {
  delayMs: Number(values.rtt) / 2,
  loss: Number(values.loss),
  mbit: Number(values.mbit),
  seed: Number(values.seed),
  congestion: values.congestion,
}
const kernelHas = (await readFile(`${SYSCTL}available_congestion_control`, 'utf8')).trim()

const root = await mkdtemp(join(tmpdir(), 'shoal-lossy-'))
try {
  const library = join(root, 'library')
  await mkdir(library)
  await makeContent(library, plan)
  const wanted = await digestsOf(library, plan)
  await using lossy = await LossyLine.create(line)
  const runs = await runsOver(lossy, library, wanted)
  const packets = await lossy.stop()
  const setting = { ...line, utp: values.utp, kernelHas }
  console.log(JSON.stringify({ bench: 'lossy', ...plan, ...setting, packets, ...compare(runs) }))
} finally {
  await rm(root, { recursive: true, force: true })
}

/** Both are gone when this resolves: the line can end. */
async function runsOver(
  { ends: [sender, receiver] }: LossyLine,
  library: string,
  wanted: ReadonlyMap<string, string>,
): ReturnType<Rivals['alternate']> {
  await using rivals = await Rivals.start(
    { root, library, slug: 'content-bin', sender, receiver, portAt: () => Promise.resolve(PEER_PORT) },
    values.utp ? ['utp'] : [],
  )
  return await rivals.alternate({ rounds: Number(values.rounds), wanted, isKept: false })
}

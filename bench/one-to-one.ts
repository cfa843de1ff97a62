/**
 * One peer to one over loopback, process start to files in place: how fast, and at what cost at each end, against
 * libtorrent 2.0.8 (Debian's python3-libtorrent) alternating in one run. Every file's SHA-256 is checked.
 *
 *     node bench/one-to-one.ts [SIZE=1024] [ROUNDS=3]
 *
 * `SIZE`: of one file, in MiB; or many files, as `5000x40KiB`. Prints one JSON line: medians and least figures of seconds
 * and CPU-seconds, the ratios (throughput above 1, CPU below 1: ours is better), and the seconds of each run.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../test/support/free-port.ts'
import { digestsOf, makeContent, makeFile, planOf } from './support/bench-content.ts'
import { compare } from './support/rival-figures.ts'
import { LOOPBACK, Rivals } from './support/rivals.ts'

const [size = '1024', rounds = '3'] = process.argv.slice(2)
const plan = planOf(size)
/** Many files stay until the end: ext4 passes over each inode freed in the last minute, at the cost of who makes files. */
const isMany = plan.files > 1

/**
 * Both find the same memory: a file as large as the content is written and removed before each run. Without it, on
 * a virtual machine that gives unused memory back, whoever came after the other's end paid for getting it again.
 */
async function evenOutMemory(path: string): Promise<void> {
  await makeFile(path, plan.files * plan.fileBytes)
  await rm(path)
}

const root = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
try {
  const library = join(root, 'library')
  await mkdir(library)
  await makeContent(library, plan)
  const wanted = await digestsOf(library, plan)
  await using rivals = await Rivals.start({
    root,
    library,
    slug: isMany ? 'content' : 'content-bin',
    sender: LOOPBACK,
    receiver: LOOPBACK,
    portAt: () => freePort(),
  })
  const runs = await rivals.alternate({
    rounds: Number(rounds),
    wanted,
    isKept: isMany,
    prepare: () => evenOutMemory(join(root, 'even')),
  })
  console.log(JSON.stringify({ bench: 'one-to-one', ...plan, rounds: Number(rounds), ...compare(runs) }))
} finally {
  await rm(root, { recursive: true, force: true })
}

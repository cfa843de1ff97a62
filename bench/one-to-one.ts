/**
 * One peer to one over loopback, process start to files in place: how fast, and at what cost at each end, against
 * libtorrent 2.0.8 (Debian's python3-libtorrent) alternating in one run.
 *
 *     node bench/one-to-one.ts [SIZE_MIB=1024] [ROUNDS=3]
 *
 * Prints one JSON line: medians and least figures of seconds and CPU-seconds, the ratios (throughput above 1, CPU
 * below 1: ours is better), and the seconds of each run.
 */
import { freePort } from '../test/support/free-port.ts'
import { spawn, type ChildProcess } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'

const sizeMiB = Number(process.argv[2] ?? 1_024)
const rounds = Number(process.argv[3] ?? 3)
/** As a user starts it: the launcher keeps a cache of compiled code. */
const launcher = new URL('../shoal', import.meta.url).pathname
const peer = new URL('./libtorrent-peer.py', import.meta.url).pathname
const TICKS_A_SECOND = 100

interface Run {
  readonly seconds: number
  readonly leechCpu: number
  readonly seedCpu: number
  readonly leechPeakMiB: number
}

/** A process whose lines are heard. */
class Child implements AsyncDisposable {
  readonly process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(command: string, args: readonly string[]) {
    this.process = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    if (this.process.stdout === null) throw new TypeError('no pipe')
    this.#lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]()
  }

  /** The first line that the reader makes something of. */
  async line<T>(read: (line: string) => T | undefined): Promise<T> {
    for (;;) {
      const next = await this.#lines.next()
      if (next.done === true) throw new Error(`${this.process.spawnfile} ended early`)
      const found = read(next.value)
      if (found !== undefined) return found
    }
  }

  /** User and system time so far, in seconds. */
  async cpu(): Promise<number> {
    const stat = await readFile(`/proc/${this.process.pid ?? 0}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
  }

  async peakMiB(): Promise<number> {
    const status = await readFile(`/proc/${this.process.pid ?? 0}/status`, 'utf8')
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = new Promise((resolve) => this.process.once('exit', resolve))
    this.process.stdin?.end()
    this.process.kill('SIGTERM')
    await ended
  }
}

const event =
  (name: string) =>
  (line: string): Record<string, unknown> | undefined => {
    const read = JSON.parse(line) as Record<string, unknown>
    return read['event'] === name ? read : undefined
  }
const word =
  (name: string) =>
  (line: string): string | undefined =>
    line.startsWith(name) ? line.slice(name.length).trim() : undefined

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

async function makeFile(path: string): Promise<void> {
  const block = randomFillSync(Buffer.alloc(1 << 20))
  await using file = await open(path, 'w')
  for (let i = 0; i < sizeMiB; i++) {
    block.writeUInt32LE(i, 0) // no two pieces alike
    await file.write(block)
  }
}

/**
 * Both find the same memory: a file as large as the content is written and removed before each run. Without it, on
 * a virtual machine that gives unused memory back, whoever came after the other's end paid for getting it again.
 */
async function evenOutMemory(path: string): Promise<void> {
  await makeFile(path)
  await rm(path)
}

async function shoalRun(seed: Child, torrent: string, work: string): Promise<Run> {
  const before = await seed.cpu()
  const args = ['get', torrent, '--json', '--out', join(work, 'out'), '--data', join(work, 'data')]
  await using leech = new Child(launcher, [...args, '--seed', 'forever'])
  const done = await leech.line(event('done'))
  return {
    seconds: Number(done['seconds']),
    leechCpu: await leech.cpu(),
    seedCpu: (await seed.cpu()) - before,
    leechPeakMiB: await leech.peakMiB(),
  }
}

async function libtorrentRun(seed: Child, seedPort: number, torrent: string, work: string): Promise<Run> {
  const before = await seed.cpu()
  const args = [peer, torrent, join(work, 'out'), 'leech', String(await freePort()), String(seedPort)]
  await using leech = new Child('/usr/bin/python3', args)
  const seconds = Number(await leech.line(word('done')))
  return {
    seconds,
    leechCpu: await leech.cpu(),
    seedCpu: (await seed.cpu()) - before,
    leechPeakMiB: await leech.peakMiB(),
  }
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN
const mediansOf = (runs: readonly Run[]): Run => ({
  seconds: median(runs.map((run) => run.seconds)),
  leechCpu: median(runs.map((run) => run.leechCpu)),
  seedCpu: median(runs.map((run) => run.seedCpu)),
  leechPeakMiB: Math.round(median(runs.map((run) => run.leechPeakMiB))),
})
const round = (n: number): number => Math.round(n * 1_000) / 1_000

/** The least of each figure: what the program needs when nothing else on the machine is in its way. */
const bestOf = (runs: readonly Run[]): Run => ({
  seconds: Math.min(...runs.map((run) => run.seconds)),
  leechCpu: round(Math.min(...runs.map((run) => run.leechCpu))),
  seedCpu: round(Math.min(...runs.map((run) => run.seedCpu))),
  leechPeakMiB: Math.round(Math.min(...runs.map((run) => run.leechPeakMiB))),
})

const ratioOf = (ours: Run, theirs: Run): Record<string, number> => ({
  throughput: round(theirs.seconds / ours.seconds),
  leechCpu: round(ours.leechCpu / theirs.leechCpu),
  seedCpu: round(ours.seedCpu / theirs.seedCpu),
})

const root = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
try {
  const library = join(root, 'library')
  await mkdir(library)
  const content = join(library, 'content.bin')
  await makeFile(content)
  const wanted = await sha256(content)
  const data = join(root, 'server')
  await using up = new Child(launcher, [
    ...['up', '--json', '--data', data, '--library', library, '--listen', '127.0.0.1:0'],
  ])
  const portal = String((await up.line(event('ready')))['portal'])
  const torrent = join(root, 'content.torrent')
  await linkTo(portal, data, torrent)
  const port = await freePort()
  await using theirs = new Child('/usr/bin/python3', [peer, torrent, library, 'seed', String(port)])
  await theirs.line(word('ready'))

  const runs = { shoal: [] as Run[], libtorrent: [] as Run[] }
  for (let round = 0; round < rounds; round++) {
    // Who comes first finds other memory than who comes second.
    const order = ['shoal', 'libtorrent'] as const
    for (const who of round % 2 === 0 ? order : order.toReversed()) {
      await evenOutMemory(join(root, 'even'))
      const work = join(root, 'work')
      await mkdir(join(work, 'out'), { recursive: true })
      runs[who].push(
        who === 'shoal'
          ? await shoalRun(up, torrent, work)
          : await libtorrentRun(theirs, port, torrent, work),
      )
      if ((await sha256(join(work, 'out', 'content.bin'))) !== wanted)
        throw new Error(`${who}: the bytes differ`)
      await rm(work, { recursive: true })
    }
  }
  const [shoal, libtorrent] = [mediansOf(runs.shoal), mediansOf(runs.libtorrent)]
  const [ours, other] = [bestOf(runs.shoal), bestOf(runs.libtorrent)]
  const seconds = {
    shoal: runs.shoal.map((run) => run.seconds),
    libtorrent: runs.libtorrent.map((run) => run.seconds),
  }
  console.log(
    JSON.stringify({
      bench: 'one-to-one',
      sizeMiB,
      rounds,
      medians: { shoal, libtorrent, ratio: ratioOf(shoal, libtorrent) },
      best: { shoal: ours, libtorrent: other, ratio: ratioOf(ours, other) },
      seconds,
    }),
  )
} finally {
  await rm(root, { recursive: true, force: true })
}

/** A .torrent with a grant; waits until the library is published. */
async function linkTo(portal: string, data: string, torrent: string): Promise<void> {
  for (;;) {
    const args = ['link', 'content-bin', '--json', '--data', data, '--portal', portal, '--torrent', torrent]
    const child = spawn(launcher, args, { stdio: 'ignore' })
    const code = await new Promise((resolve) => child.once('exit', resolve))
    if (code === 0) return
    if (code !== 4) throw new Error(`link ended with ${String(code)}`)
    await writeFile(torrent, '')
  }
}

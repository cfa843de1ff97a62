/**
 * What TLS between peers costs: one origin to one `shoal get` over loopback, a release for any client and one for our
 * own clients only, alternating in one run; the bytes are checked each time.
 *
 *     node bench/tls.ts [SIZE_MIB=512] [ROUNDS=3]
 *
 * Prints one JSON line: for each the medians of MB/s from the first byte to the last and of CPU-seconds at each end,
 * and what TLS makes of them (ratios: throughput below 1 and CPU above 1 are its price). Both ends on one machine:
 * the MB/s mean little where others load it, the CPU-seconds do.
 */
import { spawn } from 'node:child_process'
import { createHash, randomFillSync } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { pipeline } from 'node:stream/promises'
import { ShoalProcess } from './support/shoal-process.ts'
import { cpuSecondsOf } from './support/usage.ts'

const sizeMiB = Number(process.argv[2] ?? 512)
const rounds = Number(process.argv[3] ?? 3)
const launcher = new URL('../shoal', import.meta.url).pathname
const KINDS = ['plain', 'tls'] as const
type Kind = (typeof KINDS)[number]

interface Run {
  readonly mbPerSecond: number
  readonly leechCpuSeconds: number
  readonly seedCpuSeconds: number
}

async function makeFile(path: string): Promise<string> {
  const block = randomFillSync(Buffer.alloc(1 << 20))
  await using file = await open(path, 'w')
  for (let i = 0; i < sizeMiB; i++) {
    block.writeUInt32LE(i, 0) // no two pieces alike
    await file.write(block)
  }
  return await sha256(path)
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Runs to the event `done`; the process is kept for its figures, and ended after. */
async function get(args: readonly string[]): Promise<{ seconds: number; cpu: number }> {
  const child = spawn(launcher, ['get', ...args, '--json', '--seed', 'forever'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let began: number | undefined
  try {
    for await (const line of createInterface(child.stdout)) {
      const event = JSON.parse(line) as { event: string; state?: string }
      if (event.event === 'state' && event.state === 'downloading') began = performance.now()
      if (event.event !== 'done') continue
      const seconds = (performance.now() - (began ?? performance.now())) / 1_000
      return { seconds, cpu: cpuSecondsOf(child.pid ?? 0) }
    }
    throw new Error('get ended early')
  } finally {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    await ended
  }
}

async function publish(args: readonly string[]): Promise<void> {
  const child = spawn(launcher, ['publish', ...args], { stdio: ['ignore', 'ignore', 'inherit'] })
  const code = await new Promise((resolve) => child.once('exit', resolve))
  if (code !== 0) throw new Error(`publish ended with ${String(code)}`)
}

const round = (n: number): number => Math.round(n * 1_000) / 1_000
const median = (values: readonly number[]): number =>
  round(values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN)
const mediansOf = (runs: readonly Run[]): Run => ({
  mbPerSecond: median(runs.map((run) => run.mbPerSecond)),
  leechCpuSeconds: median(runs.map((run) => run.leechCpuSeconds)),
  seedCpuSeconds: median(runs.map((run) => run.seedCpuSeconds)),
})

const root = await mkdtemp(join(tmpdir(), 'shoal-bench-tls-'))
try {
  const data = join(root, 'server')
  await using up = await ShoalProcess.start([
    'up',
    '--data',
    data,
    '--listen',
    '127.0.0.1:0',
    '--peer-port',
    '0',
  ])
  const whose = ['--data', data, '--portal', String(up.ready['portal'])]
  const sums = new Map<Kind, string>()
  for (const kind of KINDS) {
    await mkdir(join(root, kind))
    const path = join(root, kind, 'content.bin')
    sums.set(kind, await makeFile(path))
    // With the data folder of the origin: it serves the file from where it is.
    await publish([
      path,
      '--title',
      kind,
      '--bundle',
      kind,
      '--admit',
      kind === 'tls' ? 'ours' : 'any',
      ...whose,
    ])
  }
  const runs = { plain: [] as Run[], tls: [] as Run[] }
  for (let n = 0; n < rounds; n++) {
    for (const kind of n % 2 === 0 ? KINDS : KINDS.toReversed()) {
      const work = join(root, 'work')
      const token = ['--token-file', join(data, 'admin.token'), '--portal', String(up.ready['portal'])]
      const before = up.cpuSeconds()
      const { seconds, cpu } = await get([
        ...[kind, '--out', join(work, 'out'), '--data', join(work, 'data')],
        ...token,
      ])
      const seedCpuSeconds = round(up.cpuSeconds() - before)
      runs[kind].push({
        mbPerSecond: (sizeMiB * 1.048576) / seconds,
        leechCpuSeconds: cpu,
        seedCpuSeconds,
      })
      if ((await sha256(join(work, 'out', 'content.bin'))) !== sums.get(kind))
        throw new Error(`${kind}: the bytes differ`)
      await rm(work, { recursive: true })
    }
  }
  const [plain, tls] = [mediansOf(runs.plain), mediansOf(runs.tls)]
  const ratio = {
    throughput: round(tls.mbPerSecond / plain.mbPerSecond),
    leechCpu: round(tls.leechCpuSeconds / plain.leechCpuSeconds),
    seedCpu: round(tls.seedCpuSeconds / plain.seedCpuSeconds),
  }
  console.log(JSON.stringify({ bench: 'tls', sizeMiB, rounds, plain, tls, ratio }))
} finally {
  await rm(root, { recursive: true, force: true })
}

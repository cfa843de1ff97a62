/**
 * How exactly a rate limit holds: one sender and one receiver over loopback, one of them limited, for Shoal, libtorrent
 * (Debian's python3-libtorrent) and aria2 in one run. What passed is what the kernel says was acknowledged on the
 * sender's sockets, protocol included, so that nobody is asked about himself.
 *
 *     node bench/rate-limits.ts [MB_A_SECOND=1,5,20] [SECONDS=13] [CLIENTS=shoal,libtorrent,aria2]
 *
 * Prints one JSON line: for each limit, direction and client the least and the most that passed in any ten seconds, as
 * a part of the limit. The goal is 0.95 to 1.05.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { encodeTorrent, parseTorrent } from '../src/wire/torrent.ts'
import { freePort } from '../test/support/free-port.ts'
import { ShoalProcess } from './support/shoal-process.ts'

const rates = (process.argv[2] ?? '1,5,20').split(',').map((text) => Number(text) * 1_000_000)
const measuredMs = Number(process.argv[3] ?? 13) * 1_000
const WINDOW_MS = 10_000
/** Until the receiver has found the sender, and the first bucket is used up. */
const SETTLED_MS = 2_000
const SAMPLE_EVERY_MS = 100
const START_TIMEOUT_MS = 60_000

const launcher = new URL('../shoal', import.meta.url).pathname
const libtorrent = new URL('./support/limited-libtorrent.py', import.meta.url).pathname
const run = promisify(execFile)

const CLIENTS = ['shoal', 'libtorrent', 'aria2'] as const
type Client = (typeof CLIENTS)[number]
const chosen = CLIENTS.filter((client) => (process.argv[4] ?? CLIENTS.join()).split(',').includes(client))

interface Sample {
  readonly at: number
  readonly bytes: number
}

/** What the sockets that listen at a port, or did, have had acknowledged; none is forgotten when it closes. */
class Sent {
  readonly #port: number
  readonly #bySocket = new Map<string, number>()

  constructor(port: number) {
    this.#port = port
  }

  async look(): Promise<Sample> {
    const asked = performance.now()
    const { stdout } = await run('ss', ['-tinH', 'state', 'established', `sport = :${this.#port}`])
    const at = (asked + performance.now()) / 2
    for (const [, remote = '', rest = ''] of stdout.matchAll(/(\S+:\d+)[^\S\n]*\n([^\n]*)/g)) {
      const acked = Number(/bytes_acked:(\d+)/.exec(rest)?.[1] ?? 0)
      this.#bySocket.set(remote, Math.max(acked, this.#bySocket.get(remote) ?? 0))
    }
    return { at, bytes: [...this.#bySocket.values()].reduce((sum, n) => sum + n, 0) }
  }
}

/** The least and the most of any ten seconds, as a part of the limit. */
async function measure(port: number, limit: number): Promise<{ least: number; most: number }> {
  const sent = new Sent(port)
  const began = performance.now()
  while ((await sent.look()).bytes < 100_000) {
    if (performance.now() - began > START_TIMEOUT_MS) throw new Error('nothing moves')
    await sleep(SAMPLE_EVERY_MS)
  }
  await sleep(SETTLED_MS)
  const samples: Sample[] = []
  const end = performance.now() + measuredMs
  while (performance.now() < end) {
    samples.push(await sent.look())
    await sleep(SAMPLE_EVERY_MS)
  }
  const parts = samples.flatMap((from) => {
    const to = samples.find(({ at }) => at >= from.at + WINDOW_MS)
    return to === undefined ? [] : [(1_000 * (to.bytes - from.bytes)) / (to.at - from.at) / limit]
  })
  const round = (n: number): number => Math.round(n * 1_000) / 1_000
  return { least: round(Math.min(...parts)), most: round(Math.max(...parts)) }
}

/** A child that is ended when it is disposed of. */
function child(command: string, args: readonly string[]): ChildProcess & AsyncDisposable {
  const started = spawn(command, args, { stdio: ['pipe', 'ignore', 'inherit'] })
  return Object.assign(started, {
    async [Symbol.asyncDispose](): Promise<void> {
      if (started.exitCode !== null || started.signalCode !== null) return
      const ended = once(started, 'exit')
      started.stdin.end()
      started.kill('SIGTERM')
      await ended
    },
  })
}

interface World {
  readonly root: string
  readonly library: string
  /** With trackers, and without. */
  readonly torrent: string
  readonly trackerless: string
  readonly data: string
}

const startUp = (world: Pick<World, 'library' | 'data'>, ...more: string[]): Promise<ShoalProcess> =>
  ShoalProcess.start([
    ...['up', '--data', world.data, '--library', world.library, '--listen', '127.0.0.1:0'],
    ...['--peer-port', '0', ...more],
  ])

/** The receiver is limited; an origin of ours sends all that it is asked for. */
async function down(world: World, client: Client, limit: number): Promise<{ least: number; most: number }> {
  await using up = await startUp(world)
  const torrent = await linkTo(world, String(up.ready['portal']))
  const out = join(world.root, 'out')
  await mkdir(out, { recursive: true })
  const port = await freePort()
  const data = join(world.root, 'data')
  const argv: Record<Client, readonly string[]> = {
    shoal: [launcher, 'get', torrent, '--out', out, '--data', data, '--limit-down', `${limit}`, '--unsigned'],
    libtorrent: ['/usr/bin/python3', libtorrent, torrent, out, 'leech', `${port}`, `${limit}`, '0'],
    aria2: aria2(torrent, out, port, `--max-overall-download-limit=${limit}`),
  }
  const [command = '', ...args] = argv[client]
  await using receiver = child(command, args)
  const measured = await measure(Number(up.ready['peerPort']), limit)
  await receiver[Symbol.asyncDispose]()
  for (const path of [out, data]) await rm(path, { recursive: true, force: true })
  return measured
}

/** The sender is limited; libtorrent takes all that it gets. */
async function up(world: World, client: Client, limit: number): Promise<{ least: number; most: number }> {
  await using stack = new AsyncDisposableStack()
  let port = await freePort()
  let torrent = world.trackerless
  if (client === 'shoal') {
    const origin = stack.use(await startUp(world, '--limit-up', `${limit}`))
    torrent = await linkTo(world, String(origin.ready['portal']))
    port = Number(origin.ready['peerPort'])
  } else {
    const args = [libtorrent, torrent, world.library, 'seed', `${port}`, '0', `${limit}`]
    const [command = '', ...rest] =
      client === 'libtorrent'
        ? ['/usr/bin/python3', ...args]
        : aria2(torrent, world.library, port, `--max-overall-upload-limit=${limit}`)
    stack.use(child(command, rest))
  }
  const out = join(world.root, 'out')
  await mkdir(out, { recursive: true })
  const receiver = [libtorrent, torrent, out, 'leech', String(await freePort()), '0', '0']
  stack.use(child('/usr/bin/python3', client === 'shoal' ? receiver : [...receiver, `${port}`]))
  const measured = await measure(port, limit)
  await stack.disposeAsync()
  await rm(out, { recursive: true, force: true })
  return measured
}

const aria2 = (torrent: string, folder: string, port: number, limit: string): readonly string[] => [
  ...['aria2c', '--no-conf', '--enable-dht=false', '--bt-enable-lpd=false', '--enable-peer-exchange=false'],
  ...['--disable-ipv6=true', `--listen-port=${port}`, '--seed-ratio=0.0', '--bt-seed-unverified=true', limit],
  ...['--file-allocation=none', '--quiet=true', '--allow-overwrite=true', `--dir=${folder}`, torrent],
]

/** A .torrent with a grant of its own; waits until the library is published. */
async function linkTo({ root, data }: Pick<World, 'root' | 'data'>, portal: string): Promise<string> {
  const torrent = join(root, 'content.torrent')
  const args = ['link', 'content-bin', '--data', data, '--portal', portal, '--torrent', torrent]
  for (;;) {
    const [code] = (await once(spawn(launcher, args, { stdio: 'ignore' }), 'exit')) as [number]
    if (code === 0) return torrent
    if (code !== 4) throw new Error(`link ended with ${code}`)
  }
}

async function makeWorld(root: string): Promise<World> {
  const places = { root, library: join(root, 'library'), data: join(root, 'server') }
  await mkdir(places.library)
  const block = randomFillSync(Buffer.alloc(1 << 20))
  const bytes = (Math.max(...rates) * (measuredMs + 2 * SETTLED_MS + 5_000)) / 1_000
  await using file = await open(join(places.library, 'content.bin'), 'w')
  for (let i = 0; i < Math.ceil(bytes / block.length); i++) {
    block.writeUInt32LE(i, 0) // no two pieces alike
    await file.write(block)
  }
  await using origin = await startUp(places)
  const torrent = await linkTo(places, String(origin.ready['portal']))
  const { infoBytes } = parseTorrent(await readFile(torrent))
  const trackerless = join(root, 'trackerless.torrent')
  await writeFile(trackerless, encodeTorrent({ infoBytes, announce: [] }))
  return { ...places, torrent, trackerless }
}

const root = await mkdtemp(join(tmpdir(), 'shoal-bench-limits-'))
try {
  const world = await makeWorld(root)
  const results = []
  for (const limit of rates)
    for (const [way, test] of [
      ['down', down],
      ['up', up],
    ] as const) {
      const clients: Partial<Record<Client, { least: number; most: number }>> = {}
      for (const client of chosen) clients[client] = await test(world, client, limit)
      results.push({ limitMBps: limit / 1_000_000, way, ...clients })
    }
  console.log(JSON.stringify({ bench: 'rate-limits', windowSeconds: WINDOW_MS / 1_000, results }))
} finally {
  await rm(root, { recursive: true, force: true })
}

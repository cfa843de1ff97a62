/**
 * What does `shoal get` cost until its first announce reaches the tracker?
 *
 *     node bench/first-announce.ts [ROUNDS=9]
 *
 * Starts `./shoal get FILE.torrent` as a user does, against a tracker in this process that reads the processor
 * time of the client (all threads, user and system) in the moment in which the announce arrives, and then ends
 * it. Prints one JSON line: medians of CPU-seconds and of seconds by the clock, with the compile cache that the
 * launcher keeps warm, and without any (the first start after an installation); how many modules had been loaded;
 * and the same for aria2 and transmission-cli where they are installed.
 */
import { spawn } from 'node:child_process'
import { randomFillSync } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { encodeInfo } from '../src/wire/torrent-info.ts'
import { encodeTorrent } from '../src/wire/torrent.ts'
import { usageOf } from './support/usage.ts'

interface Start {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

interface Cost {
  readonly cpuSeconds: number
  readonly seconds: number
}

const rounds = Number(process.argv[2] ?? 9)
const launcher = new URL('../shoal', import.meta.url).pathname
const GIVE_UP_SECONDS = 60

const folder = await mkdtemp(join(tmpdir(), 'shoal-first-announce-'))
/** Called with the time of arrival when an announce is there. */
let announced: () => void = () => undefined
const tracker = createServer((socket) => {
  socket.on('error', () => undefined)
  socket.once('data', () => {
    announced()
    socket.end('HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nd8:intervali1800e5:peers0:e')
  })
})
await new Promise<void>((resolve) => tracker.listen(0, '127.0.0.1', resolve))

try {
  const torrent = join(folder, 'one.torrent')
  await writeFile(torrent, torrentOf((tracker.address() as AddressInfo).port))
  const contestants: Readonly<Record<string, (round: number) => Start>> = {
    shoal: (round) => shoalStart(torrent, round),
    shoalNoCache: (round) => shoalStart(torrent, round, { NODE_DISABLE_COMPILE_CACHE: '1' }),
    aria2c: (round) => aria2Start(torrent, round),
    transmissionCli: (round) => transmissionStart(torrent, round),
  }
  const costs: Record<string, Cost[]> = {}
  await firstAnnounce(shoalStart(torrent, -1)) // fills the compile cache
  for (let round = 0; round < rounds; round++)
    for (const [name, startOf] of Object.entries(contestants)) {
      const cost = await firstAnnounce(startOf(round))
      if (cost !== undefined) (costs[name] ??= []).push(cost)
    }
  const line = {
    bench: 'first-announce',
    rounds,
    load: loadavg().map((load) => Number(load.toFixed(2))),
    cpuSeconds: medians(costs, (cost) => cost.cpuSeconds),
    seconds: medians(costs, (cost) => cost.seconds),
    modules: await modulesLoaded(torrent),
  }
  process.stdout.write(`${JSON.stringify(line)}\n`)
} finally {
  tracker.close()
  await rm(folder, { recursive: true, force: true })
}

function shoalStart(torrent: string, round: number, env: Readonly<Record<string, string>> = {}): Start {
  const out = ['--out', join(folder, `shoal-${round}`), '--data', join(folder, `shoal-data-${round}`)]
  return { command: launcher, args: ['get', torrent, ...out, '--bind', '127.0.0.1', '--peer-port', '0'], env }
}

function aria2Start(torrent: string, round: number): Start {
  const quiet = ['--no-conf', '--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false']
  const where = ['--interface=127.0.0.1', `--dir=${join(folder, `aria2-${round}`)}`]
  return { command: 'aria2c', args: [...quiet, ...where, torrent] }
}

function transmissionStart(torrent: string, round: number): Start {
  const where = [
    '-w',
    join(folder, `transmission-${round}`),
    '-g',
    join(folder, `transmission-data-${round}`),
  ]
  return { command: 'transmission-cli', args: ['--no-portmap', ...where, torrent] }
}

/** The cost so far of the process when its announce arrives; undefined when the program is not installed. */
async function firstAnnounce(start: Start): Promise<Cost | undefined> {
  const startedAt = performance.now()
  const child = spawn(start.command, start.args, { stdio: 'ignore', env: { ...process.env, ...start.env } })
  const ended = new Promise<undefined>((resolve) => {
    child.once('error', () => resolve(undefined))
    child.once('exit', () => resolve(undefined))
  })
  const arrived = new Promise<Cost>((resolve) => {
    announced = () => {
      const seconds = (performance.now() - startedAt) / 1_000
      const usage = usageOf(child.pid ?? 0)
      if (usage !== undefined) resolve({ cpuSeconds: usage.cpuSeconds, seconds })
    }
  })
  const timer = setTimeout(() => child.kill('SIGKILL'), 1_000 * GIVE_UP_SECONDS)
  const cost = await Promise.race([arrived, ended])
  clearTimeout(timer)
  child.kill('SIGKILL')
  await ended
  if (cost === undefined && child.pid !== undefined)
    throw new Error(`${start.command} ended before its first announce`)
  return cost
}

/** Files of code that had been loaded when the announce arrived, of our own and of packages. */
async function modulesLoaded(torrent: string): Promise<{ own: number; packages: number }> {
  const list = join(folder, 'modules')
  const hook = `
    import { appendFileSync } from 'node:fs'
    import { registerHooks } from 'node:module'
    registerHooks({ load(url, context, next) { appendFileSync(${JSON.stringify(list)}, url + '\\n'); return next(url, context) } })`
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(hook)}` }
  await firstAnnounce(shoalStart(torrent, rounds, env))
  const urls = (await readFile(list, 'utf8')).split('\n').filter((url) => url.startsWith('file:'))
  const packages = urls.filter((url) => url.includes('/node_modules/')).length
  return { own: urls.length - packages, packages }
}

function torrentOf(port: number): Uint8Array {
  const infoBytes = encodeInfo({
    name: 'one.bin',
    pieceLength: 262_144,
    pieces: randomFillSync(new Uint8Array(20 * 400)),
    isSingleFile: true,
    files: [{ path: '', sizeBytes: 400 * 262_144 }],
    isPrivate: true,
  })
  return encodeTorrent({ infoBytes, announce: [[`http://127.0.0.1:${port}/announce`]] })
}

function medians(
  costs: Readonly<Record<string, readonly Cost[]>>,
  of: (cost: Cost) => number,
): Record<string, number> {
  return Object.fromEntries(Object.entries(costs).map(([name, list]) => [name, median(list.map(of))]))
}

function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return Number((sorted[Math.floor(sorted.length / 2)] ?? NaN).toFixed(3))
}

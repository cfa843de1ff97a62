/**
 * How many announces does the tracker answer in a CPU-second, every grant checked, and how many does
 * opentracker, which checks nobody, on the same machine in the same run?
 *
 *     node bench/tracker-announce.ts [--peers 1000] [--rounds 48]
 *
 * Prints one JSON line. CPU time is the server process's own, user and system, from /proc; the load comes from
 * this process. The peers are in 10 swarms and announce in turn, each with a grant of its own that the tracker
 * has not seen before; a round is an announce of each. 48 rounds are what a grant of 24 hours sees from a stock
 * client that announces every 30 minutes. Replies hold 50 peers.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { infoHash, peerId } from '../src/core/ids.ts'
import { SiteMap } from '../src/core/site.ts'
import { addMillis, hours } from '../src/core/units.ts'
import { systemClock } from '../src/platform/clock.ts'
import { readConfig } from '../src/platform/config.ts'
import { silentLogger } from '../src/platform/log.ts'
import { systemRandom } from '../src/platform/random.ts'
import { ControlState } from '../src/portal-client/index.ts'
import { startTracker, trackerSettings } from '../src/tracker/index.ts'
import { announceUrl } from '../src/wire/announce.ts'
import { newGrantId, signGrant } from '../src/wire/grant.ts'
import { generateSigningKey, loadSigningKey, type SigningKey } from '../src/wire/signing-key.ts'

const OPENTRACKER = '/usr/bin/opentracker'
const swarms = Array.from({ length: 10 }, (_, i) => infoHash((i + 1).toString(16).padStart(40, '0')))
const CONNECTIONS = 128
/** Of /proc/PID/stat; Linux has always shown 100 a second to programs. */
const TICKS_PER_SECOND = 100

type Style = 'keep-alive' | 'close'

interface Server {
  readonly name: 'shoal' | 'opentracker'
  readonly process: ChildProcess
  readonly port: number
}

interface Size {
  readonly peers: number
  readonly rounds: number
}

interface Figure {
  readonly announces: number
  readonly cpuSeconds: number
  readonly perCpuSecond: number
}

/** The announces of so many peers, one request text each. */
async function requestsOf(key: SigningKey, style: Style, peers: number): Promise<readonly string[]> {
  const requests: string[] = []
  for (let i = 0; i < peers; i++) {
    const swarm = swarms[i % swarms.length] ?? infoHash('')
    const now = systemClock.epoch()
    const claims = { infoHash: swarm, id: newGrantId(now), expiresAt: addMillis(now, hours(24)) }
    const url = announceUrl('/announce', {
      infoHash: swarm,
      peerId: peerId(i.toString(16).padStart(40, '0')),
      port: 10_000 + i,
      uploadedBytes: 0,
      downloadedBytes: 0,
      leftBytes: 1_000,
      numWant: 50,
      compact: true,
      isOurs: false,
      grant: await signGrant(claims, key),
    })
    requests.push(`GET ${url} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: ${style}\r\n\r\n`)
  }
  return requests
}

/** Sends all requests, round by round. */
async function load(port: number, requests: readonly string[], rounds: number): Promise<void> {
  let next = 0
  const worker = async (): Promise<void> => {
    let socket: Socket | undefined
    while (next < rounds * requests.length) {
      socket ??= connect({ host: '127.0.0.1', port, noDelay: true })
      const isOpen = await exchange(socket, requests[next++ % requests.length] ?? '')
      if (!isOpen) socket = undefined
    }
    socket?.destroy()
  }
  await Promise.all(Array.from({ length: CONNECTIONS }, worker))
}

/** One request and its whole answer; false when the server then closes. */
function exchange(socket: Socket, request: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    let text = ''
    const finish = (isOpen: boolean): void => {
      socket.removeAllListeners()
      socket.on('error', () => undefined)
      if (!isOpen) socket.destroy()
      if (text.includes('5:peers')) resolve(isOpen)
      else reject(new Error(`no peers in the answer: ${JSON.stringify(text.slice(0, 300))}`))
    }
    socket.on('data', (part) => {
      text += part.toString('latin1')
      const head = text.indexOf('\r\n\r\n')
      const length = /content-length: *(\d+)/i.exec(text)?.[1]
      if (head === -1 || length === undefined || text.length < head + 4 + Number(length)) return
      // The answer is whole; whether the server closes is its header's to say.
      if (
        !/connection: *close/i.test(text.slice(0, head)) &&
        /connection: *keep-alive/i.test(text.slice(0, head))
      )
        finish(true)
    })
    socket.on('close', () => {
      finish(false)
    })
    socket.on('error', reject)
    socket.write(request)
  })
}

function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

async function measure(server: Server, style: Style, key: SigningKey, size: Size): Promise<Figure> {
  await load(server.port, await requestsOf(key, style, 200), 10) // warm
  const requests = await requestsOf(key, style, size.peers)
  const pid = server.process.pid ?? 0
  const before = cpuSecondsOf(pid)
  await load(server.port, requests, size.rounds)
  const announces = size.peers * size.rounds
  const cpuSeconds = Number((cpuSecondsOf(pid) - before).toFixed(2))
  return { announces, cpuSeconds, perCpuSecond: Math.round(announces / cpuSeconds) }
}

/** This file again, as a process of its own whose only work is the tracker. */
async function startShoal(privateJwk: unknown): Promise<Server> {
  const child = spawn(process.execPath, [import.meta.filename, '--serve'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  child.stdin.end(JSON.stringify(privateJwk))
  for await (const line of createInterface(child.stdout))
    return { name: 'shoal', process: child, port: Number(line) }
  throw new Error('the tracker did not start')
}

async function serve(): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of process.stdin) parts.push(Buffer.from(part as Uint8Array))
  const key = await loadSigningKey(JSON.parse(Buffer.concat(parts).toString()))
  const control = new ControlState()
  const at = new Date().toISOString()
  const events = [{ kind: 'grant-key' as const, key: key.publicKey }]
  control.apply({ portal: 'http://127.0.0.1', seq: 1, snapshot: true, at, events })
  const sites = new SiteMap([])
  const tracker = await startTracker(
    { clock: systemClock, random: systemRandom, log: silentLogger, control, sites: () => sites },
    { listen: { host: '127.0.0.1', port: 0 }, settings: readConfig(trackerSettings, {}) },
  )
  process.stdout.write(`${tracker.port}\n`)
}

/** Debian's opentracker serves what a file lists; it leaves root and looks for the file in its folder. */
async function startOpentracker(folder: string): Promise<Server> {
  await writeFile(join(folder, 'whitelist'), swarms.map((swarm) => `${swarm}\n`).join(''))
  await chmod(folder, 0o755)
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const address = probe.address()
  const port = address !== null && typeof address === 'object' ? address.port : 0
  probe.close()
  await once(probe, 'close')
  const child = spawn(
    OPENTRACKER,
    ['-i', '127.0.0.1', '-p', String(port), '-P', String(port), '-d', folder, '-w', 'whitelist'],
    { stdio: 'ignore', cwd: folder },
  )
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const isUp = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (isUp) return { name: 'opentracker', process: child, port }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

async function main(size: Size): Promise<void> {
  const { key, privateJwk } = await generateSigningKey('grant')
  const shoal = await startShoal(privateJwk)
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  const opentracker = existsSync(OPENTRACKER) ? await startOpentracker(folder) : undefined
  try {
    const ours = {
      keepAlive: await measure(shoal, 'keep-alive', key, size),
      close: await measure(shoal, 'close', key, size),
    }
    const theirs = opentracker === undefined ? undefined : await measure(opentracker, 'keep-alive', key, size)
    const ratio = (figure: Figure): number | undefined =>
      theirs === undefined ? undefined : Number((figure.perCpuSecond / theirs.perCpuSecond).toFixed(2))
    const line = {
      bench: 'tracker-announce',
      shoal: ours,
      opentracker: theirs ?? `not installed (${OPENTRACKER})`,
      ratio: { keepAlive: ratio(ours.keepAlive), close: ratio(ours.close) },
    }
    process.stdout.write(`${JSON.stringify(line)}\n`)
  } finally {
    shoal.process.kill()
    opentracker?.process.kill()
    await rm(folder, { recursive: true })
  }
}

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '1000' },
    rounds: { type: 'string', default: '48' },
    serve: { type: 'boolean', default: false },
  },
})
await (values.serve ? serve() : main({ peers: Number(values.peers), rounds: Number(values.rounds) }))

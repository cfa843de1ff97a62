/** Trackers as processes of their own: ours, and those that it is measured against. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { InfoHash } from '../../src/core/ids.ts'
import { freePort } from '../../test/support/free-port.ts'
import { cpuSecondsOf, peakBytesOf, residentBytesOf } from '../support/usage.ts'

export type TrackerName = 'shoal' | 'opentracker' | 'bittorrent-tracker'

const OPENTRACKER = '/usr/bin/opentracker'
const BITTORRENT_TRACKER = fileURLToPath(
  new URL('../../node_modules/bittorrent-tracker/bin/cmd.js', import.meta.url),
)
const SHOAL = fileURLToPath(new URL('shoal-tracker.ts', import.meta.url))
/** What the launcher gives to Node for a tracker. */
const AS_LAUNCHED = ['--max-semi-space-size=8']
const COMPILE_CACHE = fileURLToPath(new URL('../../.cache/compile', import.meta.url))

export class TrackerProcess implements AsyncDisposable {
  readonly name: TrackerName
  /** Of HTTP. */
  readonly port: number
  readonly udpPort: number
  readonly #process: ChildProcess
  readonly #folder: string | undefined

  constructor(
    name: TrackerName,
    process: ChildProcess,
    port: number,
    more: { readonly udpPort?: number; readonly folder?: string } = {},
  ) {
    this.name = name
    this.port = port
    this.udpPort = more.udpPort ?? port
    this.#process = process
    this.#folder = more.folder
  }

  get cpuSeconds(): number {
    return cpuSecondsOf(this.#pid)
  }

  get residentBytes(): number {
    return residentBytesOf(this.#pid)
  }

  get peakBytes(): number {
    return peakBytesOf(this.#pid)
  }

  get openDescriptors(): number {
    return readdirSync(`/proc/${this.#pid}/fd`).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const exited = once(this.#process, 'exit')
      this.#process.kill()
      await exited
    }
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true })
  }

  get #pid(): number {
    return this.#process.pid ?? 0
  }
}

export interface ShoalOptions {
  /** Of the key that signs the grants. */
  readonly privateJwk: unknown
  readonly settings?: Readonly<Record<string, string>>
  /** To Node itself, such as `--cpu-prof`. */
  readonly nodeArguments?: readonly string[]
}

export async function startShoal({
  privateJwk,
  settings = {},
  nodeArguments = [],
}: ShoalOptions): Promise<TrackerProcess> {
  const child = spawn(process.execPath, [...AS_LAUNCHED, ...nodeArguments, SHOAL], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
  })
  child.stdin.end(JSON.stringify({ privateJwk, settings }))
  for await (const line of createInterface(child.stdout)) {
    const [port = 0, udpPort = 0] = line.split(' ').map(Number)
    return new TrackerProcess('shoal', child, port, { udpPort })
  }
  throw new Error('the tracker did not start')
}

/** Debian's opentracker serves what a file lists; it leaves root and looks for the file in its folder. */
export async function startOpentracker(swarms: readonly InfoHash[]): Promise<TrackerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'shoal-bench-'))
  await writeFile(join(folder, 'whitelist'), swarms.map((swarm) => `${swarm}\n`).join(''))
  await chmod(folder, 0o755)
  const port = await freePort()
  const flags = ['-i', '127.0.0.1', '-p', String(port), '-P', String(port), '-d', folder, '-w', 'whitelist']
  const child = spawn(OPENTRACKER, flags, { stdio: 'ignore', cwd: folder })
  await untilListening(port, child)
  return new TrackerProcess('opentracker', child, port, { folder })
}

export async function startBittorrentTracker(): Promise<TrackerProcess> {
  const port = await freePort()
  const flags = ['--port', String(port), '--http', '--udp', '--quiet', '--http-hostname', '127.0.0.1']
  const child = spawn(process.execPath, [BITTORRENT_TRACKER, ...flags], { stdio: 'ignore' })
  await untilListening(port, child)
  return new TrackerProcess('bittorrent-tracker', child, port)
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended at once`)
    const socket = connect(port, '127.0.0.1')
    const isUp = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false)
    socket.destroy()
    if (isUp) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${child.spawnfile} does not listen`)
}

/** Origins for many peers: `shoal up` and libtorrent, each a process of its own that seeds one file. Linux. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { freePort } from '../../test/support/free-port.ts'
import { ipAddress, type Endpoint } from '../../src/core/address.ts'
import type { Torrent } from '../../src/core/metainfo.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'
import { announceFrom, type LoopbackPeer } from './announce-from.ts'
import type { LoopFigures } from './loop-watch.ts'
import { releasesOf } from './outage-library.ts'
import { ShoalProcess } from './shoal-process.ts'

export interface ManySeed extends AsyncDisposable {
  readonly pid: number
  readonly endpoint: Endpoint
  readonly torrent: Torrent
  /** The .torrent's bytes. */
  readonly torrentBytes: Uint8Array
  /** Makes it serve the peer. */
  admit(peer: LoopbackPeer): Promise<void>
  /** Of its event loop since the call before; undefined where it has none. */
  loop(): Promise<LoopFigures | undefined>
}

export interface ShoalSeedOptions {
  readonly folder: string
  /** A folder that holds one file. */
  readonly library: string
  readonly reveal: boolean
  readonly nodeArgs: readonly string[]
}

const LOOP_WATCH = new URL('./loop-watch.ts', import.meta.url).href
const LIBTORRENT = new URL('../libtorrent-peer.py', import.meta.url).pathname
const HOST = ipAddress('127.0.0.1')
const LOOK_EVERY_MS = 20
const LOOKS_MAX = 250

/** Resolves when the file is published. */
export async function shoalSeed({ folder, library, reveal, nodeArgs }: ShoalSeedOptions): Promise<ManySeed> {
  await using stack = new AsyncDisposableStack()
  const data = join(folder, 'data')
  const watched = join(folder, 'loop')
  await mkdir(folder, { recursive: true })
  await writeFile(watched, '')
  const args = ['up', '--data', data, '--library', library, '--listen', '127.0.0.1:0', '--peer-port', '0']
  const process = stack.use(
    await ShoalProcess.start(args, {
      nodeArgs: ['--import', LOOP_WATCH, ...nodeArgs],
      env: { LOOP_WATCH_FILE: watched, SHOAL_SEEDER_REVEAL: String(reveal) },
    }),
  )
  const portal = String(process.ready['portal'])
  const [release] = await releasesOf(data, { portal, tracker: portal, count: 1 })
  if (release === undefined) throw new Error('the file was not published')
  const torrentBytes = Buffer.from(release.torrent, 'base64')
  const torrent = parseTorrent(torrentBytes)
  const running = stack.move()
  let looks = 0
  return {
    pid: process.pid,
    endpoint: { host: HOST, port: Number(process.ready['peerPort']) },
    torrent,
    torrentBytes,
    admit: (peer) => announceFrom(peer, torrent, release.announceUrl),
    async loop() {
      globalThis.process.kill(process.pid, 'SIGUSR2')
      looks++
      return JSON.parse(await lineOf(watched, looks)) as LoopFigures
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

/** Waits until the file has so many lines, and answers the last of them. */
async function lineOf(path: string, count: number): Promise<string> {
  for (let tries = 0; tries < LOOKS_MAX; tries++) {
    const lines = (await readFile(path, 'utf8')).split('\n')
    if (lines.length > count) return lines[count - 1] ?? ''
    await wait(LOOK_EVERY_MS)
  }
  throw new Error('the loop-watch did not answer')
}

/** As it comes, but for what `quiet_libtorrent.py` says. It serves whoever dials. */
export async function libtorrentSeed(
  torrentBytes: Uint8Array,
  folder: string,
  library: string,
): Promise<ManySeed> {
  await mkdir(folder, { recursive: true })
  const path = join(folder, 'content.torrent')
  await writeFile(path, torrentBytes)
  const port = await freePort()
  const child = spawn('/usr/bin/python3', [LIBTORRENT, path, library, 'seed', String(port)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  for await (const line of createInterface({ input: child.stdout })) if (line === 'ready') break
  return {
    pid: child.pid ?? 0,
    endpoint: { host: HOST, port },
    torrent: parseTorrent(torrentBytes),
    torrentBytes,
    admit: () => Promise.resolve(),
    loop: () => Promise.resolve(undefined),
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

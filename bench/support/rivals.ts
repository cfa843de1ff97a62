/**
 * A sender and a receiver of the same content, ours and libtorrent's (Debian's python3-libtorrent), that take turns: the
 * senders run all the time, a receiver is started for each run.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Host, startOn } from '../../test/support/namespaces.ts'
import { type Child, run } from '../../test/support/processes.ts'
import { encodeTorrent, parseTorrent } from '../../src/wire/torrent.ts'
import { MiB } from '../../src/core/units.ts'
import { mustBeWhole } from './bench-content.ts'
import type { Run } from './rival-figures.ts'
import { cpuSecondsOf, peakBytesOf } from './usage.ts'

export type Rival = 'shoal' | 'libtorrent'

/** Both ends on this machine as it is. */
export const LOOPBACK: Host = { name: 'loopback', address: '127.0.0.1', argv: (argv) => [...argv] }

/** As a user starts it: the launcher keeps a cache of compiled code. */
const LAUNCHER = new URL('../../shoal', import.meta.url).pathname
/** Debian's own Python: others do not see the system's libtorrent. */
const PEER = ['/usr/bin/python3', new URL('../libtorrent-peer.py', import.meta.url).pathname]

export interface Turns {
  readonly rounds: number
  /** SHA-256 by path, of what must have arrived. */
  readonly wanted: ReadonlyMap<string, string>
  /** What was received stays until the end. */
  readonly isKept: boolean
  /** Before each run. */
  readonly prepare?: () => Promise<void>
}

export interface RivalsParts {
  /** Below it is what the senders need. */
  readonly root: string
  /** With the content in it, and nothing else. */
  readonly library: string
  /** Of the bundle that the library becomes. */
  readonly slug: string
  readonly sender: Host
  readonly receiver: Host
  /** A port that libtorrent may take at a host. */
  readonly portAt: (host: Host) => Promise<number>
}

export class Rivals implements AsyncDisposable {
  readonly #parts: RivalsParts
  readonly #torrent: string
  readonly #trackerless: string
  readonly #up: Child
  readonly #theirs: Child
  readonly #theirPort: number
  readonly #more: readonly string[]

  private constructor(
    parts: RivalsParts,
    of: {
      torrent: string
      trackerless: string
      up: Child
      theirs: Child
      theirPort: number
      more: readonly string[]
    },
  ) {
    this.#parts = parts
    this.#torrent = of.torrent
    this.#trackerless = of.trackerless
    this.#up = of.up
    this.#theirs = of.theirs
    this.#theirPort = of.theirPort
    this.#more = of.more
  }

  /** Resolves when the content is published and both senders listen. `more`: further arguments of both libtorrents. */
  static async start(parts: RivalsParts, more: readonly string[] = []): Promise<Rivals> {
    await using stack = new AsyncDisposableStack()
    const { root, library, sender } = parts
    const data = join(root, 'server')
    const folders = ['--data', data, '--library', library]
    const argv = [LAUNCHER, 'up', '--json', ...folders, '--listen', `${sender.address}:0`, '--peer-port', '0']
    const up = stack.use(startOn(sender, { argv }))
    const portal = String((await up.untilLine(event('ready')))['portal'])
    const torrent = join(root, 'content.torrent')
    await linkTo(parts, { portal, data, torrent })
    // Told of each other by the tracker, each receiver would fetch from both senders.
    const trackerless = join(root, 'trackerless.torrent')
    const { infoBytes } = parseTorrent(await readFile(torrent))
    await writeFile(trackerless, encodeTorrent({ infoBytes, announce: [] }))
    const theirPort = await parts.portAt(sender)
    const listen = listenOf(sender, theirPort)
    const theirs = stack.use(
      startOn(sender, { argv: [...PEER, trackerless, library, 'seed', listen, ...more] }),
    )
    await theirs.untilLine(word('ready'))
    stack.move()
    return new Rivals(parts, { torrent, trackerless, up, theirs, theirPort, more })
  }

  /** Both in turn, and who begins changes: who comes first finds another machine than who comes second. */
  async alternate({
    rounds,
    wanted,
    isKept,
    prepare,
  }: Turns): Promise<Readonly<Record<Rival, readonly Run[]>>> {
    const runs = { shoal: [] as Run[], libtorrent: [] as Run[] }
    for (let round = 0; round < rounds; round++) {
      const order = ['shoal', 'libtorrent'] as const
      for (const who of round % 2 === 0 ? order : order.toReversed()) {
        await prepare?.()
        const work = join(this.#parts.root, `${who}-${round}`)
        runs[who].push(await this.#run(who, work))
        await mustBeWhole(receivedIn(work), wanted)
        if (!isKept) await rm(work, { recursive: true })
      }
    }
    return runs
  }

  async #run(who: Rival, work: string): Promise<Run> {
    await mkdir(receivedIn(work), { recursive: true })
    const seed = who === 'shoal' ? this.#up : this.#theirs
    const before = cpuSecondsOf(seed.pid)
    await using leech = await this.#receiver(who, work)
    const seconds =
      who === 'shoal'
        ? Number((await leech.untilLine(event('done')))['seconds'])
        : Number(await leech.untilLine(word('done')))
    return {
      seconds,
      leechCpu: cpuSecondsOf(leech.pid),
      seedCpu: cpuSecondsOf(seed.pid) - before,
      leechPeakMiB: peakBytesOf(leech.pid) / MiB,
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#theirs[Symbol.asyncDispose]()
    await this.#up[Symbol.asyncDispose]()
  }

  async #receiver(who: Rival, work: string): Promise<Child> {
    const { sender, receiver, portAt } = this.#parts
    if (who === 'shoal') {
      const folders = ['--out', receivedIn(work), '--data', join(work, 'data')]
      const argv = [LAUNCHER, 'get', this.#torrent, '--json', ...folders, '--seed', 'forever']
      return startOn(receiver, { argv })
    }
    const listen = listenOf(receiver, await portAt(receiver))
    const from = listenOf(sender, this.#theirPort)
    return startOn(receiver, {
      argv: [...PEER, this.#trackerless, receivedIn(work), 'leech', listen, from, ...this.#more],
    })
  }
}

const receivedIn = (work: string): string => join(work, 'out')

/** As `libtorrent-peer.py` takes it: on loopback, where all peers have one address, the port alone. */
const listenOf = (host: Host, port: number): string =>
  host === LOOPBACK ? String(port) : `${host.address}:${port}`

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

/** A .torrent with a grant; waits until the library is published. */
async function linkTo(
  { slug, sender }: RivalsParts,
  { portal, data, torrent }: { readonly portal: string; readonly data: string; readonly torrent: string },
): Promise<void> {
  for (;;) {
    const args = ['link', slug, '--json', '--data', data, '--portal', portal, '--torrent', torrent]
    const ended = await run({ argv: sender.argv([LAUNCHER, ...args]) })
    if (ended.code === 0) return
    if (ended.code !== 4) throw new Error(`link ended with ${String(ended.code)}: ${ended.stderr}`)
    await writeFile(torrent, '')
  }
}

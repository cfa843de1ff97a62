/** Engines on one manual clock and one network in memory: a swarm that runs as fast as it computes. */
import { createHash } from 'node:crypto'
import { type Endpoint, type IpAddress, ipAddress } from '../../src/core/address.ts'
import { peerId } from '../../src/core/ids.ts'
import type { Metainfo, MetainfoFile, Torrent } from '../../src/core/metainfo.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'
import { type Millis, millis } from '../../src/core/units.ts'
import { silentLogger } from '../../src/platform/log.ts'
import type {
  AddTorrent,
  Engine,
  EngineOptions,
  EngineParts,
  TorrentEvent,
  TorrentHandle,
} from '../../src/swarm/index.ts'
import { startEngine } from '../../src/swarm/index.ts'
import type { FetchAnnounce } from '../../src/swarm/tracker-http.ts'
import type { FetchRange } from '../../src/swarm/web-seed-request.ts'
import { encodeInfo, encodeTorrent, parseTorrent } from '../../src/wire/torrent.ts'
import { ManualClock } from './manual-clock.ts'
import { MemoryNetwork, type MemoryNetworkOptions } from './memory-network.ts'
import { MemoryStorage } from './memory-storage.ts'

export interface MadeTorrent {
  readonly torrent: Torrent
  /** By landing path. */
  readonly contents: ReadonlyMap<string, Uint8Array>
}

/** A torrent of random content: one file when `files` is a number, a folder when it names them. */
export function makeTorrent(
  files: number | Readonly<Record<string, number>>,
  options: { readonly pieceLength?: number; readonly seed?: number } = {},
): MadeTorrent {
  const pieceLength = options.pieceLength ?? 32_768
  const random = seededRandom(options.seed ?? 7)
  const name = `content-${options.seed ?? 7}`
  const isSingleFile = typeof files === 'number'
  const list: MetainfoFile[] = isSingleFile
    ? [{ path: '', sizeBytes: files }]
    : Object.entries(files).map(([path, sizeBytes]) => ({ path, sizeBytes }))
  const whole = randomBytes(
    list.reduce((sum, file) => sum + file.sizeBytes, 0),
    random,
  )
  const hashes: Uint8Array[] = []
  for (let at = 0; at < whole.length; at += pieceLength)
    hashes.push(
      createHash('sha1')
        .update(whole.subarray(at, at + pieceLength))
        .digest(),
    )
  const metainfo: Metainfo = {
    name,
    pieceLength,
    pieces: Buffer.concat(hashes),
    isSingleFile,
    files: list,
    isPrivate: true,
  }
  const contents = new Map<string, Uint8Array>()
  let at = 0
  for (const file of list) {
    contents.set(isSingleFile ? name : `${name}/${file.path}`, whole.slice(at, at + file.sizeBytes))
    at += file.sizeBytes
  }
  const torrent = parseTorrent(encodeTorrent({ infoBytes: encodeInfo(metainfo), announce: [] }))
  return { torrent, contents }
}

function randomBytes(length: number, random: Random): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = random() * 256
  return bytes
}

export interface SimulatedPeer {
  readonly engine: Engine
  readonly storage: MemoryStorage
  readonly endpoint: Endpoint
  readonly events: TorrentEvent[]
  add(made: MadeTorrent, spec: Partial<AddTorrent> & Pick<AddTorrent, 'mode'>): TorrentHandle
}

export class SimulatedSwarm implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly network: MemoryNetwork
  readonly #random: Random
  readonly #engines: Engine[] = []

  constructor(options: MemoryNetworkOptions & { readonly seed?: number } = {}) {
    this.#random = seededRandom(options.seed ?? 1)
    this.network = new MemoryNetwork(this.clock, { random: this.#random, ...options })
  }

  /** A peer at `10.0.SITE.N`. */
  async peer(
    host: string,
    options: Partial<EngineOptions> & {
      readonly storage?: MemoryStorage
      readonly fetchAnnounce?: FetchAnnounce
      readonly fetchRange?: FetchRange
    } & Pick<EngineParts, 'siteOf' | 'wallTime'> = {},
  ): Promise<SimulatedPeer> {
    const { storage: given, fetchAnnounce, fetchRange, siteOf, wallTime, ...rest } = options
    const storage = given ?? new MemoryStorage()
    const bindAddress: IpAddress = ipAddress(host)
    const id = createHash('sha1').update(`${host} ${this.#engines.length}`).digest('hex')
    const engine = await startEngine(
      {
        clock: this.clock,
        random: this.#random,
        log: silentLogger,
        network: this.network,
        storage,
        ...(fetchAnnounce !== undefined && { fetchAnnounce }),
        ...(fetchRange !== undefined && { fetchRange }),
        ...(siteOf !== undefined && { siteOf }),
        ...(wallTime !== undefined && { wallTime }),
      },
      { listen: { host, port: 6_881, portsToTry: 5 }, bindAddress, peerId: peerId(id), ...rest },
    )
    this.#engines.push(engine)
    const events: TorrentEvent[] = []
    return {
      engine,
      storage,
      endpoint: { host: bindAddress, port: engine.port },
      events,
      add(made, spec) {
        if (spec.mode === 'seed')
          for (const [path, bytes] of made.contents) storage.put(`files/${path}`, bytes.slice())
        return engine.add({
          infoHash: made.torrent.infoHash,
          torrent: made.torrent,
          folder: 'files',
          statePath: 'state',
          onEvent: (event) => events.push(event),
          ...spec,
        })
      },
    }
  }

  /** Moves time on in small steps until `isTrue`, or `atMost` has passed: then false. */
  async until(isTrue: () => boolean, atMost: Millis = millis(600_000)): Promise<boolean> {
    const end = this.clock.now() + atMost
    while (!isTrue()) {
      if (this.clock.now() >= end) return false
      await this.step()
    }
    return true
  }

  async run(time: Millis): Promise<void> {
    await this.until(() => false, time)
  }

  /** To the next timer, at least five milliseconds; then lets promises settle. */
  async step(): Promise<void> {
    const next = this.clock.nextAt ?? this.clock.now()
    this.clock.advance(millis(Math.max(5, next - this.clock.now())))
    await new Promise((resolve) => setImmediate(resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const stopping = Promise.all(this.#engines.map((engine) => engine[Symbol.asyncDispose]()))
    let isOver = false
    void stopping.finally(() => (isOver = true))
    await this.until(() => isOver, millis(20_000))
    await stopping
  }
}

export const isComplete = (peer: SimulatedPeer): boolean => peer.events.some((e) => e.kind === 'complete')

/** True when the peer's files are exactly the torrent's. */
export function holdsAll(peer: SimulatedPeer, made: MadeTorrent): boolean {
  return [...made.contents].every(([path, bytes]) => {
    const file = peer.storage.files.get(`files/${path}`)
    return file !== undefined && Buffer.from(file.bytes).equals(bytes)
  })
}

/**
 * Our own engine at many sites, in memory: hosts behind LAN links, sites behind WAN links, an origin behind its
 * uplink, a tracker with its real policy. The same seed gives the same run. What it leaves out: processor, disk, TCP's
 * slow start, and lost packets.
 */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { type Endpoint, type IpAddress, ipAddress } from '../../src/core/address.ts'
import { type PeerId, peerIdOfBytes } from '../../src/core/ids.ts'
import { type Random, seededRandom, shuffled } from '../../src/core/random.ts'
import { type BytesPerSecond, type Millis, millis, seconds } from '../../src/core/units.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { type Engine, startEngine, type TorrentHandle } from '../../src/swarm/index.ts'
import { choosePeersForOurs, OWN_WANT } from '../../src/tracker/choose-peers.ts'
import { encodeAnnounceReply } from '../../src/wire/announce.ts'
import { ManualClock } from './manual-clock.ts'
import { MemoryStorage } from './memory-storage.ts'
import { ShapedLink, ShapedNetwork, type Route } from './shaped-network.ts'
import { makeTorrent, type MadeTorrent } from './simulated-swarm.ts'

export interface SitesOptions {
  readonly hostsPerSite: readonly number[]
  readonly sizeBytes: number
  readonly pieceLength: number
  readonly seed: number
  /** Bytes a second. */
  readonly originBps: number
  /** Of each site, each way. */
  readonly wanBps: (site: number) => number
  readonly lanBps: (site: number, host: number) => number
  /** One way, of what crosses the WAN. */
  readonly wanLatency?: Millis
  /** After the start. */
  readonly arrivesAt?: (site: number, host: number) => Millis
  readonly accepts?: (site: number, host: number) => boolean
  readonly limitUp?: (site: number, host: number) => BytesPerSecond | undefined
}

export interface SimulatedHost {
  readonly site: number
  readonly address: IpAddress
  readonly arrivesAt: Millis
  readonly out: ShapedLink
  readonly into: ShapedLink
  readonly number: number
  readonly storage: MemoryStorage
  readonly endpoint: Endpoint
  engine: Engine | undefined
  handle: TorrentHandle | undefined
  doneAt: Millis | undefined
  isKilled: boolean
}

export interface SitesFigures {
  /** Of the last host, counted from the start, over the least that its links allow. */
  readonly last: number
  /** The largest share of its own bound that a host took, counted from its own arrival. */
  readonly worst: number
  readonly median: number
  readonly originCopies: number
  readonly wanCopies: readonly number[]
  readonly isComplete: boolean
}

const ORIGIN = ipAddress('10.9.0.1')
const PORT = 6_881
const WAN_LATENCY = millis(10)
const LAN_LATENCY = millis(0.5)
const addressOf = (site: number, host: number): IpAddress => ipAddress(`10.0.${site + 1}.${host + 2}`)

interface Announced {
  readonly endpoint: Endpoint
  readonly site: number
  readonly host: number
}

export class SitesSwarm implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly made: MadeTorrent
  readonly hosts: readonly SimulatedHost[]
  readonly network: ShapedNetwork
  readonly originOut: ShapedLink
  readonly wanIn: readonly ShapedLink[]
  readonly wanOut: readonly ShapedLink[]
  origin: Engine | undefined
  readonly #options: SitesOptions
  readonly #random: Random
  readonly #byAddress = new Map<IpAddress, SimulatedHost>()
  readonly #announced = new Map<IpAddress, Announced>()

  private constructor(options: SitesOptions) {
    this.#options = options
    this.#random = seededRandom(options.seed)
    this.made = makeTorrent(options.sizeBytes, { pieceLength: options.pieceLength, seed: options.seed })
    const link = (name: string, rateBps: number): ShapedLink => new ShapedLink(this.clock, { name, rateBps })
    this.originOut = link('origin', options.originBps)
    this.wanIn = options.hostsPerSite.map((_, site) => link(`in ${site}`, options.wanBps(site)))
    this.wanOut = options.hostsPerSite.map((_, site) => link(`out ${site}`, options.wanBps(site)))
    this.hosts = options.hostsPerSite.flatMap((count, site) =>
      Array.from({ length: count }, (_, host) => ({
        site,
        number: host,
        address: addressOf(site, host),
        endpoint: { host: addressOf(site, host), port: PORT },
        storage: new MemoryStorage(),
        arrivesAt: options.arrivesAt?.(site, host) ?? millis(0),
        out: link(`out ${site}.${host}`, options.lanBps(site, host)),
        into: link(`in ${site}.${host}`, options.lanBps(site, host)),
        engine: undefined,
        handle: undefined,
        doneAt: undefined,
        isKilled: false,
      })),
    )
    for (const host of this.hosts) this.#byAddress.set(host.address, host)
    const closed = new Set(
      this.hosts
        .filter((host) => options.accepts?.(host.site, host.number) === false)
        .map((host) => host.address),
    )
    this.network = new ShapedNetwork(this.clock, {
      routeOf: (from, to) => this.#route(from, to),
      accepts: (host) => !closed.has(host),
    })
  }

  static async create(options: SitesOptions): Promise<SitesSwarm> {
    const swarm = new SitesSwarm(options)
    await swarm.#startOrigin()
    for (const host of swarm.hosts)
      swarm.clock.after(host.arrivesAt, () => {
        if (!host.isKilled) void swarm.#startHost(host)
      })
    return swarm
  }

  /** Moves on until everybody who is left is done; false when that is not so after `atMost`. */
  async run(atMost: Millis, onStep: () => void = () => undefined): Promise<boolean> {
    while (this.hosts.some((host) => !host.isKilled && host.doneAt === undefined)) {
      if (this.clock.now() >= atMost) return false
      await this.#step()
      onStep()
    }
    return true
  }

  kill(host: SimulatedHost): void {
    host.isKilled = true
    this.network.kill(host.address)
    this.#announced.delete(host.address)
    void host.engine?.[Symbol.asyncDispose]()
  }

  killOrigin(): void {
    this.network.kill(ORIGIN)
    this.#announced.delete(ORIGIN)
  }

  /** True when the host's file is exactly the torrent's. */
  holdsAll(host: SimulatedHost): boolean {
    return [...this.made.contents].every(([path, bytes]) => {
      const file = host.storage.files.get(`files/${path}`)
      return file !== undefined && Buffer.from(file.bytes).equals(bytes)
    })
  }

  /** Every piece is at some host. */
  isAllOut(): boolean {
    const [[path, bytes] = assert.fail()] = this.made.contents
    const { pieceLength } = this.#options
    const isOut = (at: number): boolean =>
      this.hosts.some((host) => {
        const file = host.isKilled ? undefined : host.storage.files.get(`files/${path}`)
        const piece = bytes.subarray(at, at + pieceLength)
        return file !== undefined && Buffer.from(file.bytes.subarray(at, at + pieceLength)).equals(piece)
      })
    for (let at = 0; at < bytes.length; at += pieceLength) if (!isOut(at)) return false
    return true
  }

  /** Of a test's own making: moves time on until it is there. */
  async settled<T>(making: Promise<T>): Promise<T> {
    let made: T | undefined
    void making.then((it) => (made = it))
    for (let i = 0; made === undefined && i < 1_000; i++) await this.#step()
    if (made === undefined) throw new Error('nobody answered')
    return made
  }

  figures(): SitesFigures {
    const left = this.hosts.filter((host) => !host.isKilled)
    const { sizeBytes, originBps, wanBps } = this.#options
    const boundOf = (host: SimulatedHost): number =>
      sizeBytes / Math.min(originBps, wanBps(host.site), host.into.rateBps)
    const bound = Math.max(...left.map((host) => host.arrivesAt / 1_000 + boundOf(host)))
    const done = left.map((host) => (host.doneAt ?? Infinity) / 1_000).toSorted((a, b) => a - b)
    const shares = left.map((host) => ((host.doneAt ?? Infinity) - host.arrivesAt) / 1_000 / boundOf(host))
    const round = (n: number): number => Number(n.toFixed(3))
    return {
      last: round((done.at(-1) ?? NaN) / bound),
      worst: round(Math.max(...shares)),
      median: round((done[Math.floor(done.length / 2)] ?? NaN) / bound),
      originCopies: round(this.originOut.bytes / sizeBytes),
      wanCopies: this.wanIn.map((link) => round(link.bytes / sizeBytes)),
      isComplete: left.every((host) => host.doneAt !== undefined),
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const engines = [this.origin, ...this.hosts.map((host) => (host.isKilled ? undefined : host.engine))]
    const stopping = Promise.all(
      engines.filter((engine) => engine !== undefined).map((engine) => engine[Symbol.asyncDispose]()),
    )
    let isOver = false
    void stopping.finally(() => (isOver = true))
    const isWaiting = (): boolean => !isOver
    for (const end = this.clock.now() + seconds(20); isWaiting() && this.clock.now() < end;)
      await this.#step()
    await stopping
  }

  async #step(): Promise<void> {
    const next = this.clock.nextAt ?? this.clock.now()
    this.clock.advance(millis(Math.max(2, next - this.clock.now())))
    await new Promise((resolve) => setImmediate(resolve))
  }

  #route(from: IpAddress, to: IpAddress): Route {
    const a = this.#byAddress.get(from)
    const b = this.#byAddress.get(to)
    if (a !== undefined && b?.site === a.site) return { links: [a.out, b.into], latency: LAN_LATENCY }
    const leaves = a === undefined ? [this.originOut] : present(a.out, this.wanOut[a.site])
    const enters = b === undefined ? [] : present(this.wanIn[b.site], b.into)
    return { links: [...leaves, ...enters], latency: this.#options.wanLatency ?? WAN_LATENCY }
  }

  async #startOrigin(): Promise<void> {
    const storage = new MemoryStorage()
    for (const [path, bytes] of this.made.contents) storage.put(`files/${path}`, bytes.slice())
    this.origin = await this.#engine(ORIGIN, storage, true)
    this.#announced.set(ORIGIN, { endpoint: { host: ORIGIN, port: PORT }, site: -1, host: 0 })
    this.origin.add({
      infoHash: this.made.torrent.infoHash,
      torrent: this.made.torrent,
      folder: 'files',
      mode: 'seed',
    })
  }

  async #startHost(host: SimulatedHost): Promise<void> {
    host.engine = await this.#engine(host.address, host.storage, false)
    if (host.isKilled) {
      void host.engine[Symbol.asyncDispose]()
      return
    }
    host.handle = host.engine.add({
      infoHash: this.made.torrent.infoHash,
      torrent: this.made.torrent,
      folder: 'files',
      statePath: 'state',
      mode: 'download',
      announceUrls: () => [['http://tracker/announce?g=GRANT']],
      onEvent: (event) => {
        if (event.kind === 'complete') host.doneAt = this.clock.now()
      },
    })
  }

  #engine(address: IpAddress, storage: MemoryStorage, isOrigin: boolean): Promise<Engine> {
    const host = this.#byAddress.get(address)
    const limitUp = host === undefined ? undefined : this.#options.limitUp?.(host.site, host.number)
    return startEngine(
      {
        clock: this.clock,
        random: this.#random,
        log: silentLogger,
        network: this.network,
        storage,
        fetchAnnounce: () => Promise.resolve(this.#announce(address)),
        siteOf: (host) => ({ name: `site ${this.#byAddress.get(host)?.site ?? -1}`, cidrs: [] }),
      },
      {
        listen: { host: address, port: PORT, portsToTry: 1 },
        bindAddress: address,
        peerId: peerIdOf(address),
        reveal: isOrigin,
        ...(limitUp !== undefined && { limitUp }),
      },
    )
  }

  #announce(from: IpAddress): Uint8Array {
    const asker = this.#byAddress.get(from)
    if (asker === undefined) throw new Error(`${from} is nobody`)
    this.#announced.set(from, { endpoint: { host: from, port: PORT }, site: asker.site, host: 0 })
    const all = shuffled([...this.#announced.values()], this.#random).filter((a) => a.endpoint.host !== from)
    const sites = shuffled([...new Set(all.map((a) => a.site))], this.#random).filter(
      (site) => site >= 0 && site !== asker.site,
    )
    const peers = choosePeersForOurs(
      { isSeed: false, limit: OWN_WANT },
      {
        sameSite: all.filter((a) => a.site === asker.site).map((a) => a.endpoint),
        servingHere: [],
        servingElsewhere: all.filter((a) => a.site < 0).map((a) => a.endpoint),
        otherSites: sites.flatMap((site) => all.find((a) => a.site === site)?.endpoint ?? []),
      },
    )
    return encodeAnnounceReply(
      {
        intervalMs: seconds(60),
        complete: 0,
        incomplete: 0,
        site: { name: `site ${asker.site}`, cidrs: [`10.0.${asker.site + 1}.0/24`] },
        peers: peers.map((peer) => ({
          ...peer,
          flags: { isOrigin: peer.host === ORIGIN, isMirror: false, isOurs: true },
        })),
      },
      { compact: true, withFlags: true },
    )
  }
}

const present = (...links: readonly (ShapedLink | undefined)[]): ShapedLink[] =>
  links.filter((link) => link !== undefined)

function peerIdOf(address: IpAddress): PeerId {
  const rest = createHash('sha1').update(address).digest('base64url').slice(0, 12)
  return peerIdOfBytes(Buffer.from(`-SH0100-${rest}`, 'latin1'))
}

/** The engine: one listener for many torrents, and what they share. */
import { randomBytes } from 'node:crypto'
import { networkInterfaces } from 'node:os'
import { type IpAddress, tryIpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import { type InfoHash, type PeerId, peerIdOfBytes } from '../core/ids.ts'
import { MiB } from '../core/units.ts'
import type { Timer } from '../platform/clock.ts'
import { wallTimeOf } from '../platform/wall-time.ts'
import { isGuarded } from './admission.ts'
import { Bans } from './bans.ts'
import { BufferPool } from './buffer-pool.ts'
import { DiskStorage, readBootId } from './disk-storage.ts'
import type { AddTorrent, Engine, EngineOptions, EngineParts, TorrentHandle } from './engine-types.ts'
import { Incoming } from './incoming.ts'
import { LeaseAsker } from './lease-asker.ts'
import { EngineLimits } from './limiting/engine-limits.ts'
import { type Surroundings, Whereabouts } from './limiting/whereabouts.ts'
import type { Connection, NetworkListener } from './network.ts'
import { PieceCache } from './piece-cache.ts'
import { PieceLoader } from './piece-loader.ts'
import { SendBudget } from './send-budget.ts'
import { Swarm, TICK_EVERY } from './swarm.ts'
import type { Shared } from './swarm-state.ts'
import { SwarmHandle } from './torrent-handle.ts'
import { fetchAnnounce } from './tracker-http.ts'
import { Trackers } from './trackers.ts'
import { fetchRange } from './web-seed-request.ts'

/** Piece buffers kept for reuse; pieces kept for sending; pieces read from the disk at once. */
const FREE_BUFFERS_BYTES_MAX = 32 * MiB
const CACHE_BYTES_MAX = 128 * MiB
const LOADS_MAX = 4

/** Resolves when it listens. @throws ShoalError `conflict` when all the ports tried are taken. */
export async function startEngine(parts: EngineParts, options: EngineOptions): Promise<Engine> {
  const storage = parts.storage ?? new DiskStorage(await readBootId())
  const engine = new PeerEngine(parts, options, storage)
  await engine.listen()
  return engine
}

class PeerEngine implements Engine {
  readonly peerId: PeerId
  readonly #parts: EngineParts
  readonly #options: EngineOptions
  readonly #shared: Shared
  readonly #swarms = new Map<InfoHash, { readonly swarm: Swarm; readonly handle: TorrentHandle }>()
  /** Those that need ticks, or may since their last event: a tick looks at no other of ten thousand. */
  readonly #awake = new Set<Swarm>()
  readonly #incoming: Incoming
  #listener: NetworkListener | undefined
  readonly #ticks: Timer
  #isDisposed = false
  /** A guarded torrent is, or was, here. */
  #isGuarding = false

  constructor(parts: EngineParts, options: EngineOptions, storage: Shared['storage']) {
    const { clock, random, log, network } = parts
    this.#parts = parts
    this.#options = options
    this.peerId = options.peerId ?? randomPeerId()
    const pool = new BufferPool(FREE_BUFFERS_BYTES_MAX)
    const cache = new PieceCache(pool, CACHE_BYTES_MAX)
    const bans = new Bans()
    this.#shared = {
      clock,
      random,
      log,
      network,
      storage,
      fetchAnnounce: parts.fetchAnnounce ?? fetchAnnounce,
      fetchRange: parts.fetchRange ?? fetchRange,
      leases: new LeaseAsker({
        clock,
        fetch: parts.fetchAnnounce ?? fetchAnnounce,
        from: options.bindAddress,
      }),
      trackers: new Trackers({ clock, random }),
      pool,
      cache,
      loader: new PieceLoader(pool, cache, { concurrentMax: LOADS_MAX }),
      bans,
      guard: parts.guard,
      budget: new SendBudget(),
      limits: limitsOf(parts, options),
      whereabouts: new Whereabouts({
        clock,
        ownAddresses: () => [
          ...(options.knownAs === undefined ? [] : [options.knownAs]),
          ...this.#shared.ownAddresses,
        ],
        siteOf: parts.siteOf,
      }),
      peerId: this.peerId,
      bindAddress: options.bindAddress,
      // Asked each time: a laptop moves from network to network.
      get ownAddresses() {
        return options.bindAddress === undefined ? interfaceAddresses() : [options.bindAddress]
      },
      port: () => this.port,
      isRevealing: options.reveal === true,
      siteOf: parts.siteOf,
      onSiteTold: () => this.#mindShare(),
    }
    this.#incoming = new Incoming({
      clock,
      isBanned: (address) => bans.has(address),
      swarmOf: (infoHash) => this.#swarms.get(infoHash)?.swarm,
      isGuarding: () => this.#isGuarding,
      guard: parts.guard,
    })
    this.#ticks = clock.every(TICK_EVERY, () => this.#tick())
  }

  get port(): number {
    return this.#listener?.port ?? 0
  }

  async listen(): Promise<void> {
    try {
      this.#listener = await this.#listenOnFree()
    } catch (error) {
      this.#ticks.cancel()
      throw error
    }
  }

  async #listenOnFree(): Promise<NetworkListener> {
    const { host, port, portsToTry } = this.#options.listen
    const take = (connection: Connection): void => this.#incoming.take(connection)
    for (let i = 0; ; i++) {
      try {
        return await this.#parts.network.listen({ host, port: port === 0 ? 0 : port + i }, take)
      } catch (error) {
        const isTaken = error instanceof ShoalError && error.code === 'conflict'
        if (!isTaken || port === 0 || i + 1 >= portsToTry || port + i + 1 > 65_535) throw error
      }
    }
  }

  add(spec: AddTorrent): TorrentHandle {
    const { infoHash } = spec
    if (this.#isDisposed) throw new ShoalError('interrupted', 'the engine is stopping')
    const known = this.#swarms.get(infoHash)
    if (known !== undefined && known.swarm.state.phase !== 'stopped')
      throw new ShoalError('conflict', `the torrent ${infoHash} is already being served or fetched`)
    if (spec.mode === 'download' && spec.statePath === undefined)
      throw new ShoalError('bad-usage', 'a download needs a place for its state')
    if (spec.admit === 'ours' && this.#parts.guard === undefined)
      throw new ShoalError(
        'not-granted',
        'it is for our own clients only, and this machine is not enrolled with its portal',
      )
    this.#isGuarding ||= isGuarded(spec) || spec.admit === 'ours'
    const swarm = new Swarm(this.#shared, spec, (woken) => this.#awake.add(woken))
    this.#awake.add(swarm)
    const handle = new SwarmHandle(swarm, async () => {
      await swarm.stop()
      if (this.#swarms.get(infoHash)?.swarm === swarm) this.#swarms.delete(infoHash)
    })
    this.#swarms.set(infoHash, { swarm, handle })
    swarm.start()
    return handle
  }

  get(infoHash: InfoHash): TorrentHandle | undefined {
    return this.#swarms.get(infoHash)?.handle
  }

  reconsiderPeers(): void {
    for (const { swarm } of this.#swarms.values()) swarm.state.admission?.reconsider()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isDisposed) return
    this.#isDisposed = true
    this.#ticks.cancel()
    this.#shared.leases.stop()
    await Promise.all([...this.#swarms.values()].map(({ handle }) => handle.stop()))
    this.#shared.limits.stop()
    await this.#listener?.[Symbol.asyncDispose]()
    await this.#shared.storage[Symbol.asyncDispose]()
  }

  reannounce(): void {
    this.#shared.trackers.reannounce()
  }

  #tick(): void {
    this.#shared.trackers.tick()
    this.#shared.limits.tick()
    this.#mindShare()
    for (const swarm of this.#awake) {
      if (swarm.needsTicks) swarm.handle({ kind: 'tick' })
      else if (!swarm.isAwake) this.#awake.delete(swarm)
    }
  }

  #mindShare(): void {
    this.#shared.limits.setShare(this.#shared.whereabouts.shareOfBudget([...this.#surroundings()]))
  }

  *#surroundings(): Generator<Surroundings> {
    for (const swarm of this.#awake) if (swarm.isAwake) yield swarm.surroundings
  }
}

function limitsOf({ clock, wallTime = wallTimeOf }: EngineParts, options: EngineOptions): EngineLimits {
  const { limitDown: down, limitUp: up, releaseLimitDown: releaseDown, releaseLimitUp: releaseUp } = options
  return new EngineLimits(
    { clock, wallTime },
    { down, up, releaseDown, releaseUp, isLanExempt: options.isLanExempt === true },
  )
}

function randomPeerId(): PeerId {
  return peerIdOfBytes(Buffer.from(`-SH0100-${randomBytes(9).toString('base64url')}`, 'latin1'))
}

function interfaceAddresses(): IpAddress[] {
  return Object.values(networkInterfaces())
    .flatMap((entries) => entries ?? [])
    .map((entry) => tryIpAddress(entry.address))
    .filter((address) => address !== undefined)
}

/** The tracker as a part of a process: composed, swept, listening to the control feed; the HTTP port is its owner's. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { InfoHash } from '../core/ids.ts'
import type { Random } from '../core/random.ts'
import type { SiteMap } from '../core/site.ts'
import type { ControlView, PortalClient } from '../portal-client/index.ts'
import type { Clock } from '../platform/clock.ts'
import type { DirectAnswer } from '../platform/direct-gets.ts'
import type { DialProbe } from '../platform/dial-probe.ts'
import type { Logger } from '../platform/log.ts'
import { HttpFrontend } from './http-frontend.ts'
import type { SiteSize } from './largest-sites.ts'
import type { TrackerSettings } from './settings.ts'
import { SignalCore } from './signal-core.ts'
import type { SignalSession } from './signal-session.ts'
import type { SignalSocket } from './signal-socket.ts'
import { SignalSwarms } from './signal-swarms.ts'
import type { SeedFacts, SwarmStore } from './swarm-store.ts'
import { composeCore } from './compose-core.ts'
import type { TrackerStats } from './tracker-core.ts'
import { startUdp, type UdpAddress, type UdpPort } from './udp-service.ts'
import { WebSocketFrontend } from './websocket-frontend.ts'

export interface TrackerParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly control: ControlView
  /** Asked often; a new map is a new object. */
  readonly sites: () => SiteMap
  /** Without it: this process's memory. */
  readonly store?: SwarmStore
  /** Without it: by real connections. */
  readonly dial?: DialProbe
  /** Told of grants that are used from many addresses; without it nobody is. */
  readonly portal?: Pick<PortalClient, 'reportSharedGrants'>
  /** Of the keys by which our own clients know each other; without it a fresh one. At least 32 bytes. */
  readonly swarmSecret?: Uint8Array
}

export interface Tracker extends AsyncDisposable {
  /**
   * Answers `GET /announce`, `/scrape`, `/lease` and `/reach`; at once, or when the grant's signature has been verified.
   * False, with nothing done, for every other path.
   */
  handle(req: IncomingMessage, res: ServerResponse): boolean
  /** The same for plain GETs, without node:http: see `HttpListener.setDirect`. */
  readonly direct: DirectAnswer
  /**
   * Answers over UDP too, until the port is disposed of.
   * @throws ShoalError `conflict` when the port is taken, `bad-usage` when the address cannot be bound.
   */
  listenUdp(at: UdpAddress): Promise<UdpPort>
  /**
   * Takes WebSockets on `/announce`, and closes them when the tracker is disposed of, which must be before the
   * port is closed. False, with nothing done, for every other path.
   */
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean
  stats(): TrackerStats
  /** Peers that have all of a release at this moment, origins and mirrors not among them. */
  seeds(infoHash: InfoHash): number
  /** Whose they are, at most `max`. */
  seedsOf(infoHash: InfoHash, max: number): readonly SeedFacts[]
  /** For metrics, once a scrape (`TrackerCore.peersBySite`). */
  peersBySite(): readonly SiteSize[]
}

export function createTracker(parts: TrackerParts, settings: TrackerSettings): Tracker {
  const { clock, random, log, control, sites } = parts
  const { addresses, core, hooked, sharing } = composeCore(parts, settings)
  const frontend = new HttpFrontend({ core, addresses, log }, { trustedProxies: settings.trustedProxies })
  const swarms = new SignalSwarms<SignalSession>({ clock, random })
  const sockets = new Map<number, SignalSocket>()
  const signals = new SignalCore({ ...hooked, core, swarms, sessions: sockets })
  const webSockets = new WebSocketFrontend({ clock, log, core, signals, sockets }, settings)

  let map = sites()
  const sweeping = clock.every(settings.sweepIntervalMs, () => {
    core.sweep()
    if (sites() === map) return
    map = sites()
    core.resite(map)
    swarms.resite((host) => map.siteOf(host))
  })
  const stopListening = control.onChange((events) => {
    core.onControl(events)
    signals.onControl(events)
  })
  return {
    handle: (req, res) => frontend.handle(req, res),
    direct: (get, remoteAddress) => frontend.direct(get, remoteAddress),
    handleUpgrade: (req, socket, head) => webSockets.handleUpgrade(req, socket, head),
    listenUdp: (at) =>
      startUdp({ clock, core, addresses, log }, at, { waitingMax: settings.pendingVerificationsMax }),
    stats: () => ({ ...core.stats(), ...signals.stats() }),
    seeds: (infoHash) => core.seeds(infoHash),
    seedsOf: (infoHash, max) => core.seedsOf(infoHash, max),
    peersBySite: () => core.peersBySite(),
    [Symbol.asyncDispose]: async () => {
      sweeping.cancel()
      core.stop()
      sharing[Symbol.dispose]()
      stopListening()
      await webSockets[Symbol.asyncDispose]()
    },
  }
}

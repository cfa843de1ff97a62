/** The gateway as a command runs it: what is watched, the child that serves it, and the figures of both. */
import type { PeerId, InfoHash } from '../core/ids.ts'
import type { Random } from '../core/random.ts'
import type { RateSchedule } from '../core/rate-schedule.ts'
import type { SiteMap } from '../core/site.ts'
import { seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { TransferReporter, type PortalClient } from '../portal-client/index.ts'
import type { IceServer } from '../wire/ice-servers.ts'
import { beginChildProcess } from './child-process.ts'
import type { Alive, Begin } from './messages.ts'
import type { GatewaySettings } from './settings.ts'
import { type BeginChild, Supervisor, type SupervisorOptions } from './supervisor.ts'
import { WatchedReleases, type WatchedReleasesParts } from './watched-releases.ts'

export interface GatewayParts extends Pick<WatchedReleasesParts, 'contentOf'> {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  /** With a token of the role `origin`. */
  readonly portal: Pick<PortalClient, 'watching' | 'createLink' | 'renewGrant' | 'reportTransfers'>
  readonly sites: () => SiteMap
  readonly metrics?: Metrics
  /** It is served no more. */
  readonly onDropped?: (infoHash: InfoHash) => void
  /** A process, when absent. */
  readonly beginChild?: BeginChild
}

export interface GatewayOptions {
  readonly settings: Pick<GatewaySettings, 'udpPort' | 'bindAddress' | 'peersMax' | 'limitUp' | 'memoryMax'>
  readonly iceServers: readonly IceServer[]
  /** Of the origin whose bytes these are; absent: a server of its own. */
  readonly origin?: PeerId
  /** Where peers dial one that fetches; absent: it fetches nothing. */
  readonly peerPort?: number
  readonly localTracker?: string
}

export interface RunningGateway extends AsyncDisposable {
  /** Undefined while its process is not ready. */
  readonly udpPort: number | undefined
  /** Payload that left for browsers since the start. */
  readonly sentBytes: number
  readonly restarts: number
}

const SITES_EVERY = seconds(10)

type Ends = Alive['traffic'][number]['ends']

export function startGateway(parts: GatewayParts, options: GatewayOptions): RunningGateway {
  const { clock, log, portal, metrics } = parts
  const ends = new Map<InfoHash, Ends>()
  const peers = new Map<InfoHash, number>()
  const state = { sentBytes: 0, refused: 0 }
  const counters = metrics === undefined ? undefined : countersOf(metrics)

  const supervisor = new Supervisor(
    {
      clock,
      log,
      beginChild: parts.beginChild ?? beginChildProcess,
      onAlive: (alive) => {
        peers.clear()
        for (const { infohash, peers: count } of alive.releases) peers.set(infohash, count)
        for (const { infohash, ends: some } of alive.traffic) {
          ends.set(infohash, [...(ends.get(infohash) ?? []), ...some])
          const sent = some.reduce((sum, end) => sum + end.sentBytes, 0)
          state.sentBytes += sent
          counters?.sent.inc(sent)
        }
        counters?.refused.inc(Math.max(0, alive.refused - state.refused))
        state.refused = alive.refused
      },
      onEnded: () => {
        peers.clear()
        state.refused = 0 // the next one counts anew
      },
      onFailed: (infohash, reason) => {
        log.warn({ infohash, reason }, 'a release cannot be served to browsers')
        watched.putAside(infohash)
      },
      onRefused: (infohash, reason) => {
        log.warn({ infohash, reason }, 'the tracker refuses the gateway; it comes again with another grant')
        watched.putAside(infohash)
      },
    },
    { begin: beginOf(options), memoryMax: options.settings.memoryMax },
  )
  const watched: WatchedReleases = new WatchedReleases({
    ...parts,
    localTracker: options.localTracker,
    serve: (release) => supervisor.serve(release),
    renew: (infoHash, urls) => supervisor.renew(infoHash, urls),
    drop: (infoHash) => {
      supervisor.drop(infoHash)
      parts.onDropped?.(infoHash)
    },
    peersOf: (infoHash) => peers.get(infoHash) ?? 0,
  })
  const reporter = new TransferReporter(
    {
      ...parts,
      *sources() {
        for (const infohash of [...ends.keys()])
          yield {
            infohash,
            tellsWhatItHas: false,
            now: () => ({ haveBytes: 0, webSeedBytes: 0, ends: takeFrom(ends, infohash) }),
          }
      },
      send: (items, signal) =>
        portal.reportTransfers(
          { ...(options.origin !== undefined && { peerId: options.origin }), items },
          signal,
        ),
    },
    { endsWhenRefused: false },
  )
  let sites: SiteMap | undefined
  const tellSites = (): void => {
    const now = parts.sites()
    if (now === sites) return
    sites = now
    supervisor.setSites(now.sites.map(({ name, cidrs }) => ({ name, cidrs: [...cidrs] })))
  }
  tellSites()
  const timer = clock.every(SITES_EVERY, tellSites)
  metrics?.gauge({
    name: 'shoal_gateway_up',
    help: '1 while the process that serves browsers is ready',
    read: () => (supervisor.udpPort === undefined ? 0 : 1),
  })
  metrics?.gauge({
    name: 'shoal_gateway_restarts',
    help: 'How often that process was begun anew since the start',
    read: () => supervisor.restarts,
  })
  metrics?.gauge({
    name: 'shoal_gateway_peers',
    help: 'Browsers that are connected to the gateway',
    read: () => [...peers.values()].reduce((sum, count) => sum + count, 0),
  })
  metrics?.gauge({
    name: 'shoal_gateway_releases',
    help: 'Releases that the gateway serves to browsers',
    read: () => watched.count,
  })
  watched.start()
  reporter.start()
  return {
    get udpPort() {
      return supervisor.udpPort
    },
    get sentBytes() {
      return state.sentBytes
    },
    get restarts() {
      return supervisor.restarts
    },
    async [Symbol.asyncDispose]() {
      timer.cancel()
      await watched[Symbol.asyncDispose]()
      await supervisor[Symbol.asyncDispose]()
      await reporter[Symbol.asyncDispose]()
    },
  }
}

function beginOf({ settings, iceServers, peerPort }: GatewayOptions): SupervisorOptions['begin'] {
  const { udpPort, bindAddress, peersMax, limitUp } = settings
  return {
    udpPort,
    peersMax,
    iceServers: [...iceServers],
    ...(bindAddress === undefined ? {} : { bindAddress }),
    ...(peerPort === undefined ? {} : { peerPort }),
    ...(limitUp === undefined ? {} : { limitUp: messageOf(limitUp) }),
  }
}

function messageOf({ usual, rules }: RateSchedule): NonNullable<Begin['limitUp']> {
  const rulesOf = rules.map(({ days, minutes, rate }) => ({
    days: [...days] as [number, number],
    minutes: [...minutes] as [number, number],
    rate,
  }))
  return { usual, rules: rulesOf }
}

function takeFrom(ends: Map<InfoHash, Ends>, infohash: InfoHash): Ends {
  const some = ends.get(infohash) ?? []
  ends.delete(infohash)
  return some
}

function countersOf(metrics: Metrics): Record<'sent' | 'refused', ReturnType<Metrics['counter']>> {
  return {
    sent: metrics.counter({
      name: 'shoal_gateway_sent_bytes_total',
      help: 'Content that the gateway sent to browsers; part of what servers sent',
    }),
    refused: metrics.counter({
      name: 'shoal_gateway_refused_total',
      help: 'Offers, connections and messages that the gateway dropped: malformed, or beyond its bounds',
    }),
  }
}

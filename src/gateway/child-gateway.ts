/** What the child does with what it is told: an engine, a signalling socket for each release, and who is connected. */
import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { IpAddress } from '../core/address.ts'
import { messageOf, unreachable } from '../core/errors.ts'
import { type InfoHash, peerIdOfBytes } from '../core/ids.ts'
import { NO_LIMIT } from '../core/rate-schedule.ts'
import { SiteMap, type Site } from '../core/site.ts'
import { bytesPerSecond } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { Random } from '../core/random.ts'
import { limits } from '../wire/limits.ts'
import {
  type EndTraffic,
  startEngine,
  type Engine,
  type TorrentEvent,
  type TorrentHandle,
} from '../swarm/index.ts'
import { parseInfo } from '../wire/torrent.ts'
import type { z } from 'zod'
import { GatewayNetwork } from './gateway-network.ts'
import { type LinkMaker, Links } from './links.ts'
import type { Alive, FromChild, zBegin, zServe, zToChild } from './messages.ts'
import { PeerLink } from './peer-link.ts'
import { freeUdpPort, Rtc } from './rtc.ts'
import { Signalling } from './signalling.ts'

export interface ChildParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly tell: (message: FromChild) => void
  /** Told to stop, it has stopped. */
  readonly onStopped: () => void
}

type Heard = z.output<typeof zToChild>

interface Served {
  readonly handle: TorrentHandle
  readonly signalling: Signalling
  announceUrls: readonly string[]
  isWhole: boolean
}

export class ChildGateway {
  readonly #parts: ChildParts
  readonly #peerId = peerIdOfBytes(Buffer.from(`-SG0100-${randomBytes(9).toString('base64url')}`, 'latin1'))
  readonly #served = new Map<InfoHash, Served>()
  /** Not told of yet. */
  readonly #traffic = new Map<InfoHash, EndTraffic[]>()
  #running: { readonly engine: Engine; readonly links: Links } | undefined
  #sites = new SiteMap([])
  /** What is told is done one after the other. */
  #turn: Promise<void> = Promise.resolve()
  #sentBefore = 0

  constructor(parts: ChildParts) {
    this.#parts = parts
  }

  hear(message: Heard): void {
    if (message.kind === 'ping') {
      this.#parts.tell(this.#alive(message.n)) // also while something else takes its time
      return
    }
    this.#turn = this.#turn
      .then(() => this.#do(message))
      .catch((error: unknown) => {
        if ('infohash' in message) this.#failed(message.infohash, error)
        else throw error // without a port, say, there is no gateway: the supervisor begins it anew
      })
  }

  async #do(message: Exclude<Heard, { kind: 'ping' }>): Promise<void> {
    switch (message.kind) {
      case 'begin':
        await this.#begin(message)
        break
      case 'serve':
        await this.#serve(message)
        break
      case 'grant': {
        const served = this.#served.get(message.infohash)
        if (served === undefined) break
        served.announceUrls = message.announceUrls
        served.signalling.renew()
        served.handle.announceNow()
        break
      }
      case 'drop':
        await this.#drop(message.infohash)
        break
      case 'sites':
        this.#sites = new SiteMap(message.sites)
        break
      case 'stop':
        for (const hash of [...this.#served.keys()]) await this.#drop(hash)
        this.#running?.links.endAll()
        await this.#running?.engine[Symbol.asyncDispose]()
        this.#parts.onStopped()
        break
      default:
        unreachable(message)
    }
  }

  async #begin(begin: z.output<typeof zBegin>): Promise<void> {
    const { clock, random, log } = this.#parts
    this.#sites = new SiteMap(begin.sites)
    const siteOf = (host: IpAddress): Site => this.#sites.siteOf(host)
    const udpPort = await freeUdpPort(begin.udpPort, begin.bindAddress)
    const { bindAddress, iceServers } = begin
    const rtc = new Rtc(log, { udpPort, bindAddress, iceServers })
    const network = new GatewayNetwork({ fetches: begin.peerPort !== undefined })
    const engine = await startEngine(
      { clock, random, log, network, siteOf },
      {
        listen: { host: begin.bindAddress ?? '0.0.0.0', port: begin.peerPort ?? 0, portsToTry: 20 },
        peerId: this.#peerId,
        limitUp: limitOf(begin.limitUp),
        isLanExempt: true,
        reveal: false, // viewers divide among themselves; what one lacks it needs now
      },
    )
    const make: LinkMaker = {
      answering: (on, from, offer) => PeerLink.answering({ clock, log, rtc, ...on }, from, offer),
      offering: (on) => PeerLink.offering({ clock, log, rtc, ...on }),
    }
    const links = new Links(
      { clock, make, siteOf, onConnection: (connection) => network.take(connection) },
      { peersMax: begin.peersMax },
    )
    this.#running = { engine, links }
    this.#parts.tell({ kind: 'ready', udpPort })
  }

  async #serve(serve: z.output<typeof zServe>): Promise<void> {
    const running = this.#running
    if (running === undefined || this.#served.has(serve.infohash)) return
    const { infoHash, metainfo } = parseInfo(serve.info)
    if (infoHash !== serve.infohash) throw new Error('the torrent is of another release')
    const torrent = { infoHash, metainfo, infoBytes: serve.info, announce: [], urlList: [] }
    const isFetched = serve.from === 'fetch'
    if (isFetched) await mkdir(serve.folder, { recursive: true })
    const urls = (): readonly string[] => this.#served.get(infoHash)?.announceUrls ?? serve.announceUrls
    const handle = running.engine.add({
      infoHash,
      torrent,
      folder: serve.folder,
      onEvent: (event) => this.#onEvent(infoHash, event),
      ...(isFetched
        ? {
            mode: 'download',
            statePath: join(serve.folder, '.state'),
            announceUrls: () => urls().map((url) => [url]),
          }
        : { mode: 'seed' }),
    })
    const { clock, random, log, tell } = this.#parts
    const onRefused = (reason: string): void => tell({ kind: 'refused', infohash: infoHash, reason })
    const left = (): number => {
      const { wantedBytes, haveBytes, isChecked } = handle.stats()
      return !isFetched ? 0 : isChecked ? wantedBytes - haveBytes : metainfo.pieces.length
    }
    const { links } = running
    const signalling = new Signalling({
      clock,
      random,
      log,
      links,
      infoHash,
      peerId: this.#peerId,
      urls,
      leftBytes: left,
      onRefused, // prettier-ignore
    })
    const { announceUrls } = serve
    this.#served.set(infoHash, { handle, signalling, announceUrls, isWhole: !isFetched })
  }

  async #drop(infoHash: InfoHash): Promise<void> {
    const served = this.#served.get(infoHash)
    if (served === undefined) return
    this.#served.delete(infoHash)
    served.signalling[Symbol.dispose]()
    this.#running?.links.endAll(infoHash)
    await served.handle.stop()
    this.#sentBefore += served.handle.stats().uploadedBytes
    this.#noteTraffic(infoHash, served.handle)
  }

  #noteTraffic(infoHash: InfoHash, handle: TorrentHandle): void {
    const ends = handle.takeTraffic()
    if (ends.length > 0) this.#traffic.set(infoHash, [...(this.#traffic.get(infoHash) ?? []), ...ends])
  }

  #onEvent(infoHash: InfoHash, event: TorrentEvent): void {
    const served = this.#served.get(infoHash)
    if (event.kind === 'complete' && served !== undefined) {
      served.isWhole = true
      served.signalling.announce()
    } else if (event.kind === 'content-changed') this.#failed(infoHash, new Error(event.reason))
    else if (event.kind === 'failed') this.#failed(infoHash, event.error)
  }

  #failed(infohash: InfoHash, error: unknown): void {
    this.#parts.tell({ kind: 'failed', infohash, reason: messageOf(error).slice(0, 1_000) })
    this.#turn = this.#turn.then(() => this.#drop(infohash))
  }

  #alive(n: number): Alive {
    let sentBytes = this.#sentBefore
    for (const [infohash, { handle }] of this.#served) {
      this.#noteTraffic(infohash, handle)
      sentBytes += handle.stats().uploadedBytes
    }
    const traffic = [...this.#traffic]
      .slice(0, limits.watchedReleasesMax)
      .map(([infohash, ends]) => ({ infohash, ends: ends.splice(0, limits.transferEndsPerReportMax) }))
    for (const [infohash, ends] of [...this.#traffic]) if (ends.length === 0) this.#traffic.delete(infohash)
    return {
      kind: 'alive',
      n,
      rssBytes: process.memoryUsage.rss(),
      sentBytes,
      refused: this.#running?.links.refused ?? 0,
      releases: [...this.#served].map(([infohash, { isWhole }]) => ({
        infohash,
        isWhole,
        peers: this.#running?.links.countOf(infohash) ?? 0,
      })),
      traffic,
    }
  }
}

function limitOf(limit: z.output<typeof zBegin>['limitUp']): typeof NO_LIMIT {
  if (limit === undefined) return NO_LIMIT
  const rate = (n: number | undefined): ReturnType<typeof bytesPerSecond> | undefined =>
    n === undefined ? undefined : bytesPerSecond(n)
  return {
    usual: rate(limit.usual),
    rules: limit.rules.map((rule) => ({ ...rule, rate: rate(rule.rate) })),
  }
}

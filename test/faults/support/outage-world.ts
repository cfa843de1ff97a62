/**
 * A thousand of our own clients and a tracker that is taken away from them, on one clock that moves when told.
 * The tracker's core and the announcers are the real ones; in place of the wire stands what an outage makes of it.
 */
import { type IpAddress, ipAddress } from '../../../src/core/address.ts'
import { infoHash, type InfoHash, peerId } from '../../../src/core/ids.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { SiteMap } from '../../../src/core/site.ts'
import { hours, type Millis, millis, seconds } from '../../../src/core/units.ts'
import { readConfig } from '../../../src/platform/config.ts'
import { silentLogger } from '../../../src/platform/log.ts'
import { Announcer } from '../../../src/swarm/announcer.ts'
import type { FetchAnnounce } from '../../../src/swarm/tracker-http.ts'
import { Trackers } from '../../../src/swarm/trackers.ts'
import { AddressBook } from '../../../src/tracker/address-book.ts'
import { composeCore } from '../../../src/tracker/compose-core.ts'
import { trackerSettings } from '../../../src/tracker/index.ts'
import type { TrackerCore } from '../../../src/tracker/tracker-core.ts'
import { encodeAnnounceRefusal, encodeAnnounceReply, parseAnnounceQuery } from '../../../src/wire/announce.ts'
import { TestPortal } from '../../tracker/support.ts'

/** `refuses`: nothing listens there. `hangs`: the machine is gone, so no connection is answered or refused. */
export type Outage = 'refuses' | 'hangs'

export interface Client {
  readonly trackers: Trackers
  readonly announcers: readonly Announcer[]
}

interface Fleet {
  /** Clients that download one release each. */
  readonly leechers: number
  /** Clients that have one release each and wait for others. */
  readonly seeds: number
  /** Clients that have `each` releases and wait for others. */
  readonly libraries: { readonly count: number; readonly each: number }
}

const SWARMS = 50
const STEP = millis(200)

export class OutageWorld {
  readonly clients: Client[] = []
  /** When each torrent's announce was answered first since {@link watch}, by its number. */
  readonly backAt = new Map<number, Millis>()
  /** When announces came in since {@link watch}, answered or not. */
  readonly arrivals: Millis[] = []
  readonly #portal: TestPortal
  readonly #addresses = new AddressBook({ sites: () => NO_SITES }, { allowed: SETTINGS.allowedRanges })
  #core: TrackerCore
  #outage: Outage | undefined
  #inCore = 0
  /** Of the tracker, which an announcer would take for an outage. */
  #bug: unknown
  #torrents = 0

  private constructor(portal: TestPortal) {
    this.#portal = portal
    this.#core = this.#newCore()
  }

  static async open(fleet: Fleet): Promise<OutageWorld> {
    const world = new OutageWorld(await TestPortal.open())
    for (let i = 0; i < fleet.leechers; i++) await world.#join(1, false)
    for (let i = 0; i < fleet.seeds; i++) await world.#join(1, true)
    for (let i = 0; i < fleet.libraries.count; i++) await world.#join(fleet.libraries.each, true)
    return world
  }

  get torrents(): number {
    return this.#torrents
  }

  get peersListed(): number {
    return this.#core.stats().peers
  }

  get now(): Millis {
    return this.#portal.clock.now()
  }

  /** Everybody starts within a minute, as on a morning. */
  async start(): Promise<void> {
    const random = seededRandom(8)
    for (const client of this.clients)
      this.#portal.clock.after(millis(random() * 60_000), () => {
        for (const announcer of client.announcers) announcer.announce()
      })
    await this.run(seconds(150))
  }

  takeAway(outage: Outage): void {
    this.#outage = outage
  }

  /** A new process in the place of the old one: it has forgotten everybody. Who hangs, hangs on. */
  bringBack(): void {
    this.#core = this.#newCore()
    this.#outage = undefined
    this.watch()
  }

  watch(): void {
    this.backAt.clear()
    this.arrivals.length = 0
  }

  async run(time: Millis): Promise<void> {
    const { clock } = this.#portal
    const end = clock.now() + time
    while (clock.now() < end) {
      clock.advance(STEP)
      if (clock.now() % 1_000 < STEP) for (const { trackers } of this.clients) trackers.tick()
      do await new Promise((resolve) => setImmediate(resolve))
      while (this.#inCore > 0)
    }
  }

  async stop(): Promise<void> {
    this.#outage = 'refuses'
    await Promise.all(
      this.clients.flatMap(({ announcers }) => announcers.map((announcer) => announcer.stop())),
    )
    if (this.#bug !== undefined) throw new Error('the tracker failed', { cause: this.#bug })
  }

  async #join(torrents: number, isSeed: boolean): Promise<void> {
    const n = this.clients.length
    const { clock } = this.#portal
    const random = seededRandom(1_000 + n)
    const trackers = new Trackers({ clock, random })
    const host = ipAddress(`10.1.${n >> 8}.${n & 255}`)
    const announcers: Announcer[] = []
    for (let i = 0; i < torrents; i++) {
      const swarm = swarmOf(this.#torrents % SWARMS)
      const { token } = await this.#portal.grant(swarm, hours(24))
      announcers.push(
        new Announcer(
          {
            clock,
            random,
            fetch: this.#fetchOf(this.#torrents++),
            trackers,
            urls: () => [[`http://tracker.test/announce?g=${token}`]],
            standing: () => ({
              infoHash: swarm,
              peerId: peerId(n.toString(16).padStart(40, '0')),
              port: 16_881,
              uploadedBytes: 0,
              downloadedBytes: 0,
              leftBytes: isSeed ? 0 : 1_000,
              numWant: 100,
              compact: true,
              isOurs: true,
            }),
            need: () => 'none',
            onOutcome: () => undefined,
          },
          { from: host },
        ),
      )
    }
    this.clients.push({ trackers, announcers })
  }

  #fetchOf(torrent: number): FetchAnnounce {
    return async (url, from, signal) => {
      if (this.#outage === 'hangs') return await untilAborted(signal)
      this.arrivals.push(this.now)
      if (this.#outage === 'refuses' || from === undefined) throw new Error('connection refused')
      this.#inCore++
      try {
        return await this.#answer(torrent, url, from)
      } catch (error) {
        this.#bug ??= error
        throw error
      } finally {
        this.#inCore--
      }
    }
  }

  async #answer(torrent: number, url: string, host: IpAddress): Promise<Uint8Array> {
    const from = this.#addresses.lookUp(host)
    if (from === undefined) throw new TypeError(`${host} is no address`)
    const request = parseAnnounceQuery(url.slice(url.indexOf('?') + 1))
    const answer = await this.#core.announce(request, from)
    if ('refusal' in answer) return encodeAnnounceRefusal(answer.refusal)
    const body = encodeAnnounceReply(answer.reply, { compact: true, withFlags: true })
    if (!this.backAt.has(torrent)) this.backAt.set(torrent, this.now)
    return body
  }

  #newCore(): TrackerCore {
    const { clock, control } = this.#portal
    const parts = { clock, control, random: seededRandom(5), log: silentLogger, sites: () => NO_SITES }
    return composeCore(parts, SETTINGS).core
  }
}

const SETTINGS = readConfig(trackerSettings, {})
const NO_SITES = new SiteMap([])
const swarmOf = (n: number): InfoHash => infoHash((n + 1).toString(16).padStart(40, '0'))

function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('nobody answered')), { once: true })
  })
}

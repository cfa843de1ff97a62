/** A portal and a tracker in this process, with a release that a puppet serves, so that one part can be ill. */
import '../../src/wire/device-certificate.ts' // now: what it loads sets globals, which no test may
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ipAddress, type Endpoint } from '../../src/core/address.ts'
import { seededRandom } from '../../src/core/random.ts'
import type { SiteMap } from '../../src/core/site.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { readConfig } from '../../src/platform/config.ts'
import type { DialProbe } from '../../src/platform/dial-probe.ts'
import { listenHttp } from '../../src/platform/http-listener.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { ControlFeed, PortalClient } from '../../src/portal-client/index.ts'
import { openPortal, portalSettings, type Portal } from '../../src/portal/index.ts'
import { tcpNetwork } from '../../src/swarm/index.ts'
import { createTracker, trackerSettings } from '../../src/tracker/index.ts'
import { announceUrl, parseAnnounceReply } from '../../src/wire/announce.ts'
import { zRelease } from '../../src/wire/api.ts'
import { encodeTorrent } from '../../src/wire/torrent.ts'
import { fetchAnnounce } from '../../src/swarm/index.ts'
import { peerId } from '../../src/core/ids.ts'
import { shoal, type ShoalFinished } from '../support/processes-shoal.ts'
import { Puppet } from '../support/puppet-peer.ts'
import { makeTorrent } from '../support/simulated-swarm.ts'

export interface DoctorWorldOptions {
  /** In place of the tracker that is there. */
  readonly trackerUrl?: string
  readonly sites?: SiteMap
  readonly dial?: DialProbe
}

const BUNDLE = 'fire-safety'
const MADE = makeTorrent(300_000)

export class DoctorWorld implements AsyncDisposable {
  readonly url: string
  readonly #dir: string
  readonly #portal: Portal
  readonly #owned: AsyncDisposableStack

  private constructor(parts: { url: string; dir: string; portal: Portal; owned: AsyncDisposableStack }) {
    this.url = parts.url
    this.#dir = parts.dir
    this.#portal = parts.portal
    this.#owned = parts.owned
  }

  static async open(options: DoctorWorldOptions, signal: AbortSignal): Promise<DoctorWorld> {
    await using stack = new AsyncDisposableStack()
    const dir = stack.adopt(await mkdtemp(join(tmpdir(), 'shoal-doctor-')), (made) =>
      rm(made, { recursive: true, force: true }),
    )
    const listener = stack.use(await listenHttp(() => undefined, { host: '127.0.0.1', port: 0 }))
    const url = `http://127.0.0.1:${listener.port}`
    const shared = { clock: systemClock, log: silentLogger }
    const portal = stack.use(
      await openPortal(
        {
          ...shared,
          dataDir: join(dir, 'data'),
          publicUrl: url,
          trackerUrl: options.trackerUrl ?? url,
          sites: options.sites,
        },
        readConfig(portalSettings, {}),
      ),
    )
    listener.setHandler(portal.handler)
    const random = seededRandom(9)
    const client = new PortalClient({ baseUrl: url, token: portal.originToken })
    const feed = stack.use(new ControlFeed({ ...shared, client, random, portalKeys: [portal.portalKey] }))
    await feed.start(signal)
    const tracker = stack.use(
      createTracker(
        {
          ...shared,
          random,
          control: feed.state,
          sites: () => portal.sites(),
          ...(options.dial !== undefined && { dial: options.dial }),
        },
        readConfig(trackerSettings, {}),
      ),
    )
    listener.setHandler((req, res) => {
      if (!tracker.handle(req, res)) portal.handler(req, res)
    })
    const world = new DoctorWorld({ url, dir, portal, owned: stack.move() })
    await world.#publish()
    return world
  }

  /** Somebody who listens at `host`, has the whole release and gives it. */
  async serve(host: string, { sendsBadData = false } = {}): Promise<Endpoint> {
    const { infoHash, metainfo } = MADE.torrent
    const [content = new Uint8Array()] = [...MADE.contents.values()]
    const listener = await tcpNetwork().listen({ host, port: 0 }, (connection) => {
      new Puppet(connection, {
        infoHash,
        id: Buffer.from(host.padEnd(20)).toString('hex'),
        onMessage(message, puppet) {
          if (message.kind === 'have-none') puppet.say({ kind: 'have-all' }, { kind: 'unchoke' })
          if (message.kind !== 'request') return
          const at = message.piece * metainfo.pieceLength + message.offset
          const block = content.slice(at, at + message.length)
          if (sendsBadData) block[0] = (block[0] ?? 0) ^ 0xff
          puppet.say({ kind: 'piece', piece: message.piece, offset: message.offset, block })
        },
      }).shakeHands()
    })
    this.#owned.use(listener)
    return { host: ipAddress(host), port: listener.port }
  }

  /** What an origin at `at` reports: from then on the release is live, and the tracker names that address. */
  async origin(at: Endpoint): Promise<void> {
    const report = { peerId: 'ab'.repeat(20), kind: 'origin', ...at, complete: [MADE.torrent.infoHash] }
    await this.#ask(this.#portal.originToken, '/presence', JSON.stringify(report))
  }

  /** As the machine at `at` would, with a link of its own. */
  async announce(at: Endpoint, signal: AbortSignal): Promise<void> {
    const made = await this.#ask(this.#portal.originToken, `/bundles/${BUNDLE}/releases/latest/links`, '{}')
    const { magnet } = (await made.json()) as { magnet: string }
    const announce = new URLSearchParams(magnet.slice(magnet.indexOf('?'))).get('tr') ?? ''
    const { infoHash } = MADE.torrent
    const url = announceUrl(announce, {
      infoHash,
      peerId: peerId(Buffer.from(at.host.padEnd(20)).toString('hex')),
      port: at.port,
      uploadedBytes: 0,
      downloadedBytes: 0,
      leftBytes: 0,
      compact: true,
      isOurs: false,
    })
    const answer = parseAnnounceReply(await fetchAnnounce(url, at.host, signal))
    if (answer.kind === 'refused') throw new Error(answer.refusal.reason)
  }

  /** `shoal doctor` of the release, from `from`. */
  doctor(from: string, ...flags: readonly string[]): Promise<ShoalFinished> {
    const env = { SHOAL_PORTAL: this.url, SHOAL_TOKEN: this.#portal.originToken }
    const where = { dataDir: join(this.#dir, `person-${from}`), env }
    return shoal(where, 'doctor', BUNDLE, '--peer-port', '0', '--bind', from, ...flags)
  }

  async #publish(): Promise<void> {
    const token = this.#portal.originToken
    await this.#ask(token, '/bundles', JSON.stringify({ title: 'Fire safety' }))
    const { infoBytes } = MADE.torrent
    const torrent = encodeTorrent({ infoBytes, announce: [] })
    const made = await this.#ask(token, `/bundles/${BUNDLE}/releases`, torrent, 'application/x-bittorrent')
    zRelease.parse(await made.json())
  }

  async #ask(
    token: string,
    path: string,
    body: string | Uint8Array,
    type = 'application/json',
  ): Promise<Response> {
    const headers = { authorization: `Bearer ${token}`, 'content-type': type }
    const sent = typeof body === 'string' ? body : new Uint8Array(body)
    const answer = await fetch(`${this.url}/api/v1${path}`, { method: 'POST', headers, body: sent })
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
    return answer
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync()
  }
}

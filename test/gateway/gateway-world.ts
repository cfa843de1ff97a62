/** A gateway with its real child on loopback: a tracker and a portal of the tests, and files of a release. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { ipAddress } from '../../src/core/address.ts'
import { grantId, releaseName, slug, type InfoHash } from '../../src/core/ids.ts'
import { SiteMap } from '../../src/core/site.ts'
import { systemClock } from '../../src/platform/clock.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { Metrics } from '../../src/platform/metrics.ts'
import { systemRandom } from '../../src/platform/random.ts'
import { gatewaySettings, startGateway, type RunningGateway } from '../../src/gateway/index.ts'
import { beginChildProcess } from '../../src/gateway/child-process.ts'
import type { FromChild } from '../../src/gateway/messages.ts'
import type { BeginChild, ChildProcess } from '../../src/gateway/supervisor.ts'
import { readConfig } from '../../src/platform/config.ts'
import type { TransferReport } from '../../src/wire/api.ts'
import type { Watched } from '../../src/wire/api-watch.ts'
import { Child } from '../support/processes.ts'
import { makeTorrent, type MadeTorrent } from '../support/simulated-swarm.ts'
import type { ViewerOrder } from '../support/browser-viewer.ts'
import { TestTracker } from '../tracker/http-support.ts'
import { TestPortal, type Issued } from '../tracker/support.ts'

const VIEWER = join(import.meta.dirname, '..', 'support', 'browser-viewer.ts')

export class GatewayWorld implements AsyncDisposable {
  readonly portal: TestPortal
  readonly tracker: TestTracker
  readonly made: MadeTorrent
  readonly dir: string
  readonly reports: TransferReport[] = []
  readonly metrics = new Metrics()
  watched: Watched[] = []
  gateway!: RunningGateway
  /** The child of the moment, and what it last said of itself. */
  child: (ChildProcess & { readonly begunAt: number }) | undefined
  alive: Extract<FromChild, { kind: 'alive' }> | undefined
  readonly #stack = new AsyncDisposableStack()

  private constructor(parts: { portal: TestPortal; tracker: TestTracker; made: MadeTorrent; dir: string }) {
    this.portal = parts.portal
    this.tracker = parts.tracker
    this.made = parts.made
    this.dir = parts.dir
  }

  static async start(
    sizeBytes: number,
    options: { readonly settings?: Record<string, string>; readonly fetches?: boolean } = {},
  ): Promise<GatewayWorld> {
    const portal = await TestPortal.open()
    const tracker = await TestTracker.start(portal)
    const made = makeTorrent(sizeBytes, { pieceLength: 65_536 })
    const dir = await mkdtemp(join(tmpdir(), 'shoal-gateway-'))
    const world = new GatewayWorld({ portal, tracker, made, dir })
    world.#stack.defer(() => rm(dir, { recursive: true, force: true }))
    world.#stack.use(tracker)
    for (const [path, bytes] of made.contents) {
      await mkdir(dirname(join(dir, 'files', path)), { recursive: true })
      await writeFile(join(dir, 'files', path), bytes)
    }
    world.#begin(options)
    return world
  }

  get infoHash(): InfoHash {
    return this.made.torrent.infoHash
  }

  get file(): string {
    return join(this.dir, 'files', this.made.torrent.metainfo.name)
  }

  get sha256(): string {
    return createHash('sha256')
      .update([...this.made.contents.values()][0] ?? '')
      .digest('hex')
  }

  watch(): void {
    this.watched = [
      {
        infohash: this.infoHash,
        bundle: slug('film'),
        release: releaseName('1'),
        viewers: 1,
        lastAt: new Date().toISOString(),
      },
    ]
  }

  /** A page that plays, with a grant of its own. */
  async viewer(over: Partial<ViewerOrder> = {}): Promise<Child & { readonly grant: Issued }> {
    const grant = await this.portal.grant(this.infoHash)
    const order: ViewerOrder = {
      url: `ws://127.0.0.1:${this.tracker.port}/announce?g=${grant.token}`,
      infoHash: this.infoHash,
      sizeBytes: this.made.torrent.metainfo.files[0]?.sizeBytes ?? 0,
      pieceLength: this.made.torrent.metainfo.pieceLength,
      ...over,
    }
    const child = this.#stack.use(new Child({ argv: [process.execPath, VIEWER], graceMs: 500 }))
    child.write(`${JSON.stringify(order)}\n`)
    return Object.assign(child, { grant })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#stack.disposeAsync()
  }

  /** The child of this test, seen on its way. */
  readonly #beginChild: BeginChild = ({ onMessage, onExit }) => {
    const child = beginChildProcess({
      onMessage: (message) => {
        if ((message as FromChild).kind === 'alive')
          this.alive = message as Extract<FromChild, { kind: 'alive' }>
        onMessage(message)
      },
      onExit,
    })
    this.alive = undefined
    this.child = Object.assign(child, { begunAt: performance.now() })
    return child
  }

  #begin(options: { readonly settings?: Record<string, string>; readonly fetches?: boolean }): void {
    const settings = readConfig(gatewaySettings, {
      udpPort: '0',
      bindAddress: '127.0.0.1',
      ...options.settings,
    })
    const grant = async (): Promise<{ url: string; id: string; expiresAt: string }> => {
      const { token, claims } = await this.portal.grant(this.infoHash)
      const expiresAt = new Date(Date.now() + 63_072_000_000).toISOString()
      return { url: `http://127.0.0.1:${this.tracker.port}/announce?g=${token}`, id: claims.id, expiresAt }
    }
    this.gateway = this.#stack.use(
      startGateway(
        {
          clock: systemClock,
          random: systemRandom,
          log: silentLogger,
          metrics: this.metrics,
          sites: () => SITES,
          beginChild: this.#beginChild,
          contentOf: () =>
            Promise.resolve({
              info: this.made.torrent.infoBytes,
              folder: join(this.dir, options.fetches === true ? 'cache' : 'files'),
              from: options.fetches === true ? 'fetch' : 'files',
            }),
          portal: {
            watching: () => Promise.resolve({ items: this.watched }),
            createLink: async () => {
              const { url, id, expiresAt } = await grant()
              const magnet = `magnet:?xt=urn:btih:${this.infoHash}&tr=${encodeURIComponent(url)}`
              return {
                magnet,
                torrentUrl: url,
                playUrl: url,
                infohash: this.infoHash,
                grant: { id: grantId(id), expiresAt },
              }
            },
            renewGrant: () => Promise.reject(new Error('none is due')),
            reportTransfers: (report) => {
              this.reports.push(report)
              return Promise.resolve({ refused: [] })
            },
          },
        },
        {
          settings,
          iceServers: [],
          ...(options.fetches === true ? { peerPort: 0 } : {}),
        },
      ),
    )
  }
}

const SITES = new SiteMap([{ name: 'here', cidrs: [`${ipAddress('127.0.0.0')}/8`] }])

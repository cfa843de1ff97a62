/** A portal with a web seed on a port, its content in a real engine: pieces are hashed before they are sent. */
import { get, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { listenHttp } from '../../src/platform/http-listener.ts'
import { Metrics } from '../../src/platform/metrics.ts'
import { encodeTorrent } from '../../src/wire/torrent.ts'
import type { Link } from '../../src/wire/api.ts'
import { parseMagnet } from '../../src/wire/magnet.ts'
import { webSeedFileUrl } from '../../src/wire/web-seed-path.ts'
import {
  makeTorrent,
  type MadeTorrent,
  type SimulatedPeer,
  SimulatedSwarm,
} from '../support/simulated-swarm.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export class WebSeedWorld implements AsyncDisposable {
  readonly portal: TestPortal
  readonly made: MadeTorrent
  readonly origin: SimulatedPeer
  readonly slug: string
  /** Peers that have all, as the tracker would count them. */
  seeds = 0
  readonly #port: () => number
  readonly #owned: AsyncDisposableStack

  private constructor(
    parts: Pick<WebSeedWorld, 'portal' | 'made' | 'origin' | 'slug'>,
    port: () => number,
    owned: AsyncDisposableStack,
  ) {
    this.portal = parts.portal
    this.made = parts.made
    this.origin = parts.origin
    this.slug = parts.slug
    this.#port = port
    this.#owned = owned
  }

  static open(...made: Parameters<typeof makeTorrent>): Promise<WebSeedWorld> {
    return WebSeedWorld.openWith({}, ...made)
  }

  static async openWith(
    settings: Record<string, string>,
    ...made: Parameters<typeof makeTorrent>
  ): Promise<WebSeedWorld> {
    await using stack = new AsyncDisposableStack()
    const content = makeTorrent(...made)
    const swarm = stack.use(new SimulatedSwarm())
    const origin = await swarm.peer('10.0.0.1')
    origin.add(content, { mode: 'seed' })
    const now: { world?: WebSeedWorld } = {}
    const portal = stack.use(
      await openTestPortal({
        metrics: new Metrics(),
        settings,
        content: {
          read: async (infoHash, part, gone) => await origin.engine.get(infoHash)?.readPiece(part, gone),
          seeds: () => now.world?.seeds ?? 0,
        },
      }),
    )
    const listener = stack.use(await listenHttp(portal.portal.handler, { host: '127.0.0.1', port: 0 }))
    const slug = await portal.bundle(portal.adminToken)
    const { infoBytes } = content.torrent
    await portal.postTorrent(portal.adminToken, slug, encodeTorrent({ infoBytes, announce: [] })).expect(201)
    await portal.complete([content.torrent.infoHash])
    const owned = stack.move()
    now.world = new WebSeedWorld({ portal, made: content, origin, slug }, () => listener.port, owned)
    return now.world
  }

  link(body: object = {}): Promise<Link> {
    return this.portal.link(this.portal.adminToken, this.slug, { webSeed: true, ...body })
  }

  /** Path of a file, by where it lands, below the web seed of the link; the first file's without one. */
  pathOf(link: Link, landingPath = [...this.made.contents.keys()][0] ?? ''): string {
    const [base = ''] = parseMagnet(link.magnet).webSeeds
    return webSeedFileUrl(new URL(base).pathname, landingPath)
  }

  /** The answer's head; its body waits to be read. */
  begin(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      get({ host: '127.0.0.1', port: this.#port(), path, headers, method, agent: false }, resolve).on(
        'error',
        reject,
      )
    })
  }

  /** All that is answered to these bytes. */
  raw(request: string): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const chunks: Buffer[] = []
      const socket = connect({ host: '127.0.0.1', port: this.#port() }, () => socket.write(request))
      socket.on('data', (chunk: Buffer) => chunks.push(chunk))
      socket.on('error', reject)
      socket.on('close', () => {
        resolve(Buffer.concat(chunks))
      })
    })
  }

  async ask(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Answer> {
    const res = await this.begin(path, headers, method)
    return { status: res.statusCode ?? 0, headers: res.headers, body: await bodyOf(res) }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync()
  }
}

/** All that comes, also when it is cut off. */
export async function bodyOf(res: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  try {
    for await (const chunk of res as AsyncIterable<Buffer>) chunks.push(chunk)
  } catch {
    // cut off
  }
  return Buffer.concat(chunks)
}

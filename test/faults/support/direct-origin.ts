/**
 * An origin in the test's own process, and a tracker that names it to whoever asks: a `shoal get` of its .torrent
 * needs no portal, and what it was sent is known to the byte.
 */
import { once } from 'node:events'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { ipAddress } from '../../../src/core/address.ts'
import type { Torrent } from '../../../src/core/metainfo.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { bytesPerSecond } from '../../../src/core/units.ts'
import { systemClock } from '../../../src/platform/clock.ts'
import { silentLogger } from '../../../src/platform/log.ts'
import { startEngine, tcpNetwork, type Engine, type TorrentHandle } from '../../../src/swarm/index.ts'
import { dictOf, encodeBencode } from '../../../src/wire/bencode.ts'
import { encodeTorrent } from '../../../src/wire/torrent.ts'
import { storeRelease } from '../../seeder/support/stored-release.ts'
import { makeTree } from '../../support/tree.ts'

export interface DirectOriginOptions {
  /** Path below the folder -> bytes. */
  readonly files: Readonly<Record<string, number>>
  readonly limitUp: number
  readonly intervalSeconds?: number
}

/** The name of the folder that is fetched. */
export const CONTENT = 'Course'

export class DirectOrigin implements AsyncDisposable {
  readonly torrentFile: string
  readonly torrent: Torrent
  readonly handle: TorrentHandle
  /** Where peers dial it, at 127.0.0.1. */
  readonly peerPort: number
  /** Events of announces, in order; no event is `''`. */
  readonly announced: string[] = []
  /** While set, the tracker hangs up on whoever asks. */
  isTrackerDown = false
  readonly content: string
  readonly #owned: AsyncDisposableStack

  private constructor(
    parts: {
      content: string
      torrentFile: string
      torrent: Torrent
      handle: TorrentHandle
      peerPort: number
    },
    owned: AsyncDisposableStack,
  ) {
    this.content = parts.content
    this.torrentFile = parts.torrentFile
    this.torrent = parts.torrent
    this.handle = parts.handle
    this.peerPort = parts.peerPort
    this.#owned = owned
  }

  static async start(dir: string, options: DirectOriginOptions): Promise<DirectOrigin> {
    await using owned = new AsyncDisposableStack()
    const content = join(dir, CONTENT)
    await makeTree(content, CONTENT, options.files)
    const { torrent } = await storeRelease(join(dir, 'origin-data'), content)
    const engine: Engine = owned.use(
      await startEngine(
        { clock: systemClock, random: seededRandom(1), log: silentLogger, network: tcpNetwork() },
        {
          listen: { host: '127.0.0.1', port: 0, portsToTry: 1 },
          bindAddress: ipAddress('127.0.0.1'),
          limitUp: bytesPerSecond(options.limitUp),
        },
      ),
    )
    const handle = engine.add({ infoHash: torrent.infoHash, torrent, folder: dir, mode: 'seed' })
    const server = createServer((req, res) => origin.#answer(req.url ?? '', res, engine.port, options))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    owned.defer(() => closed(server))
    const { port } = server.address() as AddressInfo
    const torrentFile = join(dir, 'course.torrent')
    const announce = [[`http://127.0.0.1:${port}/announce`]]
    await writeFile(torrentFile, encodeTorrent({ infoBytes: torrent.infoBytes, announce }))
    const origin: DirectOrigin = new DirectOrigin(
      { content, torrentFile, torrent, handle, peerPort: engine.port },
      owned.move(),
    )
    return origin
  }

  /** Payload that has left for whoever asked. */
  get sentBytes(): number {
    return this.handle.stats().uploadedBytes
  }

  #answer(
    url: string,
    res: ServerResponse,
    port: number,
    { intervalSeconds = 60 }: DirectOriginOptions,
  ): void {
    if (this.isTrackerDown) {
      res.destroy()
      return
    }
    this.announced.push(new URL(url, 'http://tracker').searchParams.get('event') ?? '')
    const peers = Buffer.from([127, 0, 0, 1, port >> 8, port & 255])
    res.end(encodeBencode(dictOf({ interval: intervalSeconds, 'min interval': 30, peers })))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync()
  }
}

function closed(server: Server): Promise<void> {
  server.closeAllConnections()
  return new Promise((resolve) => server.close(() => resolve()))
}

/** A tracker that listens on loopback, and clients that speak HTTP to it. */
import { request, type Agent } from 'node:http'
import { SiteMap } from '../../src/core/site.ts'
import { seededRandom } from '../../src/core/random.ts'
import { readConfig } from '../../src/platform/config.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { startTracker, trackerSettings, type RunningTracker } from '../../src/tracker/index.ts'
import { announceUrl, parseAnnounceReply, type AnnounceRequest } from '../../src/wire/announce.ts'
import { announceRequest, type TestPortal } from './support.ts'

export interface HttpReply {
  readonly status: number
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body: Uint8Array
  /** It came over a connection that an earlier request had opened. */
  readonly isReused: boolean
}

export interface HttpOptions {
  readonly method?: string
  readonly headers?: Record<string, string>
  /** Where the client stands; any address of 127/8. */
  readonly localAddress?: string
  readonly agent?: Agent
}

export type TrackerReply = ReturnType<typeof parseAnnounceReply>

export class TestTracker implements AsyncDisposable {
  readonly #running: RunningTracker

  private constructor(running: RunningTracker) {
    this.#running = running
  }

  /** `settings` as an operator writes them; `sites` name to ranges. */
  static async start(
    portal: Pick<TestPortal, 'clock' | 'control'>,
    settings: Readonly<Record<string, string>> = {},
    sites: () => SiteMap = () => NO_SITES,
  ): Promise<TestTracker> {
    const { clock, control } = portal
    const running = await startTracker(
      { clock, control, random: seededRandom(3), log: silentLogger, sites },
      { listen: { host: '127.0.0.1', port: 0 }, settings: readConfig(trackerSettings, settings) },
    )
    return new TestTracker(running)
  }

  get port(): number {
    return this.#running.port
  }

  stats(): ReturnType<RunningTracker['stats']> {
    return this.#running.stats()
  }

  get(path: string, options: HttpOptions = {}): Promise<HttpReply> {
    return new Promise((resolve, reject) => {
      const { method = 'GET', headers = {}, localAddress = '127.0.0.1', agent } = options
      const target = { host: '127.0.0.1', port: this.port, path, method, headers, localAddress }
      const req = request({ ...target, ...(agent === undefined ? { agent: false } : { agent }) }, (res) => {
        const parts: Buffer[] = []
        res.on('data', (part: Buffer) => parts.push(part))
        res.on('end', () => {
          resolve({
            status: res.statusCode ?? 0,
            headers: res.headers,
            body: Buffer.concat(parts),
            isReused: req.reusedSocket,
          })
        })
      })
        .on('error', reject)
        .end()
    })
  }

  async announce(over: Partial<AnnounceRequest>, options: HttpOptions = {}): Promise<TrackerReply> {
    const reply = await this.get(announceUrl('/announce', announceRequest(over)), options)
    return parseAnnounceReply(reply.body)
  }

  [Symbol.asyncDispose](): PromiseLike<void> {
    return this.#running[Symbol.asyncDispose]()
  }
}

const NO_SITES = new SiteMap([])

/** The hosts that an accepted announce told of; throws the reason of a refusal. */
export function hostsOf(answer: TrackerReply): string[] {
  if (answer.kind === 'refused') throw new Error(answer.refusal.reason)
  return answer.reply.peers.map((peer) => peer.host).toSorted()
}

/** The reason of a refusal, `undefined` when it was none. */
export function reasonOf(answer: TrackerReply): string | undefined {
  return answer.kind === 'refused' ? answer.refusal.reason : undefined
}

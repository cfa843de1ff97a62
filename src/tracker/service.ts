/** The tracker alone: `shoal tracker`, with an HTTP port of its own. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { listenHttp } from '../platform/http-listener.ts'
import type { TlsFiles } from '../platform/tls-files.ts'
import { limits } from '../wire/limits.ts'
import type { SiteSize } from './largest-sites.ts'
import type { TrackerSettings } from './settings.ts'
import { createTracker, type TrackerParts } from './tracker.ts'
import type { TrackerStats } from './tracker-core.ts'
import type { UdpPort } from './udp-service.ts'

export interface TrackerServiceOptions {
  /** Port 0: any free one. */
  readonly listen: { readonly host: string; readonly port: number }
  /** The port speaks TLS with these. */
  readonly tls?: TlsFiles | undefined
  /** Without it no UDP. Port 0: any free one. */
  readonly udpPort?: number | undefined
  readonly settings: TrackerSettings
}

export interface RunningTracker extends AsyncDisposable {
  readonly port: number
  readonly udp: UdpPort | undefined
  stats(): TrackerStats
  /** For metrics, once a scrape. */
  peersBySite(): readonly SiteSize[]
}

/**
 * Resolves when the port accepts connections. Besides the tracker's paths it answers `GET /healthz` (it runs)
 * and `GET /readyz` (it knows the portal's keys; 503 before).
 * @throws ShoalError `conflict` when the port is taken, `bad-usage` when the address cannot be bound.
 */
export async function startTracker(
  parts: TrackerParts,
  options: TrackerServiceOptions,
): Promise<RunningTracker> {
  await using stack = new AsyncDisposableStack()
  const listener = stack.use(
    await listenHttp(
      (req, res) => {
        answerOther(req, res, parts.control.isReady)
      },
      {
        ...options.listen,
        ...(options.tls !== undefined && { tls: { files: options.tls, origin: () => undefined } }),
        headersTimeout: limits.requestHeadersTimeout,
        requestTimeout: limits.requestTimeout,
        onError: (error) => {
          parts.log.error({ err: error }, 'tracker: a request failed')
        },
      },
    ),
  )
  // After the port, so that it ends before it: the port is not closed while WebSockets are open.
  const tracker = stack.use(createTracker(parts, options.settings))
  listener.setHandler((req, res) => {
    if (!tracker.handle(req, res)) answerOther(req, res, parts.control.isReady)
  })
  listener.setDirect(tracker.direct)
  listener.setUpgradeHandler((req, socket, head) => tracker.handleUpgrade(req, socket, head))
  const { udpPort, listen } = options
  const udp =
    udpPort === undefined
      ? undefined
      : stack.use(await tracker.listenUdp({ host: listen.host, port: udpPort }))
  const running = stack.move()
  return {
    port: listener.port,
    udp,
    stats: () => tracker.stats(),
    peersBySite: () => tracker.peersBySite(),
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  }
}

function answerOther(req: IncomingMessage, res: ServerResponse, isReady: boolean): void {
  const [status, text] =
    req.url === '/healthz'
      ? [200, 'ok\n']
      : req.url === '/readyz'
        ? isReady
          ? [200, 'ready\n']
          : [503, 'no answer of the control feed yet\n']
        : [404, 'nothing here\n']
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(text)
}

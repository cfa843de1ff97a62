import { join } from 'node:path'
import { lockFolder } from '../../platform/files.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import { Metrics } from '../../platform/metrics.ts'
import { GatewayCache, startGateway, type GatewayContent } from '../../gateway/index.ts'
import type { PortalClient } from '../../portal-client/index.ts'
import type { Watched } from '../../wire/api-watch.ts'
import { sizeOf } from '../../core/metainfo.ts'
import { parseTorrent } from '../../wire/torrent.ts'
import { hostAndPort } from '../arguments.ts'
import type { Context } from '../context.ts'
import { DEFAULT_PEER_PORT } from '../defaults.ts'
import { openMetricsPort } from '../metrics-port.ts'
import { readKeyOf } from '../portal-key.ts'
import { stopped } from '../service.ts'
import { loadAllSettings } from '../settings.ts'
import { SiteSource } from '../site-source.ts'

export interface GatewayCommandOptions {
  readonly peerPort?: number
  readonly metricsListen?: string
}

/** `shoal gateway`: for a branch office, with a token of the role `origin`. It fetches what is watched, and keeps some. */
export async function gateway(context: Context, given: object): Promise<void> {
  const options = given as GatewayCommandOptions
  const metricsAt = options.metricsListen === undefined ? undefined : hostAndPort(options.metricsListen)
  const log = await context.serviceLog()
  const settings = await loadAllSettings(context)
  const signal = untilStopped()
  const client = await context.client()

  await using stack = new AsyncDisposableStack()
  stack.use(await lockFolder(context.dataDir))
  await readKeyOf(context, client, signal)
  const sites = stack.use(await SiteSource.start(context.clock, log, client))
  const cache = await GatewayCache.open(context.clock, {
    folder: join(context.dataDir, 'gateway'),
    bytesMax: settings.gateway.cacheBytes,
  })
  const metrics = new Metrics()
  metrics.addProcessMetrics()
  const running = stack.use(
    startGateway(
      {
        clock: context.clock,
        random: context.random,
        log,
        portal: client,
        sites: sites.current,
        metrics,
        contentOf: (watched, aborted) => contentOf(client, cache, watched, aborted),
        onDropped: (infoHash) => {
          cache.leave(infoHash).catch((error: unknown) => {
            log.warn({ err: error, infohash: infoHash }, 'the cache does not note what was watched last')
          })
        },
      },
      {
        settings: settings.gateway,
        iceServers: settings.webrtc.iceServers,
        peerPort: options.peerPort ?? DEFAULT_PEER_PORT,
      },
    ),
  )
  const metricsPort =
    metricsAt === undefined ? undefined : stack.use(await openMetricsPort(metricsAt, metrics, log)).port
  context.output.event({
    event: 'ready',
    portal: client.origin,
    ...(metricsPort === undefined ? {} : { metricsPort }),
  })
  context.output.line(
    `Gateway for ${client.origin}, to browsers by UDP from port ${settings.gateway.udpPort} on`,
  )
  await stopped(signal)
  context.output.event({ event: 'stopped', sentBytes: running.sentBytes, restarts: running.restarts })
}

async function contentOf(
  client: PortalClient,
  cache: GatewayCache,
  { bundle, release, infohash }: Watched,
  signal: AbortSignal,
): Promise<GatewayContent | undefined> {
  if ((await client.release(bundle, release, signal)).admit === 'ours') return undefined
  const torrent = parseTorrent(await client.torrentOf(bundle, release, signal))
  if (torrent.infoHash !== infohash) return undefined // another release by the same name: it is watched anew, or not
  const folder = await cache.take(infohash, sizeOf(torrent.metainfo))
  return folder === undefined ? undefined : { info: torrent.infoBytes, folder, from: 'fetch' }
}

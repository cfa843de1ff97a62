import { readKeyOf } from '../portal-key.ts'
import { hostAndPort } from '../arguments.ts'
import type { Context } from '../context.ts'
import { localUrlOf } from '../addresses.ts'
import { openMetricsPort } from '../metrics-port.ts'
import { loadAllSettings } from '../settings.ts'
import { SiteSource } from '../site-source.ts'
import { readSites } from './site.ts'
import { openTls, stopped, type TlsFlags } from '../service.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import type { HttpListener } from '../../platform/http-listener.ts'
import type { Logger } from '../../platform/log.ts'
import { Metrics } from '../../platform/metrics.ts'
import { keepMemorySteady } from '../../platform/steady-memory.ts'
import { ControlFeed, type ControlView } from '../../portal-client/index.ts'
import {
  addTrackerMetrics,
  addUdpMetrics,
  keptSwarmSecret,
  startTracker,
  type RunningTracker,
} from '../../tracker/index.ts'

/** `shoal tracker`: for the portal of `--portal`, with a token of the role `origin`. */
export async function tracker(context: Context, given: object): Promise<void> {
  const options = given as TlsFlags & {
    readonly listen: string
    readonly udpPort?: number
    readonly sites?: string
    readonly metricsListen?: string
  }
  const listen = hostAndPort(options.listen)
  const metricsAt = options.metricsListen === undefined ? undefined : hostAndPort(options.metricsListen)
  const log = await context.serviceLog()
  const settings = await loadAllSettings(context)
  const signal = untilStopped()
  keepMemorySteady()
  const client = await context.client()

  await using stack = new AsyncDisposableStack()
  const portalKey = await readKeyOf(context, client, signal)
  const feed = stack.use(
    new ControlFeed({ client, clock: context.clock, random: context.random, log, portalKeys: [portalKey] }),
  )
  await feed.start(signal)
  const fromFile = options.sites === undefined ? undefined : await readSites(options.sites)
  const sites =
    fromFile === undefined
      ? stack.use(await SiteSource.start(context.clock, log, client)).current
      : () => fromFile
  const tls = await openTls(options, { clock: context.clock, log })
  if (tls !== undefined) stack.use(tls)
  const swarmSecret = await keptSwarmSecret(context.dataDir)
  const running = stack.use(
    await startTracker(
      {
        clock: context.clock,
        random: context.random,
        log,
        control: feed.state,
        sites,
        portal: client,
        swarmSecret,
      },
      {
        listen,
        tls,
        udpPort: options.udpPort ?? settings.tracker.udpPort,
        settings: { ...settings.tracker, portalUrl: client.origin },
      },
    ),
  )
  let metricsUrl: string | undefined
  if (metricsAt !== undefined) {
    const { port } = stack.use(await openMetrics(running, feed.state, metricsAt, log))
    metricsUrl = `${localUrlOf({ host: metricsAt.host, port })}/metrics`
  }
  const scheme = tls === undefined ? 'http' : 'https'
  const url = localUrlOf({ host: listen.host, port: running.port }, scheme)
  context.output.event({
    event: 'ready',
    tracker: url,
    portal: client.origin,
    udpPort: running.udp?.port ?? 0,
    ...(metricsUrl === undefined ? {} : { metrics: metricsUrl }),
  })
  context.output.line(`Tracker  ${url}/announce for ${client.origin}`)
  if (running.udp !== undefined) context.output.line(`         and UDP port ${running.udp.port}`)
  if (metricsUrl !== undefined) context.output.line(`Metrics  ${metricsUrl}`)
  await stopped(signal)
}

function openMetrics(
  running: RunningTracker,
  control: Pick<ControlView, 'clockAheadMs'>,
  at: { readonly host: string; readonly port: number },
  log: Logger,
): Promise<HttpListener> {
  const metrics = new Metrics()
  metrics.addProcessMetrics()
  const { udp } = running
  addTrackerMetrics(
    metrics,
    () => running.stats(),
    () => running.peersBySite(),
  )
  if (udp !== undefined) addUdpMetrics(metrics, () => udp.stats())
  metrics.gauge({
    name: 'shoal_tracker_clock_ahead_seconds',
    help: "By how much the tracker's clock is before the portal's; 0 while they agree",
    read: () => control.clockAheadMs / 1_000,
  })
  return openMetricsPort(at, metrics, log)
}

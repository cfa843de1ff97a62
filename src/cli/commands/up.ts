import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ipAddress } from '../../core/address.ts'
import { ShoalError, systemCode } from '../../core/errors.ts'
import { quote } from '../../core/file-name.ts'
import { lockFolder, writeFileAtomic } from '../../platform/files.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import { keepMemorySteady } from '../../platform/steady-memory.ts'
import { Metrics } from '../../platform/metrics.ts'
import { ControlFeed, PortalClient } from '../../portal-client/index.ts'
import { openPortal, type ReleaseMaker } from '../../portal/index.ts'
import { addTrackerMetrics, addUdpMetrics, createTracker, keptSwarmSecret } from '../../tracker/index.ts'
import { peerAddressOf } from '../addresses.ts'
import { hostAndPort } from '../arguments.ts'
import type { Context } from '../context.ts'
import { liveFiguresOf, type LiveParts } from '../live-figures.ts'
import { type LimitFlags, originLimits } from '../limit-flags.ts'
import { startLocalGateway } from '../local-gateway.ts'
import { startOrigin } from '../origin.ts'
import { notNow, openTls, PortalPort, stopped, welcome, type TlsFlags } from '../service.ts'
import { loadAllSettings } from '../settings.ts'
import { SiteSource } from '../site-source.ts'
import { webSeedContentOf, type WebSeedRoles } from '../web-seed-content.ts'
import { readSites } from './site.ts'

export interface UpOptions extends LimitFlags, TlsFlags {
  readonly library?: string
  readonly listen: string
  readonly publicUrl?: string
  readonly peerPort?: number
  readonly peerHost?: string
  readonly udpPort?: number
  readonly sites?: string
}

/** `shoal up`: portal, tracker and origin in one process, until it is told to stop. */
export async function up(context: Context, given: object): Promise<void> {
  const options = given as UpOptions
  const { output } = context
  const listen = hostAndPort(options.listen)
  const log = await context.serviceLog()
  const settings = await loadAllSettings(context)
  const sites = options.sites === undefined ? undefined : await readSites(options.sites)
  const peerHost = options.peerHost === undefined ? undefined : ipAddress(options.peerHost)
  const signal = untilStopped({ forcedExitCode: 1 })
  keepMemorySteady()

  await using stack = new AsyncDisposableStack()
  stack.use(await lockFolder(context.dataDir))
  if (options.library !== undefined) await makeLibrary(options.library)
  const tls = await openTls(options, { clock: context.clock, log })
  if (tls !== undefined) stack.use(tls)
  const listener = stack.use(await PortalPort.open(listen, log, tls))
  const publicUrl = listener.publicUrl(options.publicUrl)

  const metrics = new Metrics()
  metrics.addProcessMetrics()

  let running: LiveParts & WebSeedRoles & { readonly maker?: ReleaseMaker } = {}
  const portal = stack.use(
    await openPortal(
      {
        clock: context.clock,
        log: log.child({ role: 'portal' }),
        dataDir: context.dataDir,
        publicUrl,
        trackerUrl: publicUrl,
        metrics,
        companyLogin: settings.companyLogin,
        iceServers: settings.webrtc.iceServers,
        learning: settings.learning,
        live: () => liveFiguresOf(running),
        content: webSeedContentOf(() => running),
        publishing: () => running.maker,
        ...(sites === undefined ? {} : { sites }),
      },
      settings.portal,
    ),
  )
  stack.defer(() => {
    listener.setHandler(notNow('stopping'))
    listener.setDirect(undefined)
  })
  // no tracker yet: a client that is told so comes back, one that gets a page of the portal gives up
  listener.setHandler((req, res) => {
    if (isForTracker(req)) notNow('starting')(req, res)
    else portal.handler(req, res)
  })
  const client = new PortalClient({ baseUrl: listener.localUrl, token: portal.originToken })
  const feed = stack.use(
    new ControlFeed({
      client,
      clock: context.clock,
      random: context.random,
      log,
      portalKeys: [portal.portalKey],
    }),
  )
  await feed.start(signal)
  const siteSource = stack.use(await SiteSource.start(context.clock, log, client))
  const tracker = stack.use(
    createTracker(
      {
        clock: context.clock,
        random: context.random,
        log: log.child({ role: 'tracker' }),
        control: feed.state,
        sites: siteSource.current,
        portal: client,
        swarmSecret: await keptSwarmSecret(context.dataDir),
      },
      { ...settings.tracker, portalUrl: publicUrl },
    ),
  )
  addTrackerMetrics(
    metrics,
    () => tracker.stats(),
    () => tracker.peersBySite(),
  )
  const udpPort = options.udpPort ?? settings.tracker.udpPort
  const udp =
    udpPort === undefined
      ? undefined
      : stack.use(await tracker.listenUdp({ host: listen.host, port: udpPort }))
  if (udp !== undefined) addUdpMetrics(metrics, () => udp.stats())
  running = { tracker, ...(udp !== undefined && { udp }) }
  listener.setHandler((req, res) => {
    if (!tracker.handle(req, res)) portal.handler(req, res)
  })
  listener.setDirect(tracker.direct)
  listener.setUpgradeHandler((req, socket, head) => tracker.handleUpgrade(req, socket, head))
  const origin = stack.use(
    await startOrigin(
      context,
      {
        log: log.child({ role: 'seeder' }),
        client,
        feed,
        sites: siteSource.current,
        portalKey: portal.portalKey,
      },
      {
        audience: settings.library.audience,
        rightsStatement: settings.library.rightsStatement,
        isLibraryAutomatic: settings.library.automatic,
        scrubBytesPerSecond: settings.seeder.scrubBytesPerSecond,
        reveal: settings.seeder.reveal,
        peerHost: peerAddressOf(peerHost, publicUrl),
        ...(options.library === undefined ? {} : { library: options.library }),
        ...(options.peerPort === undefined ? {} : { peerPort: options.peerPort }),
        ...originLimits(options, settings.seeder),
      },
    ),
  )

  const gateway = await startLocalGateway(
    context,
    {
      log: log.child({ role: 'gateway' }),
      client,
      sites: siteSource.current,
      metrics,
      origin,
      localUrl: listener.localUrl,
    },
    settings,
  )
  if (gateway !== undefined) stack.use(gateway)

  running = { ...running, engine: origin.engine, maker: origin.maker }
  await writeFileAtomic(join(context.dataDir, 'portal.url'), `${publicUrl}\n`)
  output.event({
    event: 'ready',
    portal: publicUrl,
    peerPort: origin.engine.port,
    udpPort: udp?.port ?? 0,
  })
  welcome(context, portal, [
    `Portal   ${publicUrl}`,
    `Peers    TCP port ${origin.engine.port}`,
    ...(udp === undefined ? [] : [`Tracker  UDP port ${udp.port} too`]),
  ])
  await stopped(signal)
  output.note('stopping')
}

/** @throws ShoalError `bad-usage` when something else than a folder is there. */
async function makeLibrary(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true })
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error
    throw new ShoalError(
      'bad-usage',
      `the library ${quote(folder)} is no folder: name the one that holds what is to be served`,
      { cause: error },
    )
  }
}

const isForTracker = ({ url = '' }: { readonly url?: string | undefined }): boolean =>
  /^\/(?:announce|scrape|lease|reach)(?:\?|$)/.test(url)

import { readKeyOf } from '../portal-key.ts'
import { hostAndPort } from '../arguments.ts'
import type { Context } from '../context.ts'
import { localUrlOf } from '../addresses.ts'
import { loadAllSettings } from '../settings.ts'
import { SiteSource } from '../site-source.ts'
import { readSites } from './site.ts'
import { stopped } from '../service.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import { keepMemorySteady } from '../../platform/steady-memory.ts'
import { ControlFeed } from '../../portal-client/index.ts'
import { keptSwarmSecret, startTracker } from '../../tracker/index.ts'

/** `shoal tracker`: for the portal of `--portal`, with a token of the role `origin`. */
export async function tracker(context: Context, given: object): Promise<void> {
  const options = given as {
    readonly listen: string
    readonly udpPort?: number
    readonly sites?: string
  }
  const listen = hostAndPort(options.listen)
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
        udpPort: options.udpPort ?? settings.tracker.udpPort,
        settings: { ...settings.tracker, portalUrl: client.origin },
      },
    ),
  )
  const url = localUrlOf({ host: listen.host, port: running.port })
  context.output.event({
    event: 'ready',
    tracker: url,
    portal: client.origin,
    udpPort: running.udp?.port ?? 0,
  })
  context.output.line(`Tracker  ${url}/announce for ${client.origin}`)
  if (running.udp !== undefined) context.output.line(`         and UDP port ${running.udp.port}`)
  await stopped(signal)
}

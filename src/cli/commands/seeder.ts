import { ipAddress } from '../../core/address.ts'
import { lockFolder } from '../../platform/files.ts'
import { untilStopped } from '../../platform/lifecycle.ts'
import { ControlFeed } from '../../portal-client/index.ts'
import type { Context } from '../context.ts'
import { type LimitFlags, originLimits } from '../limit-flags.ts'
import { startOrigin } from '../origin.ts'
import { readKeyOf } from '../portal-key.ts'
import { SiteSource } from '../site-source.ts'
import { loadAllSettings } from '../settings.ts'
import { stopped } from '../service.ts'

export interface SeederOptions extends LimitFlags {
  readonly library?: string
  readonly peerPort?: number
  readonly peerHost?: string
}

/** `shoal seeder`: an origin for the portal of `--portal`, with a token of the role `origin`. */
export async function seeder(context: Context, given: object): Promise<void> {
  const options = given as SeederOptions
  const log = await context.serviceLog()
  const settings = await loadAllSettings(context)
  const signal = untilStopped()
  const client = await context.client()

  await using stack = new AsyncDisposableStack()
  stack.use(await lockFolder(context.dataDir))
  const portalKey = await readKeyOf(context, client, signal)
  const feed = stack.use(
    new ControlFeed({ client, clock: context.clock, random: context.random, log, portalKeys: [portalKey] }),
  )
  await feed.start(signal)
  const siteSource = stack.use(await SiteSource.start(context.clock, log, client))
  const origin = stack.use(
    await startOrigin(
      context,
      { log, client, feed, sites: siteSource.current, portalKey },
      {
        audience: settings.library.audience,
        rightsStatement: settings.library.rightsStatement,
        scrubBytesPerSecond: settings.seeder.scrubBytesPerSecond,
        reveal: settings.seeder.reveal,
        ...(options.library === undefined ? {} : { library: options.library }),
        ...(options.peerPort === undefined ? {} : { peerPort: options.peerPort }),
        ...(options.peerHost === undefined ? {} : { peerHost: ipAddress(options.peerHost) }),
        ...originLimits(options, settings.seeder),
      },
    ),
  )
  context.output.event({ event: 'ready', portal: client.origin, peerPort: origin.engine.port })
  context.output.line(`Origin for ${client.origin}, peers on TCP port ${origin.engine.port}`)
  await stopped(signal)
}

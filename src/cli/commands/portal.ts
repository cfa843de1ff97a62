import { lockFolder, writeFileAtomic } from '../../platform/files.ts'
import { join } from 'node:path'
import { untilStopped } from '../../platform/lifecycle.ts'
import { Metrics } from '../../platform/metrics.ts'
import { openPortal } from '../../portal/index.ts'
import { hostAndPort } from '../arguments.ts'
import type { Context } from '../context.ts'
import { notNow, openTls, PortalPort, stopped, welcome, type TlsFlags } from '../service.ts'
import { loadAllSettings } from '../settings.ts'
import { readSites } from './site.ts'

export interface PortalOptions extends TlsFlags {
  readonly listen: string
  readonly publicUrl?: string
  readonly trackerUrl?: string
  readonly sites?: string
}

/** `shoal portal`: the catalogue alone; a tracker and an origin come to it over the network. */
export async function portal(context: Context, given: object): Promise<void> {
  const options = given as PortalOptions
  const listen = hostAndPort(options.listen)
  const log = await context.serviceLog()
  const settings = await loadAllSettings(context)
  const sites = options.sites === undefined ? undefined : await readSites(options.sites)
  const signal = untilStopped()

  await using stack = new AsyncDisposableStack()
  stack.use(await lockFolder(context.dataDir))
  const tls = await openTls(options, { clock: context.clock, log })
  if (tls !== undefined) stack.use(tls)
  const listener = stack.use(await PortalPort.open(listen, log, tls))
  const publicUrl = listener.publicUrl(options.publicUrl)
  const metrics = new Metrics()
  metrics.addProcessMetrics()
  const running = stack.use(
    await openPortal(
      {
        clock: context.clock,
        log,
        dataDir: context.dataDir,
        publicUrl,
        trackerUrl: options.trackerUrl ?? publicUrl,
        metrics,
        companyLogin: settings.companyLogin,
        iceServers: settings.webrtc.iceServers,
        learning: settings.learning,
        ...(sites === undefined ? {} : { sites }),
      },
      settings.portal,
    ),
  )
  stack.defer(() => {
    listener.setHandler(notNow('stopping'))
  })
  listener.setHandler(running.handler)
  await writeFileAtomic(join(context.dataDir, 'portal.url'), `${publicUrl}\n`)
  context.output.event({ event: 'ready', portal: publicUrl })
  welcome(context, running, [`Portal   ${publicUrl}`])
  await stopped(signal)
}

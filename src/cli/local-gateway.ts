/** The gateway of `up`: it serves browsers what the origin in the same process serves everybody else. */
import type { Logger } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { RunningGateway } from '../gateway/index.ts'
import type { PortalClient } from '../portal-client/index.ts'
import type { Context } from './context.ts'
import type { OriginParts, RunningOrigin } from './origin.ts'
import type { AllSettings } from './settings.ts'

export interface LocalGatewayParts extends Pick<OriginParts, 'sites'> {
  readonly log: Logger
  readonly client: PortalClient
  readonly metrics: Metrics
  readonly origin: RunningOrigin
  /** Of this machine, for when the tracker's public address does not answer from here. */
  readonly localUrl: string
}

/** Undefined where the operator wants none. It is not waited for: a gateway that cannot start keeps nobody waiting. */
export async function startLocalGateway(
  context: Context,
  parts: LocalGatewayParts,
  settings: Pick<AllSettings, 'gateway' | 'webrtc'>,
): Promise<RunningGateway | undefined> {
  if (!settings.gateway.enabled) return undefined
  const { startGateway } = await import('../gateway/index.ts')
  const { origin, client, log, sites, metrics } = parts
  return startGateway(
    {
      clock: context.clock,
      random: context.random,
      log,
      portal: client,
      sites,
      metrics,
      contentOf: async ({ infohash }) => {
        const content = await origin.contentOf(infohash)
        if (content === undefined) return undefined
        return { info: content.torrent.infoBytes, folder: content.folder, from: 'files' }
      },
    },
    {
      settings: settings.gateway,
      iceServers: settings.webrtc.iceServers,
      origin: origin.engine.peerId,
      localTracker: parts.localUrl,
    },
  )
}

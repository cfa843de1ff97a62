/** What `get` and `play` tell the portal of a transfer, by the grant of the moment. */
import type { IpAddress } from '../core/address.ts'
import type { Logger } from '../platform/log.ts'
import { PortalClient, reportingPortal, TransferReporter, TrustStore } from '../portal-client/index.ts'
import type { TorrentHandle } from '../swarm/index.ts'
import type { Context } from './context.ts'
import type { Granted } from './granted.ts'

export interface TransferReports extends AsyncDisposable {
  /** From now on this is what is told. */
  watch(handle: TorrentHandle): void
}

/** Tells nobody where the tracker is of no portal that this machine trusts. Its end takes two seconds at the most. */
export async function reportTransfers(
  { clock, random, dataDir }: Context,
  parts: { readonly log: Logger; readonly granted: Granted; readonly from: IpAddress | undefined },
): Promise<TransferReports> {
  const { granted, from, log } = parts
  const baseUrl = await reportingPortal(granted.announce().flat(), new TrustStore(dataDir))
  let watched: TorrentHandle | undefined
  const reporter = new TransferReporter(
    {
      clock,
      random,
      log,
      *sources() {
        if (watched !== undefined) yield sourceOf(watched)
      },
      async send(items, signal) {
        const grant = grantIn(granted.announce())
        if (baseUrl === undefined || grant === undefined) return { refused: [] }
        const portal = { baseUrl, grant, ...(from === undefined ? {} : { localAddress: from }) }
        return await new PortalClient(portal).reportTransfers({ items }, signal)
      },
    },
    { endsWhenRefused: true },
  )
  reporter.start()
  return {
    watch: (handle) => {
      watched = handle
    },
    [Symbol.asyncDispose]: () => reporter[Symbol.asyncDispose](),
  }
}

function sourceOf(handle: TorrentHandle) {
  return {
    infohash: handle.infoHash,
    tellsWhatItHas: true,
    now: () => {
      const { isChecked, haveBytes, fromWebSeeds } = handle.stats()
      return isChecked ? { haveBytes, webSeedBytes: fromWebSeeds, ends: handle.takeTraffic() } : undefined
    },
  }
}

function grantIn(urls: readonly (readonly string[])[]): string | undefined {
  for (const url of urls.flat()) {
    const grant = URL.parse(url)?.searchParams.get('g')
    if (typeof grant === 'string') return grant
  }
  return undefined
}

/** What the tracker answers to one who serves and asks about those who dialled it. */
import type { IpAddress } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import { minutes } from '../core/units.ts'
import type { LeaseAnswer, LeaseQuestion } from '../wire/lease.ts'
import type { AnnounceParts } from './announce-hooks.ts'

/** Whether the peer at this address brings pieces from other sites into its own. */
export type BridgeCheck = (infoHash: InfoHash, host: IpAddress) => boolean

/** Origins and mirrors report to the portal and announce nothing: a report holds for as long. */
const SERVING_LEASE = minutes(3)

/** In the order of the question. */
export function leasesFor(
  { infoHash, peers }: LeaseQuestion,
  parts: Pick<AnnounceParts, 'leases' | 'control' | 'addresses' | 'clock' | 'startedAt' | 'settings'>,
  isBridge: BridgeCheck,
): LeaseAnswer[] {
  const { leases, control, addresses } = parts
  const isYoung = hasBegunLately(parts)
  const serving = new Set(control.originsOf(infoHash).map((peer) => peer.host))
  return peers.map((host) => {
    const found = leases.find(infoHash, host)
    const lease = found ?? (serving.has(host) ? { leftMs: SERVING_LEASE, isOurs: true } : undefined)
    const site = addresses.lookUp(host)?.site.name
    if (site === undefined) return undefined
    if (lease === undefined) return isYoung && !leases.hasLeft(infoHash, host) ? 'unsure' : undefined
    return { ...lease, site, isBridge: isBridge(infoHash, host) }
  })
}

/** A tracker that starts again has forgotten who is where, and stock clients announce when their interval is over. */
function hasBegunLately({
  clock,
  startedAt,
  settings,
}: Pick<AnnounceParts, 'clock' | 'startedAt' | 'settings'>): boolean {
  const span = settings.stockIntervalMs + settings.leaseSlackMs
  return startedAt !== undefined && clock.epoch() - startedAt < span
}

/** What the tracker answers to one who serves and asks about those who dialled it. */
import type { IpAddress } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import { minutes } from '../core/units.ts'
import type { LeaseQuestion, PeerLease } from '../wire/lease.ts'
import type { AnnounceParts } from './announce-hooks.ts'

/** Whether the peer at this address brings pieces from other sites into its own. */
export type BridgeCheck = (infoHash: InfoHash, host: IpAddress) => boolean

/** Origins and mirrors report to the portal and announce nothing: a report holds for as long. */
const SERVING_LEASE = minutes(3)

/** In the order of the question. */
export function leasesFor(
  { infoHash, peers }: LeaseQuestion,
  { leases, control, addresses }: Pick<AnnounceParts, 'leases' | 'control' | 'addresses'>,
  isBridge: BridgeCheck,
): (PeerLease | undefined)[] {
  const serving = new Set(control.originsOf(infoHash).map((peer) => peer.host))
  return peers.map((host) => {
    const found = leases.find(infoHash, host)
    const lease = found ?? (serving.has(host) ? { leftMs: SERVING_LEASE, isOurs: true } : undefined)
    const site = addresses.lookUp(host)?.site.name
    if (lease === undefined || site === undefined) return undefined
    return { ...lease, site, isBridge: isBridge(infoHash, host) }
  })
}

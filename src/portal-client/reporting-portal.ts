/** Which portal is told what becomes of a grant: one that this machine trusts, and whose tracker the grant is for. */
import { hostPortOf } from '../wire/foreign-url.ts'
import { hostsOfPortal } from '../wire/magnet.ts'
import type { TrustStore } from './trust-store.ts'

/** Its origin; undefined for a tracker that no trusted portal declares. @throws ShoalError as `TrustStore.all`. */
export async function reportingPortal(
  announceUrls: readonly string[],
  trust: Pick<TrustStore, 'all'>,
): Promise<string | undefined> {
  const hosts = announceUrls.map(hostPortOf)
  const portals = await trust.all()
  return portals.find(({ document }) => hosts.some((host) => hostsOfPortal(document).has(host)))?.origin
}

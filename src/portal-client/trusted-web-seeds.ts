/**
 * Which web seeds of a link or a .torrent are asked at all: those on portals that this machine trusts, or on hosts that
 * these declare. Others could make it ask whatever server the link's maker likes.
 */
import { hostPortOf } from '../wire/foreign-url.ts'
import { hostsOfPortal } from '../wire/magnet.ts'
import type { TrustStore } from './trust-store.ts'

export interface TrustedWebSeed {
  readonly url: string
  /** `host:port` of all hosts of its portal: redirects may lead there. */
  readonly hosts: ReadonlySet<string>
}

/** @throws ShoalError `bad-input` when the list of trusted portals cannot be read. */
export async function trustedWebSeeds(
  urls: readonly string[],
  trust: Pick<TrustStore, 'all'>,
): Promise<TrustedWebSeed[]> {
  if (urls.length === 0) return []
  const portals = (await trust.all()).map((portal) => hostsOfPortal(portal.document))
  return urls.flatMap((url) => {
    const hosts = portals.find((known) => known.has(hostPortOf(url)))
    return hosts === undefined ? [] : [{ url, hosts }]
  })
}

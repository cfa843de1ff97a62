/** One of our own clients at a site of a swarm: the one that others are told of, and why stock clients there hold no links. */
import { sameEndpoint } from '../core/address.ts'
import { Seat, type SiteSeats } from './site-seats.ts'
import type { PeerLookUp, Sitter } from './swarm-bridges.ts'
import type { DrawnPeer } from './swarm-store.ts'

/** `peer` is one of ours. The one that is known stays it while it comes back in time. */
export function sitAsOurs(
  site: SiteSeats,
  { peer, dueAtS }: Pick<Sitter, 'peer' | 'dueAtS'>,
  peers: PeerLookUp,
): void {
  if (site.ours !== undefined && sameEndpoint(site.ours, peer)) site.ours.dueAtS = dueAtS
  else if (oursOf(site, peers) === undefined) site.ours = new Seat(peer, dueAtS)
}

/** While it comes back in time. */
export function oursOf({ ours }: SiteSeats, peers: PeerLookUp): DrawnPeer | undefined {
  if (ours === undefined || ours.dueAtS < peers.nowS) return undefined
  const found = peers.find(ours)
  return found?.isOurs === true ? found : undefined
}

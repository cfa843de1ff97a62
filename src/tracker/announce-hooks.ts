/**
 * What happens to an announce, in this order: grant check (`grant-gate.ts`, which makes the context), address
 * and port policy, addresses a grant, the store, and then the answer (`answer.ts`). A hook lets the announce
 * pass by returning undefined; a refusal ends it, and only `remember` changes who is listed.
 */
import type { Random } from '../core/random.ts'
import { millis, minutes, type EpochMillis, type Millis } from '../core/units.ts'
import type { ControlView } from '../portal-client/index.ts'
import type { Clock } from '../platform/clock.ts'
import type { AnnounceRequest } from '../wire/announce.ts'
import { limits } from '../wire/limits.ts'
import type { AddressBook, AddressFacts } from './address-book.ts'
import type { Bridges } from './bridges.ts'
import type { GrantUses } from './grant-uses.ts'
import type { Leases } from './leases.ts'
import { refusals, type Refusal } from './refusals.ts'
import type { TrackerSettings } from './settings.ts'
import type { SharedGrants } from './shared-grants.ts'
import type { SwarmKeys } from './swarm-keys.ts'
import type { Family, SwarmPeer, SwarmStore } from './swarm-store.ts'
import type { VerifiedGrant } from './verified-grant.ts'

/** An announce whose grant is good. */
export interface AnnounceContext {
  readonly request: AnnounceRequest
  readonly from: AddressFacts
  readonly grant: VerifiedGrant
  /** The only one that the answer can name peers of. */
  readonly family?: Family | undefined
}

/** What hooks and answer work with. */
export interface AnnounceParts {
  readonly clock: Clock
  readonly random: Random
  readonly control: ControlView
  readonly addresses: AddressBook
  readonly uses: GrantUses
  readonly sharing: SharedGrants
  readonly store: SwarmStore
  readonly bridges: Bridges
  readonly leases: Leases
  readonly settings: TrackerSettings
  /** When these lists were empty last: our own clients, told another time, all announce again. */
  readonly startedAt?: EpochMillis
  /** Without it our own clients are given no keys, and do not know each other while the tracker is away. */
  readonly swarmKeys?: SwarmKeys
}

export type AnnounceHook = (context: AnnounceContext, parts: AnnounceParts) => Refusal | undefined

/** No list that we give out may aim a swarm at a service, or at a place that nobody can dial. */
export const checkEndpoint: AnnounceHook = ({ request, from }) => {
  if (!from.isListable) return refusals.addressRefused(from.host)
  return request.port < limits.peerPortMin ? refusals.portRefused(limits.peerPortMin) : undefined
}

/** A link that is passed round stops at so many addresses as it was made for. */
export const countAddresses: AnnounceHook = (
  { request, from, grant },
  { control, uses, sharing, store, leases, settings },
) => {
  const { id, infoHash } = grant.claims
  if (request.event === 'stopped') {
    uses.stopped(id, from.host, request.port)
    return undefined
  }
  const addressesMax = control.peersMaxOf(id)
  const use = uses.admit(id, from.host, request.port, addressesMax)
  if (use.kind === 'too-many-addresses') {
    sharing.note(id, { addresses: addressesMax, isFull: true })
    return refusals.tooManyAddresses(addressesMax, settings.portalUrl)
  }
  sharing.note(id, { addresses: use.addresses, isFull: false })
  if (use.portForgotten !== undefined) {
    store.remove(infoHash, { host: from.host, port: use.portForgotten })
    leases.left(infoHash, from.host)
  }
  return undefined
}

/** Puts the peer in the swarm for two intervals, and on a free seat of its site's bridges; or takes it out. */
export const remember: AnnounceHook = (context, parts) => {
  const { request, from, grant } = context
  const { clock, store, bridges, leases, settings } = parts
  if (request.event === 'stopped') {
    const endpoint = { host: from.host, port: request.port }
    store.remove(request.infoHash, endpoint)
    leases.left(request.infoHash, from.host)
    bridges.leave(request.infoHash, endpoint, from.site)
    return undefined
  }
  const peer: SwarmPeer = {
    host: from.host,
    port: request.port,
    peerId: request.peerId,
    site: from.site.name,
    isSeed: request.leftBytes === 0,
    isOurs: request.isOurs,
    grant,
  }
  const lease = leaseOf(longIntervalOf(request, settings), grant, clock.epoch(), settings)
  if (!store.put(request.infoHash, peer, lease)) return refusals.full
  leases.came(request.infoHash, from.host)
  const interval = intervalOf(context, parts)
  const soonest = request.isOurs ? interval : Math.max(interval, STOCK_FLOOR)
  bridges.sit(request.infoHash, peer, from.site, millis(soonest + settings.leaseSlackMs))
  if (request.event === 'completed') store.addCompleted(request.infoHash)
  return undefined
}

export const announceHooks: readonly AnnounceHook[] = [checkEndpoint, countAddresses, remember]

/** libtorrent's clients come no more often than this, whatever they are asked. */
const STOCK_FLOOR = minutes(5)

/**
 * How long this peer should wait before it announces again. Stock leechers come soon at first: while peers of a site
 * arrive one by one, each knows only those before it, and bridges that leave are replaced by who announces next.
 */
export function intervalOf({ request, from }: AnnounceContext, parts: AnnounceParts): Millis {
  const { settings, bridges } = parts
  const isStart =
    !request.isOurs &&
    request.leftBytes > 0 &&
    (request.event === 'started' || bridges.isNew(request.infoHash, from.site, settings.stockStartMs))
  return isStart ? settings.stockStartIntervalMs : longIntervalOf(request, settings)
}

function longIntervalOf(request: AnnounceRequest, settings: TrackerSettings): Millis {
  if (!request.isOurs) return settings.stockIntervalMs
  return request.leftBytes === 0 ? settings.ownSeedIntervalMs : settings.ownLeecherIntervalMs
}

/**
 * Two intervals and some slack, but never longer than the grant holds: then others must not be told of it. `interval` is
 * the longest that it may be asked to wait: stock clients do not come as soon as they are asked.
 */
function leaseOf(
  interval: Millis,
  grant: VerifiedGrant,
  now: EpochMillis,
  settings: TrackerSettings,
): Millis {
  const lease = 2 * interval + settings.leaseSlackMs
  const left = grant.claims.expiresAt + limits.clockLeeway - now
  return millis(Math.max(0, Math.min(lease, left)))
}

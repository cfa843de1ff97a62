/**
 * What happens to an announce, in this order: grant check (`grant-gate.ts`, which makes the context), address
 * and port policy, addresses a grant, the store, and then the answer (`answer.ts`). A hook lets the announce
 * pass by returning undefined; a refusal ends it, and only `remember` changes who is listed.
 */
import type { Random } from '../core/random.ts'
import { millis, type EpochMillis, type Millis } from '../core/units.ts'
import type { ControlView } from '../portal-client/index.ts'
import type { Clock } from '../platform/clock.ts'
import type { AnnounceRequest } from '../wire/announce.ts'
import { limits } from '../wire/limits.ts'
import type { AddressBook, AddressFacts } from './address-book.ts'
import type { GrantUses } from './grant-uses.ts'
import { refusals, type Refusal } from './refusals.ts'
import type { TrackerSettings } from './settings.ts'
import type { SwarmKeys } from './swarm-keys.ts'
import type { SwarmPeer, SwarmStore } from './swarm-store.ts'
import type { VerifiedGrant } from './verified-grant.ts'

/** An announce whose grant is good. */
export interface AnnounceContext {
  readonly request: AnnounceRequest
  readonly from: AddressFacts
  readonly grant: VerifiedGrant
}

/** What hooks and answer work with. */
export interface AnnounceParts {
  readonly clock: Clock
  readonly random: Random
  readonly control: ControlView
  readonly addresses: AddressBook
  readonly uses: GrantUses
  readonly store: SwarmStore
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
  { control, uses, store, settings },
) => {
  const { id, infoHash } = grant.claims
  if (request.event === 'stopped') {
    uses.stopped(id, from.host, request.port)
    return undefined
  }
  const addressesMax = control.peersMaxOf(id)
  const use = uses.admit(id, from.host, request.port, addressesMax)
  if (use.kind === 'too-many-addresses') return refusals.tooManyAddresses(addressesMax, settings.portalUrl)
  if (use.portForgotten !== undefined) store.remove(infoHash, { host: from.host, port: use.portForgotten })
  return undefined
}

/** Puts the peer in the swarm for two intervals, or takes it out. */
export const remember: AnnounceHook = ({ request, from, grant }, { clock, store, settings }) => {
  if (request.event === 'stopped') {
    store.remove(request.infoHash, { host: from.host, port: request.port })
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
  if (!store.put(request.infoHash, peer, leaseOf(request, grant, clock.epoch(), settings)))
    return refusals.full
  if (request.event === 'completed') store.addCompleted(request.infoHash)
  return undefined
}

export const announceHooks: readonly AnnounceHook[] = [checkEndpoint, countAddresses, remember]

/** How long this peer should wait before it announces again. */
export function intervalOf(request: AnnounceRequest, settings: TrackerSettings): Millis {
  if (!request.isOurs) return settings.stockIntervalMs
  return request.leftBytes === 0 ? settings.ownSeedIntervalMs : settings.ownLeecherIntervalMs
}

/** Two intervals and some slack, but never longer than the grant holds: then others must not be told of it. */
function leaseOf(
  request: AnnounceRequest,
  grant: VerifiedGrant,
  now: EpochMillis,
  settings: TrackerSettings,
): Millis {
  const lease = 2 * intervalOf(request, settings) + settings.leaseSlackMs
  const left = grant.claims.expiresAt + limits.clockLeeway - now
  return millis(Math.max(0, Math.min(lease, left)))
}

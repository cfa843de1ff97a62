/**
 * Every "no" of the tracker, in one place: what the client is told (BEP 3 `failure reason`), when to come
 * back (BEP 31 `retry in`), and the kind under which it is counted. Until a grant's signature has verified
 * there is one text for everything that may be wrong with it.
 */
import { minutes, type EpochMillis } from '../core/units.ts'
import type { AnnounceRefusal } from '../wire/announce.ts'

export type RefusalKind =
  | 'bad-request'
  | 'not-ready'
  | 'grant-refused'
  | 'grant-expired'
  | 'grant-withdrawn'
  | 'other-release'
  | 'address-refused'
  | 'port-refused'
  | 'too-many-addresses'
  | 'full'
  | 'busy'
  | 'peer-id-refused'
  | 'too-many-sockets'
  | 'too-many-messages'

export interface Refusal extends AnnounceRefusal {
  readonly kind: RefusalKind
}

export const refusals = {
  /** `reason` is a ShoalError's sentence about the request. */
  badRequest: (reason: string): Refusal => ({ kind: 'bad-request', reason, retryInMs: 'never' }),
  notReady: {
    kind: 'not-ready',
    reason: 'this tracker has just started and cannot check grants yet, try again in a minute',
    retryInMs: minutes(1),
  },
  /** Comes back in minutes, not never: a key or a quieter minute may make it good. */
  grantRefused: { kind: 'grant-refused', reason: 'grant refused', retryInMs: minutes(5) },
  /** A clock that is off is named: then another link does not help. */
  grantExpired: (expiresAt: EpochMillis, portalUrl: string, clockAheadMs = 0): Refusal => ({
    kind: 'grant-expired',
    reason: `grant expired at ${new Date(expiresAt).toISOString()}, get a fresh link${at(portalUrl)}${offBy(clockAheadMs)}`,
    retryInMs: 'never',
  }),
  /** Revoked, recalled or of a key no longer used; `reason` is the control feed's sentence. */
  grantWithdrawn: (reason: string): Refusal => ({ kind: 'grant-withdrawn', reason, retryInMs: 'never' }),
  otherRelease: {
    kind: 'other-release',
    reason: 'this grant is for another release',
    retryInMs: 'never',
  },
  addressRefused: (host: string): Refusal => ({
    kind: 'address-refused',
    reason: `peers at ${host} are not admitted here`,
    retryInMs: 'never',
  }),
  addressUnknown: {
    kind: 'address-refused',
    reason: 'your address cannot be told: the proxy in front of this tracker is set up wrongly',
    retryInMs: minutes(5),
  },
  portRefused: (portMin: number): Refusal => ({
    kind: 'port-refused',
    reason: `choose a listening port from ${portMin} to 65535`,
    retryInMs: 'never',
  }),
  tooManyAddresses: (addressesMax: number, portalUrl: string): Refusal => ({
    kind: 'too-many-addresses',
    reason: `this link is in use at ${addressesMax} addresses, which is all it allows: get one of your own${at(portalUrl)}`,
    retryInMs: minutes(60),
  }),
  tooManyTests: {
    kind: 'busy',
    reason: 'too many tests of reachability, try again in a minute',
    retryInMs: minutes(1),
  },
  full: {
    kind: 'full',
    reason: 'this tracker is full, try again later',
    retryInMs: minutes(15),
  },
  /** A WebSocket speaks for one peer, and no two speak for the same. */
  peerIdRefused: {
    kind: 'peer-id-refused',
    reason: 'this peer id belongs to another connection: open one for each peer',
    retryInMs: 'never',
  },
  tooManySockets: {
    kind: 'too-many-sockets',
    reason: 'too many connections are open, try again later',
    retryInMs: minutes(5),
  },
  tooManyMessages: {
    kind: 'too-many-messages',
    reason: 'too many messages on this connection',
    retryInMs: minutes(1),
  },
} as const satisfies Record<string, Refusal | ((...args: never[]) => Refusal)>

const offBy = (clockAheadMs: number): string =>
  clockAheadMs > 0
    ? ` (the clock of this tracker is ${Math.round(clockAheadMs / 1_000)} s ahead of the portal's: tell its operator)`
    : ''

const at = (portalUrl: string): string => (portalUrl === '' ? '' : ` at ${portalUrl}`)

/** Who is in which swarm: what the tracker asks of its memory, whatever that memory is. */
import type { Endpoint, IpAddress } from '../core/address.ts'
import type { GrantId, InfoHash, PeerId } from '../core/ids.ts'
import type { Random } from '../core/random.ts'
import type { Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { PackedPeers } from '../wire/packed-peers.ts'
import type { VerifiedGrant } from './verified-grant.ts'

/** A peer as it announced itself, and what the tracker knows of it. */
export interface SwarmPeer extends Endpoint {
  readonly peerId: PeerId
  /** Name of the site where the tracker saw it. */
  readonly site: string
  readonly isSeed: boolean
  /** Says to be our own client. Costs nothing to claim: nothing secret may depend on it. */
  readonly isOurs: boolean
  /** What let it in: so that a revocation finds it. */
  readonly grant: VerifiedGrant
}

export interface SwarmCounts {
  /** Peers with everything (BEP 3 `complete`), and the others. */
  readonly complete: number
  readonly incomplete: number
  /** `completed` events so far, for as long as the swarm has existed (BEP 48 `downloaded`). */
  readonly downloaded: number
}

/** A peer as an answer names it. */
export interface DrawnPeer extends Endpoint {
  /** Address and port as BEP 23 and BEP 7 have them, a character a byte: 6 of them, or 18 for IPv6. */
  readonly packed: string
  readonly site: string
  readonly isSeed: boolean
  readonly isOurs: boolean
  /** Only when it was asked for. */
  readonly peerId?: PeerId
}

/** Of the live peers at one address. */
export interface LeaseFacts {
  /** Of the one that lasts longest. */
  readonly leftMs: Millis
  /** Every one says to be our own client. */
  readonly isOurs: boolean
}

/** Of one who has everything. */
export interface SeedFacts {
  readonly grant: GrantId
  /** Name of the site where the tracker saw it. */
  readonly site: string
}

/** Of addresses. */
export type Family = 'v4' | 'v6'

/** So many that an answer cannot name are looked at for a draw, which would else walk through a swarm that has nobody else. */
export const OTHER_LOOKS_MAX = 200

export interface DrawRequest {
  /** Who asks; never in the answer. */
  readonly self: Endpoint
  readonly site: string
  /** False for a seed: it has no use for other seeds. */
  readonly wantsSeeds: boolean
  readonly sameSiteMax: number
  readonly otherSitesMax: number
  /** False unless given: few answers name them, and reading them costs more than the rest. */
  readonly withPeerIds?: boolean
  /**
   * Only peers of this family, for whom an answer cannot name others. As many as are found before
   * {@link OTHER_LOOKS_MAX} others were met: of a family that is rare in a large swarm fewer than there are, by
   * chance others each time.
   */
  readonly family?: Family | undefined
}

/** For stock clients: peers of one site, as a compact answer names them. */
export interface PackedDrawRequest extends Pick<DrawRequest, 'self' | 'site' | 'wantsSeeds' | 'family'> {
  readonly max: number
  /** Not in the answer either: they are in it already. A few. */
  readonly apart: readonly Endpoint[]
  /** Peers on a loopback address too. Like those of another family they are passed over, up to {@link OTHER_LOOKS_MAX}. */
  readonly withLoopback: boolean
}

/** Peers drawn by chance. */
export interface Draw {
  readonly sameSite: readonly DrawnPeer[]
  /** Taken site by site in turn: the first n are of as many different sites as there are, up to n. */
  readonly otherSites: readonly DrawnPeer[]
}

export interface SwarmStoreParts {
  readonly clock: Clock
  readonly random: Random
}

export interface SwarmStoreOptions {
  /** In all swarms together. */
  readonly peersMax: number
}

/** Of all peers that there may be, those from `from` on, `most` at most: so that a walk can rest in between. */
export interface Part {
  readonly from: number
  readonly most: number
}

export const ALL: Part = { from: 0, most: Number.MAX_SAFE_INTEGER }

/** Where the walk goes on; undefined at its end. Who has come since may be left out: nobody else is. */
export type Next = number | undefined

/**
 * Every implementation must pass `test/contract/swarm-store.contract.ts` and `packed-draws.contract.ts`.
 *
 * - A peer is known by its infohash and endpoint, so nobody can replace or remove another machine's entry by
 *   naming its peer id.
 * - A peer whose lease ran out is never drawn, whether or not it was swept yet; counts may include it until then.
 * - A swarm exists while it has a peer; its counts are all zero otherwise.
 */
export interface SwarmStore {
  /** Adds a peer, or replaces it and renews its lease. False when the store is full and it was not there. */
  put(swarm: InfoHash, peer: SwarmPeer, lease: Millis): boolean
  /** Counts one finished download in the swarm; nothing happens when there is no such swarm. */
  addCompleted(swarm: InfoHash): void
  /** Removing an absent peer is not an error: `stopped` may arrive twice. */
  remove(swarm: InfoHash, endpoint: Endpoint): void
  /** Removes the peers that `isRefused` names, of `part` of all. */
  removeWhere(isRefused: (swarm: InfoHash, peer: SwarmPeer) => boolean, part?: Part): Next
  /** Puts each peer, of `part` of all, under the site that `siteOf` names: the operator has drawn a new map. */
  resite(siteOf: (host: IpAddress) => string, part?: Part): Next
  /** Whether there is a live peer at this endpoint: costs less than to find it. */
  has(swarm: InfoHash, endpoint: Endpoint): boolean
  /** The live peer at this endpoint, with its peer id. */
  find(swarm: InfoHash, endpoint: Endpoint): DrawnPeer | undefined
  /** The live peers at this address, whatever their ports; undefined without one. */
  leaseAt(swarm: InfoHash, host: IpAddress): LeaseFacts | undefined
  /** Costs time in proportion to the answer, not to the swarm. */
  draw(swarm: InfoHash, request: DrawRequest): Draw
  /** The same for one site, as the answer has them. */
  drawPacked(swarm: InfoHash, request: PackedDrawRequest): PackedPeers
  counts(swarm: InfoHash): SwarmCounts
  /** Live peers that have everything, at most `max`; costs time in proportion to the seeds of the swarm. */
  seedsOf(swarm: InfoHash, max: number): readonly SeedFacts[]
  /** Peers of the swarm at the site. */
  countAt(swarm: InfoHash, site: string): number
  /** Peers in all swarms by the name of their site; costs time in proportion to the swarms and their sites. */
  countBySite(): ReadonlyMap<string, number>
  /** Frees, of `part` of all, peers whose lease ran out, and swarms without peers. */
  sweep(part?: Part): Next
  readonly swarmCount: number
  readonly peerCount: number
}

/** The key of a peer within its swarm. */
export const endpointKey = (host: IpAddress, port: number): string => `${host}|${port}`

/**
 * Whom one torrent serves, by the leases that its tracker knows: asked once for each stranger who dials, before
 * anything is said to it, and again when its lease ends or may have been taken back. Peers that we dial were named
 * by the tracker; they are asked about later.
 *
 * While the tracker does not answer, those are served who were known before: who had a lease, whom the tracker
 * named, and who has proven that it belongs ({@link Admission.vouch}).
 *
 * Only torrents with a grant of a Shoal portal are guarded: other trackers (`--unsigned` links, foreign torrents)
 * do not know the question. A lease is of an address: a client whose tracker sees it at another address than its
 * peers do, as behind some VPNs, has none where it is seen.
 */
import type { IpAddress } from '../core/address.ts'
import { messageOf } from '../core/errors.ts'
import { type Millis, millis, minutes, seconds } from '../core/units.ts'
import { leaseUrlOf, type PeerLease } from '../wire/lease.ts'
import { limits } from '../wire/limits.ts'
import type { AddTorrent } from './engine-types.ts'
import type { Peer } from './peer.ts'
import type { SwarmState } from './swarm-state.ts'

/** What the tracker said of the address of a connected peer. */
export interface LeaseOfPeer {
  readonly site: string
  readonly isBridge: boolean
  /** Reading of the clock. */
  readonly expiresAt: Millis
}

/** `unknown`: the tracker could not be asked. */
type Verdict = 'leased' | 'refused' | 'unknown'

/**
 * Without a control feed nobody tells us of a revocation: asking this often drops who was revoked within a minute,
 * the tracker's ten seconds included.
 */
const LOOK_AGAIN = seconds(40)
/** With one, ends of leases are what is left to look for. */
const LOOK_AGAIN_FED = minutes(10)
const RETRY = seconds(10)

export class Admission {
  readonly #s: SwarmState
  readonly #leases = new Map<IpAddress, LeaseOfPeer & { readonly askedAt: Millis }>()
  /** Addresses that the tracker named, or that somebody vouched for. */
  readonly #known = new Set<IpAddress>()
  /** When the tracker is to be asked about the peers next. */
  #lookAt: Millis
  #isLooking = false

  constructor(s: SwarmState) {
    this.#s = s
    this.#lookAt = this.#in(this.#every)
  }

  /** The tracker listed peers at these addresses, or one there proved that it belongs. */
  vouch(...hosts: readonly IpAddress[]): void {
    for (const host of hosts) {
      this.#known.delete(host)
      this.#known.add(host)
    }
    forgetOldest(this.#known)
  }

  leaseOf(host: IpAddress): LeaseOfPeer | undefined {
    return this.#leases.get(host)
  }

  /** May a stranger at this address come in? Never rejects. */
  async mayEnter(host: IpAddress): Promise<boolean> {
    const lease = this.#freshOf(host)
    if (lease !== undefined) {
      // It may be taken back meanwhile: it is looked at again when it would have been without this visit.
      this.#lookAt = millis(Math.min(this.#lookAt, lease.askedAt + this.#every))
      return true
    }
    const verdict = await this.#judge(host)
    return verdict === 'unknown' ? this.#isKnown(host) : verdict === 'leased'
  }

  /** Leases may have been taken back: none is believed any more without asking. */
  reconsider(): void {
    for (const [host, lease] of this.#leases)
      this.#leases.set(host, { ...lease, askedAt: millis(0), expiresAt: millis(0) })
    this.#lookAt = this.#in(millis(0))
  }

  /** Once a second while there are peers: asks about those whose time has come. */
  tick(): void {
    const now = this.#s.shared.clock.now()
    if (now < this.#lookAt || this.#isLooking) return
    this.#isLooking = true
    this.#lookAt = this.#in(this.#every)
    const asked = [...this.#s.peers.values()].filter((peer) => peer.connection.isVouchedFor !== true)
    void this.#look(asked).finally(() => (this.#isLooking = false))
  }

  async #look(peers: readonly Peer[]): Promise<void> {
    const verdicts = await Promise.all(peers.map((peer) => this.#judge(addressOf(peer))))
    peers.forEach((peer, i) => {
      if (verdicts[i] === 'refused') this.#drop(peer)
      else peer.lease = this.#leases.get(addressOf(peer))
    })
    if (verdicts.includes('unknown')) this.#lookAt = this.#in(RETRY)
    else this.#lookAt = millis(Math.min(this.#lookAt, ...this.#ends(peers)))
  }

  /** When leases of these peers end: an answer may then be that they go on. */
  #ends(peers: readonly Peer[]): number[] {
    const soonest = this.#in(RETRY)
    return peers.flatMap((peer) =>
      peer.lease === undefined || peer.isClosed ? [] : [Math.max(soonest, peer.lease.expiresAt)],
    )
  }

  #drop(peer: Peer): void {
    if (peer.isClosed) return
    // Dialled again only when the tracker names it again.
    if (peer.dialled !== undefined) this.#s.known.forget(peer.dialled)
    peer.close()
  }

  async #judge(host: IpAddress): Promise<Verdict> {
    const { shared, spec } = this.#s
    const url = leaseUrlFor(spec)
    if (url === undefined) return 'unknown'
    try {
      const lease = await shared.leases.ask(url, spec.infoHash, host)
      return lease === 'unsure' ? 'unknown' : this.#note(host, lease)
    } catch (error) {
      shared.log.debug({ infoHash: spec.infoHash }, `no answer about leases: ${messageOf(error)}`)
      return 'unknown'
    }
  }

  #note(host: IpAddress, lease: PeerLease | undefined): Verdict {
    this.#leases.delete(host)
    if (lease === undefined) {
      this.#known.delete(host)
      return 'refused'
    }
    const { site, isBridge, leftMs } = lease
    const now = this.#s.shared.clock.now()
    this.#leases.set(host, { site, isBridge, expiresAt: millis(now + leftMs), askedAt: now })
    forgetOldest(this.#leases)
    return 'leased'
  }

  /** The lease of one that was asked about so lately that asking again would tell nothing new. */
  #freshOf(host: IpAddress): { readonly askedAt: Millis } | undefined {
    const lease = this.#leases.get(host)
    const now = this.#s.shared.clock.now()
    if (lease === undefined || lease.expiresAt <= now || now - lease.askedAt >= this.#every) return undefined
    return lease
  }

  #isKnown(host: IpAddress): boolean {
    return this.#leases.has(host) || this.#known.has(host)
  }

  get #every(): Millis {
    return this.#s.spec.leaseUrl === undefined ? LOOK_AGAIN : LOOK_AGAIN_FED
  }

  #in(wait: Millis): Millis {
    return millis(this.#s.shared.clock.now() + wait)
  }
}

/** Where the tracker knows it: where we dialled it, else where it dials from. */
const addressOf = (peer: Peer): IpAddress => peer.dialled?.host ?? peer.address

/** A set or a map in the order of use, kept to what one torrent may remember. */
function forgetOldest(entries: Set<IpAddress> | Map<IpAddress, unknown>): void {
  for (const host of entries.keys()) {
    if (entries.size <= limits.knownPeersMax) return
    entries.delete(host)
  }
}

/** Undefined when there is nobody to ask now: the torrent is not guarded, or the portal has not told us yet. */
function leaseUrlFor(spec: AddTorrent): string | undefined {
  if (spec.leaseUrl !== undefined) return spec.leaseUrl()
  for (const url of spec.announceUrls?.().flat() ?? []) {
    const at = leaseUrlOf(url, spec.infoHash)
    if (at !== undefined) return at
  }
  return undefined
}

/** Does its tracker know of leases? Then it is served to who has one. */
export function isGuarded(spec: AddTorrent): boolean {
  if (spec.admit === 'ours') return false // certificates and permits say who comes in: `guard.ts`
  return spec.leaseUrl !== undefined || leaseUrlFor(spec) !== undefined
}

/** The torrent's admission, made when it is first needed: most seeds are never asked for. */
export function admissionOf(s: SwarmState): Admission | undefined {
  if (s.admission === undefined && isGuarded(s.spec)) s.admission = new Admission(s)
  return s.admission
}

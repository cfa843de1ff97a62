/** A tracker of leases in memory: it answers what a test lets hold, and can be dead. */
import { type IpAddress, ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { minutes, type Millis } from '../../src/core/units.ts'
import { encodeAnnounceRefusal, encodeAnnounceReply } from '../../src/wire/announce.ts'
import { encodeLeaseReply, parseLeaseQuery, type PeerLease } from '../../src/wire/lease.ts'
import type { FetchAnnounce } from '../../src/swarm/tracker-http.ts'

export class LeaseTracker {
  readonly leases = new Map<IpAddress, PeerLease>()
  /** How many addresses each question was about. */
  readonly asked: number[] = []
  isDead = false
  /** What announces are refused with. */
  refusal: string | undefined
  /** Whom announces are told of. */
  peers: readonly { readonly host: IpAddress; readonly port: number }[] = []

  let(host: string, leftMs: Millis = minutes(60), more: Partial<PeerLease> = {}): void {
    this.leases.set(ipAddress(host), { leftMs, site: 'lyon', isBridge: false, isOurs: false, ...more })
  }

  revoke(host: string): void {
    this.leases.delete(ipAddress(host))
  }

  readonly fetch: FetchAnnounce = (url) => {
    if (this.isDead) return Promise.reject(new ShoalError('unavailable', 'the tracker cannot be reached'))
    const at = new URL(url)
    if (at.pathname === '/announce' && this.refusal !== undefined)
      return Promise.resolve(encodeAnnounceRefusal({ reason: this.refusal, retryInMs: 'never' }))
    if (at.pathname === '/announce')
      return Promise.resolve(
        encodeAnnounceReply(
          { intervalMs: minutes(30), complete: 0, incomplete: 0, peers: this.peers },
          { compact: true, withFlags: false },
        ),
      )
    const { peers } = parseLeaseQuery(at.search)
    this.asked.push(peers.length)
    return Promise.resolve(encodeLeaseReply(peers.map((host) => this.leases.get(host))))
  }
}

/**
 * Announce and scrape without a wire: a request and where it came from go in, an answer or a refusal comes
 * out. Frontends (`http-frontend.ts`) translate.
 */
import type { InfoHash } from '../core/ids.ts'
import type { ControlEvent } from '../wire/control.ts'
import type { AnnounceReply, AnnounceRequest } from '../wire/announce.ts'
import type { LeaseQuestion, PeerLease } from '../wire/lease.ts'
import { announceHooks, type AnnounceParts } from './announce-hooks.ts'
import type { AddressFacts } from './address-book.ts'
import { answerOf } from './answer.ts'
import type { GateAnswer, GrantGate } from './grant-gate.ts'
import { leasesFor, type BridgeCheck } from './lease-answer.ts'
import { refusals, type Refusal, type RefusalKind } from './refusals.ts'
import type { SwarmCounts } from './swarm-store.ts'
import { withdrawalOf, type GrantPurpose, type VerifiedGrant } from './verified-grant.ts'

export type Answer<T> = { readonly reply: T } | { readonly refusal: Refusal }

export interface ScrapeQuestion {
  readonly infoHashes: readonly InfoHash[]
  readonly grant?: string | undefined
}

export type ScrapeReply = ReadonlyMap<InfoHash, SwarmCounts>

/** For metrics and tests. Counters run since the start. */
export interface TrackerStats {
  readonly swarms: number
  readonly peers: number
  readonly announces: number
  readonly scrapes: number
  readonly refused: Readonly<Partial<Record<RefusalKind, number>>>
  readonly verifiedGrants: number
  readonly pendingVerifications: number
}

/** Events that let nobody out of a swarm. */
const HARMLESS: ReadonlySet<ControlEvent['kind']> = new Set(['serves', 'serves-not', 'wanted', 'grant-peers'])

export class TrackerCore {
  readonly #parts: AnnounceParts
  readonly #gate: GrantGate
  readonly #isBridge: BridgeCheck
  readonly #refused: Partial<Record<RefusalKind, number>> = {}
  #announces = 0
  #scrapes = 0

  constructor(parts: AnnounceParts, gate: GrantGate, isBridge: BridgeCheck = () => false) {
    this.#parts = parts
    this.#gate = gate
    this.#isBridge = isBridge
  }

  announce(
    request: AnnounceRequest,
    from: AddressFacts,
  ): Answer<AnnounceReply> | Promise<Answer<AnnounceReply>> {
    this.#announces++
    return this.#admitted(request.grant, request.infoHash, from, (grant) => {
      const context = { request, from, grant }
      for (const hook of announceHooks) {
        const refusal = hook(context, this.#parts)
        if (refusal !== undefined) return { refusal }
      }
      return { reply: answerOf(context, this.#parts) }
    })
  }

  /** A grant opens one swarm to view: that of its release. */
  scrape(question: ScrapeQuestion, from: AddressFacts): Answer<ScrapeReply> | Promise<Answer<ScrapeReply>> {
    this.#scrapes++
    const [infoHash] = question.infoHashes
    if (infoHash === undefined)
      return this.#counted({ refusal: refusals.badRequest('scrape needs the info_hash of your grant') })
    return this.#admitted(question.grant, infoHash, from, () =>
      question.infoHashes.some((other) => other !== infoHash)
        ? { refusal: refusals.otherRelease }
        : { reply: new Map([[infoHash, this.#parts.store.counts(infoHash)]]) },
    )
  }

  /** For who serves the release, with a grant for it or a serving grant: has this address a peer in the swarm? */
  leases(
    question: LeaseQuestion,
    from: AddressFacts,
  ): Answer<readonly (PeerLease | undefined)[]> | Promise<Answer<readonly (PeerLease | undefined)[]>> {
    const { grant, infoHash } = question
    const go = (): Answer<readonly (PeerLease | undefined)[]> => ({
      reply: leasesFor(question, this.#parts, this.#isBridge),
    })
    return this.#admitted(grant, infoHash, from, go, 'ask-leases')
  }

  /** Counts a refusal that a frontend decided on. */
  refuse(refusal: Refusal): Refusal {
    this.#refused[refusal.kind] = (this.#refused[refusal.kind] ?? 0) + 1
    return refusal
  }

  /** Who may no longer be in a swarm is introduced to nobody from now on, not only from its next announce. */
  onControl(events: readonly ControlEvent[]): void {
    if (events.every((event) => HARMLESS.has(event.kind))) return
    const { store, leases, control } = this.#parts
    store.removeWhere((infoHash, peer) => {
      if (withdrawalOf(peer.grant, control) === undefined) return false
      leases.remove(infoHash, peer.host, peer.port)
      return true
    })
  }

  sweep(): void {
    this.#parts.store.sweep()
    this.#parts.leases.sweep()
    this.#parts.uses.sweep()
  }

  stats(): TrackerStats {
    return {
      swarms: this.#parts.store.swarmCount,
      peers: this.#parts.store.peerCount,
      announces: this.#announces,
      scrapes: this.#scrapes,
      refused: { ...this.#refused },
      verifiedGrants: this.#gate.verifiedCount,
      pendingVerifications: this.#gate.pendingCount,
    }
  }

  #admitted<T>(
    token: string | undefined,
    infoHash: InfoHash,
    from: AddressFacts,
    go: (grant: VerifiedGrant) => Answer<T>,
    purpose: GrantPurpose = 'join',
  ): Answer<T> | Promise<Answer<T>> {
    const settle = (gate: GateAnswer): Answer<T> =>
      this.#counted('refusal' in gate ? { refusal: gate.refusal } : go(gate.grant))
    const checked = this.#gate.check({ token, infoHash, host: from.host, purpose })
    return checked instanceof Promise ? checked.then(settle) : settle(checked)
  }

  #counted<T>(answer: Answer<T>): Answer<T> {
    if ('refusal' in answer) this.refuse(answer.refusal)
    return answer
  }
}

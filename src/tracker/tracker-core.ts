/**
 * Announce and scrape without a wire: a request and where it came from go in, an answer or a refusal comes
 * out. Frontends (`http-frontend.ts`) translate.
 */
import type { InfoHash } from '../core/ids.ts'
import type { ControlEvent } from '../wire/control.ts'
import type { AnnounceReply, AnnounceRequest } from '../wire/announce.ts'
import { announceHooks, type AnnounceParts } from './announce-hooks.ts'
import type { AddressFacts } from './address-book.ts'
import { answerOf } from './answer.ts'
import type { GateAnswer, GrantGate } from './grant-gate.ts'
import { refusals, type Refusal, type RefusalKind } from './refusals.ts'
import type { SignalStats } from './signal-core.ts'
import type { SwarmCounts } from './swarm-store.ts'
import { withdrawalOf, type VerifiedGrant } from './verified-grant.ts'

export type Answer<T> = { readonly reply: T } | { readonly refusal: Refusal }

export interface ScrapeQuestion {
  readonly infoHashes: readonly InfoHash[]
  readonly grant?: string | undefined
}

export type ScrapeReply = ReadonlyMap<InfoHash, SwarmCounts>

/** For metrics and tests. Counters run since the start. */
export interface TrackerStats extends SignalStats {
  readonly swarms: number
  readonly peers: number
  readonly announces: number
  readonly scrapes: number
  readonly refused: Readonly<Partial<Record<RefusalKind, number>>>
  readonly verifiedGrants: number
  readonly pendingVerifications: number
}

/** Events that let nobody out of a swarm. */
export const HARMLESS: ReadonlySet<ControlEvent['kind']> = new Set([
  'serves',
  'serves-not',
  'wanted',
  'grant-peers',
])

export class TrackerCore {
  readonly #parts: AnnounceParts
  readonly #gate: GrantGate
  readonly #refused: Partial<Record<RefusalKind, number>> = {}
  #announces = 0
  #scrapes = 0

  constructor(parts: AnnounceParts, gate: GrantGate) {
    this.#parts = parts
    this.#gate = gate
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

  /**
   * For a frontend that keeps swarms of its own: the grant check, then `go`. Counted as other announces and
   * scrapes are, with its refusals.
   */
  admit<T>(
    kind: 'announce' | 'scrape',
    question: {
      readonly token: string | undefined
      readonly infoHash: InfoHash
      readonly from: AddressFacts
    },
    go: (grant: VerifiedGrant) => Answer<T>,
  ): Answer<T> | Promise<Answer<T>> {
    if (kind === 'announce') this.#announces++
    else this.#scrapes++
    return this.#admitted(question.token, question.infoHash, question.from, go)
  }

  /** Counts a refusal that a frontend decided on. */
  refuse(refusal: Refusal): Refusal {
    this.#refused[refusal.kind] = (this.#refused[refusal.kind] ?? 0) + 1
    return refusal
  }

  /** Who may no longer be in a swarm is introduced to nobody from now on, not only from its next announce. */
  onControl(events: readonly ControlEvent[]): void {
    if (events.every((event) => HARMLESS.has(event.kind))) return
    const { store, control } = this.#parts
    store.removeWhere((_, peer) => withdrawalOf(peer.grant, control) !== undefined)
  }

  sweep(): void {
    this.#parts.store.sweep()
    this.#parts.uses.sweep()
  }

  stats(): Omit<TrackerStats, keyof SignalStats> {
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
  ): Answer<T> | Promise<Answer<T>> {
    const settle = (gate: GateAnswer): Answer<T> =>
      this.#counted('refusal' in gate ? { refusal: gate.refusal } : go(gate.grant))
    const checked = this.#gate.check({ token, infoHash, host: from.host })
    return checked instanceof Promise ? checked.then(settle) : settle(checked)
  }

  #counted<T>(answer: Answer<T>): Answer<T> {
    if ('refusal' in answer) this.refuse(answer.refusal)
    return answer
  }
}

/**
 * Announce and scrape without a wire: a request and where it came from go in, an answer or a refusal comes
 * out. Frontends (`http-frontend.ts`) translate.
 */
import type { IpAddress } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import { SiteMap } from '../core/site.ts'
import type { ControlEvent } from '../wire/control.ts'
import type { AnnounceReply, AnnounceRequest } from '../wire/announce.ts'
import type { LeaseAnswer, LeaseQuestion } from '../wire/lease.ts'
import type { ReachQuestion, ReachReply } from '../wire/reach.ts'
import { announceHooks, type AnnounceParts } from './announce-hooks.ts'
import type { AddressFacts } from './address-book.ts'
import { answerOf } from './answer.ts'
import type { GateAnswer, GrantGate } from './grant-gate.ts'
import { largestSites, type SiteSize } from './largest-sites.ts'
import { leasesFor, type BridgeCheck } from './lease-answer.ts'
import type { ReachTester } from './reach-tester.ts'
import { refusals, type Refusal, type RefusalKind } from './refusals.ts'
import type { SignalStats } from './signal-core.ts'
import { Stepwise } from './stepwise.ts'
import type { Family, SeedFacts, SwarmCounts } from './swarm-store.ts'
import { withdrawalOf, type GrantPurpose, type VerifiedGrant } from './verified-grant.ts'

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
  /** The same by how they were answered; one under verification is not in here yet. */
  readonly outcomes: Readonly<AnnounceOutcomes>
  /** Peers told to machines of another site; origins and mirrors are not counted. */
  readonly crossSiteIntroductions: number
  readonly scrapes: number
  readonly refused: Readonly<Partial<Record<RefusalKind, number>>>
  readonly verifiedGrants: number
  readonly pendingVerifications: number
}

export type AnnounceOutcomes = { admitted: number } & Partial<Record<RefusalKind, number>>

const ADMITTED: Answer<undefined> = { reply: undefined }

/** Events that let nobody out of a swarm. */
export const HARMLESS: ReadonlySet<ControlEvent['kind']> = new Set([
  'serves',
  'serves-not',
  'wanted',
  'grant-peers',
])

export interface TrackerCoreParts extends AnnounceParts {
  readonly reach: ReachTester
}

export class TrackerCore {
  readonly #parts: TrackerCoreParts
  readonly #gate: GrantGate
  readonly #leaving: Stepwise
  readonly #moving: Stepwise
  readonly #sweeping: Stepwise
  #map = new SiteMap([])
  readonly #refused: Partial<Record<RefusalKind, number>> = {}
  readonly #outcomes: AnnounceOutcomes = { admitted: 0 }
  #announces = 0
  #crossSite = 0
  #scrapes = 0

  constructor(parts: TrackerCoreParts, gate: GrantGate) {
    this.#parts = parts
    this.#gate = gate
    const { bridges, clock, control, leases, store, uses } = parts
    this.#leaving = new Stepwise(clock, (part) =>
      store.removeWhere((infoHash, peer) => {
        if (withdrawalOf(peer.grant, control) === undefined) return false
        leases.left(infoHash, peer.host)
        return true
      }, part),
    )
    this.#moving = new Stepwise(clock, (part) => store.resite((host) => this.#map.siteOf(host).name, part))
    this.#sweeping = new Stepwise(
      clock,
      (part) => store.sweep(part),
      (part) => bridges.sweep(part),
      (part) => uses.sweep(part),
    )
  }

  /** `family`: of the peers that the answer can name, where it cannot name all. */
  announce(
    request: AnnounceRequest,
    from: AddressFacts,
    family?: Family,
  ): Answer<AnnounceReply> | Promise<Answer<AnnounceReply>> {
    this.#announces++
    return this.#withOutcome(
      this.#admitted(request.grant, request.infoHash, from, (grant) => {
        const context = { request, from, grant, family }
        for (const hook of announceHooks) {
          const refusal = hook(context, this.#parts)
          if (refusal !== undefined) return { refusal }
        }
        const { reply, crossSite } = answerOf(context, this.#parts)
        this.#crossSite += crossSite
        return { reply }
      }),
    )
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

  /** For whoever may join the swarm: whether it can be dialled where it stands. */
  async reach(question: ReachQuestion, from: AddressFacts): Promise<Answer<ReachReply>> {
    const admitted = await this.#admitted(question.grant, question.infoHash, from, () => ADMITTED)
    if ('refusal' in admitted) return admitted
    return this.#counted(await this.#parts.reach.test(from, question.port))
  }

  /**
   * Scrape where there is no room for a grant (UDP): who is in a swarm, at the endpoint from which it asks, came
   * there with a grant, so it may view it. Clients ask from the port on which they listen.
   */
  scrapeAsPeer(infoHashes: readonly InfoHash[], from: AddressFacts, port: number): Answer<ScrapeReply> {
    this.#scrapes++
    const { store, control } = this.#parts
    const counts = new Map<InfoHash, SwarmCounts>()
    if (!control.isReady) return this.#counted({ refusal: refusals.notReady })
    for (const infoHash of infoHashes) {
      if (!store.has(infoHash, { host: from.host, port }))
        return this.#counted({ refusal: refusals.grantRefused })
      counts.set(infoHash, store.counts(infoHash))
    }
    return { reply: counts }
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
    const answer = this.#admitted(question.token, question.infoHash, question.from, go)
    return kind === 'announce' ? this.#withOutcome(answer) : answer
  }

  /** For who serves the release, with a grant for it or a serving grant: has this address a peer in the swarm? */
  leases(
    question: LeaseQuestion,
    from: AddressFacts,
  ): Answer<readonly LeaseAnswer[]> | Promise<Answer<readonly LeaseAnswer[]>> {
    const { grant, infoHash } = question
    const isBridge: BridgeCheck = (swarm, host) => this.isBridge(swarm, host)
    const go = (): Answer<readonly LeaseAnswer[]> => ({
      reply: leasesFor(question, this.#parts, isBridge),
    })
    return this.#admitted(grant, infoHash, from, go, 'ask-leases')
  }

  /** Counts a refusal that a frontend decided on. */
  refuse(refusal: Refusal): Refusal {
    this.#refused[refusal.kind] = (this.#refused[refusal.kind] ?? 0) + 1
    return refusal
  }

  /**
   * Who may no longer be in a swarm is introduced to nobody, not only from its next announce: at once where there
   * are some thousand peers, within three seconds of a million.
   */
  onControl(events: readonly ControlEvent[]): void {
    if (events.every((event) => HARMLESS.has(event.kind))) return
    this.#leaving.start()
  }

  /** Ends what goes on by itself. */
  stop(): void {
    this.#leaving.cancel()
    this.#moving.cancel()
    this.#sweeping.cancel()
  }

  /** Frees what is over: at once where there is little, else in steps until the next sweep. */
  sweep(): void {
    this.#sweeping.startIfIdle()
  }

  /** The operator has drawn a new map. */
  resite(map: SiteMap): void {
    this.#map = map
    this.#moving.start()
    this.#parts.bridges.clear()
  }

  /** Whether an origin should show pieces to the peer at `host` (`Bridges.isBridge`). */
  isBridge(infoHash: InfoHash, host: IpAddress): boolean {
    return this.#parts.bridges.isBridge(infoHash, host)
  }

  /** Peers that have everything, and are no origins: these do not announce. */
  seeds(infoHash: InfoHash): number {
    return this.#parts.store.counts(infoHash).complete
  }

  /** The same by whose grant they came with, at most `max`. */
  seedsOf(infoHash: InfoHash, max: number): readonly SeedFacts[] {
    return this.#parts.store.seedsOf(infoHash, max)
  }

  /** Peers by site, largest first; walks every swarm, so not for every announce. */
  peersBySite(): readonly SiteSize[] {
    return largestSites(this.#parts.store.countBySite())
  }

  stats(): Omit<TrackerStats, keyof SignalStats> {
    return {
      swarms: this.#parts.store.swarmCount,
      peers: this.#parts.store.peerCount,
      announces: this.#announces,
      outcomes: { ...this.#outcomes },
      crossSiteIntroductions: this.#crossSite,
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

  #withOutcome<T>(answer: Answer<T> | Promise<Answer<T>>): Answer<T> | Promise<Answer<T>> {
    if (answer instanceof Promise) return answer.then((settled) => this.#noted(settled))
    return this.#noted(answer)
  }

  #noted<T>(answer: Answer<T>): Answer<T> {
    const outcome = 'refusal' in answer ? answer.refusal.kind : 'admitted'
    this.#outcomes[outcome] = (this.#outcomes[outcome] ?? 0) + 1
    return answer
  }

  #counted<T>(answer: Answer<T>): Answer<T> {
    if ('refusal' in answer) this.refuse(answer.refusal)
    return answer
  }
}

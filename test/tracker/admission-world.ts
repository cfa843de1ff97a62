/** The tracker's admission without a wire: announces and scrapes go to its core, from any address. */
import { seededRandom } from '../../src/core/random.ts'
import { SiteMap } from '../../src/core/site.ts'
import { readConfig } from '../../src/platform/config.ts'
import { AddressBook, type AddressFacts } from '../../src/tracker/address-book.ts'
import { Bridges } from '../../src/tracker/bridges.ts'
import { MinuteLimiter } from '../../src/tracker/minute-limiter.ts'
import { GrantGate } from '../../src/tracker/grant-gate.ts'
import { GrantUses } from '../../src/tracker/grant-uses.ts'
import { trackerSettings } from '../../src/tracker/index.ts'
import type { SharedGrant } from '../../src/wire/api.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { SharedGrants } from '../../src/tracker/shared-grants.ts'
import { Leases } from '../../src/tracker/leases.ts'
import { MemorySwarmStore } from '../../src/tracker/memory-swarm-store.ts'
import { ReachTester } from '../../src/tracker/reach-tester.ts'
import type { Next } from '../../src/tracker/swarm-store.ts'
import type { Refusal } from '../../src/tracker/refusals.ts'
import {
  TrackerCore,
  type Answer,
  type ScrapeQuestion,
  type ScrapeReply,
} from '../../src/tracker/tracker-core.ts'
import type { AnnounceReply, AnnounceRequest } from '../../src/wire/announce.ts'
import type { LeaseAnswer, LeaseQuestion } from '../../src/wire/lease.ts'
import { announceRequest, TestPortal } from './support.ts'

const NO_SITES = new SiteMap([])
const PORTAL_URL = 'https://media.example'

/** Counts how often every swarm was walked. */
export class WatchedStore extends MemorySwarmStore {
  walks = 0

  override removeWhere(...args: Parameters<MemorySwarmStore['removeWhere']>): Next {
    this.walks++
    return super.removeWhere(...args)
  }
}

export class AdmissionWorld {
  readonly portal: TestPortal
  readonly uses: GrantUses
  readonly store: WatchedStore
  readonly bridges: Bridges
  readonly known: Leases
  /** What the portal was told of. */
  readonly shared: SharedGrant[] = []
  readonly core: TrackerCore
  readonly #addresses: AddressBook

  private constructor(
    portal: TestPortal,
    settings: Readonly<Record<string, string>>,
    sites: () => SiteMap = () => NO_SITES,
  ) {
    const { clock, control } = portal
    const read = readConfig(trackerSettings, { portalUrl: PORTAL_URL, ...settings })
    const random = seededRandom(5)
    this.portal = portal
    this.#addresses = new AddressBook({ sites }, { allowed: read.allowedRanges })
    this.uses = new GrantUses(
      { clock },
      { grantsMax: 100, portsPerAddressMax: read.peersPerAddressMax, hold: read.grantAddressHoldMs },
    )
    this.store = new WatchedStore({ clock, random }, { peersMax: read.peersMax })
    const failures = new MinuteLimiter({ clock }, { perMinuteMax: read.grantFailuresPerMinuteMax })
    const gate = new GrantGate(
      { clock, control, failures },
      {
        portalUrl: PORTAL_URL,
        verifiedMax: read.verifiedGrantsMax,
        pendingMax: read.pendingVerificationsMax,
      },
    )
    const { uses, store } = this
    const reach = new ReachTester({ clock, dial: () => Promise.resolve('open') })
    this.bridges = new Bridges({ clock, store, siteOf: (host) => this.#addresses.lookUp(host)?.site })
    const sharing = new SharedGrants({
      clock,
      log: silentLogger,
      portal: {
        reportSharedGrants: (items) => {
          this.shared.push(...items)
          return Promise.resolve()
        },
      },
    })
    const leases = new Leases({ store })
    this.known = leases
    const { bridges } = this
    const addresses = this.#addresses
    const hooked = { clock, random, control, addresses, uses, sharing, store, bridges, leases }
    this.core = new TrackerCore({ ...hooked, settings: read, reach }, gate)
    control.onChange((events) => {
      this.core.onControl(events)
    })
  }

  static async open(
    settings: Readonly<Record<string, string>> = {},
    sites?: () => SiteMap,
  ): Promise<AdmissionWorld> {
    return new AdmissionWorld(await TestPortal.open(), settings, sites)
  }

  async announce(over: Partial<AnnounceRequest>, host = '10.0.0.1'): Promise<Answer<AnnounceReply>> {
    return await this.core.announce(announceRequest(over), this.factsOf(host))
  }

  async scrape(question: ScrapeQuestion, host = '10.0.0.1'): Promise<Answer<ScrapeReply>> {
    return await this.core.scrape(question, this.factsOf(host))
  }

  async leases(question: LeaseQuestion, host = '10.0.0.1'): Promise<Answer<readonly LeaseAnswer[]>> {
    return await this.core.leases(question, this.factsOf(host))
  }

  /** `host:port` of those that a client of ours elsewhere is told of. Its own grant is good for a day. */
  async listed(): Promise<string[]> {
    const { token } = await this.portal.grant()
    const answer = await this.announce(
      { grant: token, event: 'started', port: 9_999, isOurs: true },
      '10.9.9.9',
    )
    await this.announce({ grant: token, event: 'stopped', port: 9_999 }, '10.9.9.9')
    return replyOf(answer)
      .peers.map(({ host, port }) => `${host}:${port}`)
      .sort()
  }

  factsOf(host: string): AddressFacts {
    const facts = this.#addresses.lookUp(host)
    if (facts === undefined) throw new TypeError(`${host} is no address`)
    return facts
  }
}

export function replyOf<T>(answer: Answer<T>): T {
  if ('refusal' in answer) throw new Error(answer.refusal.reason)
  return answer.reply
}

export function refusalOf(answer: Answer<unknown>): Refusal['kind'] | undefined {
  return 'refusal' in answer ? answer.refusal.kind : undefined
}

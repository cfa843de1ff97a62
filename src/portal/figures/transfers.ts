/**
 * Takes what both ends of transfers report. Reports that come together are one transaction, and an answer means that it
 * is on the disk. Who reports is known by a grant or a token, where they are by the address that we see.
 */
import type { IpAddress } from '../../core/address.ts'
import { ShoalError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/ids.ts'
import { hours } from '../../core/units.ts'
import type { z } from 'zod'
import type { Metrics } from '../../platform/metrics.ts'
import type { TransfersTaken, zTransfer } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'
import type { Presence } from '../control/presence.ts'
import type { Counts } from '../database/figure-tables.ts'
import type { Tx } from '../database/tables.ts'
import type { RecordParts } from '../journal.ts'
import type { Sites } from '../sites.ts'
import { addTo, noCounts } from './counts.ts'
import { impossibleBecause } from './plausible.ts'
import { Tally } from './roll-up.ts'
import { newsOf, type News, sessionKey, sumsOf, toldOf } from './session.ts'
import { WebSeedTally } from './web-seed-tally.ts'

export interface TransferParts extends RecordParts {
  readonly sites: Pick<Sites, 'map'>
  readonly presence: Pick<Presence, 'hostsOf'>
  readonly metrics: Metrics
}

export interface Reporter {
  /** Nobody else's report is of the same session. */
  readonly key: string
  /** Where we see it. */
  readonly from: IpAddress | undefined
  /** With a grant: whose, and for what. */
  readonly grant?: { readonly person: string; readonly infohash: InfoHash; readonly peersMax: number }
  /** With a token of a machine that serves. */
  readonly server?: 'origin' | 'mirror'
}

type Item = z.output<typeof zTransfer>
type Refused = TransfersTaken['refused'][number]

interface Waiting {
  readonly reporter: Reporter
  readonly items: readonly Item[]
  readonly resolve: (refused: Refused[]) => void
  readonly reject: (error: unknown) => void
}

/** Sessions are forgotten so long after their last report: none may begin as long ago. */
export const SESSION_KEPT = hours(72)
/** Reports in one transaction, and those that wait: a minute's of a company. */
const TOGETHER_MAX = 50
const WAITING_MAX = 2_000
/** Whom no address tells. */
const SOMEWHERE = 'internet'

export class Transfers {
  readonly #parts: TransferParts
  readonly #delivered
  readonly #sent
  readonly #waiting: Waiting[] = []
  readonly webSeeds: WebSeedTally
  #isTaking = false

  constructor(parts: TransferParts) {
    this.#parts = parts
    this.webSeeds = new WebSeedTally(parts)
    this.#delivered = parts.metrics.counter({
      name: 'shoal_portal_delivered_bytes_total',
      help: 'Content received, as our clients report it, by where it came from',
      labels: ['source'],
    })
    this.#sent = parts.metrics.counter({
      name: 'shoal_portal_served_bytes_total',
      help: 'Content sent by the server side, as origins and mirrors report it and the web seed counts it',
      labels: ['server'],
    })
  }

  /**
   * Resolves with what was not believed, when the rest is on the disk.
   * @throws ShoalError `unavailable` while too many wait.
   */
  take(reporter: Reporter, items: readonly Item[]): Promise<Refused[]> {
    if (this.#waiting.length >= WAITING_MAX)
      throw new ShoalError('unavailable', 'too many reports at once: the next one holds all of it')
    return new Promise((resolve, reject) => {
      this.#waiting.push({ reporter, items, resolve, reject })
      if (!this.#isTaking) void this.#takeAll()
    })
  }

  /** Never rejects: whoever waits hears of it. */
  async #takeAll(): Promise<void> {
    this.#isTaking = true
    while (this.#waiting.length > 0) {
      const together = this.#waiting.splice(0, TOGETHER_MAX)
      try {
        const refused = await this.#commit(together)
        for (const [n, one] of together.entries()) one.resolve(refused[n] ?? [])
      } catch (error) {
        for (const one of together) one.reject(error)
      }
    }
    this.#isTaking = false
  }

  async #commit(together: readonly Waiting[]): Promise<Refused[][]> {
    const now = this.#parts.clock.epoch()
    const tally = new Tally()
    const sums = noCounts()
    const refused = await this.#parts.journal.change(async (tx) => {
      const all: Refused[][] = []
      for (const { reporter, items } of together) {
        const some: Refused[] = []
        for (const item of items) {
          const found = await this.#takeOne(tx, reporter, item, now)
          if (typeof found === 'string') some.push({ session: item.session, reason: found })
          else if (found !== undefined)
            for (const [site, counts] of this.#countsOf(reporter, found.news)) {
              addTo(sums, counts)
              tally.add(found.releaseId, site, counts)
            }
        }
        all.push(some)
      }
      await tally.write(tx, now)
      return all
    })
    this.#countMetrics(sums)
    return refused
  }

  /** What is new; the sentence that refuses it; undefined for one that came late. */
  async #takeOne(
    tx: Tx,
    reporter: Reporter,
    item: Item,
    now: number,
  ): Promise<{ releaseId: number; news: News } | string | undefined> {
    const { key, grant, server } = reporter
    if (grant !== undefined && grant.infohash !== item.infohash) return 'this grant is for another release'
    const release = await tx
      .selectFrom('releases')
      .select(['id', 'size_bytes'])
      .where('infohash', '=', item.infohash)
      .executeTakeFirst()
    if (release === undefined) return 'there is no such release'
    const id = sessionKey(item.session)
    const before = await tx.selectFrom('figure_sessions').selectAll().where('id', '=', id).executeTakeFirst()
    if (before !== undefined && (before.reporter !== key || before.release_id !== release.id))
      return 'this is the session of another transfer'
    if (before !== undefined && before.seq >= item.seq) return undefined
    if (before === undefined && grant !== undefined && (await hasTooMany(tx, key, grant.peersMax, now)))
      return 'this grant has had as many transfers as its addresses can have'
    const told = before === undefined ? {} : toldOf(before.ends)
    const webSeedBytes = before?.web_bytes ?? 0
    const { receivedBytes, sentBytes } = sumsOf(told)
    const impossible = impossibleBecause(item, {
      sizeBytes: release.size_bytes,
      passedMs: before === undefined ? item.ageSeconds * 1_000 : now - before.seen_at,
      before: { receivedBytes: receivedBytes + webSeedBytes, sentBytes },
      isServer: server !== undefined,
    })
    if (impossible !== undefined) return impossible
    const news = newsOf(item, { told, webSeedBytes })
    if (typeof news === 'string') return news
    const row = {
      seq: item.seq,
      seen_at: now,
      ends: JSON.stringify(news.told),
      web_bytes: item.webSeedBytes,
    }
    const began_at = now - item.ageSeconds * 1_000
    await tx
      .insertInto('figure_sessions')
      .values({ id, reporter: key, release_id: release.id, began_at, ...row })
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute()
    if (grant !== undefined && item.haveBytes === release.size_bytes)
      await tx
        .insertInto('holders')
        .values({
          release_id: release.id,
          person: grant.person,
          site: this.#siteOf(reporter.from),
          since: now,
        })
        .onConflict((conflict) => conflict.doNothing())
        .execute()
    return { releaseId: release.id, news }
  }

  /** By the site that received: of a client its own, of a server those of its receivers. */
  #countsOf({ server, from }: Reporter, { ends, webSeedBytes }: News): Map<string, Counts> {
    const own = this.#siteOf(from)
    const bySite = new Map<string, Counts>()
    const at = (site: string): Counts => {
      const counts = bySite.get(site) ?? noCounts()
      bySite.set(site, counts)
      return counts
    }
    if (server !== undefined) {
      for (const end of ends) {
        const site = this.#siteOf(end.at)
        const counts = at(site)
        counts[server === 'origin' ? 'sent_origin' : 'sent_mirror'] += end.sentBytes
        if (site !== own) counts.sent_far += end.sentBytes
      }
      return bySite
    }
    const mirrors = this.#mirrors()
    const counts = at(own)
    for (const { at: host, from: source, receivedBytes, sentBytes } of ends) {
      const isFar = this.#siteOf(host) !== own
      counts.given += sentBytes
      if (source !== 'origin') counts[isFar ? 'far' : 'near'] += receivedBytes
      else {
        counts[mirrors.has(host) ? 'mirror' : 'origin'] += receivedBytes
        if (isFar) counts.server_far += receivedBytes
      }
    }
    counts.web += webSeedBytes
    if (this.webSeeds.isFar(own)) counts.server_far += webSeedBytes
    return bySite
  }

  #siteOf(host: IpAddress | undefined): string {
    return host === undefined ? SOMEWHERE : this.#parts.sites.map.siteOf(host).name
  }

  /** Where a mirror serves, and no origin. */
  #mirrors(): ReadonlySet<IpAddress> {
    const { presence } = this.#parts
    return presence.hostsOf('mirror').difference(presence.hostsOf('origin'))
  }

  #countMetrics(sums: Counts): void {
    for (const [source, bytes] of [
      ['site', sums.near],
      ['other_sites', sums.far],
      ['origin', sums.origin],
      ['mirror', sums.mirror],
      ['web_seed', sums.web],
    ] as const)
      this.#delivered.inc({ source }, bytes)
    this.#sent.inc({ server: 'origin' }, sums.sent_origin)
    this.#sent.inc({ server: 'mirror' }, sums.sent_mirror)
  }

  /** What the web seed has sent since the last time. */
  async writeWebSeeds(): Promise<void> {
    this.#sent.inc({ server: 'web_seed' }, await this.webSeeds.write())
  }
}

async function hasTooMany(tx: Tx, key: string, peersMax: number, now: number): Promise<boolean> {
  const { count } = await tx
    .selectFrom('figure_sessions')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('reporter', '=', key)
    .where('seen_at', '>', now - SESSION_KEPT)
    .executeTakeFirstOrThrow()
  return count >= peersMax * limits.transferSessionsPerAddressMax
}

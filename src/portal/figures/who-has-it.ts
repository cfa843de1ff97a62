/**
 * Who of a bundle's audience has its releases: those whose clients reported every byte, and those who seed at this moment, where the
 * tracker is in the same process.
 */
import { type RawBuilder, sql } from 'kysely'
import { z } from 'zod'
import type { InfoHash, ReleaseName } from '../../core/ids.ts'
import { hours } from '../../core/units.ts'
import { Breath } from '../../platform/breath.ts'
import { type Bundle, EVERYONE, type MissingPeople, type WhoHasIt } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'
import { isoTime } from '../catalogue/rows.ts'
import { csvLine } from '../csv.ts'
import { formatCursor, parseCursor } from '../cursor.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Database } from '../database/tables.ts'
import type { LiveRates } from '../live.ts'

export interface HolderParts {
  readonly db: Database
  readonly clock: Clock
  /** Who seeds at this moment; absent where the tracker is elsewhere. */
  readonly live: Pick<LiveRates, 'seedsOf'> | undefined
}

interface Shown {
  readonly id: number
  readonly name: ReleaseName
  readonly infohash: InfoHash
}

/** Seeds of one release that are asked whose they are. */
const SEEDS_MAX = 2_000
const ROWS = 500
const CSV_TIME_MAX = hours(1)
const zName = z.tuple([z.string()])

export class WhoHas {
  readonly #parts: HolderParts

  constructor(parts: HolderParts) {
    this.#parts = parts
  }

  async matrix({ bundle, title }: Bundle): Promise<WhoHasIt> {
    const { db } = this.#parts
    const shown = await this.#shown(bundle)
    const meant = await this.#meant(bundle)
    const breath = new Breath()
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from people p where p.disabled_at is null and ${meant}`.execute(db)
    const audience = rows[0]?.count ?? 0
    const sites = new Map<string, number[]>()
    const releases: WhoHasIt['releases'] = []
    for (const [n, release] of shown.entries()) {
      await this.#noteSeeds(release)
      const { rows: found } = await sql<{ site: string; meant: number; others: number }>`
        select h.site, count(p.name) as meant, count(*) - count(p.name) as others
        from holders h left join people p on p.name = h.person and p.disabled_at is null and ${meant}
        where h.release_id = ${release.id} group by h.site`.execute(db)
      for (const { site, meant: have } of found) {
        if (have === 0) continue
        const row = sites.get(site) ?? shown.map(() => 0)
        row[n] = have
        sites.set(site, row)
      }
      const have = found.reduce((sum, row) => sum + row.meant, 0)
      const others = found.reduce((sum, row) => sum + row.others, 0)
      releases.push({ release: release.name, have, missing: audience - have, others })
      if (breath.isDue) await breath.take()
    }
    return {
      bundle,
      title,
      audience,
      releases,
      sites: [...sites].map(([site, have]) => ({ site, have })).sort((a, b) => (a.site < b.site ? -1 : 1)),
    }
  }

  /** Of the audience, by name. `release`: its id. */
  async missing(
    { bundle }: Bundle,
    release: ReleaseName,
    page: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<MissingPeople> {
    const [after = ''] = parseCursor(zName, page.cursor) ?? []
    const meant = await this.#meant(bundle)
    const { rows } = await sql<{ name: string; display_name: string; email: string }>`
      select p.name, p.display_name, p.email from people p
      where p.name > ${after} and p.disabled_at is null and ${meant}
        and not exists (
          select 1 from holders h join releases r on r.id = h.release_id join bundles b on b.id = r.bundle_id
          where b.slug = ${bundle} and r.name = ${release} and h.person = p.name)
      order by p.name limit ${page.limit + 1}`.execute(this.#parts.db)
    const items = rows
      .slice(0, page.limit)
      .map(({ name, display_name: displayName, email }) => ({ name, displayName, email }))
    const last = items.at(-1)
    return {
      items,
      nextCursor: rows.length > page.limit && last !== undefined ? formatCursor([last.name]) : null,
    }
  }

  /** A line for each person of the audience: since when they have each release, or nothing. */
  async *csv({ bundle }: Bundle): AsyncGenerator<string> {
    const shown = await this.#shown(bundle)
    for (const release of shown) await this.#noteSeeds(release)
    const meant = await this.#meant(bundle)
    const breath = new Breath(CSV_TIME_MAX)
    yield csvLine(['name', 'display name', 'email', 'site', ...shown.map(({ name }) => name)])
    for (let after = ''; ;) {
      await breath.take()
      const { rows: people } = await sql<{ name: string; display_name: string; email: string }>`
        select p.name, p.display_name, p.email from people p
        where p.name > ${after} and p.disabled_at is null and ${meant}
        order by p.name limit ${ROWS}`.execute(this.#parts.db)
      const last = people.at(-1)
      if (last === undefined) return
      const held = await this.#heldBy(
        people.map(({ name }) => name),
        shown,
      )
      yield people
        .map(({ name, display_name, email }) => {
          const of = held.get(name) ?? new Map<number, { since: number; site: string }>()
          const site = [...of.values()].toSorted((a, b) => b.since - a.since)[0]?.site ?? ''
          const since = shown.map(({ id }) => {
            const at = of.get(id)?.since
            return at === undefined ? '' : isoTime(at)
          })
          return csvLine([name, display_name, email, site, ...since])
        })
        .join('')
      after = last.name
    }
  }

  async #heldBy(
    names: readonly string[],
    shown: readonly Shown[],
  ): Promise<Map<string, Map<number, { since: number; site: string }>>> {
    const found = new Map<string, Map<number, { since: number; site: string }>>()
    if (shown.length === 0) return found
    const rows = await this.#parts.db
      .selectFrom('holders')
      .selectAll()
      .where(
        'release_id',
        'in',
        shown.map(({ id }) => id),
      )
      .where('person', 'in', names)
      .execute()
    for (const { person, release_id, since, site } of rows) {
      const of = found.get(person) ?? new Map<number, { since: number; site: string }>()
      found.set(person, of.set(release_id, { since, site }))
    }
    return found
  }

  /** Those that viewers see, the newest first. */
  async #shown(bundle: string): Promise<Shown[]> {
    return await this.#parts.db
      .selectFrom('releases as r')
      .innerJoin('bundles as b', 'b.id', 'r.bundle_id')
      .select(['r.id', 'r.name', 'r.infohash'])
      .where('b.slug', '=', bundle as Bundle['bundle'])
      .where('r.state', 'in', ['live', 'missing', 'recalled'])
      .orderBy('r.id', 'desc')
      .limit(limits.matrixReleasesMax)
      .execute()
  }

  /** Other clients report nothing; while they seed, the tracker knows whose grant they came with. */
  async #noteSeeds({ id, infohash }: Shown): Promise<void> {
    const { db, clock, live } = this.#parts
    const seeds = live?.seedsOf(infohash, SEEDS_MAX) ?? []
    if (seeds.length === 0) return
    const list = JSON.stringify(seeds.map(({ grant, site }) => [grant, site]))
    await sql`
      insert into holders (release_id, person, site, since)
      select ${id}, g.for_user, json_extract(s.value, '$[1]'), ${clock.epoch()}
      from json_each(${list}) s join grants g on g.id = json_extract(s.value, '$[0]')
      where g.infohash = ${infohash}
      on conflict do nothing`.execute(db)
  }

  /** Whether the audience of the bundle means `p`, a person; guests are in it. */
  async #meant(bundle: string): Promise<RawBuilder<boolean>> {
    const rows = await this.#parts.db
      .selectFrom('bundle_audience as a')
      .innerJoin('bundles as b', 'b.id', 'a.bundle_id')
      .select('a.name')
      .where('b.slug', '=', bundle as Bundle['bundle'])
      .where((eb) => eb.or([eb('a.until', 'is', null), eb('a.until', '>', this.#parts.clock.epoch())]))
      .execute()
    const names = rows.map(({ name }) => name)
    if (names.includes(EVERYONE)) return sql<boolean>`true`
    const list = JSON.stringify(names)
    return sql<boolean>`(
      p.name in (select value from json_each(${list}))
      or p.name in (select m.person from memberships m where m.group_name in (select value from json_each(${list}))))`
  }
}

/**
 * Figures, read: what was delivered in a range, by whom, to which site. Hours for short ranges, days for longer ones or those
 * long ago; each query walks one stretch of one index, and long answers are read in short stretches.
 */
import { sql } from 'kysely'
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import type { InfoHash, ReleaseName, Slug } from '../../core/ids.ts'
import { hours, minutes } from '../../core/units.ts'
import { Breath } from '../../platform/breath.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Figures, FigureRow, ReleaseFigurePage, SiteFigures } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'
import { isoTime } from '../catalogue/rows.ts'
import { pageOf, parseCursor } from '../cursor.ts'
import { FIGURES_COUNTED, type Counts } from '../database/figure-tables.ts'
import type { Database } from '../database/tables.ts'
import { addTo, believedOf, figureRowOf, isNothing, noCounts } from './counts.ts'
import { disagreementOf } from './disagreement.ts'
import { ALL_RELEASES, ALL_SITES, DAY, HOUR } from './roll-up.ts'
import { HOURS_KEPT } from './upkeep.ts'

/** Milliseconds since 1970; `to` is exclusive. */
export interface Range {
  readonly from: number
  readonly to: number
}

/** Longer ranges are counted in days. */
const BY_HOURS_MAX = hours(8 * 24)
/** However many look at the page, and however often. */
const KEPT = minutes(0.25)
const ANSWERS_KEPT = 20

const SUMS = sql.raw(FIGURES_COUNTED.map((name) => `sum(${name}) as ${name}`).join(', '))

export class FigureReader {
  readonly #db: Database
  readonly #clock: Clock
  readonly #answers = new Map<string, { readonly at: number; readonly figures: Promise<Figures> }>()

  constructor(parts: { readonly db: Database; readonly clock: Clock }) {
    this.#db = parts.db
    this.#clock = parts.clock
  }

  /** @throws ShoalError `bad-input` for a time that is none. */
  range({ from, to }: { readonly from?: string | undefined; readonly to?: string | undefined }): Range {
    const end = to === undefined ? this.#clock.epoch() + 1 : Date.parse(to)
    const begin = from === undefined ? end - 7 * DAY : Date.parse(from)
    if (begin >= end) throw new ShoalError('bad-input', 'from: a time before "to" expected')
    if (end - begin > limits.figureDaysMax * DAY)
      throw new ShoalError('bad-input', `from: at most ${limits.figureDaysMax} days before "to" expected`)
    return { from: begin, to: end }
  }

  /** A quarter of a minute old at most. */
  read(range: Range): Promise<Figures> {
    const { table, from, to } = this.#placeOf(range)
    const key = `${table} ${from} ${to - (to % KEPT)}`
    const now = this.#clock.now()
    const known = this.#answers.get(key)
    if (known !== undefined && now - known.at < KEPT) return known.figures
    const figures = this.#read(range)
    this.#answers.delete(key)
    this.#answers.set(key, { at: now, figures })
    for (const [oldest] of this.#answers) {
      if (this.#answers.size <= ANSWERS_KEPT) break
      this.#answers.delete(oldest)
    }
    figures.catch(() => this.#answers.delete(key))
    return figures
  }

  /** Those that moved in the range, the last one first. */
  async releases(
    range: Range,
    page: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<ReleaseFigurePage> {
    const after = parseCursor(zPosition, page.cursor)
    const { table, from, to } = this.#placeOf(range)
    let select = this.#db
      .selectFrom('figure_totals as t')
      .innerJoin('releases as r', 'r.id', 't.release_id')
      .innerJoin('bundles as b', 'b.id', 'r.bundle_id')
      .select(['t.release_id', 't.last_at', 'r.name', 'r.infohash', 'r.size_bytes', 'b.slug', 'b.title'])
      .where('t.site', '=', ALL_SITES)
      .where('t.last_at', '>=', from)
      .where('t.first_at', '<', to)
    if (after !== undefined)
      select = select.where(sql<boolean>`(t.last_at, t.release_id) < (${after[0]}, ${after[1]})`)
    const rows = await select
      .orderBy('t.last_at', 'desc')
      .orderBy('t.release_id', 'desc')
      .limit(page.limit + 1)
      .execute()
    const counts = new Map<number, Counts>()
    const breath = new Breath()
    for (const { release_id } of rows.slice(0, page.limit)) {
      counts.set(release_id, await this.#sumOf(table, release_id, { from, to }))
      if (breath.isDue) await breath.take()
    }
    const { items, nextCursor } = pageOf(rows, page.limit, {
      item: (row) => row,
      position: (row) => [row.last_at, row.release_id],
    })
    // What moved before and after a range, and not in it, is found as well, and is none of it.
    const moved = items.flatMap((row) => {
      const own = counts.get(row.release_id)
      return own === undefined || isNothing(own) ? [] : [releaseOf(row, own)]
    })
    return { items: moved, nextCursor }
  }

  async #read(range: Range): Promise<Figures> {
    const { table, step, from, to } = this.#placeOf(range)
    const breath = new Breath()
    const series: (FigureRow & { at: string })[] = []
    const total = noCounts()
    const { rows: times } = await sql<Counts & { at: number }>`
      select at, ${SUMS} from ${sql.table(table)}
      where release_id = ${ALL_RELEASES} and at >= ${from} and at < ${to}
      group by at order by at`.execute(this.#db)
    for (const { at: _at, ...counts } of times) addTo(total, counts)
    const believed = believedOf(total)
    for (const { at, ...counts } of times) series.push({ at: isoTime(at), ...figureRowOf(counts, believed) })
    const { rows: places } = await sql<Counts & { site: string }>`
      select site, ${SUMS} from ${sql.table(table)}
      where release_id = ${ALL_RELEASES} and at >= ${from} and at < ${to}
      group by site`.execute(this.#db)
    const sites: SiteFigures[] = []
    const largest = places.map(({ site, ...counts }) => ({ site, row: figureRowOf(counts, believed) }))
    largest.sort(
      (a, b) => b.row.wan - a.row.wan || b.row.delivered - a.row.delivered || (a.site < b.site ? -1 : 1),
    )
    for (const { site, row } of largest.slice(0, limits.figureSitesMax)) {
      if (breath.isDue) await breath.take()
      sites.push({ site, ...row, ...(await this.#copies(site, { from, to })) })
    }
    return {
      from: isoTime(from),
      to: isoTime(to),
      step: step === HOUR ? 'hour' : 'day',
      total: figureRowOf(total),
      sites,
      series,
    }
  }

  /** Of whole lives: a range that cuts a transfer in two would else show half a copy. */
  async #copies(site: string, { from, to }: Range): Promise<Pick<SiteFigures, 'wanCopies' | 'releases'>> {
    const { rows } = await sql<{ wan: number | null; size: number | null; releases: number }>`
      select sum(t.far + max(t.server_far, t.sent_far)) as wan, sum(r.size_bytes) as size, count(*) as releases
      from figure_totals t join releases r on r.id = t.release_id
      where t.site = ${site} and t.last_at >= ${from} and t.first_at < ${to}
        and t.near + t.far + max(t.server_far, t.sent_far) > 0`.execute(this.#db)
    const [row] = rows
    const size = row?.size ?? 0
    return { releases: row?.releases ?? 0, wanCopies: size === 0 ? null : (row?.wan ?? 0) / size }
  }

  async #sumOf(table: Table, releaseId: number, { from, to }: Range): Promise<Counts> {
    const { rows } = await sql<{ [K in keyof Counts]: number | null }>`
      select ${SUMS} from ${sql.table(table)}
      where release_id = ${releaseId} and at >= ${from} and at < ${to}`.execute(this.#db)
    const counts = noCounts()
    for (const name of FIGURES_COUNTED) counts[name] = rows[0]?.[name] ?? 0
    return counts
  }

  /** Whole hours or days: the one in which the range begins counts as a whole. */
  #placeOf({ from, to }: Range): Range & { readonly table: Table; readonly step: number } {
    const isShort = to - from <= BY_HOURS_MAX && from >= this.#clock.epoch() - HOURS_KEPT
    const step = isShort ? HOUR : DAY
    return { table: isShort ? 'figure_hours' : 'figure_days', step, from: from - (from % step), to }
  }
}

type Table = 'figure_hours' | 'figure_days'
const zPosition = z.tuple([z.number().int(), z.number().int()])

interface ReleaseRow {
  readonly slug: Slug
  readonly title: string
  readonly name: ReleaseName
  readonly infohash: InfoHash
  readonly size_bytes: number
  readonly last_at: number
}

function releaseOf(row: ReleaseRow, counts: Counts): ReleaseFigurePage['items'][number] {
  const figures = figureRowOf(counts)
  return {
    bundle: row.slug,
    title: row.title,
    release: row.name,
    infohash: row.infohash,
    sizeBytes: row.size_bytes,
    originCopies: row.size_bytes === 0 ? 0 : figures.fromServers.origins / row.size_bytes,
    lastAt: isoTime(row.last_at),
    disagreement: disagreementOf(figures) ?? null,
    ...figures,
  }
}

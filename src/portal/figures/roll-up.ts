/** Counts added to their hour, their day and their sums: the only place that writes them. */
import { type RawBuilder, sql } from 'kysely'
import { hours } from '../../core/units.ts'
import { FIGURES_COUNTED, type Counts } from '../database/figure-tables.ts'
import type { Tx } from '../database/tables.ts'
import { addTo, isNothing, noCounts } from './counts.ts'

export const HOUR = hours(1)
export const DAY = hours(24)
/** Stands for all releases together, and for all sites. */
export const ALL_RELEASES = 0
export const ALL_SITES = ''

/** What is new, by release and site. */
export class Tally {
  readonly #counts = new Map<number, Map<string, Counts>>()

  add(releaseId: number, site: string, more: Readonly<Partial<Counts>>): void {
    let sites = this.#counts.get(releaseId)
    if (sites === undefined) this.#counts.set(releaseId, (sites = new Map<string, Counts>()))
    let counts = sites.get(site)
    if (counts === undefined) sites.set(site, (counts = noCounts()))
    addTo(counts, more)
  }

  /** In the transaction that takes the reports: both happen, or neither. */
  async write(tx: Tx, now: number): Promise<void> {
    const all = new Map<string, Counts>()
    for (const [releaseId, sites] of this.#counts) {
      const together = noCounts()
      for (const [site, counts] of sites) {
        if (isNothing(counts)) continue
        addTo(together, counts)
        const sum = all.get(site) ?? noCounts()
        addTo(sum, counts)
        all.set(site, sum)
        await addToTime(tx, { releaseId, site, now }, counts)
        await addToTotal(tx, { releaseId, site, now }, counts)
      }
      if (!isNothing(together)) await addToTotal(tx, { releaseId, site: ALL_SITES, now }, together)
    }
    for (const [site, counts] of all) await addToTime(tx, { releaseId: ALL_RELEASES, site, now }, counts)
  }
}

interface Place {
  readonly releaseId: number
  readonly site: string
  readonly now: number
}

const NAMES = sql.raw(FIGURES_COUNTED.join(', '))
const ADDED = sql.raw(FIGURES_COUNTED.map((name) => `${name} = ${name} + excluded.${name}`).join(', '))
const valuesOf = (counts: Counts): RawBuilder<unknown> =>
  sql.join(FIGURES_COUNTED.map((name) => counts[name]))

async function addToTime(tx: Tx, { releaseId, site, now }: Place, counts: Counts): Promise<void> {
  for (const [table, step] of [
    ['figure_hours', HOUR],
    ['figure_days', DAY],
  ] as const)
    await sql`
      insert into ${sql.table(table)} (release_id, at, site, ${NAMES})
      values (${releaseId}, ${now - (now % step)}, ${site}, ${valuesOf(counts)})
      on conflict (release_id, at, site) do update set ${ADDED}`.execute(tx)
}

async function addToTotal(tx: Tx, { releaseId, site, now }: Place, counts: Counts): Promise<void> {
  await sql`
    insert into figure_totals (release_id, site, first_at, last_at, ${NAMES})
    values (${releaseId}, ${site}, ${now}, ${now}, ${valuesOf(counts)})
    on conflict (release_id, site) do update set last_at = excluded.last_at, ${ADDED}`.execute(tx)
}

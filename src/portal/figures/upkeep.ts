/** Forgets figures that are over, a little at a time: sessions after three days, hours after ninety, days after two years. */
import { sql } from 'kysely'
import { hours } from '../../core/units.ts'
import { Breath } from '../../platform/breath.ts'
import type { RecordParts } from '../journal.ts'
import { SESSION_KEPT } from './transfers.ts'

export const HOURS_KEPT = hours(90 * 24)
export const DAYS_KEPT = hours(731 * 24)
/** Rows that go in one transaction: a few milliseconds. */
const AT_ONCE = 500
/** As many in one turn: an hour of a large company; the next turn takes the rest. */
const TURNS_MAX = 200

export async function forgetFigures({ journal, clock }: RecordParts): Promise<void> {
  const now = clock.epoch()
  const breath = new Breath()
  for (const { table, column, before } of [
    { table: 'figure_sessions', column: 'seen_at', before: now - SESSION_KEPT },
    { table: 'figure_hours', column: 'at', before: now - HOURS_KEPT },
    { table: 'figure_days', column: 'at', before: now - DAYS_KEPT },
    { table: 'figure_totals', column: 'last_at', before: now - DAYS_KEPT },
  ] as const)
    for (let turn = 0; turn < TURNS_MAX; turn++) {
      const gone = await journal.change(async (tx) => {
        const keys = sql.raw(KEYS[table])
        const { numAffectedRows } = await sql`
          delete from ${sql.table(table)} where (${keys}) in (
            select ${keys} from ${sql.table(table)} where ${sql.ref(column)} < ${before} limit ${AT_ONCE})`.execute(
          tx,
        )
        return Number(numAffectedRows ?? 0)
      })
      if (gone < AT_ONCE) break
      await breath.take()
    }
}

const KEYS = {
  figure_sessions: 'id',
  figure_hours: 'release_id, at, site',
  figure_days: 'release_id, at, site',
  figure_totals: 'release_id, site',
} as const

/** Who has watched the releases of a bundle, for whom that is a business: a page at a time, or as CSV. */
import { z } from 'zod'
import { hours } from '../../core/units.ts'
import { Breath } from '../../platform/breath.ts'
import type { Bundle, LearningPage, LearningRow } from '../../wire/api.ts'
import { fileList } from '../catalogue/rows.ts'
import { csvLine } from '../csv.ts'
import { formatCursor, parseCursor } from '../cursor.ts'
import type { LearningTableRow } from '../database/learning-tables.ts'
import type { Journal } from '../journal.ts'
import type { Database } from '../database/tables.ts'
import { progressOf } from './learning.ts'

export interface ReportParts {
  readonly db: Database
  readonly journal: Journal
  /** Off: nothing is shown. */
  readonly isOn: boolean
}

interface Place {
  readonly release: number
  readonly person: string
  readonly file: number
}

interface Shown {
  readonly id: number
  readonly name: LearningRow['release']
}

const zPlace = z.tuple([z.number().int(), z.string(), z.number().int()])
const CSV_ROWS = 500
const CSV_TIME_MAX = hours(1)
/** Before the first. */
const START: Place = { release: Number.MAX_SAFE_INTEGER, person: '', file: -1 }

export class LearningReport {
  readonly #parts: ReportParts

  constructor(parts: ReportParts) {
    this.#parts = parts
  }

  /** @throws ShoalError `bad-input` for a cursor that is none. */
  async page(
    { bundle }: Bundle,
    { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
  ): Promise<LearningPage> {
    if (!this.#parts.isOn) return { recorded: false, items: [], nextCursor: null }
    const [release, person, file] = parseCursor(zPlace, cursor) ?? []
    const after =
      release === undefined || person === undefined || file === undefined ? START : { release, person, file }
    const { rows, last, hasMore } = await this.#read(bundle, after, limit)
    const next = hasMore && last !== undefined ? formatCursor([last.release, last.person, last.file]) : null
    return { recorded: true, items: rows, nextCursor: next }
  }

  /** A line of headings, and one for each person and file; in parts. Who took it is noted: it leaves the portal. */
  async *csv({ bundle }: Bundle, by: string): AsyncGenerator<string> {
    yield csvLine(['person', 'display name', 'release', 'file', 'watched %', 'seconds watched', 'seconds', 'first', 'last', 'completed']) // prettier-ignore
    if (!this.#parts.isOn) return
    await this.#parts.journal.change((_tx, notes) => {
      notes.audit({ actor: by, action: 'learning-exported', subject: bundle })
      return Promise.resolve()
    })
    const breath = new Breath(CSV_TIME_MAX)
    for (let after = START; ;) {
      await breath.take()
      const { rows, last, hasMore } = await this.#read(bundle, after, CSV_ROWS)
      if (rows.length > 0) yield rows.map(lineOf).join('')
      if (!hasMore || last === undefined) return
      after = last
    }
  }

  /** The newest release first, each by person and file. */
  async #read(
    bundle: string,
    after: Place,
    limit: number,
  ): Promise<{ rows: LearningRow[]; last: Place | undefined; hasMore: boolean }> {
    const rows: LearningRow[] = []
    const breath = new Breath()
    let last: Place | undefined
    for (const shown of await this.#releases(bundle, after.release)) {
      if (breath.isDue) await breath.take()
      const begin = shown.id === after.release ? after : START
      const found = await this.#rowsOf(shown.id, begin, limit + 1 - rows.length)
      if (found.length === 0) continue
      const paths = await this.#paths(shown.id)
      for (const row of found) {
        if (rows.length === limit) return { rows, last, hasMore: true }
        rows.push(rowOf(row, shown, paths[row.file] ?? ''))
        last = { release: shown.id, person: row.person, file: row.file }
      }
    }
    return { rows, last, hasMore: false }
  }

  async #releases(bundle: string, from: number): Promise<Shown[]> {
    return await this.#parts.db
      .selectFrom('releases as r')
      .innerJoin('bundles as b', 'b.id', 'r.bundle_id')
      .select(['r.id', 'r.name'])
      .where('b.slug', '=', bundle as Bundle['bundle'])
      .where('r.id', '<=', from)
      .orderBy('r.id', 'desc')
      .execute()
  }

  async #rowsOf(release: number, after: Place, limit: number): Promise<(LearningTableRow & Named)[]> {
    return await this.#parts.db
      .selectFrom('learning as l')
      .leftJoin('people as p', 'p.name', 'l.person')
      .selectAll('l')
      .select('p.display_name')
      .where('l.release_id', '=', release)
      .where((eb) => eb(eb.refTuple('l.person', 'l.file'), '>', eb.tuple(after.person, after.file)))
      .orderBy('l.person')
      .orderBy('l.file')
      .limit(limit)
      .execute()
  }

  async #paths(release: number): Promise<string[]> {
    const row = await this.#parts.db
      .selectFrom('release_contents as c')
      .innerJoin('releases as r', 'r.id', 'c.release_id')
      .select(['c.files', 'r.content_name'])
      .where('r.id', '=', release)
      .executeTakeFirst()
    if (row === undefined) return []
    return fileList(row.files).map(({ path }) => (path === '' ? row.content_name : path))
  }
}

interface Named {
  /** Null for who has no account of the portal's own. */
  readonly display_name: string | null
}

function rowOf(row: LearningTableRow & Named, { name }: Shown, path: string): LearningRow {
  return { person: row.person, displayName: row.display_name ?? '', release: name, path, ...progressOf(row) }
}

const lineOf = (row: LearningRow): string =>
  csvLine([
    row.person,
    row.displayName,
    row.release,
    row.path,
    Math.round(1_000 * row.share) / 10,
    row.seenSeconds,
    row.durationSeconds,
    row.firstAt,
    row.lastAt,
    row.completedAt ?? '',
  ])

/** Reading figures of a year: which index is walked, and how long others wait. Ranges as they stand in addresses. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompiledQuery, type KyselyPlugin } from 'kysely'
import { hours } from '../../src/core/units.ts'
import type { Database } from '../../src/portal/database/tables.ts'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import { FigureReader } from '../../src/portal/figures/figures.ts'
import { forgetFigures } from '../../src/portal/figures/upkeep.ts'
import { Journal } from '../../src/portal/journal.ts'
import { rangeOf } from '../../src/portal/pages/range.ts'
import { ManualClock } from '../support/manual-clock.ts'

const DAY = hours(24)
const [RELEASES, SITES] = [1_000, 50]
/** Days on which something moves, of each release at each site. */
const DAYS_EACH = 4

describe('Figures of a year, of 1,000 releases at 50 sites', function () {
  let dir: string
  let db: Database
  let reader: FigureReader
  const clock = new ManualClock()
  const queries: CompiledQuery[] = []

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shoal-year-'))
    db = await openDatabase(join(dir, 'portal.sqlite'))
    const numbers = (table: string, count: number): string =>
      `${table}(n) as (select 0 union all select n + 1 from ${table} where n < ${count - 1})`
    const today = clock.epoch() - (clock.epoch() % DAY)
    const run = (sql: string) => db.executeQuery(CompiledQuery.raw(sql))
    await run(`insert into bundles (id, slug, title, description, tags, owner, audience, updated_at)
      values (1, 'film', 'Film', '', '[]', 'ann', '["everyone"]', 0)`)
    await run(`with recursive ${numbers('r', RELEASES)}
      insert into releases (id, bundle_id, name, state, infohash, size_bytes, piece_length, content_name,
        is_single_file, notes, admit, rights, published_at, published_by)
      select n + 1, 1, 'r' || n, 'live', printf('%040d', n), 1000, 16384, 'film', 1, '', 'any', 'x', 0, 'ann' from r`)
    const columns = 'near, far, origin, server_far, sent_origin, sent_far'
    await run(`with recursive ${numbers('r', RELEASES)}, ${numbers('s', SITES)}, ${numbers('d', DAYS_EACH)}
      insert into figure_days (release_id, at, site, ${columns})
      select r.n + 1, ${today} - ((r.n * 7 + d.n) % 365) * ${DAY}, 'site ' || s.n, 10, 1, 1, 1, 1, 1 from r, s, d`)
    await run(`insert into figure_days (release_id, at, site, ${columns})
      select 0, at, site, sum(near), sum(far), sum(origin), sum(server_far), sum(sent_origin), sum(sent_far)
      from figure_days group by at, site`)
    await run(`insert into figure_totals (release_id, site, first_at, last_at, ${columns})
      select release_id, site, min(at), max(at), sum(near), sum(far), sum(origin), sum(server_far), sum(sent_origin), sum(sent_far)
      from figure_days where release_id > 0 group by release_id, site`)
    await run(`insert into figure_totals (release_id, site, first_at, last_at, ${columns})
      select release_id, '', min(first_at), max(last_at), sum(near), sum(far), sum(origin), sum(server_far), sum(sent_origin), sum(sent_far)
      from figure_totals group by release_id`)
    const noted: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      transformResult: ({ result }) => Promise.resolve(result),
    }
    const watched = db.withPlugin(noted)
    const executor = watched.getExecutor()
    const executeQuery = executor.executeQuery.bind(executor)
    executor.executeQuery = (query, options) => {
      queries.push(query)
      return executeQuery(query, options)
    }
    reader = new FigureReader({ db: watched, clock })
  })
  after(async () => {
    await db.destroy()
    await rm(dir, { recursive: true })
  })
  beforeEach(() => queries.splice(0))

  const year = () => reader.range({ from: new Date(clock.epoch() - 365 * DAY).toISOString() })

  /** No step of any query walks a table from its beginning to its end. */
  const mustUseIndexes = async (least: number): Promise<void> => {
    assert.ok(queries.length >= least, `only ${queries.length} queries were seen`)
    for (const { sql, parameters } of queries) {
      const plan = await db.executeQuery<{ detail: string }>(
        CompiledQuery.raw(`explain query plan ${sql}`, [...parameters]),
      )
      for (const { detail } of plan.rows) assert.doesNotMatch(detail, /^SCAN/, `${sql}\n${detail}`)
    }
  }

  it('are read whole by one stretch of an index each, and add up', async () => {
    const figures = await reader.read(year())
    const pairs = RELEASES * SITES
    assert.equal(figures.step, 'day')
    assert.equal(figures.sites.length, SITES)
    assert.equal(figures.total.fromSite, pairs * DAYS_EACH * 10)
    assert.deepEqual(
      figures.sites.map(({ releases, wanCopies }) => [releases, wanCopies]),
      figures.sites.map(() => [RELEASES, (2 * DAYS_EACH) / 1_000]),
    )
    assert.equal(
      figures.series.reduce((sum, { delivered }) => sum + delivered, 0),
      figures.total.delivered,
    )
    await mustUseIndexes(2 + SITES)
  })

  it('of releases are read a page at a time, by the index of the last that moved', async () => {
    const { items, nextCursor } = await reader.releases(year(), { limit: 20 })
    assert.equal(items.length, 20)
    assert.deepEqual(
      items.map(({ fromSite }) => fromSite),
      items.map(() => SITES * DAYS_EACH * 10),
    )
    assert.ok(nextCursor !== null)
    await reader.releases(year(), { limit: 20, cursor: nextCursor })
    await mustUseIndexes(2 * 21)
  })

  it('are read once, however many look at them at the same time', async () => {
    clock.advance(hours(1))
    const range = { from: clock.epoch() - 30 * DAY, to: clock.epoch() }
    await Promise.all([reader.read(range), reader.read(range)])
    const { length } = queries
    assert.ok(length > 0)
    await reader.read({ ...range, to: range.to + 1 })
    assert.equal(queries.length, length)
    clock.advance(hours(1))
    await reader.read({ from: clock.epoch() - 30 * DAY, to: clock.epoch() })
    assert.ok(queries.length > length)
  })

  it('lose nothing and scan nothing when what is old is forgotten', async () => {
    const before = (await reader.read(year())).total.delivered
    await forgetFigures({ db, journal: new Journal({ db, clock }), clock })
    clock.advance(hours(1))
    assert.equal(
      (await reader.read(reader.range({ from: new Date(clock.epoch() - 365 * DAY).toISOString() }))).total
        .delivered,
      before,
    )
  })
})

describe('A range in an address', () => {
  const now = Date.parse('2026-11-26T16:30:00Z')

  it('is one of a few by name, or days, both of which are in it', () => {
    assert.deepEqual(rangeOf('', now), rangeOf('7d', now))
    const day = rangeOf('24h', now)
    assert.deepEqual([day.to - day.from, day.firstDay, day.lastDay], [DAY + 1, '2026-11-25', '2026-11-26'])
    const own = rangeOf('2026-11-01..2026-11-02', now)
    assert.deepEqual(
      [new Date(own.from).toISOString(), new Date(own.to).toISOString(), own.text],
      ['2026-11-01T00:00:00.000Z', '2026-11-03T00:00:00.000Z', 'from 2026-11-01 to 2026-11-02'],
    )
    assert.equal(rangeOf('2026-11-01..2026-11-01', now).text, 'on 2026-11-01')
  })

  it('that is none is refused', () => {
    for (const name of [
      '1y',
      '2026-11-02..2026-11-01',
      '2026-02-31..2026-03-02',
      '2001-01-01..2026-01-01',
      '2026-11-01',
      '..',
      '<b>',
    ])
      assert.throws(() => rangeOf(name, now), /not understood/, name)
  })
})

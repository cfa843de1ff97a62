import assert from 'node:assert/strict'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { addMillis, hours, MiB, minutes, seconds } from '../../src/core/units.ts'
import { Metrics } from '../../src/platform/metrics.ts'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import { forgetFigures } from '../../src/portal/figures/upkeep.ts'
import { Journal } from '../../src/portal/journal.ts'
import {
  end,
  figuresOf,
  grantFor,
  liveRelease,
  LYON,
  LYON_2,
  openFigurePortal,
  ORIGIN,
  OSLO,
  reasons,
  releasesOf,
  report,
  reportSent,
  session,
  SIZE,
  transfer,
  type LiveRelease,
} from './figure-world.ts'
import type { TestPortal } from './test-portal.ts'

describe('Figures from both ends', () => {
  let portal: TestPortal
  let film: LiveRelease
  beforeEach(async () => {
    portal = await openFigurePortal({ metrics: new Metrics() })
    film = await liveRelease(portal)
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  it('take no report that leaves out what it has told before: its sums would mean nothing', async () => {
    const grant = await grantFor(portal, film.slug, 'ann')
    const told = (seq: number, host: string) =>
      transfer(film.infohash, { seq, haveBytes: SIZE, ends: [end(host, 'site', SIZE)] })
    assert.deepEqual(reasons(await report(portal, grant, LYON, told(1, '10.4.1.1')).expect(200)), [])
    assert.equal(reasons(await report(portal, grant, LYON, told(2, '10.4.1.2')).expect(200)).length, 1)
    assert.equal((await figuresOf(portal)).total.fromSite, SIZE)
  })

  it('say what was delivered, by whom, over which WAN link, and how often a release crossed it', async () => {
    const grant = await grantFor(portal, film.slug, 'ann')
    const other = await grantFor(portal, film.slug, 'bob')
    // Ann, the first at Lyon, got all from the origin at hq but 10 MiB from Oslo; Bob next to her got half from her.
    const first = [end(ORIGIN, 'origin', 90 * MiB), end(OSLO, 'otherSites', 10 * MiB)]
    const second = [end(LYON, 'site', 50 * MiB), end(ORIGIN, 'origin', 50 * MiB)]
    const ann = transfer(film.infohash, {
      haveBytes: SIZE,
      ends: [...first, end(LYON_2, 'site', 0, 50 * MiB)],
    })
    assert.deepEqual(reasons(await report(portal, grant, LYON, ann).expect(200)), [])
    await report(
      portal,
      other,
      LYON_2,
      transfer(film.infohash, { session: session('t'), ends: second }),
    ).expect(200)
    const sent = [end(LYON, 'site', 0, 90 * MiB), end(LYON_2, 'site', 0, 52 * MiB)]
    await reportSent(portal, transfer(film.infohash, { session: session('o'), ends: sent })).expect(200)

    const { total, sites, series, step } = await figuresOf(portal)
    assert.equal(step, 'hour')
    assert.deepEqual(total.receiversSay, { origins: 140 * MiB, mirrors: 0, webSeeds: 0 })
    assert.deepEqual(total.serversSay, { origins: 142 * MiB, mirrors: 0, webSeeds: 0 })
    assert.deepEqual(total.fromServers, total.serversSay)
    assert.deepEqual([total.fromSite, total.fromOtherSites, total.given], [50 * MiB, 10 * MiB, 50 * MiB])
    assert.equal(total.delivered, 202 * MiB)
    assert.equal(total.offload, 60 / 202)
    assert.equal(total.wan, 152 * MiB)
    assert.equal(series.length, 1)
    assert.equal(series[0]?.delivered, total.delivered)
    assert.deepEqual(
      sites.map(({ site, wan, wanCopies, releases }) => ({ site, wan, wanCopies, releases })),
      [{ site: 'lyon', wan: 152 * MiB, wanCopies: 1.52, releases: 1 }],
    )
    const { items } = await releasesOf(portal)
    assert.deepEqual(
      items.map(({ bundle, release, originCopies, disagreement }) => ({
        bundle,
        release,
        originCopies,
        disagreement,
      })),
      [{ bundle: film.slug, release: '1', originCopies: 1.42, disagreement: null }],
    )
  })

  it('count nothing twice, however often, late or out of order a report comes', async () => {
    const grant = await grantFor(portal, film.slug, 'ann')
    const at = (seq: number, mib: number) =>
      transfer(film.infohash, { seq, haveBytes: mib * MiB, ends: [end(ORIGIN, 'origin', mib * MiB)] })
    for (const item of [at(1, 10), at(3, 30), at(2, 20), at(3, 30), at(1, 10)]) {
      assert.deepEqual(reasons(await report(portal, grant, LYON, item).expect(200)), [])
      portal.clock.advance(minutes(1))
    }
    assert.equal((await figuresOf(portal)).total.delivered, 30 * MiB)
    assert.deepEqual(reasons(await report(portal, grant, LYON, at(4, 41)).expect(200)), [])
    portal.clock.advance(minutes(1))
    assert.equal((await figuresOf(portal)).total.delivered, 41 * MiB)
  })

  it('follow whoever moves to another site, and a map that is drawn anew, without counting a byte twice', async () => {
    const grant = await grantFor(portal, film.slug, 'ann')
    const at = (seq: number, mib: number) =>
      transfer(film.infohash, { seq, haveBytes: mib * MiB, ends: [end(ORIGIN, 'origin', mib * MiB)] })
    await report(portal, grant, LYON, at(1, 10)).expect(200)
    await report(portal, grant, OSLO, at(2, 30)).expect(200)
    const items = [{ name: 'nice', cidrs: ['10.7.0.0/16'] }]
    await portal.api('put', '/sites', portal.adminToken).send({ items }).expect(200)
    await report(portal, grant, OSLO, at(3, 35)).expect(200)
    const { total, sites } = await figuresOf(portal)
    assert.equal(total.delivered, 35 * MiB)
    assert.deepEqual(
      sites.map(({ site, delivered }) => [site, delivered / MiB]),
      [
        ['oslo', 20],
        ['lyon', 10],
        ['nice', 5],
      ],
    )
  })

  it('show where the two ends do not say the same, and why that may be', async () => {
    const grant = await grantFor(portal, film.slug, 'ann')
    const ends = [end(ORIGIN, 'origin', 31 * MiB)]
    await report(portal, grant, LYON, transfer(film.infohash, { haveBytes: 31 * MiB, ends })).expect(200)
    const sent = [end(LYON, 'site', 0, 31 * MiB), end(OSLO, 'otherSites', 0, 9 * MiB)]
    const item = transfer(film.infohash, { session: session('o'), ends: sent })
    await reportSent(portal, item).expect(200)
    const said = async (): Promise<string | null | undefined> =>
      (await releasesOf(portal)).items[0]?.disagreement
    assert.equal(await said(), null) // 9 MiB are within what may be
    const more = [end(LYON, 'site', 0, 31 * MiB), end(OSLO, 'otherSites', 0, 60 * MiB)]
    await reportSent(portal, { ...item, seq: 2, ends: more }).expect(200)
    assert.match(
      (await said()) ?? '',
      /^Clients report 32\.5 MB from the origin, the origin reports 95\.4 MB: stock clients do not report/,
    )
    // what stock clients at Oslo got counts as delivered, and as come over the WAN
    const { sites } = await figuresOf(portal)
    assert.equal(sites.find(({ site }) => site === 'oslo')?.wan, 60 * MiB)
  })

  it('have a column for mirrors, told from the origin by where they serve', async () => {
    const mirror = {
      peerId: 'b'.repeat(40),
      kind: 'mirror',
      host: '10.4.9.9',
      port: 16_881,
      complete: [film.infohash],
    }
    await portal.api('post', '/presence', portal.originToken).send(mirror).expect(200)
    const grant = await grantFor(portal, film.slug, 'ann')
    const ends = [end('10.4.9.9', 'origin', 70 * MiB), end(ORIGIN, 'origin', 30 * MiB)]
    await report(portal, grant, LYON, transfer(film.infohash, { haveBytes: SIZE, ends })).expect(200)
    const sent = transfer(film.infohash, { session: session('m'), ends: [end(LYON, 'site', 0, 70 * MiB)] })
    await portal
      .api('post', '/transfers', portal.originToken)
      .send({ peerId: mirror.peerId, items: [sent] })
      .expect(200)
    const { total } = await figuresOf(portal)
    assert.deepEqual(total.receiversSay, { origins: 30 * MiB, mirrors: 70 * MiB, webSeeds: 0 })
    assert.deepEqual(total.serversSay, { origins: 0, mirrors: 70 * MiB, webSeeds: 0 })
    assert.equal(total.wan, 30 * MiB) // the mirror is at Lyon
  })

  it('are counters of Prometheus, too', async () => {
    const grant = await grantFor(portal, film.slug, 'ann')
    const ends = [end(ORIGIN, 'origin', 7), end(OSLO, 'otherSites', 5), end(LYON_2, 'site', 3)]
    await report(portal, grant, LYON, transfer(film.infohash, { webSeedBytes: 2, ends })).expect(200)
    const sent = transfer(film.infohash, { session: session('o'), ends: [end(LYON, 'site', 0, 9)] })
    await reportSent(portal, sent).expect(200)
    const { text } = await portal
      .get('/metrics')
      .set('authorization', `Bearer ${portal.adminToken}`)
      .expect(200)
    for (const line of [
      'shoal_portal_delivered_bytes_total{source="origin"} 7',
      'shoal_portal_delivered_bytes_total{source="other_sites"} 5',
      'shoal_portal_delivered_bytes_total{source="site"} 3',
      'shoal_portal_delivered_bytes_total{source="web_seed"} 2',
      'shoal_portal_served_bytes_total{server="origin"} 9',
    ])
      assert.ok(text.includes(line), line)
  })

  it('are read by a range, in hours where it is short and in days where it is long', async () => {
    const grant = await grantFor(portal, film.slug, 'ann')
    const at = (seq: number, mib: number) =>
      transfer(film.infohash, { seq, ageSeconds: 3_600 * seq, ends: [end(ORIGIN, 'origin', mib * MiB)] })
    await report(portal, grant, LYON, at(1, 10)).expect(200)
    portal.clock.advance(hours(3))
    const middle = portal.clock.epoch()
    await report(portal, grant, LYON, at(2, 25)).expect(200)
    const iso = (time: number): string => new Date(time).toISOString()
    const bytes = async (query: string): Promise<number> =>
      (await figuresOf(portal, query)).total.delivered / MiB
    assert.equal(await bytes(''), 25)
    assert.equal(await bytes(`?from=${iso(middle)}`), 15)
    assert.equal(await bytes(`?to=${iso(middle - hours(1))}`), 10)
    const year = await figuresOf(portal, `?from=${iso(middle - hours(24 * 365))}`)
    assert.deepEqual([year.step, year.total.delivered], ['day', 25 * MiB])
    assert.equal((await releasesOf(portal, `?to=${iso(middle - hours(24))}`)).items.length, 0)
    for (const query of [
      '?from=yesterday',
      `?from=${iso(middle)}&to=${iso(middle)}`,
      '?from=2001-01-01T00:00:00Z',
    ])
      await portal.api('get', `/figures${query}`, portal.adminToken).expect(400)
  })

  it('of releases come in pages, the one that moved last first', async () => {
    const names = ['one', 'two', 'three']
    for (const name of names) {
      const { slug, infohash } = await liveRelease(portal, name)
      const item = transfer(infohash, {
        session: session(name.charAt(1)),
        ends: [end(ORIGIN, 'origin', MiB)],
      })
      await report(portal, await grantFor(portal, slug, 'ann'), LYON, item).expect(200)
      portal.clock.advance(seconds(1))
    }
    const first = await releasesOf(portal, '?limit=2')
    const rest = await releasesOf(portal, `?limit=2&cursor=${first.nextCursor ?? ''}`)
    assert.deepEqual(
      [...first.items, ...rest.items].map(({ bundle }) => bundle),
      names.toReversed(),
    )
    assert.equal(rest.nextCursor, null)
  })

  it('name no address and no session in the database', async () => {
    const grant = await grantFor(portal, film.slug, 'ann')
    await report(
      portal,
      grant,
      LYON,
      transfer(film.infohash, { ends: [end('10.7.33.44', 'otherSites', MiB)] }),
    ).expect(200)
    const db = new Sqlite(join(portal.dataDir, 'portal.sqlite'), { readonly: true })
    const rows = JSON.stringify(
      ['figure_sessions', 'figure_hours', 'figure_days', 'figure_totals'].map((table) =>
        db.prepare(`select * from ${table}`).all(),
      ),
    )
    db.close()
    assert.match(rows, /lyon/)
    assert.doesNotMatch(rows, /10\.7\.33\.44|10\.4\.0\.1|ssssss/)
  })

  it('of sessions are forgotten after three days, of hours after ninety', async () => {
    const grant = await grantFor(portal, film.slug, 'ann')
    await report(portal, grant, LYON, transfer(film.infohash, { ends: [end(ORIGIN, 'origin', MiB)] })).expect(
      200,
    )
    const db = await openDatabase(join(portal.dataDir, 'portal.sqlite'))
    const { clock } = portal
    const count = async (): Promise<number[]> => {
      const all = ['figure_sessions', 'figure_hours', 'figure_days', 'figure_totals', 'holders'] as const
      return Promise.all(all.map(async (table) => (await db.selectFrom(table).selectAll().execute()).length))
    }
    const journal = new Journal({ db, clock })
    const later = async (days: number): Promise<number[]> => {
      clock.setEpoch(addMillis(clock.epoch(), hours(24 * days)))
      await forgetFigures({ db, journal, clock })
      return count()
    }
    try {
      assert.deepEqual(await count(), [1, 2, 2, 2, 0])
      assert.deepEqual(await later(2), [1, 2, 2, 2, 0])
      assert.deepEqual(await later(2), [0, 2, 2, 2, 0])
      assert.deepEqual(await later(90), [0, 0, 2, 2, 0])
      assert.deepEqual(await later(800), [0, 0, 0, 0, 0])
    } finally {
      await db.destroy()
    }
  })
})

import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import request from 'supertest'
import { hours, millis, minutes, seconds } from '../../src/core/units.ts'
import { listenHttp } from '../../src/platform/http-listener.ts'
import { troublesOf } from '../../src/portal/health.ts'
import { type LiveFigures, LiveRates } from '../../src/portal/live.ts'
import type { Operating } from '../../src/portal/operating.ts'
import { figureRowOf, noCounts } from '../../src/portal/figures/counts.ts'
import { figurePageOf } from '../../src/portal/pages/figures-view.ts'
import { rangeOf } from '../../src/portal/pages/range.ts'
import { operatingPageOf } from '../../src/portal/pages/operating-view.ts'
import { renderPage } from '../../src/portal/pages/render.ts'
import { StorageWatch } from '../../src/portal/storage-watch.ts'
import { TrackerProbe } from '../../src/portal/tracker-probe.ts'
import { ipAddress } from '../../src/core/address.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

const FIGURES: LiveFigures = {
  announces: { admitted: 600, 'grant-expired': 3 },
  swarms: 2,
  peers: 1_234,
  crossSiteIntroductions: 40,
  webSockets: 3,
  udp: { connects: 9, dropped: 0 },
  seeds: () => 12,
  peersBySite: () => [
    { site: 'lyon', peers: 1_200 },
    { site: '<img src=x>', peers: 34 },
  ],
}
const SERVER = {
  role: 'origin',
  at: { host: ipAddress('10.1.2.3'), port: 16_881 },
  releases: 2,
  leftMs: seconds(170),
} as const
const READY = { answer: 'ready', clockAheadMs: 0 } as const

const WELL: Operating = {
  at: new ManualClock().epoch(),
  publicUrl: 'https://media.example',
  trackers: ['https://media.example', 'udp://media.example:6969'],
  live: {
    figures: FIGURES,
    sites: FIGURES.peersBySite(),
    rates: { announces: new Map([['admitted', 12.34]]), crossSiteIntroductions: 0.5 },
  },
  tracker: undefined,
  servers: [SERVER],
  releases: new Map([['live', 2]]),
  withoutOrigin: 0,
  followers: 1,
  canWriteGrants: true,
  storage: { usedPart: 0.41, databaseBytes: 12_000_000, grownBytes: 300_000, since: millis(0) },
  keyTurnsAt: new ManualClock().epoch() + hours(24 * 8),
}

const NO_FIGURES = figurePageOf({
  figures: {
    from: '2026-11-01T00:00:00.000Z',
    to: '2026-11-01T01:00:00.000Z',
    step: 'hour',
    total: figureRowOf(noCounts()),
    sites: [],
    series: [],
  },
  range: rangeOf('', new ManualClock().epoch()),
  releases: { items: [], nextCursor: null },
  seeds: () => undefined,
})

const troubles = (over: Partial<Operating>): string[] =>
  troublesOf({ ...WELL, ...over }).map(({ what, remedy }) => `${what} ${remedy}`)

describe('The health of Shoal', () => {
  it('is well where nothing is the matter', () => {
    assert.deepEqual(troubles({}), [])
    assert.deepEqual(troubles({ live: undefined, tracker: READY }), [])
    assert.deepEqual(troubles({ live: undefined, tracker: { answer: 'other', clockAheadMs: 0 } }), [])
  })

  it('names releases that no origin serves, and whether there is an origin at all', () => {
    const [lost] = troubles({ withoutOrigin: 1 })
    assert.match(lost ?? '', /^No origin serves 1 release\. See the log of the origin/)
    const [all] = troubles({ withoutOrigin: 2, servers: [{ ...SERVER, role: 'mirror' }] })
    assert.match(
      all ?? '',
      /^No origin serves any of the 2 releases: no origin has reported .* Start the origin/,
    )
    const [missing] = troubles({ releases: new Map([['missing', 3]]) })
    assert.match(missing ?? '', /files of 3 releases are missing/)
  })

  it('names a tracker that turns peers away, with the cause, and is silent about a few old links', () => {
    const at = (kind: string, rate: number): Partial<Operating> => ({
      live: {
        ...(WELL.live as NonNullable<Operating['live']>),
        rates: {
          announces: new Map([
            ['admitted', 10],
            [kind, rate],
          ]),
          crossSiteIntroductions: 0,
        },
      },
    })
    for (const kind of ['full', 'busy', 'not-ready', 'too-many-sockets']) {
      assert.match(troubles(at(kind, 1)).join(), /turns peers away/, kind)
      assert.deepEqual(troubles(at(kind, 0.01)), [], kind)
    }
    assert.deepEqual(troubles(at('grant-expired', 5)), [])
    assert.deepEqual(troubles(at('grant-refused', 5)), [])
    assert.match(troubles(at('grant-refused', 50)).join(), /refuses the grants of most announces/)
  })

  it('names a tracker elsewhere that is silent, that cannot check grants, or whose clock is off', () => {
    const of = (tracker: Operating['tracker']): string => troubles({ live: undefined, tracker }).join()
    assert.match(
      of({ answer: 'silent', clockAheadMs: 0 }),
      /tracker at https:\/\/media\.example does not answer/,
    )
    assert.match(of({ answer: 'not-ready', clockAheadMs: 0 }), /cannot check grants/)
    assert.match(
      of({ answer: 'ready', clockAheadMs: 600_000 }),
      /clock of the tracker is 600 s ahead of .* NTP/,
    )
    assert.match(of({ answer: 'ready', clockAheadMs: -600_000 }), /600 s behind/)
    assert.equal(of({ answer: 'ready', clockAheadMs: 90_000 }), '')
  })

  it('names a disk on which no grant can be written', () => {
    assert.match(troubles({ canWriteGrants: false }).join(), /No links can be made: .* is the disk full\?/)
  })
})

describe('The health of Shoal’s own machine', () => {
  const full = (usedPart: number | undefined): string[] =>
    troubles({ storage: { ...WELL.storage, usedPart } })

  it('names a disk that is nearly full', () => {
    assert.match(full(0.974).join(), /^The disk of the portal's data is 97 % full\. Make room/)
    assert.deepEqual(full(0.89), [])
    assert.deepEqual(full(undefined), [])
  })

  it('names an origin that has missed two reports, before it is forgotten', () => {
    const silent = troubles({ servers: [{ ...SERVER, leftMs: seconds(30) }, SERVER] })
    assert.equal(silent.length, 1)
    assert.match(
      silent.join(),
      /^The origin at 10\.1\.2\.3:16881 has not reported for 150 s\. .*In 30 s trackers name it no more\.$/,
    )
  })

  it('names a grant key that should not sign any more', () => {
    const at = (ago: number): Partial<Operating> => ({ keyTurnsAt: WELL.at - ago })
    assert.deepEqual(troubles(at(minutes(59))), [])
    assert.match(troubles(at(hours(2))).join(), /should have had its turn by 2026-/)
    assert.match(troubles({ keyTurnsAt: undefined }).join(), /No key signs grants/)
  })

  it('is measured where the database is, and how that grows', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'shoal-storage-'))
    try {
      const file = join(dir, 'portal.sqlite')
      const clock = new ManualClock()
      const watch = new StorageWatch({ clock }, file)
      assert.equal((await watch.state()).databaseBytes, 0)
      await writeFile(file, 'x'.repeat(1_000))
      await writeFile(`${file}-wal`, 'x'.repeat(500))
      assert.equal((await watch.state()).databaseBytes, 0) // asked a moment ago
      clock.advance(minutes(1))
      const { databaseBytes, grownBytes, usedPart } = await watch.state()
      assert.deepEqual([databaseBytes, grownBytes], [1_500, 1_500])
      assert.ok(usedPart !== undefined && usedPart >= 0 && usedPart <= 1)
      for (let hour = 0; hour < 30; hour++) {
        clock.advance(hours(1))
        await watch.state()
      }
      assert.equal((await watch.state()).grownBytes, 0)
    } finally {
      await rm(dir, { recursive: true })
    }
  })
})

describe('Live figures', () => {
  it('tell how many a second there were in the last minute, and no longer ago', () => {
    const clock = new ManualClock()
    let total = 0
    let walks = 0
    const source = (): LiveFigures => ({
      ...FIGURES,
      announces: { admitted: total },
      crossSiteIntroductions: total / 2,
      peersBySite: () => {
        walks++
        return []
      },
    })
    using rates = new LiveRates({ clock, source })
    const perSecond = (): number | undefined => rates.now().rates.announces.get('admitted')
    assert.equal(perSecond(), 0)
    for (let i = 0; i < 10; i++) {
      total += 20
      clock.advance(seconds(1))
    }
    assert.equal(perSecond(), 20)
    assert.equal(rates.now().rates.crossSiteIntroductions, 10)
    clock.advance(minutes(2))
    assert.equal(perSecond(), 0)
    total += 600
    const now = perSecond() ?? 0
    assert.ok(now >= 8 && now <= 10, String(now))
    walks = 0
    for (let i = 0; i < 100; i++) rates.now()
    assert.ok(walks <= 1, `all peers were walked ${walks} times for a hundred looks`)
  })

  it('of an outcome that is new are counted from nothing', () => {
    const clock = new ManualClock()
    let announces: Record<string, number> = { admitted: 0 }
    using rates = new LiveRates({ clock, source: () => ({ ...FIGURES, announces }) })
    announces = { admitted: 0, full: 10 }
    clock.advance(seconds(10))
    assert.equal(rates.now().rates.announces.get('full'), 1)
  })
})

describe('A look at a tracker elsewhere', () => {
  it('tells whether it is ready and what its clock says, and asks seldom', async () => {
    const clock = new ManualClock()
    let status = 200
    let asked = 0
    await using listener = await listenHttp(
      (req, res) => {
        asked++
        assert.equal(req.url, '/readyz')
        res.writeHead(status, { date: new Date(clock.epoch() + 600_000).toUTCString() }).end()
      },
      { host: '127.0.0.1', port: 0 },
    )
    const probe = new TrackerProbe({ clock }, `http://127.0.0.1:${listener.port}`)
    assert.deepEqual(await probe.state(), { answer: 'ready', clockAheadMs: 600_000 })
    status = 503
    assert.equal((await probe.state()).answer, 'ready')
    assert.equal(asked, 1)
    clock.advance(seconds(5))
    assert.equal((await probe.state()).answer, 'not-ready')
    status = 404
    clock.advance(seconds(5))
    assert.equal((await probe.state()).answer, 'other')
  })

  it('is silence where nobody listens', async () => {
    const probe = new TrackerProbe({ clock: new ManualClock() }, 'http://127.0.0.1:1')
    assert.equal((await probe.state()).answer, 'silent')
  })
})

describe('The page for operators', () => {
  let portal: TestPortal
  let browser: ReturnType<typeof request.agent>
  beforeEach(async () => {
    portal = await openTestPortal({ live: () => FIGURES })
    browser = request.agent(portal.portal.handler)
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const signIn = (token: string): request.Test => browser.post('/login').type('form').send({ token })

  it('shows figures, sites, origins and mirrors, and the cause where something is the matter', async () => {
    await portal.live(portal.adminToken)
    await signIn(portal.adminToken)
    const { text, headers } = await browser.get('/operate').expect(200)
    assert.match(text, /All is well/)
    assert.match(text, /<dt>Peers<\/dt><dd>1,234<\/dd>/)
    assert.match(text, /<td>lyon<\/td><td class="number">1,200<\/td>/)
    assert.match(text, /<td>10\.1\.2\.3:16881 <small>origin<\/small><\/td><td class="number">1<\/td>/)
    assert.match(text, /refused: the grant has expired/)
    assert.match(text, /http:\/\/tracker\.example\.com:6969/)
    // marked as a poll, so that an open page keeps nobody signed in
    assert.match(text, /<noscript><meta http-equiv="refresh" content="10; url=\/operate\?poll=1"/)
    assert.equal(headers['cache-control'], 'no-store')
    assert.match((await browser.get('/').expect(200)).text, /href="\/operate"/)
    await browser
      .get('/assets/operate.js')
      .expect(200)
      .expect('content-type', /javascript/)
  })

  it('is there for admins only: for others there is no such page, and no way to it', async () => {
    for (const role of ['viewer', 'publisher', 'origin'] as const) {
      browser = request.agent(portal.portal.handler)
      await signIn(await portal.token(role))
      await browser.get('/operate').expect(404)
      assert.doesNotMatch((await browser.get('/').expect(200)).text, /\/operate/)
    }
    await request(portal.portal.handler).get('/operate').expect(303, /login/)
  })

  it('says where the figures are when the tracker runs elsewhere', () => {
    const page = renderPage(
      'operate',
      { title: 'Operating', query: '' },
      { ...operatingPageOf({ ...WELL, live: undefined, tracker: READY }), ...NO_FIGURES },
    )
    assert.match(page, /--metrics-listen/)
    assert.doesNotMatch(page, /Announces/)
  })

  it('shows the name of a site as text, and no more rows than somebody reads', () => {
    const sites = Array.from({ length: 30 }, (_, i) => ({
      site: i === 0 ? '<img src=x>' : `s${i}`,
      peers: 1,
    }))
    const live = { ...(WELL.live as NonNullable<Operating['live']>), sites }
    const servers = Array.from({ length: 25 }, () => ({ ...SERVER, leftMs: millis(1) }))
    const page = renderPage(
      'operate',
      { title: 'x', query: '' },
      {
        ...operatingPageOf({ ...WELL, live, servers }),
        ...NO_FIGURES,
      },
    )
    assert.match(page, /&lt;img src=x&gt;/)
    assert.doesNotMatch(page, /<img src=x/)
    assert.match(page, /and 10 more/)
    assert.match(page, /and 5 more/)
  })
})

/** The page for operators and the matrix of who has what, in Chromium: charts, their table, light and dark, small and large. */
import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { hours, MiB } from '../../src/core/units.ts'
import { listenHttp, type HttpListener } from '../../src/platform/http-listener.ts'
import type { LiveRelease } from '../portal/figure-world.ts'
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
  report,
  reportSent,
  session,
  SIZE,
  transfer,
} from '../portal/figure-world.ts'
import type { TestPortal } from '../portal/test-portal.ts'
import { CHROMIUM, launchChromium } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'
import { until } from '../support/processes.ts'
import { mustBeGood, visitorOf, type Visitor } from '../support/page-check.ts'

const PHONE = { viewport: { width: 360, height: 700 } }
const HOSTILE = `"><img src=x onerror=alert(1)>`

describe('The page for operators in a real browser', function () {
  this.timeout(120_000)
  let portal: TestPortal
  let listener: HttpListener
  let browser: Browser
  let address: string
  let film: LiveRelease

  before(async function () {
    needs(this, CHROMIUM)
    listener = await listenHttp(() => undefined, { host: '127.0.0.1', port: 0 })
    address = `http://127.0.0.1:${listener.port}`
    portal = await openFigurePortal({ publicUrl: address })
    listener.setHandler(portal.portal.handler)
    browser = await launchChromium()
    film = await liveRelease(portal, HOSTILE)
    await portal
      .api('post', '/users', portal.adminToken)
      .send({ name: 'ann', displayName: HOSTILE })
      .expect(201)
  })
  after(async () => {
    await (browser as Browser | undefined)?.close()
    await (listener as HttpListener | undefined)?.[Symbol.asyncDispose]()
    await (portal as TestPortal | undefined)?.[Symbol.asyncDispose]()
  })

  const admin = async (options: Parameters<typeof visitorOf>[1] = {}): Promise<Visitor> => {
    const visitor = await visitorOf(browser, options)
    await visitor.page.goto(`${address}/login`)
    await visitor.page.evaluate(
      `fetch('/login', { method: 'POST', body: new URLSearchParams({ token: ${JSON.stringify(portal.adminToken)} }) })`,
    )
    return visitor
  }
  const goTo = async (page: Page, path: string): Promise<void> => {
    await page.goto(`${address}${path}`)
    await mustBeGood(page)
  }

  it('says that there is nothing yet, before anybody has fetched anything', async () => {
    const { page, troubles } = await admin(PHONE)
    await goTo(page, '/operate')
    assert.match((await page.textContent('#worth')) ?? '', /Nothing was delivered in the last 7 days/)
    assert.equal(await page.isVisible('.charts'), false)
    await goTo(page, `/bundles/${film.slug}/who?release=1`)
    assert.match((await page.textContent('main')) ?? '', /1 of 1 missing/)
    assert.deepEqual(troubles, [])
    await page.context().close()
  })

  it('draws what stands in the table beside it, and what the API says', async () => {
    const ann = await grantFor(portal, film.slug, 'ann')
    const ends = [
      end(ORIGIN, 'origin', 60 * MiB),
      end(OSLO, 'otherSites', 30 * MiB),
      end(LYON_2, 'site', 10 * MiB),
    ]
    await report(portal, ann, LYON, transfer(film.infohash, { haveBytes: SIZE, ends })).expect(200)
    portal.clock.advance(hours(5))
    const sent = [end(LYON, 'site', 0, 60 * MiB), end(OSLO, 'site', 0, 90 * MiB)]
    await reportSent(portal, transfer(film.infohash, { session: session('o'), ends: sent })).expect(200)
    const { page, troubles } = await admin({ colorScheme: 'light', viewport: { width: 1280, height: 900 } })
    await goTo(page, '/operate?range=24h')
    const drawn = await page.evaluate<number[][][]>(
      `[...document.querySelectorAll('figure.chart')].map((f) => f.chart.plot.data)`,
    )
    const table = await page.evaluate<number[][]>(
      `[...document.getElementById('series').rows].map((row) => [Number(row.dataset.at), ...[...row.cells].slice(1).map((cell) => Number(cell.dataset.bytes))])`,
    )
    assert.equal(drawn.length, 2)
    assert.equal(table.length, 25)
    // stacked, the tallest first: servers on top of other sites on top of the same site
    const [times = [], top = [], middle = [], low = []] = drawn[0] ?? []
    const unstacked = times.map((at, i) => [
      at,
      low[i] ?? 0,
      (middle[i] ?? 0) - (low[i] ?? 0),
      (top[i] ?? 0) - (middle[i] ?? 0),
      drawn[1]?.[1]?.[i],
    ])
    assert.deepEqual(unstacked, table)
    const from = new Date(portal.clock.epoch() - hours(24)).toISOString()
    const { total, series } = await figuresOf(portal, `?from=${from}`)
    const sums = [1, 2, 3, 4].map((n) => table.reduce((sum, row) => sum + (row[n] ?? 0), 0))
    assert.deepEqual(sums, [total.fromSite, total.fromOtherSites, 150 * MiB, 180 * MiB])
    assert.equal(series.length, 2)
    assert.match((await page.textContent('#worth')) ?? '', /From colleagues/)
    await page.click('.charts summary')
    assert.match((await page.textContent('#series')) ?? '', /157 MB/)
    await mustBeGood(page)
    await page.hover('.chart .u-over')
    assert.match((await page.textContent('.chart .under')) ?? '', /same site/)
    assert.deepEqual(troubles, [])
    await page.context().close()
  })

  it('keeps the range in its address, is renewed while it is looked at, and is whole on a phone in the dark', async () => {
    const { page, troubles } = await admin(PHONE)
    await goTo(page, '/operate')
    await page.click('.ranges a:has-text("30 days")')
    await page.waitForURL('**/operate?range=30d')
    await mustBeGood(page)
    assert.equal(await page.getAttribute('.ranges a[aria-current]', 'href'), '/operate?range=30d')
    const day = new Date(portal.clock.epoch()).toISOString().slice(0, 10)
    await page.fill('input[name=from]', day)
    await page.fill('input[name=to]', day)
    await page.keyboard.press('Enter')
    await page.waitForURL(`**/operate?range=${day}..${day}`)
    await mustBeGood(page)
    const before = await page.textContent('#worth dd')
    const bob = await grantFor(portal, film.slug, 'bob')
    const ends = [end(ORIGIN, 'origin', SIZE)]
    await report(portal, bob, OSLO, transfer(film.infohash, { session: session('b'), ends })).expect(200)
    portal.clock.advance(hours(0.01))
    await page.evaluate(`document.dispatchEvent(new Event('visibilitychange'))`)
    await until(
      'the page to be renewed',
      async () => (await page.textContent('#worth dd')) !== before || undefined,
      AbortSignal.timeout(30_000),
    )
    await mustBeGood(page)
    await page.goto(`${address}/operate?range=never`)
    assert.match((await page.textContent('main')) ?? '', /no such page/)
    assert.deepEqual(
      troubles.filter((text) => !text.includes('404')),
      [],
    )
    await page.context().close()
  })

  it('and the matrix are whole without scripts', async () => {
    const token = await admin()
    const cookies = await token.page.context().cookies()
    const context = await browser.newContext({ ...PHONE, javaScriptEnabled: false })
    await context.addCookies(cookies)
    const page = await context.newPage()
    await page.goto(`${address}/operate?range=24h`)
    await page.click('.charts summary')
    assert.equal(await page.isVisible('#series'), true)
    assert.equal(await page.locator('.plot').count(), 0)
    await page.goto(`${address}/bundles/${film.slug}/who?release=1`)
    assert.match((await page.textContent('#missing')) ?? '', /Nobody/)
    await context.close()
    const { page: wide, troubles } = await admin({
      viewport: { width: 1280, height: 800 },
      colorScheme: 'light',
    })
    await goTo(wide, `/bundles/${film.slug}/who?release=1`)
    assert.deepEqual(troubles, [])
    await wide.context().close()
    await token.page.context().close()
  })
})

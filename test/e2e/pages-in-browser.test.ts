import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { listenHttp, type HttpListener } from '../../src/platform/http-listener.ts'
import type { LiveFigures } from '../../src/portal/index.ts'
import { openTestPortal, type TestPortal } from '../portal/test-portal.ts'
import { CHROMIUM, launchChromium } from '../support/chromium.ts'
import { smallJpeg } from '../support/jpegs.ts'
import { needs } from '../support/needs.ts'
import { mustBeGood, visitorOf, type Visitor } from '../support/page-check.ts'

const FIGURES: LiveFigures = {
  announces: { admitted: 60_000, 'too-many-addresses': 3 },
  swarms: 2,
  peers: 0,
  crossSiteIntroductions: 40,
  webSockets: 3,
  seeds: () => 12,
  peersBySite: () => [{ site: 'a-site-with-the-longest-name-that-anybody-would-give-to-it', peers: 12_345 }],
}
const HOSTILE = `"><img src=x onerror=alert(1)><script>alert(1)</script>`

describe('The pages in a real browser', function () {
  this.timeout(120_000)
  let portal: TestPortal
  let listener: HttpListener
  let browser: Browser
  let address: string
  let peers = 5

  before(async function () {
    needs(this, CHROMIUM)
    listener = await listenHttp(() => undefined, { host: '127.0.0.1', port: 0 })
    address = `http://127.0.0.1:${listener.port}`
    portal = await openTestPortal({ publicUrl: address, live: () => ({ ...FIGURES, peers }) })
    listener.setHandler(portal.portal.handler)
    const film = await portal.live(
      portal.adminToken,
      { title: 'Fire safety 2026', tags: ['safety'] },
      'film.mp4',
    )
    await portal
      .api('put', `/bundles/${film.slug}/releases/1/media`, portal.adminToken)
      .send({ kind: 'video', durationSeconds: 725, playsInBrowsers: false, warnings: ['It is no film.'] })
    await portal
      .api('put', `/bundles/${film.slug}/releases/1/poster`, portal.adminToken)
      .set('content-type', 'image/jpeg')
      .send(smallJpeg())
    await portal.live(portal.adminToken, { title: HOSTILE, description: HOSTILE }, 'other.mp4')
    browser = await launchChromium()
  })
  after(async () => {
    await (browser as Browser | undefined)?.close()
    await (listener as HttpListener | undefined)?.[Symbol.asyncDispose]()
    await (portal as TestPortal | undefined)?.[Symbol.asyncDispose]()
  })

  const visit = (): Promise<Visitor> => visitorOf(browser)

  async function signIn(page: Page): Promise<void> {
    await page.goto(portal.portal.loginUrl())
    assert.equal(new URL(page.url()).pathname, '/')
  }

  it('lead from the library to a link, without JavaScript and without a complaint', async () => {
    const { page, troubles } = await visit()
    await signIn(page)
    await page.fill('input[type=search]', 'fire')
    await page.keyboard.press('Enter')
    await page.click('text=Fire safety 2026')
    await page.click('text=Get it')
    assert.match(await page.inputValue('label:has-text("Magnet") input'), /^magnet:\?xt=urn:btih:/)
    assert.match((await page.getAttribute('a[download]', 'href')) ?? '', /\/dl\/.+\.torrent$/)
    await page.click('text=Sign out')
    assert.equal(new URL(page.url()).pathname, '/login')
    assert.deepEqual(troubles, [])
    await page.context().close()
  })

  it('show posters in the library, and keep to a kind by its address alone', async () => {
    const { page, troubles } = await visit()
    await signIn(page)
    const width: unknown = await page.evaluate(
      "(async (img) => { await img.decode(); return img.naturalWidth })(document.querySelector('.card img'))",
    )
    assert.equal(width, 16)
    await page.click('nav a:has-text("Documents")')
    assert.equal(new URL(page.url()).search, '?kind=document')
    await mustBeGood(page)
    await page.click('nav a:has-text("Videos")')
    await page.click('.card:has-text("Fire safety 2026")') // all of the card is its link
    await page.waitForSelector('text=It is no film.')
    assert.deepEqual(troubles, [])
    await page.context().close()
  })

  it('render the title of a stranger as text: no dialog, no report', async () => {
    const { page, troubles } = await visit()
    await signIn(page)
    await page.goto(`${address}/?q=img`)
    await page.click(`.card a >> nth=0`)
    assert.equal(await page.textContent('h1'), HOSTILE)
    assert.deepEqual(troubles, [])
    await page.context().close()
  })

  it('renew the figures for operators while they are looked at, until they are told to pause', async () => {
    const { page, troubles } = await visit()
    await page.clock.install()
    await signIn(page)
    const polls: boolean[] = []
    page.on('request', (sent) => {
      if (sent.resourceType() === 'fetch') polls.push('x-shoal-poll' in sent.headers())
    })
    await page.goto(`${address}/operate`)
    const shown = (count: number): Promise<unknown> =>
      page.waitForSelector(`.tile:has(dt:text-is("Peers")) dd:text-is("${count}")`)
    await shown(5)
    peers = 6
    await page.clock.runFor(5_000)
    await shown(6)
    await page.click('text=Pause')
    peers = 7
    await page.clock.runFor(60_000)
    await shown(6)
    await page.click('text=Go on')
    await page.clock.runFor(5_000)
    await shown(7)
    assert.ok(polls.length >= 2 && polls.every((isMarked) => isMarked), 'they keep nobody signed in')
    assert.deepEqual(troubles, [])
    await page.context().close()
  })

  it('have nothing that axe finds, and never scroll sideways on a phone', async () => {
    const { page } = await visit()
    await page.setViewportSize({ width: 360, height: 700 })
    const check = (): Promise<void> => mustBeGood(page)
    await page.goto(`${address}/login`)
    await check()
    await signIn(page)
    await check()
    await page.click('text=Fire safety 2026')
    await check()
    await page.click('text=Get it')
    await check()
    await page.goto(`${address}/?q=nothing-is-called-so`)
    await check()
    await page.goto(`${address}/bundles/none`)
    await check()
    await page.click('text=Operating')
    await page.waitForSelector('button:has-text("Pause")')
    await check()
    await page.context().close()
  })
})

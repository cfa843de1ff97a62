/** Where colleagues give nothing, a film plays all the same, and its page says why; and nobody watches what is not theirs. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Browser } from 'playwright-core'
import type { BundleDetail } from '../../src/wire/api.ts'
import { CHROMIUM } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'
import { mustBeGood } from '../support/page-check.ts'
import { startShoal, untilEvent } from '../support/processes-shoal.ts'
import { until, type Child } from '../support/processes.ts'
import { BUNDLE, DESK, FILM, makeFilm, VIDEO, WatchWorld, type Viewer } from './watch-world.ts'

const LOOKS = {
  yve: DESK,
  yannick: { viewport: { width: 390, height: 760 }, colorScheme: 'dark' },
} as const
/** In one go, so that no figure changes between the two: what of any element's look is another with all of the style. */
const UNLIKE_ALL_PAGES = `(async () => {
  const all = await (await fetch('/assets/pages.css')).text()
  // used margins are what they were at the last layout, so that of them the place is looked at
  const looks = () => [...document.querySelectorAll('*')].flatMap((element) => [
    element.localName + ' is at ' + JSON.stringify(element.getBoundingClientRect()),
    ...[undefined, '::before', '::after', '::placeholder', '::marker'].flatMap((pseudo) => {
      const look = getComputedStyle(element, pseudo)
      return [...look].filter((name) => !/^(--|margin)/.test(name)).map((name) =>
        [element.localName + (pseudo ?? ''), name, look.getPropertyValue(name)].join(' '))
    }),
  ])
  const style = document.querySelector('head style')
  const brought = style.textContent
  const [own, others] = [brought, all].map((text) => ((style.textContent = text), looks()))
  if (brought.length > all.length / 2) return ['it brings ' + brought.length + ' of ' + all.length]
  return own.flatMap((look, i) => (look === others[i] ? [] : [look + ' / ' + others[i]])).slice(0, 20)
})()`
const INSECURE = 'media.example'
const FILE = `/bundles/${BUNDLE}/releases/1/files/${FILM}`

describe('A film that nobody else gives', function () {
  this.timeout(120_000)
  let world: WatchWorld
  let ann: Viewer
  let browser: Browser
  /** Of a release for our clients only; the server fetches it from here. */
  let publishing: Child

  before(async function () {
    needs(this, CHROMIUM, 'ffmpeg')
    world = await WatchWorld.start()
    const film = join(world.dir, 'Minutes.mp4')
    await makeFilm(film, 12)
    const env = { SHOAL_PORTAL: world.address, SHOAL_TOKEN: world.admin }
    const what = ['--title', 'Minutes', '--rights', 'ours', '--admit', 'ours']
    publishing = startShoal({ dataDir: join(world.dir, 'publisher'), env }, 'publish', film, ...what)
    ann = await world.arrive('ann', { flags: [`--host-resolver-rules=MAP ${INSECURE} 127.0.0.1`] })
    browser = ann.browser
    await ann.clickWatch()
    await ann.page.check('input[data-no-upload]') // she watches all the while, and gives nothing
  })
  after(async () => {
    await (publishing as Child | undefined)?.[Symbol.asyncDispose]()
    await (world as WatchWorld | undefined)?.[Symbol.asyncDispose]()
  })

  /** It plays, also behind a jump, from the server alone, and says why. */
  async function playsAlone(viewer: Viewer, why: RegExp, bundle?: string): Promise<void> {
    await viewer.clickWatch(bundle)
    await viewer.until(`${why}.test(document.querySelector('[data-chip]').textContent)`)
    await mustBeGood(viewer.page)
    await viewer.seek(8)
    assert.equal((await viewer.figures()).colleagues, 0)
    assert.deepEqual(viewer.troubles, [])
  }

  it('plays where the page came without HTTPS', async () => {
    const address = world.address.replace('127.0.0.1', INSECURE)
    const zoe = await world.arrive('zoe', { browser, address })
    await playsAlone(zoe, /^All from the server: this page was not opened by HTTPS/)
    await zoe.page.context().close()
  })

  for (const [name, context] of Object.entries(LOOKS))
    it(`looks in ${context.colorScheme} as by the style of all pages, of which it brings what it uses`, async () => {
      const yve = await world.arrive(name, { browser, context })
      await yve.clickWatch()
      assert.deepEqual(await yve.page.evaluate(UNLIKE_ALL_PAGES), [])
      await yve.page.context().close()
    })

  it('plays with the browser’s own controls where ours cannot come', async () => {
    const xena = await world.arrive('xena', { browser })
    await xena.page.route('**/assets/watch.js*', (route) => route.abort())
    await xena.page.goto(`${world.address}/bundles/${BUNDLE}/watch`)
    await xena.until(`${VIDEO}.controls && ${VIDEO}.readyState >= 2`)
    assert.equal(await xena.page.locator('.wheel').isVisible(), false)
    await xena.page.context().close()
  })

  it('shows the picture of the release to who waits for the film’s', async () => {
    await until(
      'the picture to be made',
      async () => (await world.api<BundleDetail>('GET', `/bundles/${BUNDLE}`)).releases[0]?.posterTag,
      AbortSignal.timeout(30_000),
    )
    const zita = await world.arrive('zita', { browser })
    await zita.page.route('**/files/*', async (route) => {
      await wait(1_500)
      await route.continue()
    })
    await zita.page.goto(`${world.address}/bundles/${BUNDLE}/watch`, { waitUntil: 'domcontentloaded' })
    await zita.until(`${VIDEO}.poster.includes('/poster?v=') && ${VIDEO}.readyState === 0`)
    await zita.until(`${VIDEO}.readyState >= 2`)
    await zita.page.context().close()
  })

  it('plays where WebRTC is switched off', async () => {
    const yan = await world.arrive('yan', { browser })
    await yan.page.addInitScript('delete globalThis.RTCPeerConnection')
    await playsAlone(yan, /^All from the server: this browser has no WebRTC/)
    await yan.page.context().close()
  })

  it('plays where the browser cannot keep what comes', async () => {
    const xia = await world.arrive('xia', { browser })
    await xia.page.addInitScript('crypto.subtle.digest = () => Promise.reject(new Error("broken"))')
    await playsAlone(xia, /^All from the server: this browser cannot keep what comes/)
    await xia.page.context().close()
  })

  it('plays where nothing of what was asked for ever arrives', async () => {
    const wim = await world.arrive('wim', { browser })
    await wim.page.addInitScript('crypto.subtle.digest = () => new Promise(() => undefined)')
    await wim.clickWatch()
    await wim.seek(54)
    await wim.seek(30)
    await wim.until(`${VIDEO}.currentTime > 38`) // more than it is given at once where it jumps to
    await wim.page.context().close()
  })

  it('plays where the policy of the site lets nobody exchange, as on a VPN', async () => {
    const sites = (items: readonly object[]) => world.api('PUT', '/sites', { items })
    await sites([{ name: 'vpn', cidrs: ['127.0.0.0/8'], peering: 'off' }])
    const val = await world.arrive('val', { browser })
    await playsAlone(val, /^All from the server: for where you are, as on a VPN, peering is off by policy/)
    await val.page.context().close()
    await sites([])
  })

  it('plays where only clients of ours may exchange a release', async () => {
    const { bundle } = await untilEvent(publishing, 'published', AbortSignal.timeout(30_000))
    await until(
      'the server to have it',
      async () => (await world.watchAs(undefined, String(bundle), 0)).peering,
      AbortSignal.timeout(40_000),
    )
    const uma = await world.arrive('uma', { browser })
    await playsAlone(uma, /^All from the server: only Shoal’s own clients/, String(bundle))
    await uma.page.context().close()
  })

  it('is no more to be had by who signed out, or is nobody’s business', async () => {
    const tom = await world.arrive('tom', { browser })
    const { request } = tom.page.context()
    const statusOf = async (path: string): Promise<number> =>
      (
        await request.get(world.address + path, { maxRedirects: 0, headers: { range: 'bytes=0-99' } })
      ).status()
    assert.equal(await statusOf(FILE), 206)
    await world.api('PUT', `/bundles/${BUNDLE}`, { audience: ['board'] })
    for (const path of [
      FILE,
      FILE.replace(/files.*/, 'content'),
      `/bundles/${BUNDLE}/watch`,
      `/bundles/${BUNDLE}/releases/1/watch`,
    ])
      assert.equal(await statusOf(path), 404, path)
    const asked = await tom.page
      .context()
      .request.post(`${world.address}/api/v1/bundles/${BUNDLE}/releases/1/watch`, { data: { file: FILM } })
    assert.ok([403, 404].includes(asked.status()), String(asked.status()))
    await world.api('PUT', `/bundles/${BUNDLE}`, { audience: ['everyone'] })
    await tom.page.context().clearCookies()
    assert.equal(await statusOf(FILE), 404)
    assert.equal(await statusOf(`/bundles/${BUNDLE}/watch`), 303)
    await tom.page.context().close()
  })

  it('ends for who may not have it any more, and the page says so', async () => {
    await world.api('POST', '/users/ann/disable')
    await ann.page.evaluate(`${VIDEO}.currentTime = 57`)
    await ann.until(
      `/signed out, or may not have this any more/.test(document.querySelector('[data-chip]').textContent)`,
    )
    await mustBeGood(ann.page)
  })
})

/**
 * People who watch a film in Chromium, each in a browser of their own, against a real portal, tracker, origin and gateway: it
 * comes from colleagues, and plays on whoever of them goes.
 */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { CHROMIUM } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'
import { mustBeGood, mustBeReadableToo } from '../support/page-check.ts'
import { untilEvent } from '../support/processes-shoal.ts'
import { until } from '../support/processes.ts'
import type { LearningRow } from '../../src/wire/api.ts'
import { BUNDLE, DESK, FILM, VIDEO, WatchWorld, type Viewer } from './watch-world.ts'

const NO_UPLOAD = 'input[data-no-upload]'
/** Losing a server is said in the browser's console, by the browser. */
const NET_ERROR = /net::ERR_|WebSocket connection to|status of 503/

describe('Watching in real browsers', function () {
  this.timeout(120_000)
  let world: WatchWorld
  let ann: Viewer
  let ben: Viewer

  before(async function () {
    needs(this, CHROMIUM, 'ffmpeg')
    world = await WatchWorld.start()
  })
  after(async () => {
    await (world as WatchWorld | undefined)?.[Symbol.asyncDispose]()
  })

  it('begins with a click, and the film plays from the server', async () => {
    ann = await world.arrive('ann')
    await ann.clickWatch()
    await mustBeGood(ann.page)
    await mustBeReadableToo(ann.page, 'dark')
    await ann.page.setViewportSize({ width: 360, height: 740 })
    await mustBeGood(ann.page)
    await ann.page.setViewportSize(DESK.viewport)
    await ann.until('Number(document.querySelector("[data-watch]").dataset.serverBytes) > 0')
    assert.match(await ann.chip, /^From the server/)
  })

  it('costs a computer little: nothing is drawn anew with each frame but the film, also while it loads', async () => {
    const devtools = await ann.page.context().newCDPSession(ann.page)
    await devtools.send('Performance.enable')
    const stylings = async (): Promise<number> => {
      const { metrics } = await devtools.send('Performance.getMetrics')
      return metrics.find(({ name }) => name === 'RecalcStyleCount')?.value ?? NaN
    }
    const mustBeFew = async (): Promise<void> => {
      const before = await stylings()
      const at = await ann.time()
      await ann.until(`${VIDEO}.currentTime > ${at + 2}`)
      const each = ((await stylings()) - before) / ((await ann.time()) - at)
      assert.ok(each > 0 && each < 30, `${each} times a second of the film`)
    }
    const turning = (): Promise<unknown> =>
      ann.page.evaluate(
        'document.querySelector(".wheel").getAnimations().filter((each) => each instanceof CSSAnimation).length',
      )
    await mustBeFew()
    assert.equal(await turning(), 0)
    const load = (isOn: boolean): Promise<unknown> =>
      ann.page.evaluate(
        `document.querySelector("media-loading-indicator").toggleAttribute("medialoading", ${isOn})`,
      )
    await ann.page.emulateMedia({ reducedMotion: 'no-preference' }) // or the wheel stands still
    await load(true)
    assert.equal(await turning(), 1)
    await mustBeFew()
    await load(false)
    await ann.page.emulateMedia({ reducedMotion: 'reduce' })
    await devtools.detach()
  })

  it('tells the controls of a long film its time by the second', async () => {
    await ann.page.evaluate(
      `Object.defineProperty(${VIDEO}, 'duration', { value: 1600, configurable: true })`,
    )
    const told = async (): Promise<number> =>
      Number(await ann.page.locator('media-time-range').getAttribute('mediacurrenttime'))
    const times = new Set<number>()
    const at = await ann.time()
    await ann.until(`${VIDEO}.currentTime > ${at + 1.5}`)
    const areThree = async (): Promise<true | undefined> => times.add(await told()).size >= 3 || undefined
    await until('three times to be told', areThree, AbortSignal.timeout(30_000))
    assert.deepEqual([...times].filter(Number.isInteger), [...times])
    await ann.page.evaluate(`delete ${VIDEO}.duration`)
  })

  it('takes most of it from a colleague who began before', async () => {
    await ann.page.evaluate(`${VIDEO}.playbackRate = 2`) // fetched so much faster, too
    await ann.until('Number(document.querySelector("[data-watch]").dataset.serverBytes) > 10e6')
    await ann.page.evaluate(`${VIDEO}.playbackRate = 1`)
    ben = await world.arrive('ben')
    await ben.clickWatch()
    await ben.untilPeers(1)
    await ben.until(
      `/(?:[6-9]\\d|100) % from colleagues/.test(document.querySelector('[data-chip]').textContent)`,
    )
    const { colleagues } = await ben.figures()
    await ann.until(`Number(document.querySelector('[data-watch]').dataset.uploadedBytes) >= ${colleagues}`)
  })

  it('comes to colleagues also late, over a line that is full and from a server that is busy', async () => {
    const zoe = await world.arrive('zoe')
    await zoe.page.addInitScript(`{
      const { serviceWorker } = navigator
      const register = serviceWorker.register.bind(serviceWorker)
      const slowly = (...all) => new Promise((go) => setTimeout(go, 4_000)).then(() => register(...all))
      Object.defineProperty(serviceWorker, 'register', { value: slowly })
      let asked = 0
      const ask = fetch
      globalThis.fetch = (url, ...rest) =>
        String(url).endsWith('/watch') && ++asked === 1
          ? Promise.resolve(new Response('busy', { status: 503 }))
          : ask(url, ...rest)
    }`)
    await zoe.clickWatch()
    await zoe.untilPeers(1)
    await zoe.untilPlays()
    assert.deepEqual(zoe.troubles, [])
    await zoe.browser.close()
  })

  it('meets colleagues where a browser does not tell the pair of addresses in use, as Firefox', async () => {
    const zack = await world.arrive('zack')
    await zack.page.addInitScript('delete RTCIceTransport.prototype.getSelectedCandidatePair')
    await zack.clickWatch()
    await zack.untilPeers(1)
    await zack.until('Number(document.querySelector("[data-watch]").dataset.colleaguesBytes) > 0')
    assert.deepEqual(zack.troubles, [])
    await zack.browser.close()
  })

  it('plays on after a jump, forth and back', async () => {
    await ben.seek(50)
    await ben.seek(5)
  })

  it('gives what was published, byte for byte, to whoever asks a page for it', async () => {
    // What the server sent to the player before there was somebody to keep it, no page has.
    await using puppet = await world.puppet({ avoids: '-SG' }, 0.6)
    const { good, bad } = await untilEvent(puppet, 'enough', AbortSignal.timeout(30_000))
    assert.ok(Number(good) > 100, String(good))
    assert.equal(bad, 0)
  })

  it('does as the keyboard says: stop, go, jump, be quiet', async () => {
    const { page } = ann
    await ann.seek(5) // on a busy machine the film may be over by now
    await page.focus('media-controller')
    await page.keyboard.press('Space')
    await ann.until(`${VIDEO}.paused`)
    await page.keyboard.press('m')
    await ann.until(`${VIDEO}.muted`)
    const before = await ann.time()
    await page.keyboard.press('ArrowRight')
    await ann.until(`${VIDEO}.currentTime > ${before + 8}`)
    await page.keyboard.press('ArrowLeft')
    await ann.until(`${VIDEO}.currentTime < ${before + 2}`)
    await page.keyboard.press('Space')
    await ann.until(`!${VIDEO}.paused`)
  })

  it('has captions, and goes faster', async () => {
    const { page } = ann
    await page.click('media-captions-button')
    await ann.until(`${VIDEO}.textTracks[0].mode === 'showing' && ${VIDEO}.textTracks[0].cues?.length === 1`)
    assert.equal(await page.getAttribute('media-captions-button', 'aria-checked'), 'true')
    await page.click('media-playback-rate-button')
    await ann.until(`${VIDEO}.playbackRate === 1.25`)
    await ann.untilPlays()
    await page.mouse.move(0, 0) // the button's hint stands over what it says
    await mustBeGood(page)
  })

  it('plays in a picture of its own, and comes back', async () => {
    const own = `document.pictureInPictureElement === ${VIDEO}`
    await ann.page.click('media-pip-button')
    await ann.until(own)
    await ann.untilPlays()
    await ann.page.click('media-pip-button')
    await ann.until(`!(${own})`)
    await ann.untilPlays()
  })

  it('gives nothing from a computer that is not to upload, also when its page is opened again', async () => {
    await ann.page.check(NO_UPLOAD)
    await ben.reload()
    const { uploaded } = await ann.figures() // shown once a second: what was given before is in it by now
    await ben.untilPeers(1)
    await ben.untilPlays()
    assert.equal((await ben.figures()).colleagues, 0)
    assert.equal((await ann.figures()).uploaded, uploaded)
    await ann.reload()
    assert.ok(await ann.page.isChecked(NO_UPLOAD))
    await ann.page.uncheck(NO_UPLOAD)
    await ann.untilPeers(1)
  })

  it('records what was watched, and says so', async () => {
    assert.match(
      (await ann.page.textContent('main')) ?? '',
      /Your company records how much of this you watch/,
    )
    await ann.page.goto(`${world.address}/account`)
    const seen = await until(
      'what ann has watched',
      async () => {
        const { items } = await world.api<{ items: LearningRow[] }>('GET', `/bundles/${BUNDLE}/learning`)
        return items.find(({ person, file }) => person === 'ann' && file === FILM)
      },
      AbortSignal.timeout(20_000),
    )
    assert.ok(seen.seenSeconds > 1 && seen.seenSeconds <= seen.durationSeconds, JSON.stringify(seen))
    await ann.clickWatch()
  })

  it('plays on when a colleague’s browser dies', async () => {
    await ann.untilPeers(1)
    const session = await ben.browser.newBrowserCDPSession()
    const isGone = new Promise<void>((resolve) => ben.browser.once('disconnected', () => resolve()))
    await session.send('Browser.crash').catch(() => undefined) // it dies before it answers
    await isGone
    await ann.untilPlays()
    await ann.seek(52)
    await ann.seek(3)
  })

  it('plays on when the tracker cannot be reached, and when it goes', async () => {
    const cleo = await world.arrive('cleo', { browser: ann.browser })
    let isThere = false
    let cut: (() => Promise<void>) | undefined
    await cleo.page.routeWebSocket(/\/announce/, async (socket) => {
      if (!isThere) {
        await socket.close()
        return
      }
      socket.connectToServer()
      cut = () => socket.close()
    })
    await cleo.clickWatch()
    isThere = true
    await cleo.untilPeers(1)
    isThere = false
    await cut?.()
    await cleo.untilPlays()
    await cleo.seek(50)
    await cleo.page.context().close()
  })

  it('plays on when the service worker is stopped, and when it is no more registered', async () => {
    const session = await ann.page.context().newCDPSession(ann.page)
    await session.send('ServiceWorker.enable')
    await session.send('ServiceWorker.stopAllWorkers')
    await ann.seek(40)
    await ann.page.evaluate(
      'navigator.serviceWorker.getRegistrations().then((all) => Promise.all(all.map((one) => one.unregister())))',
    )
    await ann.seek(12)
    await ann.untilPlays()
    await session.detach()
  })

  it('plays on when the gateway is killed', async () => {
    const before = gatewayOf(world.up.pid)
    assert.ok(before !== undefined)
    process.kill(before, 'SIGKILL')
    await ann.seek(30)
    await ann.untilPlays()
    await until('another gateway', () => gatewayOf(world.up.pid) ?? undefined, AbortSignal.timeout(20_000))
    assert.notEqual(gatewayOf(world.up.pid), before)
  })

  it('plays on while the server is killed and comes back', async () => {
    const dora = await world.arrive('dora', { browser: ann.browser })
    await dora.clickWatch()
    await ann.page.goto('about:blank') // nobody but the server has the end of the film
    world.up.kill('SIGKILL')
    await world.up.exited
    await dora.untilPlays()
    const back = world.begin()
    await dora.page.evaluate(`${VIDEO}.currentTime = 56`)
    await back
    await dora.until(`${VIDEO}.currentTime > 57`)
    assert.deepEqual(
      dora.troubles.filter((said) => !NET_ERROR.test(said)),
      [],
    )
    await dora.page.context().close()
  })

  it('complains of nothing', () => {
    assert.deepEqual(
      ann.troubles.filter((said) => !NET_ERROR.test(said)),
      [],
    )
    assert.deepEqual(ben.troubles, [])
  })
})

/** The process of the gateway below `shoal up`. */
function gatewayOf(up: number): number | undefined {
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry)))
    try {
      const [, after = ''] = readFileSync(`/proc/${name}/stat`, 'latin1').split(') ')
      if (Number(after.split(' ')[1]) !== up) continue
      if (readFileSync(`/proc/${name}/cmdline`, 'latin1').includes('gateway')) return Number(name)
    } catch {
      // it ended meanwhile
    }
  return undefined
}

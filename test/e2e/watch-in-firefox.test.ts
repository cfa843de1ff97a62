/** Somebody who watches in Firefox, beside somebody in Chromium. */
import assert from 'node:assert/strict'
import { CHROMIUM } from '../support/chromium.ts'
import { Firefox, FIREFOX } from '../support/firefox.ts'
import { needs } from '../support/needs.ts'
import { until } from '../support/processes.ts'
import { BUNDLE, VIDEO, WatchWorld, type Viewer } from './watch-world.ts'

const FIGURE = (name: string): string =>
  `Number(document.querySelector('[data-watch]')?.dataset.${name} ?? 0)`

describe('Watching in Firefox', function () {
  this.timeout(120_000)
  let world: WatchWorld
  let ann: Viewer
  let fred: Firefox

  before(async function () {
    needs(this, CHROMIUM, FIREFOX, 'ffmpeg')
    world = await WatchWorld.start()
    fred = await Firefox.launch()
    await fred.setCookie(world.address, await world.cookieOf('fred'))
    ann = await world.arrive('ann')
    await ann.clickWatch()
    await ann.until(`${FIGURE('serverBytes')} > 6e6`)
  })
  after(async () => {
    await (fred as Firefox | undefined)?.[Symbol.asyncDispose]()
    await (world as WatchWorld | undefined)?.[Symbol.asyncDispose]()
  })

  const untilTrue = (condition: string): Promise<true> =>
    until(
      condition,
      async () => (await fred.evaluate(`Boolean(${condition})`)) === true || undefined,
      AbortSignal.timeout(30_000),
    )

  it('plays, with our controls, and takes from a colleague in Chromium', async () => {
    await fred.goto(`${world.address}/bundles/${BUNDLE}/watch`)
    await untilTrue(`${VIDEO}?.currentTime > 1 && customElements.get('media-controller') !== undefined`)
    await untilTrue(`${FIGURE('peers')} === 1 && ${FIGURE('colleaguesBytes')} > 1e6`)
    assert.match(
      String(await fred.evaluate(`document.querySelector('[data-chip]').textContent`)),
      / from colleagues$/,
    )
  })

  it('plays on after a jump, forth and back', async () => {
    for (const seconds of [50, 5]) {
      await fred.evaluate(`(${VIDEO}.currentTime = ${seconds}, ${VIDEO}.play(), 1)`)
      await untilTrue(`${VIDEO}.currentTime > ${seconds + 0.5} && !${VIDEO}.seeking`)
    }
  })

  it('gives to somebody who comes when no other is there', async () => {
    await untilTrue(`${FIGURE('gatewayBytes')} > 0`)
    const before = Number(await fred.evaluate(FIGURE('uploadedBytes')))
    await ann.browser.close()
    const cat = await world.arrive('cat')
    await cat.clickWatch()
    await cat.until(`${FIGURE('colleaguesBytes')} > 1e6`)
    await untilTrue(`${FIGURE('uploadedBytes')} > ${before + 1e6}`)
    await cat.browser.close()
  })

  it('complains of nothing but of reads that a jump ended', () => {
    const others = fred.troubles.filter(
      (said) => !said.startsWith('Failed to load ‘’. A ServiceWorker intercepted'),
    )
    assert.deepEqual(others, [])
  })
})

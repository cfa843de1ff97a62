/** Every page in Chromium, at the size of a phone, light and dark: axe finds nothing, nothing overflows, little script. */
import assert from 'node:assert/strict'
import type { Browser } from 'playwright-core'
import { listenHttp, type HttpListener } from '../../src/platform/http-listener.ts'
import { FakeMaker } from '../portal/fake-maker.ts'
import { openTestPortal, type TestPortal } from '../portal/test-portal.ts'
import { torrentNamed } from '../portal/torrents.ts'
import { CHROMIUM, launchChromium } from '../support/chromium.ts'
import { recordFigures } from '../support/figures.ts'
import { needs } from '../support/needs.ts'
import { mustBeGood, mustBeReadableToo, SCRIPT_BYTES_MAX, scriptsOf } from '../support/page-check.ts'
import { FIRST_PAGE, PAGES, type ListedPage } from '../support/page-list.ts'
import { PageWorld, type Places } from '../support/page-world.ts'
import { PageVisits } from '../support/page-visits.ts'

const PHONE = { width: 360, height: 740 }

describe('Every page', function () {
  this.timeout(120_000)
  const stack = new AsyncDisposableStack()
  let portal: TestPortal
  let visits: PageVisits
  let places: Places

  before(async function () {
    needs(this, CHROMIUM)
    const listener: HttpListener = stack.use(
      await listenHttp(() => undefined, { host: '127.0.0.1', port: 0 }),
    )
    const address = `http://127.0.0.1:${listener.port}`
    portal = stack.use(
      await openTestPortal({
        publicUrl: address,
        publishing: () => new FakeMaker(),
        learning: { record: 'true' },
      }),
    )
    listener.setHandler(portal.portal.handler)
    const browser: Browser = stack.adopt(await launchChromium(), (open) => open.close())
    const world = new PageWorld({ address, adminToken: portal.adminToken })
    visits = new PageVisits(browser, world, { viewport: PHONE, colorScheme: 'light' })
    await world.begin(portal.portal.setupUrl ?? '')
    await look(FIRST_PAGE)
    places = await world.fill(await bundles())
  })
  after(() => stack.disposeAsync())

  /** One for everyone, with two releases, by whom the world calls its publisher; and one for a few. */
  async function bundles(): Promise<{ open: string; closed: string }> {
    const grace = await portal.token('publisher', { user: 'grace' })
    const description = 'What to do when the alarm rings. Please watch it before your first shift.'
    const { slug: open } = await portal.live(grace, { title: 'Fire safety 2026', description, tags: ['safety', 'mandatory'] }) // prettier-ignore
    await portal.postTorrent(grace, open, torrentNamed('second'), '?notes=With+subtitles').expect(201)
    const { slug: closed } = await portal.live(
      portal.adminToken,
      { title: 'Minutes', audience: ['board'] },
      'm.mp4',
    )
    return { open, closed }
  }

  async function look(listed: ListedPage): Promise<void> {
    await using visit = await visits.open(listed, places)
    await mustBeGood(visit.page)
    await mustBeReadableToo(visit.page, 'dark')
    assert.deepEqual(visit.troubles, [])
  }

  for (const listed of PAGES)
    it(`can be used: ${listed.name}`, async () => {
      await look(listed)
    })

  it('is there with little script: the first one after signing in', async () => {
    const library = PAGES.find(({ name }) => name === 'library')
    assert.ok(library !== undefined)
    await using visit = await visits.open(library, places, scriptsOf)
    const bytes = await visit.watched.gzippedBytes()
    recordFigures('script of the library page', { gzippedBytes: bytes })
    assert.ok(bytes <= SCRIPT_BYTES_MAX, `${bytes} bytes`)
  })

  it('is weighed by what its scripts are: the page for operators has some', async () => {
    const operate = PAGES.find(({ name }) => name === 'operate')
    assert.ok(operate !== undefined)
    await using visit = await visits.open(operate, places, scriptsOf)
    const bytes = await visit.watched.gzippedBytes()
    assert.ok(bytes > 0 && bytes <= SCRIPT_BYTES_MAX, `${bytes} bytes`)
  })
})

/**
 * Viewer, operator and security officer in Chromium, at a desk and on a phone, against a real portal, tracker and origin. The
 * publisher's journey is in `publish-in-browser.test.ts`.
 */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { CHROMIUM, launchChromium } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'
import { mustBeGood, visitorOf, type Visitor } from '../support/page-check.ts'
import { run } from '../support/processes.ts'
import { shoal, shoalOk } from '../support/processes-shoal.ts'
import { digestOf } from '../support/tree.ts'
import { FILE, Running } from './running.ts'

const PASSWORD = 'lamp river nineteen cobalt'
const SIZES = {
  'at a desk': { viewport: { width: 1280, height: 900 }, colorScheme: 'light' },
  'on a phone': { viewport: { width: 360, height: 700 }, colorScheme: 'dark' },
} as const satisfies Record<string, BrowserContextOptions>

describe('Journeys in a real browser', function () {
  this.timeout(120_000)
  let running: Running
  let browser: Browser
  let admin: string

  before(async function () {
    needs(this, CHROMIUM, 'aria2c')
    running = await Running.start(AbortSignal.timeout(60_000))
    admin = (await readFile(join(running.dataDir, 'admin.token'), 'utf8')).trim()
    browser = await launchChromium()
  })
  after(async () => {
    await (browser as Browser | undefined)?.close()
    await (running as Running | undefined)?.[Symbol.asyncDispose]()
  })

  const goTo = async (page: Page, path: string): Promise<void> => {
    await page.goto(running.portal + path)
    await mustBeGood(page)
  }
  /** By an invitation, with a password of their own. */
  const arrive = async (visitor: Visitor, name: string, role: string): Promise<void> => {
    const answer = await fetch(`${running.portal}/api/v1/users`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name, role }),
    })
    const { invitation } = (await answer.json()) as { invitation: { url: string } }
    await visitor.page.goto(invitation.url)
    await mustBeGood(visitor.page)
    await visitor.page.fill('input[name=password]', PASSWORD)
    await visitor.page.click('main button[type=submit]')
    await visitor.page.waitForSelector('text=Library')
    await mustBeGood(visitor.page)
  }

  for (const [where, size] of Object.entries(SIZES)) {
    const at = where === 'at a desk' ? 'desk' : 'phone'

    it(`of a viewer ${where}: finds it with a slip, downloads it with a client of their own`, async () => {
      const visitor = await visitorOf(browser, { ...size, acceptDownloads: true })
      const { page, troubles } = visitor
      await arrive(visitor, `vera-${at}`, 'viewer')
      assert.equal(await page.locator('text=Publish').count(), 0)
      await page.fill('input[type=search]', 'fyre safety')
      await page.keyboard.press('Enter')
      const found = 'main a:has-text("Fire safety 2026")'
      await page.waitForSelector(found)
      await mustBeGood(page)
      await page.click(found)
      await page.click('button:has-text("Get it")')
      await mustBeGood(page)
      const coming = page.waitForEvent('download')
      await page.click('text=Download the .torrent')
      const torrent = join(running.dir, `${at}.torrent`)
      await (await coming).saveAs(torrent)
      const out = join(running.dir, `${at}-out`)
      const quiet = ['--enable-dht=false', '--bt-enable-lpd=false', '--seed-time=0', '--summary-interval=0']
      const argv = ['aria2c', '--no-conf', ...quiet, '--allow-overwrite=true', `--dir=${out}`, torrent]
      const ended = await run({ argv })
      assert.equal(ended.code, 0, ended.stdout + ended.stderr)
      assert.equal(await digestOf(join(out, FILE.name)), await digestOf(join(running.library, FILE.name)))
      for (const path of ['/grants', '/requests', '/account']) await goTo(page, path)
      for (const path of ['/operate', '/people', '/audit', '/publish']) {
        const answer = await page.goto(running.portal + path)
        assert.equal(answer?.status(), 404, path)
      }
      assert.deepEqual(
        troubles.filter((said) => !/404/.test(said)),
        [],
      )
    })

    it(`of an operator ${where}: sees how it runs, and in which site an address is`, async () => {
      const visitor = await visitorOf(browser, size)
      const { page, troubles } = visitor
      await arrive(visitor, `olga-${at}`, 'operator')
      await goTo(page, '/operate')
      assert.match((await page.textContent('main')) ?? '', /All is well/)
      await goTo(page, '/sites')
      await page.fill('textarea[name=map]', 'lyon 10.4.0.0/16\nhome 127.0.0.0/8\n')
      await page.click('text=Use this map')
      await page.fill('input[name=address]', '10.4.7.9')
      await page.click('text=Look')
      await page.waitForSelector('text=lyon')
      await mustBeGood(page)
      assert.match((await page.textContent('[role=status]')) ?? '', /10\.4\.7\.9 is in lyon/)
      assert.deepEqual(troubles, [])
    })

    it(`of a security officer ${where}: sees who was given what, ends it, and recalls a release`, async () => {
      const visitor = await visitorOf(browser, size)
      const { page, troubles } = visitor
      await arrive(visitor, `sofia-${at}`, 'operator')
      const person = running.person('officer')
      const env = { SHOAL_PORTAL: running.portal, SHOAL_TOKEN: admin }
      const where_ = { ...person, env }
      const magnet = String(
        (await shoalOk(where_, 'link', 'link', FILE.bundle, '--for', `vera-${at}`)).magnet,
      )
      await goTo(page, `/grants?user=vera-${at}`)
      await page.click('button:has-text("Revoke") >> nth=0')
      await page.waitForSelector('text=Revoked: every tracker refuses it')
      await mustBeGood(page)
      const refused = await shoal(where_, 'get', magnet, '--out', join(running.dir, `${at}-refused`))
      assert.equal(refused.code, 3, refused.stdout + refused.stderr)

      await goTo(page, '/audit')
      await page.fill('input[name=actor]', `sofia-${at}`)
      await page.selectOption('select[name=action]', 'grant-revoked')
      await page.click('text=Show')
      await mustBeGood(page)
      assert.match((await page.textContent('main table')) ?? '', new RegExp(`sofia-${at}`))
      const coming = page.waitForEvent('download')
      await page.click('text=All of these as CSV')
      const csv = await readFile(await (await coming).path(), 'utf8')
      assert.match(csv, new RegExp(`sofia-${at}`))
      assert.deepEqual(troubles, [])
    })
  }

  it('of a security officer end with a recall: nobody gets it any more', async () => {
    const visitor = await visitorOf(browser, SIZES['at a desk'])
    const { page } = visitor
    await arrive(visitor, 'sofia', 'operator')
    await goTo(page, `/bundles/${FILE.bundle}`)
    await page.click('summary:has-text("Recall")')
    await page.fill('input[name=reason]', 'It names a customer')
    await page.click('text=Recall it')
    await page.waitForSelector('text=It names a customer')
    await mustBeGood(page)
    const env = { SHOAL_PORTAL: running.portal, SHOAL_TOKEN: admin }
    const got = await shoal(
      { ...running.person('late'), env },
      'get',
      FILE.bundle,
      '--out',
      join(running.dir, 'late'),
    )
    assert.notEqual(got.code, 0)
    assert.match(got.stderr, /no live release/)
  })
})

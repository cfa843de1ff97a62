/** The pages about people, in Chromium at the size of a phone: from the set-up link to a request that is granted. */
import assert from 'node:assert/strict'
import type { Browser, Page } from 'playwright-core'
import { listenHttp, type HttpListener } from '../../src/platform/http-listener.ts'
import { openTestPortal, type TestPortal } from '../portal/test-portal.ts'
import { CHROMIUM, launchChromium } from '../support/chromium.ts'
import { needs } from '../support/needs.ts'
import { mustBeGood, visitorOf } from '../support/page-check.ts'

const HOSTILE = `"><img src=x onerror=alert(1)><script>alert(1)</script>`
const [PASSWORD, OTHER] = ['lamp river nineteen cobalt', 'paper anchor velvet thirty']
const PHONE = { viewport: { width: 360, height: 700 } }
const SUBMIT = 'main button[type=submit]'

describe('The pages about people in a real browser', function () {
  this.timeout(120_000)
  let portal: TestPortal
  let listener: HttpListener
  let browser: Browser
  let address: string

  before(async function () {
    needs(this, CHROMIUM)
    listener = await listenHttp(() => undefined, { host: '127.0.0.1', port: 0 })
    address = `http://127.0.0.1:${listener.port}`
    portal = await openTestPortal({
      publicUrl: address,
      companyLogin: { issuer: 'http://127.0.0.1:9', label: 'Sign in with Example Ltd.' },
    })
    listener.setHandler(portal.portal.handler)
    browser = await launchChromium()
  })
  after(async () => {
    await (browser as Browser | undefined)?.close()
    await (listener as HttpListener | undefined)?.[Symbol.asyncDispose]()
    await (portal as TestPortal | undefined)?.[Symbol.asyncDispose]()
  })

  const goTo = async (page: Page, path: string): Promise<void> => {
    await page.goto(`${address}${path}`)
    await mustBeGood(page)
  }
  const submit = async (page: Page, button = SUBMIT): Promise<void> => {
    await page.click(button)
    await mustBeGood(page)
  }

  it('lead from the set-up link to a colleague who asks for a bundle and gets it', async () => {
    const { page: admin, troubles } = await visitorOf(browser, PHONE)
    const viewer = await visitorOf(browser, { ...PHONE, colorScheme: 'light' })
    await goTo(admin, '/login')
    const setUp = portal.portal.setupUrl ?? ''
    await goTo(admin, new URL(setUp).pathname)
    await admin.fill('input[name=name]', 'ada')
    await admin.fill('input[name=displayName]', HOSTILE)
    await admin.fill('input[name=password]', PASSWORD)
    await submit(admin)
    const { slug } = await portal.live(portal.adminToken, { title: HOSTILE, audience: ['board'] })

    await goTo(admin, '/groups')
    await admin.fill('input[name=name]', 'Sales')
    await admin.fill('input[name=description]', HOSTILE)
    await submit(admin, 'main section.column button')
    await goTo(admin, '/people')
    await admin.fill('main form[method=post] input[name=name]', 'grace')
    await admin.fill('main input[name=displayName]', HOSTILE)
    await submit(admin, 'main section.column button')
    const invitation = await admin.inputValue('.panel input')
    await goTo(admin, '/people/grace')
    await submit(admin, 'text=Put into the group')

    await viewer.page.goto(invitation)
    await mustBeGood(viewer.page)
    await viewer.page.fill('input[name=password]', OTHER)
    await submit(viewer.page)
    await viewer.page.goto(`${address}/bundles/${slug}`)
    await mustBeGood(viewer.page)
    await viewer.page.fill('textarea[name=reason]', HOSTILE)
    await submit(viewer.page)

    await goTo(admin, '/requests')
    await admin.fill('input[name=until]', '2999-12-31')
    await submit(admin, 'button:has-text("Grant")')
    await goTo(admin, `/bundles/${slug}`)
    await goTo(viewer.page, '/')
    await viewer.page.click('text=1 new')
    assert.match((await viewer.page.textContent('main')) ?? '', /granted, until 31 Dec 2999/)
    await mustBeGood(viewer.page)
    await viewer.page.click(`main a[href="/bundles/${slug}"]`)
    await submit(viewer.page, 'button:has-text("Get it")')
    assert.match(await viewer.page.inputValue('label:has-text("Magnet") input'), /^magnet:/)

    await goTo(admin, '/audit?action=access-granted')
    await goTo(admin, '/people')
    await goTo(admin, '/grants?user=grace')
    await submit(admin, 'button:has-text("Revoke")')
    await goTo(admin, '/sites?address=10.4.7.9')
    await admin.fill('textarea', 'a-site-with-a-long-name 10.4.0.0/16,10.5.0.0/16,10.6.0.0/16 peering=off')
    await submit(admin, 'text=Use this map')
    assert.deepEqual(troubles, [])
    assert.deepEqual(
      viewer.troubles.filter((text) => !text.includes('404')),
      [],
    )
    await admin.context().close()
    await viewer.page.context().close()
  })

  it('let a person make a token, and a terminal in, by the keyboard alone', async () => {
    const { page, troubles } = await visitorOf(browser, PHONE)
    await goTo(page, '/activate')
    assert.equal(new URL(page.url()).pathname, '/login')
    await page.focus('input[name=name]')
    await page.keyboard.type('grace')
    await page.keyboard.press('Tab')
    await page.keyboard.type(OTHER)
    await page.keyboard.press('Enter')
    await page.waitForURL('**/activate')
    const started = await portal
      .api('post', '/logins')
      .send({ client: HOSTILE.slice(0, 100) })
      .expect(201)
    await page.keyboard.press('Tab')
    await page.focus('input[name=code]')
    await page.keyboard.type((started.body as { userCode: string }).userCode)
    await page.keyboard.press('Enter')
    await page.waitForSelector('button:has-text("Allow")')
    await mustBeGood(page)
    await page.focus('select[name=role]')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.waitForSelector('text=Go back to the terminal')
    await mustBeGood(page)
    await goTo(page, '/account')
    await page.fill('form[action="/account/tokens"] input[name=name]', HOSTILE.slice(0, 64))
    await submit(page, 'text=Make a token')
    assert.match(await page.inputValue('.panel input'), /^shoal_/)
    assert.deepEqual(troubles, [])
    await page.context().close()
  })
})

/**
 * A publisher in Chromium, at a desk and on a phone, against a real portal, tracker and origin: a folder is uploaded, the server
 * is killed in the middle, the upload goes on, and a colleague's client gets what was published, byte for byte.
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { CHROMIUM, launchChromium } from '../support/chromium.ts'
import { freePort } from '../support/free-port.ts'
import { needs } from '../support/needs.ts'
import { mustBeGood, visitorOf, type Visitor } from '../support/page-check.ts'
import { shoalOk, startShoal, untilEvent } from '../support/processes-shoal.ts'
import { until, type Child } from '../support/processes.ts'
import { mediaFile } from '../seeder/support/media-files.ts'
import { digestOf, digestsOf, seededBytes } from '../support/tree.ts'

const DESK = { viewport: { width: 1280, height: 900 }, colorScheme: 'light' } as const
const PHONE = { viewport: { width: 360, height: 700 }, colorScheme: 'dark' } as const
const PUBLISH = 'button[name=then][value=publish]'
const HOSTILE = '"><img src=x onerror=alert(1)>.bin'
const PLAYS = 'document.querySelector("video")?.currentTime > 0.5'
/** Two of the page's portions of 32 MiB. */
const FILM_BYTES = 40 * 1_024 * 1_024

describe('Publishing in a real browser', function () {
  this.timeout(120_000)
  let dir: string
  let address: string
  let up: Child | undefined
  let browser: Browser

  const start = async (): Promise<void> => {
    const where = {
      dataDir: join(dir, 'data'),
      env: { SHOAL_LIBRARY_AUTOMATIC: 'false', SHOAL_PORTAL_UPLOAD_KEEP_FREE: '100MB' },
    }
    const listen = ['--listen', new URL(address).host, '--peer-port', '0']
    up = startShoal(where, 'up', '--library', join(dir, 'library'), ...listen)
    await untilEvent(up, 'ready')
  }
  before(async function () {
    needs(this, CHROMIUM)
    dir = await mkdtemp(join(tmpdir(), 'shoal-publish-'))
    address = `http://127.0.0.1:${await freePort()}`
    await mkdir(join(dir, 'library', 'films'), { recursive: true })
    await writeFile(join(dir, 'library', 'films', 'Drill & practice.bin'), seededBytes('drill', 1_000_000))
    await writeFile(join(dir, 'library', HOSTILE), 'not to be published by this name')
    await mkdir(join(dir, 'course', 'week 1'), { recursive: true })
    await writeFile(join(dir, 'course', 'week 1', 'film.bin'), seededBytes('film', FILM_BYTES))
    await writeFile(join(dir, 'course', 'Économie & notes.txt'), 'notes')
    await writeFile(join(dir, 'course', 'empty.txt'), '')
    await mkdir(join(dir, 'lessons', 'deep'), { recursive: true })
    await writeFile(join(dir, 'lessons', 'deep', 'one.txt'), 'one')
    await writeFile(join(dir, 'lessons', 'two.txt'), 'two')
    await start()
    browser = await launchChromium()
  })
  after(async () => {
    await (browser as Browser | undefined)?.close()
    await up?.[Symbol.asyncDispose]()
    await rm(dir, { recursive: true, force: true })
  })

  const signIn = async ({ page }: Visitor): Promise<void> => {
    await page.goto(`${address}/login`)
    await page.click('summary')
    await page.fill('input[name=token]', (await readFile(join(dir, 'data', 'admin.token'), 'utf8')).trim())
    await page.click('details button')
  }
  /** Signed in, and before a new upload. */
  const uploader = async (look: BrowserContextOptions): Promise<Visitor> => {
    const visitor = await visitorOf(browser, look)
    const { page } = visitor
    await signIn(visitor)
    await page.goto(`${address}/publish`)
    await page.click('text=Upload files')
    await page.waitForSelector('#drop:not([hidden])')
    return visitor
  }
  const handIn = async (page: Page): Promise<void> => {
    await page.fill('input[name=rights]', 'Made by our own people')
    await mustBeGood(page)
    await page.click(PUBLISH)
    await page.waitForSelector('text=The server has all of it', { timeout: 60_000 })
    await mustBeGood(page)
  }
  const got = async (what: string): Promise<string> => {
    const out = join(dir, 'got')
    const tokens = { SHOAL_PORTAL: address, SHOAL_TOKEN_FILE: join(dir, 'data', 'admin.token') }
    await shoalOk({ dataDir: join(dir, 'colleague'), env: tokens }, 'done', 'get', what, '--out', out)
    return out
  }

  it('goes on with an upload after the server was killed in the middle of it', async () => {
    const visitor = await visitorOf(browser, DESK)
    const { page } = visitor
    await signIn(visitor)
    await page.click('text=Publish')
    await mustBeGood(page)
    await page.click('text=Upload files')
    await page.waitForSelector('#drop:not([hidden])')
    await mustBeGood(page)
    const second = once(new EventOnSecondPortion(page).target, 'second')
    await page.setInputFiles('#pick-folder', join(dir, 'course'))
    await second
    up?.kill('SIGKILL')
    await up?.exited
    const draft = page.url()
    await page.close()
    await start()

    const again = await page.context().newPage()
    const offsets: number[] = []
    again.on('request', (asked) => {
      if (asked.method() === 'PATCH') offsets.push(Number(asked.headers()['upload-offset']))
    })
    await again.goto(draft)
    await mustBeGood(again)
    await again.fill('input[name=title]', 'First <b>course</b>')
    await again.setInputFiles('#pick-folder', join(dir, 'course'))
    await again.waitForSelector('#review', { timeout: 60_000 })
    assert.ok(Math.max(...offsets) > 0, `it began anew: ${offsets.join(', ')}`)
    assert.equal(await again.inputValue('input[name=title]'), 'First <b>course</b>') // written while it went
    await handIn(again)
    const folder = join(await got('first-b-course-b'), 'course')
    assert.deepEqual(await digestsOf(folder), await digestsOf(join(dir, 'course')))
    assert.deepEqual(
      visitor.troubles.filter((said) => !/ERR_(CONNECTION|EMPTY|FAILED|ABORTED)/.test(said)),
      [],
    )
  })

  it('chooses what is on the server already, and makes a new release, on a phone', async () => {
    const visitor = await visitorOf(browser, PHONE)
    const { page, troubles } = visitor
    await signIn(visitor)
    await page.goto(`${address}/publish/library`)
    await mustBeGood(page)
    await page.click('text=films')
    await mustBeGood(page)
    await page.click('button:has-text("Publish")')
    await page.fill('textarea[name=description]', HOSTILE)
    await page.fill('input[name=tags]', HOSTILE.slice(0, 40))
    await page.fill('textarea[name=notes]', HOSTILE)
    await handIn(page)
    const file = join(await got('drill-practice'), 'Drill & practice.bin')
    assert.equal(await digestOf(file), await digestOf(join(dir, 'library', 'films', 'Drill & practice.bin')))
    await page.goto(`${address}/publish/library?path=films`)
    await mustBeGood(page)
    assert.match((await page.textContent('table')) ?? '', /drill-practice, release 1/)

    await page.goto(`${address}/bundles/drill-practice`)
    await page.click('text=Publish a new release')
    await page.waitForSelector('#drop:not([hidden])')
    await page.setInputFiles('#pick-files', {
      name: 'Drill 2.bin',
      mimeType: 'application/octet-stream',
      buffer: seededBytes('two', 50_000),
    })
    await page.waitForSelector('#review')
    await handIn(page)
    await page.click('text=See drill-practice, release 2')
    await mustBeGood(page)
    await page.click('summary:has-text("Recall release 2")')
    await page.fill('input[name=reason]', 'An error in it')
    await page.click('text=Recall it')
    await page.waitForSelector('text=An error in it')
    await mustBeGood(page)
    await page.goto(`${address}/publish`)
    await mustBeGood(page)
    assert.deepEqual(troubles, [])
  })

  it('takes a folder that is dropped, and lets a file be taken out without losing what was written', async () => {
    const { page, troubles } = await uploader(DESK)
    await dropOn(page, '#drop', join(dir, 'lessons'))
    await page.waitForSelector('#review', { timeout: 60_000 })
    assert.match((await page.textContent('#listed')) ?? '', /lessons\/deep\/one\.txt[^]*lessons\/two\.txt/)
    assert.equal(await page.inputValue('input[name=title]'), 'Lessons')
    await page.fill('textarea[name=notes]', 'written meanwhile')
    await page.click('button[aria-label="Take out lessons/two.txt"]')
    await page.waitForSelector('button[aria-label="Take out lessons/two.txt"]', { state: 'detached' })
    assert.equal(await page.inputValue('textarea[name=notes]'), 'written meanwhile')
    await mustBeGood(page)
    await page.click('summary:has-text("Delete this draft")')
    await page.click('text=Delete it')
    await page.waitForSelector('text=Deleted.')
    assert.deepEqual(troubles, [])
  })

  it('offers to mend a film whose description is at its end, and what it made of it plays', async function () {
    needs(this, 'ffmpeg')
    const { page, troubles } = await uploader(DESK)
    await page.setInputFiles('#pick-files', mediaFile('late.mp4'))
    const offer = 'button:has-text("Move the description to the front")'
    await page.waitForSelector(offer, { timeout: 60_000 })
    await mustBeGood(page)
    await page.click(offer)
    await page.waitForSelector('text=Its description was moved to the front', { timeout: 60_000 })
    assert.equal(await page.locator(offer).count(), 0)
    await page.fill('input[name=title]', 'Late no more')
    await handIn(page)
    await page.goto(`${address}/bundles/late-no-more`)
    await page.click('a.watch')
    await until(
      'it to play',
      async () => (await page.evaluate(PLAYS)) === true || undefined,
      AbortSignal.timeout(30_000),
    )
    const copy = await readFile(join(await got('late-no-more'), 'late.mp4'))
    assert.ok(copy.indexOf('moov') < copy.indexOf('mdat'))
    assert.deepEqual(troubles, [])
  })

  it('says in one sentence what cannot be uploaded, and sends nothing of it', async () => {
    const { page } = await uploader(PHONE)
    await page.setInputFiles('#pick-files', {
      name: 'con.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('x'),
    })
    await page.waitForSelector('#upload-problem:not([hidden])')
    assert.match(
      (await page.textContent('#upload-problem')) ?? '',
      /"con.txt" cannot be uploaded: it is a device name on Windows/,
    )
    await mustBeGood(page)
    await page.click('summary:has-text("Delete this draft")')
    await page.click('text=Delete it')
    await page.waitForSelector('text=Deleted.')
    await mustBeGood(page)
  })
})

/** As somebody drops it who drags it from their desktop. */
async function dropOn(page: Page, selector: string, path: string): Promise<void> {
  const box = await page.locator(selector).boundingBox()
  assert.ok(box !== null)
  const [x, y] = [box.x + box.width / 2, box.y + 10]
  const devtools = await page.context().newCDPSession(page)
  for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
    await devtools.send('Input.dispatchDragEvent', {
      type,
      x,
      y,
      data: { items: [], files: [path], dragOperationsMask: 1 },
    })
}

/** Holds the page's uploads back after their first portion, and says so. */
class EventOnSecondPortion {
  readonly target = new EventTarget()

  constructor(page: Page) {
    void page.route('**/api/v1/uploads/*', async (route) => {
      if (Number(route.request().headers()['upload-offset'] ?? 0) === 0) {
        await route.continue()
        return
      }
      this.target.dispatchEvent(new Event('second'))
      await route.abort()
    })
  }
}

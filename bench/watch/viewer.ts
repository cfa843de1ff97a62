/** Somebody who watches: a person of its own, with nothing that another one's pages keep. */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import type { BrowserContext, Page } from 'playwright-core'
import { probe, type Probe, type Seen } from './probe.ts'
import type { Stage } from './stage.ts'
import type { ViewerBrowser } from './viewer-browser.ts'

/** A small one: with software alone a large picture takes as much of a core as its coder does. */
const SCREEN = { width: 480, height: 360 }
const PASSWORD = 'lamp river nineteen cobalt'
const LOOK_EVERY_MS = 200
const TROUBLES_MAX = 20

export type Way = 'watch' | 'plain'

interface ViewerParts {
  readonly name: string
  readonly browser: ViewerBrowser
  readonly stage: Stage
}

export class Viewer implements AsyncDisposable {
  readonly name: string
  readonly browser: ViewerBrowser
  readonly #stage: Stage
  readonly #contexts = new Set<BrowserContext>()
  /** Who is signed in: each watching begins with nothing else. */
  #cookies: Awaited<ReturnType<BrowserContext['cookies']>> = []
  #hasLeft = false

  private constructor({ name, browser, stage }: ViewerParts) {
    this.name = name
    this.browser = browser
    this.#stage = stage
  }

  /** Signed in as a person of its own. */
  static async arrive(parts: ViewerParts): Promise<Viewer> {
    const viewer = new Viewer(parts)
    parts.browser.entered()
    try {
      await viewer.#signIn()
    } catch (error) {
      await viewer[Symbol.asyncDispose]()
      throw error
    }
    return viewer
  }

  async #signIn(): Promise<void> {
    const context = await this.browser.browser.newContext()
    const page = await context.newPage()
    await page.goto(await this.#stage.invitationOf(this.name))
    await page.fill('input[name=password]', PASSWORD)
    await page.click('main button[type=submit]')
    await page.waitForLoadState('load')
    this.#cookies = await context.cookies()
    if (this.#cookies.length === 0) throw new Error(`${this.name} is not signed in: ${page.url()}`)
    await context.close()
  }

  /** Goes there with nothing kept from before: no cache, no service worker. */
  async open(way: Way): Promise<Watching> {
    const stage = this.#stage
    const context = await this.browser.browser.newContext({ viewport: SCREEN })
    this.#contexts.add(context)
    context.once('close', () => this.#contexts.delete(context))
    await context.addCookies(this.#cookies)
    const page = await context.newPage()
    await page.addInitScript(probe)
    const url = `${stage.portal}${way === 'watch' ? stage.watchPath : PLAIN_PATH}`
    if (way === 'plain') await answerPlain(page, url, stage.filePath)
    const watching = new Watching(page)
    await page.goto(url, { waitUntil: 'commit' })
    return watching
  }

  /** Leaves, as somebody does who shuts what is open. Harmless when repeated. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#hasLeft) return
    this.#hasLeft = true
    await this.browser.left()
    await Promise.all([...this.#contexts].map((context) => context.close()))
  }
}

const PLAIN_PATH = '/plain-video-of-the-bench'

/** A page that is a `<video>` and nothing else, at the portal's address, where its cookie is sent. It costs no round trip. */
async function answerPlain(page: Page, url: string, filePath: string): Promise<void> {
  const session = await page.context().newCDPSession(page)
  const body = `<!doctype html><title>plain</title><video src="${filePath}" muted autoplay controls></video>`
  session.on('Fetch.requestPaused', ({ requestId }) => {
    const answer = { requestId, responseCode: 200, body: Buffer.from(body).toString('base64') }
    session.send('Fetch.fulfillRequest', answer).catch(() => undefined) // the page was closed
  })
  // This address alone: what the page loads goes its own way.
  await session.send('Fetch.enable', { patterns: [{ urlPattern: url }] })
}

/** A page that plays. */
export class Watching {
  readonly page: Page
  /** Errors of its scripts, and what it complains of on its console, as far as {@link TROUBLES_MAX}. */
  readonly troubles: string[] = []

  constructor(page: Page) {
    this.page = page
    const note = (text: string): void => {
      if (this.troubles.length < TROUBLES_MAX) this.troubles.push(text)
    }
    page.on('pageerror', (error) => note(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') note(message.text())
    })
  }

  seen(): Promise<Seen> {
    return this.page.evaluate(() => (globalThis as unknown as Playing).shoalBench.seen())
  }

  /** What was seen when the first picture was; rejects when there is none in time. */
  async untilFirstFrame(timeoutMs: number, signal: AbortSignal): Promise<Seen> {
    for (let waited = 0; waited < timeoutMs; waited += LOOK_EVERY_MS) {
      signal.throwIfAborted()
      const seen = await this.seen()
      if (seen.firstFrameMs !== null && seen.playingMs !== null) return seen
      await wait(LOOK_EVERY_MS, undefined, { signal })
    }
    throw new Error(`no picture after ${timeoutMs} ms: ${JSON.stringify(await this.seen())}`)
  }

  seek(toSeconds: number, timeoutMs: number): Promise<number | null> {
    return this.page.evaluate(
      ([to, timeout]) => (globalThis as unknown as Playing).shoalBench.seek(to, timeout),
      [toSeconds, timeoutMs] as const,
    )
  }

  async pause(): Promise<void> {
    await this.page.locator('video').evaluate((video: Playable) => video.pause())
  }

  async resume(): Promise<void> {
    await this.page.locator('video').evaluate((video: Playable) => video.play())
  }

  /** Whether the page has these bytes of the film as they are on disk. */
  async hasRightBytes(film: string, from: number, bytes: number): Promise<boolean> {
    const heard = await this.page.evaluate(
      ([at, length]) => (globalThis as unknown as Playing).shoalBench.digest(at, length),
      [from, bytes] as const,
    )
    await using file = await open(film)
    const { buffer } = await file.read(Buffer.alloc(bytes), 0, bytes, from)
    return heard === createHash('sha256').update(buffer).digest('hex')
  }

  async close(): Promise<void> {
    await this.page.context().close()
  }
}

interface Playable {
  pause(): void
  play(): Promise<void>
}

interface Playing {
  readonly shoalBench: Probe
}

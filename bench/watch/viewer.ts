/** Somebody who watches: a browser of its own, in a machine of its own. */
import { createHash } from 'node:crypto'
import { chmod, open, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { chromium, type Browser, type BrowserContext, type Page } from 'playwright-core'
import { CHROMIUM, QUIET_FLAGS } from '../../test/support/chromium.ts'
import { endAllIn, processesIn } from '../../test/support/namespaces.ts'
import type { LabHost } from '../lab/topology.ts'
import { cpuSecondsOf } from '../support/usage.ts'
import { probe, type Probe, type Seen } from './probe.ts'
import type { Stage } from './stage.ts'

/** A small one: with software alone a large picture takes as much of a core as its coder does. */
const SCREEN = { width: 480, height: 360 }
const PASSWORD = 'lamp river nineteen cobalt'
const LOOK_EVERY_MS = 200
const TROUBLES_MAX = 20
/** A browser that hangs is ended then. */
const CLOSE_MS = 15_000

export type Way = 'watch' | 'plain'

interface ViewerParts {
  readonly host: LabHost
  readonly stage: Stage
  readonly dir: string
  readonly hasRealAddresses: boolean
}

/** Disposing of it closes the browser, as somebody does who leaves. */
export class Viewer implements AsyncDisposable {
  readonly name: string
  readonly #parts: ViewerParts
  readonly #browser: Browser
  /** Who is signed in: each watching begins with nothing else. */
  #cookies: Awaited<ReturnType<BrowserContext['cookies']>> = []
  #cpuSeconds = 0

  private constructor(parts: ViewerParts, browser: Browser) {
    this.#parts = parts
    this.#browser = browser
    this.name = parts.host.name
  }

  /** Signed in as a person of its own. */
  static async arrive(parts: ViewerParts): Promise<Viewer> {
    const { host, stage, dir, hasRealAddresses } = parts
    const program = join(dir, `browser-of-${host.name}`)
    await writeFile(program, `#!/bin/sh\nexec ${host.argv([CHROMIUM]).join(' ')} "$@"\n`)
    await chmod(program, 0o755)
    const browser = await chromium.launch({
      executablePath: program,
      // Ours to end, in our order.
      handleSIGINT: false,
      handleSIGTERM: false,
      handleSIGHUP: false,
      args: [
        ...QUIET_FLAGS,
        `--ignore-certificate-errors-spki-list=${stage.keyHash}`,
        '--autoplay-policy=no-user-gesture-required',
        ...(hasRealAddresses ? ['--disable-features=WebRtcHideLocalIpsWithMdns'] : []),
      ],
    })
    const viewer = new Viewer(parts, browser)
    try {
      await viewer.#signIn()
    } catch (error) {
      await viewer[Symbol.asyncDispose]()
      throw error
    }
    return viewer
  }

  async #signIn(): Promise<void> {
    const context = await this.#browser.newContext()
    const page = await context.newPage()
    await page.goto(await this.#parts.stage.invitationOf(this.name))
    await page.fill('input[name=password]', PASSWORD)
    await page.click('main button[type=submit]')
    await page.waitForLoadState('load')
    this.#cookies = await context.cookies()
    if (this.#cookies.length === 0) throw new Error(`${this.name} is not signed in: ${page.url()}`)
    await context.close()
  }

  /** Goes there with nothing kept from before: no cache, no service worker. */
  async open(way: Way): Promise<Watching> {
    const { stage } = this.#parts
    const context = await this.#browser.newContext({ viewport: SCREEN })
    await context.addCookies(this.#cookies)
    const page = await context.newPage()
    await page.addInitScript(probe)
    const url = `${stage.portal}${way === 'watch' ? stage.watchPath : PLAIN_PATH}`
    if (way === 'plain') await answerPlain(page, url, stage.filePath)
    const watching = new Watching(page)
    await page.goto(url, { waitUntil: 'commit' })
    return watching
  }

  /** User and system, of all that the browser runs. */
  cpuSeconds(): number {
    const now = processesIn(this.#parts.host.namespace).reduce((all, pid) => all + cpuOf(pid), 0)
    return (this.#cpuSeconds = Math.max(this.#cpuSeconds, now))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { namespace } = this.#parts.host
    const watchdog = setTimeout(() => endAllIn(namespace), CLOSE_MS)
    await this.#browser.close().catch(() => undefined) // ended by the watchdog, or on its own
    clearTimeout(watchdog)
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

function cpuOf(pid: number): number {
  try {
    return cpuSecondsOf(pid)
  } catch {
    return 0 // it ended meanwhile
  }
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

interface Playing {
  readonly shoalBench: Probe
}

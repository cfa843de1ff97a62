/** `shoal up` with a film in its library, people who may watch it, and browsers that do. All on loopback, and gone afterwards. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { BLOCK_BYTES } from '../../src/core/piece-layout.ts'
import type { Watch } from '../../src/wire/api-watch.ts'
import type { ViewerOrder } from '../support/browser-viewer.ts'
import { launchChromium } from '../support/chromium.ts'
import { freePort } from '../support/free-port.ts'
import type { HostileOrder } from '../support/hostile-viewer.ts'
import { visitorOf, type Visitor } from '../support/page-check.ts'
import { startShoal, untilEvent } from '../support/processes-shoal.ts'
import { Child, runOk, until } from '../support/processes.ts'

const PUPPET = join(import.meta.dirname, '..', 'support', 'browser-viewer.ts')
const HOSTILE = join(import.meta.dirname, '..', 'support', 'hostile-viewer.ts')
const PASSWORD = 'lamp river nineteen cobalt'
/** Longer than a page fetches ahead, so that what is missing in mid-play has to come from somebody. */
const FILM_SECONDS = 60
const FILM_KBIT = 1_600
const CAPTIONS = 'WEBVTT\n\n00:00.000 --> 01:00.000\nWalk, do not run\n'

export const BUNDLE = 'fire-drill'
/** Its place among the release's files: the captions come before it. */
export const FILM = 1
export const DESK = { viewport: { width: 1280, height: 900 }, colorScheme: 'light' } as const
/** Loopback is the only network here, and has no multicast for names. */
const ON_LOOPBACK = ['--allow-loopback-in-peer-connection', '--disable-features=WebRtcHideLocalIpsWithMdns']

/** Small and full of noise, so that its rate is real. */
export async function makeFilm(path: string, seconds = FILM_SECONDS): Promise<void> {
  const rate = `${FILM_KBIT}k`
  await runOk([
    ...['ffmpeg', '-hide_banner', '-loglevel', 'error', '-y'],
    ...['-f', 'lavfi', '-i', 'testsrc2=s=160x90:r=12,noise=alls=60:allf=t'],
    ...['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000', '-t', String(seconds)],
    ...['-pix_fmt', 'yuv420p', '-c:v', 'libx264', '-preset', 'ultrafast', '-x264-params', 'nal-hrd=cbr'],
    ...['-g', '12', '-b:v', rate, '-minrate', rate, '-maxrate', rate, '-bufsize', rate],
    ...['-c:a', 'aac', '-b:a', '64k', '-movflags', '+faststart', path],
  ])
}

/** The page's own figures. */
export interface Figures {
  readonly colleagues: number
  readonly server: number
  readonly gateway: number
  readonly uploaded: number
  readonly peers: number
}

export class WatchWorld implements AsyncDisposable {
  readonly dir: string
  readonly address: string
  readonly film: string
  up!: Child
  readonly #stack = new AsyncDisposableStack()
  #admin = ''

  private constructor(dir: string, address: string) {
    this.dir = dir
    this.address = address
    this.film = join(dir, 'library', 'Fire drill', 'film.mp4')
  }

  /** Resolves when the film can be watched. */
  static async start(): Promise<WatchWorld> {
    const dir = await mkdtemp(join(tmpdir(), 'shoal-watch-'))
    const world = new WatchWorld(dir, `http://127.0.0.1:${await freePort()}`)
    await using stack = new AsyncDisposableStack()
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    stack.defer(async () => {
      await (world.up as Child | undefined)?.[Symbol.asyncDispose]()
    })
    await mkdir(join(dir, 'library', 'Fire drill'), { recursive: true })
    await makeFilm(world.film)
    await writeFile(world.film.replace('.mp4', '.en.vtt'), CAPTIONS)
    await world.begin()
    world.#admin = (await readFile(join(dir, 'data', 'admin.token'), 'utf8')).trim()
    await until(
      'the film to be live',
      async () => (await world.watchAs(world.#admin).catch(() => undefined)) && true,
      AbortSignal.timeout(60_000),
    )
    world.#stack.use(stack.move())
    return world
  }

  /** Starts the server, where it was before. */
  async begin(): Promise<void> {
    const where = {
      dataDir: join(this.dir, 'data'),
      logFile: join(this.dir, 'up.log'),
      env: {
        SHOAL_GATEWAY_UDP_PORT: '0',
        SHOAL_GATEWAY_BIND_ADDRESS: '127.0.0.1',
        SHOAL_LEARNING_RECORD: 'true',
      },
    }
    const listen = ['--listen', new URL(this.address).host, '--peer-port', '0']
    this.up = startShoal(where, 'up', '--library', join(this.dir, 'library'), ...listen)
    await untilEvent(this.up, 'ready', AbortSignal.timeout(60_000))
  }

  get admin(): string {
    return this.#admin
  }

  async api<T = unknown>(method: string, path: string, body?: object, token = this.#admin): Promise<T> {
    const answer = await fetch(`${this.address}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  /** What a page gets that begins to watch. */
  watchAs(
    token = this.#admin,
    bundle = BUNDLE,
    file = FILM,
  ): Promise<Watch & { grant: NonNullable<Watch['grant']> }> {
    return this.api('POST', `/bundles/${bundle}/releases/1/watch`, { file }, token)
  }

  /** A peer that is a program, with a grant of its own; it looks at what it has when that is so much of the whole. */
  async puppet(more: Partial<ViewerOrder>, share = 1): Promise<Child> {
    const { grant, infohash, sizeBytes, pieceLengthBytes, pieceHashes } = await this.watchAs()
    const order: ViewerOrder = {
      url: grant.trackerUrl,
      infoHash: infohash,
      sizeBytes,
      pieceLength: pieceLengthBytes,
      enough: { blocksLeft: Math.floor(((1 - share) * sizeBytes) / BLOCK_BYTES), pieceHashes },
      ...more,
    }
    return this.#stack.use(
      new Child({ argv: [process.execPath, PUPPET, JSON.stringify(order)], graceMs: 500 }),
    )
  }

  /** One who means harm, with a grant of its own. */
  async hostile(order: Omit<HostileOrder, 'url' | 'infoHash'>): Promise<Child> {
    const { grant, infohash } = await this.watchAs()
    const whole: HostileOrder = { url: grant.trackerUrl, infoHash: infohash, ...order }
    return this.#stack.use(
      new Child({ argv: [process.execPath, HOSTILE, JSON.stringify(whole)], graceMs: 500 }),
    )
  }

  /** The cookie of a person who was invited and came. */
  async cookieOf(name: string): Promise<{ name: string; value: string }> {
    const { invitation } = await this.api<{ invitation: { url: string } }>('POST', '/users', {
      name,
      role: 'viewer',
    })
    const answer = await fetch(invitation.url, {
      method: 'POST',
      redirect: 'manual',
      body: new URLSearchParams({ password: PASSWORD }),
    })
    const [cookie = '', value = ''] = (answer.headers.getSetCookie()[0]?.split(';')[0] ?? '').split(/=(.*)/s)
    assert.notEqual(value, '', `${name} is not signed in: ${answer.status}`)
    return { name: cookie, value }
  }

  /** A browser of their own, signed in; ended with this world at the latest. */
  async arrive(name: string, more: Arrival = {}): Promise<Viewer> {
    const browser =
      more.browser ??
      this.#stack.adopt(await launchChromium(...ON_LOOPBACK, ...(more.flags ?? [])), (open) => open.close())
    const visitor = await visitorOf(browser, { ...DESK, ...more.context })
    const cookie = { ...(await this.cookieOf(name)), httpOnly: true }
    await visitor.page.context().addCookies([{ ...cookie, url: more.address ?? this.address }])
    return new Viewer(visitor, { browser, address: more.address ?? this.address })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#stack.disposeAsync()
  }
}

interface Arrival {
  /** Shared with somebody who came before. */
  readonly browser?: Browser
  readonly flags?: readonly string[]
  readonly context?: BrowserContextOptions
  /** As the browser calls the server. */
  readonly address?: string
}

const WAIT_MS = 30_000
export const VIDEO = 'document.querySelector("video")'
const STATE = `JSON.stringify([${VIDEO}?.currentTime, ${VIDEO}?.paused, ${VIDEO}?.error?.message, ${VIDEO}?.readyState, document.querySelector('[data-chip]')?.textContent, { ...document.querySelector('[data-watch]')?.dataset }])`

export class Viewer {
  readonly page: Page
  readonly troubles: string[]
  readonly browser: Browser
  readonly #address: string

  constructor({ page, troubles }: Visitor, parts: { readonly browser: Browser; readonly address: string }) {
    this.page = page
    this.troubles = troubles
    this.browser = parts.browser
    this.#address = parts.address
  }

  /** By the library and the bundle's page, as people come. */
  async clickWatch(bundle = BUNDLE): Promise<void> {
    await this.page.goto(`${this.#address}/bundles/${bundle}`)
    await this.page.click('a.watch')
    await this.untilPlays()
  }

  /** Opens it again: that is no click, so the browser has to be told to play. */
  async reload(): Promise<void> {
    await this.page.reload()
    await this.until(`${VIDEO}?.readyState >= 2 && customElements.get("media-controller") !== undefined`)
    if ((await this.page.evaluate(`${VIDEO}.paused`)) === true) await this.page.click('media-play-button')
    await this.untilPlays()
  }

  get chip(): Promise<string> {
    return this.page.textContent('[data-chip]').then((text) => text ?? '')
  }

  /** The time of the film moves on from where it is, by a second at least. */
  async untilPlays(): Promise<void> {
    await this.until(`${VIDEO}?.readyState >= 2`)
    await this.until(`${VIDEO}.currentTime > ${(await this.time()) + 1}`)
  }

  /** Asked from outside: the page's own policy lets no text become a script of it. */
  async until(condition: string): Promise<void> {
    const look = async (): Promise<true | undefined> =>
      (await this.page.evaluate(`Boolean(${condition})`)) === true || undefined
    await until(condition, look, AbortSignal.timeout(WAIT_MS)).catch(async (error: unknown) => {
      const state = await this.page.evaluate(STATE)
      throw new Error(`${String(state)}\n${this.troubles.join('\n')}`, { cause: error })
    })
  }

  async time(): Promise<number> {
    return Number(await this.page.evaluate(`${VIDEO}.currentTime`))
  }

  /** Jumps there, and waits until it plays on from there, also when it had come to its end. */
  async seek(seconds: number): Promise<void> {
    const hasEnded = (await this.page.evaluate(`${VIDEO}.ended`)) === true
    await this.page.evaluate(`${VIDEO}.currentTime = ${seconds}`)
    if (hasEnded) await this.page.evaluate(`${VIDEO}.play()`)
    await this.until(`${VIDEO}.currentTime > ${seconds + 0.5} && !${VIDEO}.seeking`)
  }

  async figures(): Promise<Figures> {
    const of = await this.page.evaluate<Record<string, string | undefined>>(
      '({ ...document.querySelector("[data-watch]").dataset })',
    )
    const number = (name: string): number => Number(of[name] ?? 0)
    return {
      colleagues: number('colleaguesBytes'),
      server: number('serverBytes'),
      gateway: number('gatewayBytes'),
      uploaded: number('uploadedBytes'),
      peers: number('peers'),
    }
  }

  untilPeers(atLeast: number): Promise<void> {
    return this.until(`Number(document.querySelector("[data-watch]").dataset.peers) >= ${atLeast}`)
  }
}

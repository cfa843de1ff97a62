/** A portal on a data folder of its own, without a port, on a manual clock. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import request from 'supertest'
import type { InfoHash } from '../../src/core/ids.ts'
import { readConfig } from '../../src/platform/config.ts'
import { silentLogger, type Logger } from '../../src/platform/log.ts'
import type { Metrics } from '../../src/platform/metrics.ts'
import {
  companyLoginSettings,
  learningSettings,
  openPortal,
  portalSettings,
  type LiveSource,
  type Portal,
  type ReleaseMaker,
  type WebSeedContent,
} from '../../src/portal/index.ts'
import type { PagesFactory } from '../../src/portal/pages-host.ts'
import type { BundleDetail, Link, NewBundle, NewToken, Release, Role } from '../../src/wire/api.ts'
import type { ControlAnswer } from '../../src/wire/control.ts'
import { openControlAnswer } from '../../src/wire/control-answer.ts'
import '../../src/wire/device-certificate.ts' // its library sets globals: when a test loads it, mocha sees a leak
import { ManualClock } from '../support/manual-clock.ts'
import { torrentNamed } from './torrents.ts'

export const PUBLIC_URL = 'http://media.example.com'
export const TRACKER_URL = 'http://tracker.example.com:6969'

export interface TestPortalOptions {
  readonly settings?: Record<string, string>
  readonly companyLogin?: Record<string, string>
  readonly learning?: Record<string, string>
  readonly log?: Logger
  readonly dataDir?: string
  readonly publicUrl?: string
  readonly pages?: PagesFactory
  readonly metrics?: Metrics
  readonly live?: LiveSource
  readonly content?: WebSeedContent
  readonly publishing?: (() => ReleaseMaker) | undefined
  /** To go on with the time of a portal before. */
  readonly clock?: ManualClock
}

export async function openTestPortal(options: TestPortalOptions = {}): Promise<TestPortal> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), 'shoal-portal-')))
  const clock = options.clock ?? new ManualClock()
  const portal = await openPortal(
    {
      clock,
      log: options.log ?? silentLogger,
      dataDir,
      publicUrl: options.publicUrl ?? PUBLIC_URL,
      trackerUrl: TRACKER_URL,
      pages: options.pages,
      metrics: options.metrics,
      live: options.live,
      content: options.content,
      publishing: options.publishing,
      companyLogin: readConfig(companyLoginSettings, options.companyLogin ?? {}),
      learning: readConfig(learningSettings, options.learning ?? {}),
    },
    readConfig(portalSettings, options.settings ?? {}),
  )
  const adminToken = await readFile(portal.adminTokenFile, 'utf8').catch(async (error: unknown) => {
    await portal[Symbol.asyncDispose]()
    throw error
  })
  return new TestPortal({
    portal,
    clock,
    dataDir,
    adminToken: adminToken.trim(),
    keepsFolder: options.dataDir !== undefined,
  })
}

interface TestPortalParts {
  readonly portal: Portal
  readonly clock: ManualClock
  readonly dataDir: string
  readonly adminToken: string
  readonly keepsFolder: boolean
}

export class TestPortal implements AsyncDisposable {
  readonly portal: Portal
  readonly clock: ManualClock
  readonly dataDir: string
  readonly adminToken: string
  #keepsFolder: boolean

  constructor(parts: TestPortalParts) {
    this.portal = parts.portal
    this.clock = parts.clock
    this.dataDir = parts.dataDir
    this.adminToken = parts.adminToken
    this.#keepsFolder = parts.keepsFolder
  }

  get originToken(): string {
    return this.portal.originToken
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.portal[Symbol.asyncDispose]()
    if (!this.#keepsFolder) await rm(this.dataDir, { recursive: true })
  }

  /** Itself; its end takes the data folder along, although that was given. */
  owningFolder(): this {
    this.#keepsFolder = false
    return this
  }

  /** A request below /api/v1 with this token; without one, as nobody. */
  api(method: 'get' | 'post' | 'put' | 'delete', path: string, token?: string): request.Test {
    const test = request(this.portal.handler)[method](`/api/v1${path}`)
    return token === undefined ? test : test.set('authorization', `Bearer ${token}`)
  }

  /** A request to the portal itself. */
  get(path: string): request.Test {
    return request(this.portal.handler).get(path)
  }

  async token(role: Role, draft: Partial<NewToken> = {}): Promise<string> {
    const created = await this.api('post', '/tokens', this.adminToken)
      .send({ name: role, role, ...draft })
      .expect(201)
    return (created.body as { token: string }).token
  }

  async bundle(token: string, draft: Partial<NewBundle> = {}): Promise<string> {
    const made = await this.api('post', '/bundles', token)
      .send({ title: 'Fire safety', ...draft })
      .expect(201)
    return (made.body as { bundle: string }).bundle
  }

  postTorrent(token: string, slug: string, bytes: Uint8Array, query = ''): request.Test {
    return this.api('post', `/bundles/${slug}/releases${query}`, token)
      .set('content-type', 'application/x-bittorrent')
      .send(Buffer.from(bytes))
  }

  /** A release of a file with this name; the name makes its infohash. */
  async release(token: string, slug: string, name = 'film.mp4'): Promise<Release> {
    return (await this.postTorrent(token, slug, torrentNamed(name)).expect(201)).body as Release
  }

  /** What an origin says once it holds these in full. */
  async complete(infohashes: readonly InfoHash[], more: object = {}): Promise<void> {
    await this.api('post', '/presence', this.originToken)
      .send({
        peerId: 'a'.repeat(40),
        kind: 'origin',
        host: '10.1.2.3',
        port: 16_881,
        complete: infohashes,
        ...more,
      })
      .expect(200)
  }

  /** A bundle with one live release. */
  async live(
    token: string,
    draft: Partial<NewBundle> = {},
    name?: string,
  ): Promise<{ slug: string; release: Release }> {
    const slug = await this.bundle(token, draft)
    const release = await this.release(token, slug, name)
    await this.complete([release.infohash])
    return { slug, release }
  }

  async detail(token: string, slug: string): Promise<BundleDetail> {
    return (await this.api('get', `/bundles/${slug}`, token).expect(200)).body as BundleDetail
  }

  async link(token: string, slug: string, body: object = {}): Promise<Link> {
    const made = await this.api('post', `/bundles/${slug}/releases/latest/links`, token)
      .send(body)
      .expect(201)
    return made.body as Link
  }

  /** The control feed's answer, its signature checked. */
  async control(after: number, token = this.originToken): Promise<ControlAnswer> {
    const answer = await this.api('get', `/control?after=${after}`, token)
      .buffer(true)
      .parse(text)
      .expect(200)
    return openControlAnswer(answer.body as string, [this.portal.portalKey])
  }

  async audit(): Promise<{ action: string; subject: string; actor: string; detail: string }[]> {
    const page = await this.api('get', '/audit?limit=200', this.adminToken).expect(200)
    return (page.body as { items: { action: string; subject: string; actor: string; detail: string }[] })
      .items
  }
}

type Parser = Parameters<request.Test['parse']>[0]

/** supertest reads only what it knows as text; ours is application/jose. */
const text: Parser = (res, done) => {
  let body = ''
  res.on('data', (chunk: Buffer) => (body += chunk.toString()))
  res.on('end', () => {
    done(null, body)
  })
}

/** For .torrents. */
export const bytesOfBody: Parser = (res, done) => {
  const chunks: Buffer[] = []
  res.on('data', (chunk: Buffer) => chunks.push(chunk))
  res.on('end', () => {
    done(null, Buffer.concat(chunks))
  })
}

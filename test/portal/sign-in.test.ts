import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Router } from 'express'
import request from 'supertest'
import { minutes } from '../../src/core/units.ts'
import type { PagesFactory } from '../../src/portal/pages-host.ts'
import { openConnection } from '../../src/portal/database/connection.ts'
import { isFromHere } from '../../src/portal/http/sign-in.ts'
import { openTestPortal, PUBLIC_URL, type TestPortal } from './test-portal.ts'

/** Pages as small as can be: who is signed in, and the token for forms. */
const pages: PagesFactory = (services) =>
  Router()
    .get('/whoami', async (req, res) => {
      const account = await services.account(req)
      res.json({ user: account?.user ?? null, csrf: services.csrfToken(req) })
    })
    .get('/login', (_req, res) => {
      res.send('sign in')
    })

/** A browser: it keeps cookies. */
class Browser {
  readonly #agent: ReturnType<typeof request.agent>

  /** `with`: whose cookies it takes over. */
  constructor(portal: TestPortal, from?: Browser) {
    this.#agent = request.agent(portal.portal.handler)
    if (from !== undefined) this.#agent.jar = from.#agent.jar
  }

  get(url: string): request.Test {
    return this.#agent.get(url.replace(PUBLIC_URL, ''))
  }

  post(path: string): request.Test {
    return this.#agent.post(path)
  }

  async whoami(): Promise<{ user: string | null; csrf: string }> {
    return (await this.get('/whoami').expect(200)).body as { user: string | null; csrf: string }
  }
}

/** Node gives a list; the types say a text. */
const cookieOf = (answer: request.Response): string => [answer.headers['set-cookie']].flat().join('; ')

describe('Signing in', () => {
  let portal: TestPortal
  beforeEach(async () => (portal = await openTestPortal({ pages })))
  afterEach(() => portal[Symbol.asyncDispose]())

  it('by a one-time link works once, and for a quarter of an hour', async () => {
    const link = portal.portal.loginUrl()
    assert.ok(link.startsWith(`${PUBLIC_URL}/login/`))
    const browser = new Browser(portal)
    await browser.get(link).expect(303)
    assert.equal((await browser.whoami()).user, 'admin')
    await new Browser(portal).get(link).expect(401)
    const late = portal.portal.loginUrl()
    portal.clock.advance(minutes(15))
    await new Browser(portal).get(late).expect(401)
  })

  it('is offered by a set-up link at the first start only', async () => {
    await new Browser(portal).get(portal.portal.setupUrl ?? '').expect(303)
    await portal.portal[Symbol.asyncDispose]()
    const again = await openTestPortal({ pages, dataDir: portal.dataDir })
    assert.equal(again.portal.setupUrl, undefined)
    portal = again.owningFolder()
  })

  it('by an API token gives that token’s account, in a form and in JSON', async () => {
    const token = await portal.token('viewer', { user: 'vera' })
    const form = new Browser(portal)
    await form.post('/login').type('form').send({ token }).expect(303).expect('location', '/')
    assert.equal((await form.whoami()).user, 'vera')
    const json = new Browser(portal)
    await json.post('/login').send({ token }).expect(204)
    assert.equal((await json.whoami()).user, 'vera')
  })

  it('with a wrong token fails, and the form’s page is told', async () => {
    const browser = new Browser(portal)
    await browser.post('/login').send({ token: 'shoal_wrong' }).expect(401)
    await browser.post('/login').type('form').send({ token: 'x' }).expect('location', '/login?failed=1')
    await browser.post('/login').send({}).expect(400)
    assert.equal((await browser.whoami()).user, null)
  })

  it('that cannot be read, or comes too often, brings a person back to the form', async () => {
    await using strict = await openTestPortal({ settings: { failedLoginsPerMinuteMax: '2' } })
    const form = (token: string): request.Test =>
      new Browser(strict).post('/login').type('form').send({ token }).expect('location', '/login?failed=1')
    await form('x'.repeat(200))
    for (const wrong of ['one', 'two', 'three']) await form(wrong)
    await form(strict.adminToken)
    await new Browser(strict).post('/login').send({ token: 'wrong' }).expect(429)
  })

  it('lasts for as long as the setting says, however busy the person is', async () => {
    await using short = await openTestPortal({ pages, settings: { sessionLifeMs: String(minutes(60)) } })
    const browser = new Browser(short)
    await browser.get(short.portal.loginUrl()).expect(303)
    for (const pause of [9, 10, 11, 12, 13]) {
      short.clock.advance(minutes(pause))
      assert.equal((await browser.whoami()).user, 'admin')
    }
    short.clock.advance(minutes(11))
    assert.equal((await browser.whoami()).user, null)
  })

  describe('for a while without doing anything', () => {
    const settings = { sessionLifeMs: String(minutes(60)), sessionIdleMs: String(minutes(10)) }
    let short: TestPortal
    let browser: Browser
    beforeEach(async () => {
      short = await openTestPortal({ pages, settings })
      browser = new Browser(short)
      await browser.get(short.portal.loginUrl()).expect(303)
    })
    afterEach(() => short[Symbol.asyncDispose]())

    /** In steps, so that what the portal does every minute is done every minute. */
    const pass = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) {
        short.clock.advance(minutes(1))
        await new Promise(setImmediate)
      }
    }
    const user = async (): Promise<string | null> => (await browser.whoami()).user

    it('is over, and before that goes on', async () => {
      await pass(9)
      assert.equal(await user(), 'admin')
      await pass(9)
      assert.equal(await user(), 'admin')
      await pass(10)
      assert.equal(await user(), null)
    })

    it('is over although a page renews itself all the time', async () => {
      for (let i = 0; i < 5; i++) {
        await pass(2)
        await browser.get('/whoami').set('x-shoal-poll', '1').expect(200)
        await browser.get('/whoami?poll=1').expect(200)
        await browser.get('/assets/pages.css')
      }
      assert.equal(await user(), null)
    })

    it('is kept over a restart, and so is when it was last used', async () => {
      await pass(9)
      assert.equal(await user(), 'admin')
      short.clock.advance(minutes(0.5)) // before it is written by the minute
      const { portal: first, clock } = short
      await first[Symbol.asyncDispose]()
      const again = await openTestPortal({ pages, settings, dataDir: short.dataDir, clock })
      try {
        browser = new Browser(again, browser)
        clock.advance(minutes(9))
        assert.equal(await user(), 'admin')
      } finally {
        short = again.owningFolder()
      }
    })

    it('writes at most once a minute, however much is done', async () => {
      const writes = (): number => {
        using stack = new DisposableStack()
        const db = stack.adopt(openConnection(join(short.dataDir, 'portal.sqlite')), (open) => open.close())
        return (db.prepare('select expires_at as at from sessions').get() as { at: number }).at
      }
      const before = writes()
      short.clock.advance(minutes(0.9))
      for (let i = 0; i < 3; i++) await user()
      assert.equal(writes(), before)
      await pass(1)
      assert.equal(writes(), before + minutes(0.9))
    })
  })

  it('begins a new session, so that an id planted before is worth nothing', async () => {
    const browser = new Browser(portal)
    const before = cookieOf(await browser.get('/whoami'))
    const after = cookieOf(await browser.get(portal.portal.loginUrl()))
    assert.match(before, /shoal\.sid=/)
    assert.match(after, /shoal\.sid=.*HttpOnly.*SameSite=Lax/)
    assert.notEqual(before.split(';')[0], after.split(';')[0])
    const planted = request(portal.portal.handler)
      .get('/whoami')
      .set('cookie', before.split(';')[0] ?? '')
    assert.equal(((await planted).body as { user: unknown }).user, null)
  })

  it('ends with the token that it came by, and at signing out', async () => {
    const made = await portal
      .api('post', '/tokens', portal.adminToken)
      .send({ name: 'v', role: 'viewer' })
      .expect(201)
    const { id, token } = made.body as { id: string; token: string }
    const browser = new Browser(portal)
    await browser.post('/login').send({ token }).expect(204)
    await portal.api('delete', `/tokens/${id}`, portal.adminToken).expect(204)
    assert.equal((await browser.whoami()).user, null)
    const other = new Browser(portal)
    await other.get(portal.portal.loginUrl()).expect(303)
    await other.post('/logout').type('form').send({}).expect(403)
    const { csrf } = await other.whoami()
    await other.post('/logout').type('form').send({ _csrf: csrf }).expect(303)
    assert.equal((await other.whoami()).user, null)
  })

  it('gives the API a cookie to read by, and to change things only with the page’s token', async () => {
    const browser = new Browser(portal)
    await browser.get(portal.portal.loginUrl()).expect(303)
    await browser.get('/api/v1/me').expect(200)
    await browser.post('/api/v1/bundles').send({ title: 'Forged' }).expect(403)
    const { csrf } = await browser.whoami()
    await browser.post('/api/v1/bundles').set('x-csrf-token', csrf).send({ title: 'Ours' }).expect(201)
    await browser
      .post('/api/v1/bundles')
      .set('x-csrf-token', `${csrf}x`)
      .send({ title: 'Forged' })
      .expect(403)
    await browser.get('/api/v1/me').set('authorization', 'Bearer shoal_wrong').expect(401)
  })

  it('cannot be started by a form on another site', async () => {
    const post = new Browser(portal).post('/login').set('sec-fetch-site', 'cross-site')
    await post.type('form').send({ token: portal.adminToken }).expect(403)
  })

  it('over plain HTTP works from this machine only, unless the operator allows it', async () => {
    const settings = { trustProxy: 'loopback' }
    await using strict = await openTestPortal({ settings })
    const afar = (to: TestPortal): request.Test =>
      to.get(new URL(to.portal.loginUrl()).pathname).set('x-forwarded-for', '10.1.2.3')
    await afar(strict).expect(403)
    await using open = await openTestPortal({ settings: { ...settings, allowInsecureLogin: 'true' } })
    await afar(open).expect(303)
    await using tls = await openTestPortal({ settings, publicUrl: 'https://media.example.com' })
    const answer = await afar(tls).set('x-forwarded-proto', 'https').expect(303)
    assert.match(cookieOf(answer), /Secure/)
  })

  it('is from this machine at its own address too, which the set-up link names', () => {
    const own = { remoteAddress: '10.1.2.3', localAddress: '10.1.2.3' }
    assert.equal(isFromHere('10.1.2.3', own), true)
    assert.equal(isFromHere('::ffff:10.1.2.3', { ...own, localAddress: '::ffff:10.1.2.3' }), true)
    assert.equal(isFromHere('10.1.2.4', { ...own, remoteAddress: '10.1.2.4' }), false)
    // what a proxy on this machine passes on is no connection of its own
    assert.equal(isFromHere('10.1.2.4', own), false)
    assert.equal(isFromHere('10.1.2.3', { remoteAddress: '127.0.0.1', localAddress: '127.0.0.1' }), false)
    assert.equal(isFromHere('unknown', {}), false)
  })

  it('is closed for a while to an address that failed too often, and good tokens still work there', async () => {
    await using strict = await openTestPortal({ settings: { failedLoginsPerMinuteMax: '3' } })
    for (let i = 0; i < 3; i++) await strict.api('get', '/me', `shoal_${'x'.repeat(43)}`).expect(401)
    const refused = await strict.api('get', '/me', `shoal_${'x'.repeat(43)}`).expect(429)
    assert.match(refused.headers['retry-after'] ?? '', /^\d+$/)
    await strict.get(new URL(strict.portal.loginUrl()).pathname).expect(429)
    await strict.api('get', '/me', strict.adminToken).expect(200)
  })
})

describe('A token', () => {
  let portal: TestPortal
  before(async () => (portal = await openTestPortal()))
  after(() => portal[Symbol.asyncDispose]())

  it('is shown once, and is listed without its secret, with its last use', async () => {
    const token = await portal.token('publisher', { name: 'laptop', user: 'paula', groups: ['ops', 'ops'] })
    assert.match(token, /^shoal_[A-Za-z0-9_-]{43}$/)
    await portal.api('get', '/me', token).expect(200, { user: 'paula', role: 'publisher', groups: ['ops'] })
    const answer = await portal.api('get', '/tokens', portal.adminToken).expect(200)
    assert.ok(!answer.text.includes(token))
    const listed = (answer.body as { items: { name: string; lastUsedAt: string | null }[] }).items
    assert.deepEqual(listed.map((item) => item.name).sort(), ['admin', 'laptop', 'origin'])
    assert.notEqual(listed.find((item) => item.name === 'laptop')?.lastUsedAt, null)
  })

  it('makes no request wait for the disk: its last use is written when the portal ends', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'shoal-uses-'))
    const usesThere = (): number => {
      using stack = new DisposableStack()
      const db = stack.adopt(openConnection(join(dataDir, 'portal.sqlite')), (opened) => opened.close())
      return db.prepare('select id from tokens where last_used_at is not null').all().length
    }
    try {
      {
        await using own = await openTestPortal({ dataDir })
        await own.api('get', '/me', own.adminToken).expect(200)
        assert.equal(usesThere(), 0)
      }
      assert.equal(usesThere(), 1)
    } finally {
      await rm(dataDir, { recursive: true })
    }
  })

  it('ends within ten years, so that its end is a date', async () => {
    const create = (expiresInSeconds: number): request.Test =>
      portal
        .api('post', '/tokens', portal.adminToken)
        .send({ name: 'late', role: 'viewer', expiresInSeconds })
    await create(Number.MAX_SAFE_INTEGER).expect(400)
    await create(10 * 365 * 24 * 3_600).expect(201)
    await portal.api('get', '/tokens', portal.adminToken).expect(200)
  })

  it('ends when it expires, and when it is deleted', async () => {
    const short = await portal.token('viewer', { expiresInSeconds: 60 })
    await portal.api('get', '/me', short).expect(200)
    portal.clock.advance(minutes(1))
    await portal.api('get', '/me', short).expect(401)
    await portal.api('delete', '/tokens/none', portal.adminToken).expect(404)
  })
})

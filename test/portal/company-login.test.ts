/** Signing in with the company's login, against a real issuer (oidc-provider). */
import assert from 'node:assert/strict'
import request from 'supertest'
import { minutes } from '../../src/core/units.ts'
import { CLIENT, OidcIssuer } from '../support/oidc-issuer.ts'
import { openTestPortal, PUBLIC_URL, type TestPortal } from './test-portal.ts'

const ANN = {
  preferred_username: 'Ann.Archer',
  name: 'Ann Archer',
  email: 'ann@example.com',
  email_verified: true,
  groups: ['/learning', 'staff', 'no <name>'],
}

describe('The company’s login', function () {
  this.timeout(20_000)
  let issuer: OidcIssuer
  let portal: TestPortal

  before(async () => {
    issuer = await OidcIssuer.start(`${PUBLIC_URL}/login/company/callback`)
  })
  after(() => issuer[Symbol.asyncDispose]())
  beforeEach(() => {
    issuer.people.clear()
    issuer.people.set('subject-1', ANN)
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const open = async (more: Record<string, string> = {}): Promise<void> => {
    portal = await openTestPortal({
      companyLogin: {
        issuer: issuer.url,
        clientId: CLIENT.id,
        clientSecret: CLIENT.secret,
        scopes: 'openid,profile,email,groups',
        ...more,
      },
    })
  }
  const browser = () => request.agent(portal.portal.handler)
  type Browser = ReturnType<typeof browser>
  const admin = (method: 'get' | 'post' | 'put', path: string): request.Test =>
    portal.api(method, path, portal.adminToken)

  /** To the issuer and back: what the portal answers then. */
  async function come(with_: Browser, subject = 'subject-1', query = ''): Promise<request.Response> {
    const away = await with_.get(`/login/company${query}`).expect(303)
    const back = await issuer.signIn(away.headers['location'] ?? '', subject)
    return with_.get(`${back.pathname}${back.search}`)
  }
  const me = async (with_: Browser): Promise<object> =>
    (await with_.get('/api/v1/me').expect(200)).body as object

  it('makes an account at the first sign-in, with the groups that it names, and knows it again', async () => {
    await open()
    const page = browser()
    assert.match((await page.get('/login')).text, /href="\/login\/company\?next=/)
    const answer = await come(page, 'subject-1', '?next=%2Faccount')
    assert.equal(answer.headers['location'], '/account')
    assert.deepEqual(await me(page), {
      user: 'ann.archer',
      role: 'viewer',
      groups: ['learning', 'staff'],
    })
    issuer.people.set('subject-1', { ...ANN, preferred_username: 'ann.miller', groups: ['staff'] })
    const again = browser()
    await come(again)
    assert.deepEqual(await me(again), { user: 'ann.archer', role: 'viewer', groups: ['staff'] })
    const actions = (await portal.audit()).map(({ action, subject }) => `${action} ${subject}`)
    assert.ok(actions.includes('login-bound ann.archer'), actions.join('\n'))
  })

  it('leaves groups alone that were given here, and all of them when it does not tell', async () => {
    await open()
    await come(browser())
    await admin('post', '/groups').send({ name: 'Board' }).expect(201)
    await admin('put', '/groups/Board/members/ann.archer').expect(204)
    await admin('put', '/groups/staff/members/ann.archer').expect(204)
    issuer.people.set('subject-1', { ...ANN, groups: [] })
    const page = browser()
    await come(page)
    assert.deepEqual(await me(page), { user: 'ann.archer', role: 'viewer', groups: ['Board', 'staff'] })
    const { groups: _groups, ...untold } = ANN
    issuer.people.set('subject-1', untold)
    await come(page)
    assert.deepEqual(await me(page), { user: 'ann.archer', role: 'viewer', groups: ['Board', 'staff'] })
  })

  it('gives roles by groups, and takes them with the groups, but never the last admin’s', async () => {
    await open({ roles: 'learning=publisher, admins=admin' })
    const page = browser()
    await come(page)
    assert.deepEqual(await me(page), {
      user: 'ann.archer',
      role: 'publisher',
      groups: ['learning', 'staff'],
    })
    issuer.people.set('subject-1', { ...ANN, groups: ['admins', 'learning'] })
    await come(page)
    issuer.people.set('subject-1', { ...ANN, groups: [] })
    await come(page)
    assert.deepEqual(await me(page), { user: 'ann.archer', role: 'admin', groups: [] })
    await admin('post', '/users').send({ name: 'adam', role: 'admin' }).expect(201)
    await come(page)
    assert.deepEqual(await me(page), { user: 'ann.archer', role: 'viewer', groups: [] })
  })

  it('takes over no account that is called the same; an invitation joins the two', async () => {
    await open()
    const made = await admin('post', '/users').send({ name: 'ann.archer', role: 'publisher' }).expect(201)
    const page = browser()
    const refused = await come(page)
    assert.equal(refused.headers['location'], '/login?failed=company-conflict')
    assert.match((await page.get('/login?failed=company-conflict')).text, /ask for an invitation/)
    await page.get('/api/v1/me').expect(401)
    const { url } = (made.body as { invitation: { url: string } }).invitation
    const code = new URL(url).pathname.slice('/welcome/'.length)
    assert.match((await page.get(`/welcome/${code}`)).text, /\/login\/company\?invitation=/)
    const joined = await come(page, 'subject-1', `?invitation=${code}`)
    assert.equal(joined.headers['location'], '/')
    assert.deepEqual(await me(page), {
      user: 'ann.archer',
      role: 'publisher',
      groups: ['learning', 'staff'],
    })
    await page.get('/account').expect(200)
    await page
      .post('/login')
      .type('form')
      .send({ name: 'ann.archer', password: 'x' })
      .expect('location', /failed=1/)
    const other = browser()
    issuer.people.set('subject-2', ANN)
    const sent = await other.get(`/login/company?invitation=${code}`).expect(303)
    assert.equal(sent.headers['location'], `/welcome/${code}`, 'a link that was sent binds nobody')
    await other.get(`/welcome/${code}`).expect(404)
    const made2 = await admin('post', '/users/ann.archer/invitation').expect(201)
    const code2 = new URL((made2.body as { url: string }).url).pathname.slice('/welcome/'.length)
    await other.get(`/welcome/${code2}`).expect(200)
    const late = await come(other, 'subject-2', `?invitation=${code2}`)
    assert.equal(late.headers['location'], '/', 'whoever is invited last is the person')
    await page.get('/api/v1/me').expect(401)
  })

  it('gives nobody a name that is in use here without an account', async () => {
    await open()
    for (const name of ['origin', 'admin', 'paula', 'board', 'vera']) {
      if (name === 'paula') {
        const paula = await portal.token('publisher', { name: 'short', user: 'paula', expiresInSeconds: 60 })
        const { slug } = await portal.live(paula, { audience: ['board', 'vera'] })
        await portal.link(paula, slug)
      }
      issuer.people.set(name, { ...ANN, preferred_username: name })
      const page = browser()
      assert.match((await come(page, name)).headers['location'] ?? '', /failed=company-conflict$/, name)
      await page.get('/api/v1/me').expect(401)
    }
    await portal.api('get', '/origin/wanted', portal.originToken).expect(200)
    const taken = await admin('post', '/users').send({ name: 'origin' }).expect(409)
    assert.match(taken.text, /tokens of the role origin/)
  })

  it('lets nobody in who is disabled, or who was not invited where that is asked for', async () => {
    await open({ makesPeople: 'false' })
    assert.match((await come(browser())).headers['location'] ?? '', /failed=company$/)
    await portal[Symbol.asyncDispose]()
    await open()
    const page = browser()
    await come(page)
    await admin('post', '/users/ann.archer/disable').expect(200)
    await page.get('/api/v1/me').expect(401)
    assert.match((await come(page)).headers['location'] ?? '', /failed=company-not-granted$/)
    await page.get('/api/v1/me').expect(401)
  })

  it('believes nothing that another browser began, that comes twice, or too late', async () => {
    await open()
    const [victim, attacker] = [browser(), browser()]
    const away = await attacker.get('/login/company').expect(303)
    const back = await issuer.signIn(away.headers['location'] ?? '', 'subject-1')
    const path = `${back.pathname}${back.search}`
    const planted = await victim.get(path)
    assert.match(planted.headers['location'] ?? '', /failed=company$/)
    await victim.get('/api/v1/me').expect(401)
    await attacker.get(path).expect('location', '/')
    assert.match((await attacker.get(path)).headers['location'] ?? '', /failed=company$/)
    const late = await victim.get('/login/company').expect(303)
    const lateBack = await issuer.signIn(late.headers['location'] ?? '', 'subject-1')
    portal.clock.advance(minutes(10))
    const answer = await victim.get(`${lateBack.pathname}${lateBack.search}`)
    assert.match(answer.headers['location'] ?? '', /failed=company$/)
  })

  it('goes back to no other place than the portal', async () => {
    await open()
    for (const next of ['//evil.example', 'https://evil.example/', '/\\evil.example', '/login', 'account']) {
      const answer = await come(browser(), 'subject-1', `?next=${encodeURIComponent(next)}`)
      assert.equal(answer.headers['location'], '/', next)
    }
  })

  it('says when the issuer does not answer, and the portal goes on without it', async () => {
    await open({ issuer: 'http://127.0.0.1:9' })
    await browser().get('/login').expect(200)
    const answer = await browser().get('/login/company').expect(503)
    assert.match(answer.text, /does not answer/)
  })
})

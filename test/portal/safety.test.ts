import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import request from 'supertest'
import { Metrics } from '../../src/platform/metrics.ts'
import { createLogger } from '../../src/platform/log.ts'
import { loggedUrl } from '../../src/portal/http/guards.ts'
import { problemOf } from '../../src/portal/http/problems.ts'
import { matchExpression } from '../../src/portal/catalogue/search.ts'
import { openTestPortal, PUBLIC_URL, type TestPortal } from './test-portal.ts'

describe('The portal, to the outside', () => {
  let portal: TestPortal
  before(async () => (portal = await openTestPortal()))
  after(() => portal[Symbol.asyncDispose]())

  it('allows no inline script, and asks for no TLS that is not there', async () => {
    for (const path of ['/docs', '/nowhere', '/api/v1/me']) {
      const { headers } = await portal.get(path)
      const csp = headers['content-security-policy'] ?? ''
      assert.match(csp, /script-src 'self';/)
      assert.doesNotMatch(csp, /unsafe|upgrade-insecure-requests|\*/)
      assert.equal(headers['strict-transport-security'], undefined)
      assert.equal(headers['x-powered-by'], undefined)
      assert.equal(headers['x-content-type-options'], 'nosniff')
    }
  })

  it('asks for TLS when it has it', async () => {
    await using tls = await openTestPortal({ publicUrl: 'https://media.example.com' })
    const { headers } = await tls.get('/docs')
    assert.match(headers['content-security-policy'] ?? '', /upgrade-insecure-requests/)
    assert.match(headers['strict-transport-security'] ?? '', /max-age/)
  })

  it('has readable documents of its API from its own machine, without inline script', async () => {
    const { text } = await portal.get('/docs').expect(200)
    assert.doesNotMatch(text, /<script(?![^>]* src=)|https?:|\son\w+=|style=/)
    for (const [, path = ''] of text.matchAll(/(?:src|href)="([^"]+)"/g)) {
      const { headers } = await portal.get(path).expect(200)
      assert.match(headers['content-type'] ?? '', /javascript|css/)
    }
  })

  it('never takes its own address from a Host header', async () => {
    const { slug } = await portal.live(portal.adminToken)
    const answer = await portal
      .api('post', `/bundles/${slug}/releases/latest/links`, portal.adminToken)
      .set('host', 'evil.example.net')
      .set('x-forwarded-host', 'evil.example.net')
      .send({})
      .expect(201)
    assert.ok(!answer.text.includes('evil'))
    assert.ok(answer.text.includes(PUBLIC_URL))
  })

  it('says that it is well, and ready', async () => {
    await portal.get('/healthz').expect(200)
    await portal.get('/readyz').expect(200)
  })

  it('shows its metrics to an admin only, or to all where the operator says so', async () => {
    await portal.get('/metrics').expect(401)
    await portal
      .get('/metrics')
      .set('authorization', `Bearer ${await portal.token('viewer')}`)
      .expect(403)
    const { text } = await portal
      .get('/metrics')
      .set('authorization', `Bearer ${portal.adminToken}`)
      .expect(200)
    assert.match(text, /shoal_portal_requests_total\{status="4xx"\}/)
    const metrics = new Metrics()
    metrics.gauge({ name: 'shoal_other_role_things', help: 'Of another role', read: () => 7 })
    await using together = await openTestPortal({ metrics })
    const all = await together
      .get('/metrics')
      .set('authorization', `Bearer ${together.adminToken}`)
      .expect(200)
    assert.match(all.text, /shoal_other_role_things 7/)
    await using open = await openTestPortal({ settings: { metricsOpen: 'true' } })
    await open.get('/metrics').expect(200)
  })

  it('refuses bodies over their bound, from whoever may send one, and reads none of a stranger', async () => {
    const large = { title: 'x', description: 'y'.repeat(1_100_000) }
    await portal.api('post', '/bundles', portal.adminToken).send(large).expect(413)
    await portal.api('post', '/bundles').send(large).expect(401)
    const broken = portal.api('post', '/bundles', portal.adminToken).set('content-type', 'application/json')
    assert.match((await broken.send('{"title":').expect(400)).text, /JSON/)
    await portal.api('post', '/bundles', portal.adminToken).send({ title: 'x', surprise: 1 }).expect(400)
    await portal.api('get', '/bundles?limit=1&limit=2', portal.adminToken).expect(400)
    await portal.api('get', '/bundles?limit=100000', portal.adminToken).expect(400)
  })
})

describe('The portal’s log', () => {
  it('holds no token, grant, login code or cookie, whatever was asked', async () => {
    const canaries: string[] = []
    await using folder = await openTestPortal()
    const file = join(folder.dataDir, 'log.json')
    const log = createLogger({ level: 'trace', destination: file })
    await using portal = await openTestPortal({ log })
    const { slug } = await portal.live(portal.adminToken)
    const link = await portal.link(portal.adminToken, slug)
    const login = new URL(portal.portal.loginUrl()).pathname
    const torrent = new URL(link.torrentUrl).pathname
    canaries.push(portal.adminToken, portal.originToken, torrent.slice(4, -8), login.slice(7))
    await portal.get(torrent).expect(200)
    await portal.get(`/api/v1/nowhere?g=${torrent.slice(4, -8)}`).expect(401)
    const { headers } = await portal.get(login).expect(303)
    const [cookie = ''] = String(headers['set-cookie']).split(';')
    canaries.push(decodeURIComponent(cookie.split('=')[1] ?? '').slice(2, 30))
    await portal.get('/api/v1/me').set('cookie', cookie).expect(200)
    await request(portal.portal.handler).post('/login').send({ token: portal.adminToken }).expect(204)
    let text = ''
    while (!text.includes('"url":"/login"')) {
      await new Promise((resolve) => setImmediate(resolve))
      text = await readFile(file, 'utf8')
    }
    for (const canary of canaries) {
      assert.ok(canary.length > 20)
      assert.ok(!text.includes(canary), `${canary.slice(0, 8)}… stands in the log`)
    }
  })

  it('shows addresses without what is secret in them', () => {
    assert.equal(loggedUrl('/login/abc?x=1'), '/login/[redacted]')
    assert.equal(loggedUrl('/welcome/abc'), '/welcome/[redacted]')
    assert.equal(
      loggedUrl('/login/company/callback?code=abc&state=def'),
      '/login/company/callback?[redacted]',
    )
    assert.equal(loggedUrl('/login/company?invitation=abc'), '/login/company?[redacted]')
    assert.equal(loggedUrl('/activate?code=BCDF-GHJK'), '/activate?[redacted]')
    assert.equal(loggedUrl('/dl/anything.torrent'), '/dl/[redacted]')
    assert.equal(loggedUrl('/api/v1/bundles?q=fire'), '/api/v1/bundles?q=fire')
  })
})

describe('A problem', () => {
  it('of a bug says nothing of the bug', () => {
    assert.deepEqual(problemOf(new TypeError('secret /srv/path')), {
      type: 'about:blank',
      title: 'Internal error',
      status: 500,
    })
    assert.equal(problemOf({ status: 500, message: 'secret' }).detail, undefined)
  })
})

describe('Words to search for', () => {
  it('are quoted, each alone', () => {
    assert.equal(matchExpression('fire OR "safe'), '"fire"* "or"* """safe"*')
    assert.equal(matchExpression(' \0 -- ** '), undefined)
  })

  it('are few, each once, and a single letter is no beginning of others: a search must not hold the portal', () => {
    assert.equal(matchExpression('a A a é -a a. ax'), '"a" "é" "-a" "a." "ax"*')
    assert.equal(matchExpression('x '.repeat(100)), '"x"')
    assert.equal(matchExpression('aa bb cc dd ee ff gg hh'), '"aa"* "bb"* "cc"* "dd"* "ee"* "ff"*')
    assert.equal(matchExpression('a-b-c'), '"a-b-c"')
  })
})

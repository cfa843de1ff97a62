/** `shoal login`, as the portal sees it: a terminal, and a person on a page. */
import assert from 'node:assert/strict'
import type request from 'supertest'
import { hours, minutes, seconds } from '../../src/core/units.ts'
import type { LoginPolled, LoginStarted } from '../../src/wire/api.ts'
import { browserOf, PASSWORD, sendForm, signedIn, type Browser } from './page-person.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

describe('Signing in a terminal', function () {
  this.timeout(20_000)
  let portal: TestPortal
  beforeEach(async () => {
    portal = await openTestPortal({ settings: { failedLoginsPerMinuteMax: '1000' } })
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const browser = (): Browser => browserOf(portal)
  const start = async (): Promise<LoginStarted> =>
    (await portal.api('post', '/logins').send({ client: 'ann’s laptop' }).expect(201)).body as LoginStarted
  const poll = ({ deviceCode }: LoginStarted): request.Test =>
    portal.api('post', '/logins/poll').send({ deviceCode })

  it('gives it a token of the person who allows it, once, with the role that was chosen', async () => {
    const page = await signedIn(portal, 'ann', 'publisher')
    const started = await start()
    assert.deepEqual((await poll(started).expect(200)).body, { state: 'pending', intervalSeconds: 3 })
    const { pathname, search } = new URL(started.verificationUrlComplete)
    const shown = (await page.get(`${pathname}${search}`).expect(200)).text
    assert.match(shown, /ann’s laptop/)
    assert.ok(shown.includes(started.userCode))
    const answer = { code: started.userCode.toLowerCase().replace('-', ' '), role: 'viewer', answer: 'allow' }
    assert.equal((await sendForm(page, '/activate', answer)).headers['location'], '/activate?said=allowed')
    const done = (await poll(started).expect(200)).body as Extract<LoginPolled, { state: 'done' }>
    assert.equal(done.user, 'ann')
    const me = await portal.api('get', '/me', done.token).expect(200)
    assert.deepEqual(me.body, { user: 'ann', role: 'viewer', groups: [] })
    await poll(started).expect(404)
    assert.match((await page.get('/account')).text, /ann’s laptop/)
    portal.clock.sleep(hours(24 * 90))
    await portal.api('get', '/me', done.token).expect(401)
  })

  it('gives it nothing when the person says no, says nothing, or is somebody who may not', async () => {
    const page = await signedIn(portal, 'ann')
    const refused = await start()
    await sendForm(page, '/activate', { code: refused.userCode, answer: 'deny' })
    await poll(refused).expect(403)
    await poll(refused).expect(404)
    const wanted = await start()
    const tooMuch = await sendForm(page, '/activate', {
      code: wanted.userCode,
      role: 'admin',
      answer: 'allow',
    })
    assert.equal(tooMuch.status, 409)
    assert.equal(((await poll(wanted).expect(200)).body as LoginPolled).state, 'pending')
    portal.clock.advance(minutes(10))
    await poll(wanted).expect(404)
    assert.match(
      (await sendForm(page, '/activate', { code: wanted.userCode, role: 'viewer', answer: 'allow' })).text,
      /is over/,
    )
    await browser()
      .get('/activate?code=BCDF-GHJK')
      .expect('location', '/login?next=%2Factivate%3Fcode%3DBCDF-GHJK')
  })

  it('takes no form of another page, and no allowing by a token', async () => {
    const page = await signedIn(portal, 'ann', 'publisher')
    const { userCode } = await start()
    await page
      .post('/activate')
      .type('form')
      .send({ code: userCode, role: 'viewer', answer: 'allow' })
      .expect(403)
    const byToken = browser()
    await byToken.post('/login').type('form').send({ token: portal.adminToken }).expect(303)
    const answer = await sendForm(byToken, '/activate', { code: userCode, role: 'viewer', answer: 'allow' })
    assert.ok(answer.status >= 400, String(answer.status))
  })

  it('slows down who asks too often, and bounds who begins too often', async () => {
    const started = await start()
    for (const interval of [3, 8, 13])
      assert.deepEqual((await poll(started)).body, { state: 'pending', intervalSeconds: interval })
    portal.clock.advance(seconds(13))
    assert.deepEqual((await poll(started)).body, { state: 'pending', intervalSeconds: 13 })
    for (let n = 1; n < 20; n++) await start()
    await portal.api('post', '/logins').send({ client: 'one more' }).expect(413)
    portal.clock.advance(minutes(10))
    await start()
  })

  it('comes back, after signing in, to the page that was asked for', async () => {
    await signedIn(portal, 'ann', 'publisher')
    const page = browser()
    const asked = await page.get('/bundles/none?x=1').expect(303)
    assert.equal(asked.headers['location'], '/login?next=%2Fbundles%2Fnone%3Fx%3D1')
    const shown = (await page.get(asked.headers['location'] ?? '')).text
    assert.match(shown, /name="next" value="\/bundles\/none\?x=1"/)
    const next = '/bundles/none?x=1'
    const wrong = await page.post('/login').type('form').send({ name: 'ann', password: 'x', next })
    assert.equal(wrong.headers['location'], '/login?next=%2Fbundles%2Fnone%3Fx%3D1&failed=1')
    await page
      .post('/login')
      .type('form')
      .send({ name: 'ann', password: PASSWORD, next })
      .expect('location', next)
    for (const elsewhere of ['//evil.example', '/.//evil.example', '/x/..//evil.example', '/\\evil.example'])
      await browser()
        .post('/login')
        .type('form')
        .send({ name: 'ann', password: PASSWORD, next: elsewhere })
        .expect('location', '/')
  })

  it('keeps no grant or token of an address for the way back', async () => {
    const token = `shoal_${'x'.repeat(43)}`
    const encoded = Array.from(token, (char) => `%${char.charCodeAt(0).toString(16)}`).join('')
    for (const path of [`/somewhere/${token}`, `/?q=${token}`, `/?q=${encoded}`])
      await browser().get(path).expect('location', '/login')
  })

  it('has tokens beside it that a person makes and takes back on their own page, and nobody else’s', async () => {
    const [ann, bob] = [await signedIn(portal, 'ann', 'publisher'), await signedIn(portal, 'bob')]
    const draft = { name: 'backup', role: 'viewer', days: '30' }
    const made = await sendForm(ann, '/account/tokens', draft)
    const token = /value="(shoal_[\w-]{43})"/.exec(made.text)?.[1] ?? ''
    await portal.api('get', '/me', token).expect(200)
    assert.doesNotMatch((await ann.get('/account')).text, /shoal_[\w-]{43}/)
    for (const bad of [{ role: 'admin' }, { role: 'origin' }, { days: '366' }, { days: '-1' }, { name: '' }])
      assert.equal(
        (await sendForm(ann, '/account/tokens', { ...draft, ...bad })).status,
        409,
        JSON.stringify(bad),
      )
    const id = /name="id" value="([^"]+)"/.exec((await ann.get('/account')).text)?.[1] ?? ''
    assert.equal((await sendForm(bob, '/account/tokens/revoke', { id })).status, 404)
    await portal.api('get', '/me', token).expect(200)
    await sendForm(ann, '/account/tokens/revoke', { id })
    await portal.api('get', '/me', token).expect(401)
  })

  it('counts wrong present passwords, so that an open session tells nobody the password', async () => {
    await portal[Symbol.asyncDispose]()
    portal = await openTestPortal({ settings: { failedPasswordsMax: '3' } })
    const page = await signedIn(portal, 'ann', 'publisher')
    const change = (old: string): Promise<request.Response> =>
      sendForm(page, '/account/password', { old, password: 'paper anchor velvet thirty' })
    for (let n = 0; n < 3; n++) assert.match((await change('wrong')).text, /present password is another/)
    assert.match((await change(PASSWORD)).text, /Too many failures/)
  })
})

import assert from 'node:assert/strict'
import request from 'supertest'
import { hours, minutes } from '../../src/core/units.ts'
import type { Invitation, Person } from '../../src/wire/api.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

const GOOD = 'lamp river nineteen cobalt'
const OTHER = 'paper anchor velvet thirty'

describe('People', function () {
  this.timeout(20_000)
  let portal: TestPortal

  beforeEach(async () => {
    portal = await openTestPortal({ settings: { failedLoginsPerMinuteMax: '1000' } })
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const admin = (method: 'get' | 'post' | 'put' | 'delete', path: string): request.Test =>
    portal.api(method, path, portal.adminToken)
  const browser = () => request.agent(portal.portal.handler)
  type Browser = ReturnType<typeof browser>

  async function add(name: string, draft: object = {}): Promise<Invitation> {
    const made = await admin('post', '/users')
      .send({ name, ...draft })
      .expect(201)
    return (made.body as { invitation: Invitation }).invitation
  }
  const pathOf = ({ url }: Invitation): string => new URL(url).pathname
  const accept = (with_: Browser, invitation: Invitation, password = GOOD): request.Test =>
    with_.post(pathOf(invitation)).type('form').send({ password })
  const signIn = (with_: Browser, name: string, password = GOOD): request.Test =>
    with_.post('/login').type('form').send({ name, password })
  const me = async (with_: Browser): Promise<object> =>
    (await with_.get('/api/v1/me').expect(200)).body as object

  it('come in by an invitation, once, and by their password from then on', async () => {
    const invitation = await add('ann', { displayName: 'Ann Archer', role: 'publisher' })
    const [first, second] = [browser(), browser()]
    assert.match((await first.get(pathOf(invitation)).expect(200)).text, /Welcome, Ann Archer/)
    await accept(first, invitation).expect(303).expect('location', '/')
    assert.deepEqual(await me(first), { user: 'ann', role: 'publisher', groups: [] })
    await accept(second, invitation, OTHER).expect(401)
    assert.match((await second.get(pathOf(invitation)).expect(404)).text, /was used, or is over/)
    await signIn(second, 'ann', OTHER).expect('location', '/login?failed=1')
    await signIn(second, ' Ann ').expect('location', '/')
    assert.deepEqual(await me(second), { user: 'ann', role: 'publisher', groups: [] })
  })

  it('are not let in by an invitation that is over, or that was followed by another', async () => {
    const old = await add('ann')
    const fresh = (await admin('post', '/users/ann/invitation').expect(201)).body as Invitation
    await accept(browser(), old).expect(401)
    portal.clock.advance(hours(7 * 24))
    await accept(browser(), fresh).expect(401)
  })

  it('choose no password that is short, common, or their own name', async () => {
    const invitation = await add('annabelle.archer')
    const page = browser()
    for (const password of [
      'short one',
      'password1234',
      'qwertyuiop[]',
      'annabelle.archer1',
      'aaaaaaaaaaaaaaaa',
    ])
      await accept(page, invitation, password).expect('location', `${pathOf(invitation)}?weak=1`)
    assert.match((await page.get(`${pathOf(invitation)}?weak=1`)).text, /role="alert"/)
    await accept(page, invitation, 'x'.repeat(257)).expect('location', /weak=1/)
    await accept(page, invitation).expect('location', '/')
  })

  it('have the rights of the moment: role and groups are read at each request', async () => {
    const page = browser()
    await accept(page, await add('ann')).expect(303)
    await admin('post', '/groups').send({ name: 'Board' }).expect(201)
    await admin('put', '/groups/Board/members/ann').expect(204)
    await admin('put', '/users/ann').send({ role: 'auditor' }).expect(200)
    assert.deepEqual(await me(page), { user: 'ann', role: 'auditor', groups: ['Board'] })
    await admin('delete', '/groups/Board/members/ann').expect(204)
    assert.deepEqual(await me(page), { user: 'ann', role: 'auditor', groups: [] })
    await admin('put', '/groups/Board/members/ann').expect(204)
    await admin('delete', '/groups/Board').expect(204)
    assert.deepEqual(await me(page), { user: 'ann', role: 'auditor', groups: [] })
  })

  it('lose everything when they are disabled', async () => {
    const page = browser()
    const invitation = await add('vera')
    await accept(page, invitation).expect(303)
    const token = await portal.token('viewer', { user: 'vera' })
    const { slug } = await portal.live(portal.adminToken, { title: 'Fire safety' })
    const link = await portal.link(token, slug)
    const spare = (await admin('post', '/users/vera/invitation').expect(201)).body as Invitation
    const ended = (await admin('post', '/users/vera/disable').expect(200)).body as object
    assert.deepEqual(
      { ...ended, person: undefined },
      { person: undefined, sessions: 1, grants: 1, devices: 0 },
    )
    await page.get('/api/v1/me').expect(401)
    await portal.api('get', '/me', token).expect(401)
    await signIn(browser(), 'vera').expect('location', '/login?failed=1')
    await accept(browser(), spare, OTHER).expect(401)
    await admin('post', '/users/vera/invitation').expect(409)
    const answer = await admin('post', `/bundles/${slug}/releases/latest/links`).send({ for: 'vera' })
    assert.deepEqual(
      [answer.status, (answer.body as { detail: string }).detail],
      [403, 'the account of vera is disabled'],
    )
    const grants = (await admin('get', '/grants')).body as {
      items: { id: string; revokedAt: string | null }[]
    }
    assert.notEqual(grants.items.find(({ id }) => id === link.grant.id)?.revokedAt ?? null, null)

    await admin('post', '/users/vera/enable').expect(200)
    await portal.api('get', '/me', token).expect(401)
    await page.get('/api/v1/me').expect(401)
    await signIn(page, 'vera').expect('location', '/')
  })

  it('keep an admin: the last one is neither disabled nor made less', async () => {
    await accept(browser(), await add('ada', { role: 'admin' })).expect(303)
    await admin('post', '/users/ada/disable').expect(409)
    await admin('put', '/users/ada').send({ role: 'viewer' }).expect(409)
    await add('bea', { role: 'admin' })
    await admin('post', '/users/ada/disable').expect(200)
  })

  it('share no name with a group, nor with everyone', async () => {
    await admin('post', '/groups').send({ name: 'board' }).expect(201)
    await admin('post', '/users').send({ name: 'board' }).expect(409)
    await add('ann')
    await admin('post', '/groups').send({ name: 'ann' }).expect(409)
    await admin('post', '/users').send({ name: 'ann' }).expect(409)
    for (const name of ['everyone', 'Ann', 'a b', '', '-x', 'x'.repeat(65)])
      await admin('post', '/users').send({ name }).expect(400)
    await admin('post', '/groups').send({ name: 'everyone' }).expect(400)
  })

  it('are worth what they hold: a token of theirs is no more than they are', async () => {
    await add('paul', { role: 'publisher' })
    const token = await portal.token('publisher', { user: 'paul', groups: ['ignored'] })
    const role = async (): Promise<unknown> => (await portal.api('get', '/me', token).expect(200)).body
    assert.deepEqual(await role(), { user: 'paul', role: 'publisher', groups: [] })
    await admin('put', '/users/paul').send({ role: 'operator' }).expect(200)
    assert.deepEqual(await role(), { user: 'paul', role: 'viewer', groups: [] })
  })

  it('change their password, which signs them out everywhere else', async () => {
    const [here, there] = [browser(), browser()]
    await accept(here, await add('ann')).expect(303)
    await signIn(there, 'ann').expect('location', '/')
    const csrf = /name="_csrf" value="([^"]+)"/.exec((await here.get('/account')).text)?.[1] ?? ''
    const change = (old: string, password: string): request.Test =>
      here.post('/account/password').type('form').send({ _csrf: csrf, old, password })
    assert.match((await change(OTHER, OTHER).expect(409)).text, /present password is another/)
    await change(GOOD, OTHER).expect(303)
    await here.get('/api/v1/me').expect(200)
    await there.get('/api/v1/me').expect(401)
    await signIn(there, 'ann').expect('location', '/login?failed=1')
    await signIn(there, 'ann', OTHER).expect('location', '/')
  })

  it('are guessed at so often and no more, whoever asks, for a quarter of an hour', async () => {
    await using strict = await openTestPortal({
      settings: { failedPasswordsMax: '3', failedLoginsPerMinuteMax: '1000' },
    })
    const made = await strict.api('post', '/users', strict.adminToken).send({ name: 'ann' }).expect(201)
    const { url } = (made.body as { invitation: Invitation }).invitation
    const page = request.agent(strict.portal.handler)
    await page.post(new URL(url).pathname).type('form').send({ password: GOOD }).expect('location', '/')
    const tryIt = (password: string): request.Test =>
      request(strict.portal.handler).post('/login').send({ name: 'ann', password })
    for (let i = 0; i < 3; i++) await tryIt(OTHER).expect(401)
    await tryIt(GOOD).expect(429)
    await page.get('/api/v1/me').expect(200)
  })

  it('are guessed at no more often by a hundred at the same time', async () => {
    await portal[Symbol.asyncDispose]()
    portal = await openTestPortal({
      settings: { failedLoginsPerMinuteMax: '1000', failedPasswordsMax: '5' },
    })
    await accept(browser(), await add('ann')).expect(303)
    const answers = await Promise.all(
      Array.from({ length: 30 }, async (_, n) => {
        const sent = await portal.get('/healthz').then(() =>
          browser()
            .post('/login')
            .send({ name: 'ann', password: `wrong ${n}` }),
        )
        return sent.status
      }),
    )
    assert.equal(answers.filter((status) => status === 401).length, 5, answers.join(' '))
    assert.equal(answers.filter((status) => status === 429).length, 25)
  })

  it('lose the tokens of machines, with what hangs on them, when they are admins no more', async () => {
    await add('ada', { role: 'admin' })
    await add('adam', { role: 'admin' })
    const machine = await portal.token('origin', { name: 'a server', user: 'ada' })
    await portal.api('get', '/origin/wanted', machine).expect(200)
    await admin('put', '/users/ada').send({ role: 'publisher' }).expect(200)
    await portal.api('get', '/me', machine).expect(401)
    await admin('put', '/users/ada').send({ role: 'admin' }).expect(200)
    await portal.api('get', '/me', machine).expect(401)
  })

  it('are found by the beginning of their name, any part of the shown one, and their group', async () => {
    for (let i = 0; i < 5; i++) await add(`user${i}`, { displayName: i === 3 ? 'Céline 100%_sure' : '' })
    await admin('post', '/groups').send({ name: 'ops' }).expect(201)
    await admin('put', '/groups/ops/members/user1').expect(204)
    const names = async (query: string): Promise<string[]> => {
      const answer = await admin('get', `/users?${query}`).expect(200)
      return (answer.body as { items: Person[] }).items.map(({ name }) => name)
    }
    assert.deepEqual(await names('q=user'), ['user0', 'user1', 'user2', 'user3', 'user4'])
    assert.deepEqual(await names('q=100%25_s'), ['user3'])
    assert.deepEqual(await names('q=%25'), ['user3'])
    assert.deepEqual(await names('group=ops'), ['user1'])
    const page = (await admin('get', '/users?limit=2')).body as { items: Person[]; nextCursor: string }
    const rest = (await admin('get', `/users?limit=9&cursor=${page.nextCursor}`)).body as { items: Person[] }
    assert.deepEqual(
      [...page.items, ...rest.items].map(({ name }) => name),
      await names(''),
    )
  })

  it('leave a trail', async () => {
    await accept(browser(), await add('ann')).expect(303)
    await admin('put', '/users/ann').send({ role: 'publisher' }).expect(200)
    await admin('post', '/users/ann/disable').expect(200)
    const actions = (await portal.audit()).map(({ action, subject }) => `${action} ${subject}`)
    for (const action of [
      'person-created',
      'person-invited',
      'password-set',
      'person-role',
      'person-disabled',
    ])
      assert.ok(actions.includes(`${action} ann`), action)
  })

  it('of whom the last process disabled lose what it left them', async () => {
    await add('vera')
    const { slug } = await portal.live(portal.adminToken, { title: 'Fire safety' })
    await portal.link(portal.adminToken, slug, { for: 'vera' })
    portal.clock.advance(minutes(1))
    const { dataDir } = portal
    await portal.portal[Symbol.asyncDispose]()
    const { default: Sqlite } = await import('better-sqlite3')
    const db = new Sqlite(`${dataDir}/portal.sqlite`)
    db.prepare('update people set disabled_at = 1 where name = ?').run('vera')
    db.close()
    portal = (await openTestPortal({ dataDir })).owningFolder()
    const { items } = (await admin('get', '/grants?user=vera')).body as {
      items: { revokedAt: string | null }[]
    }
    assert.notEqual(items[0]?.revokedAt ?? null, null)
  })
})

describe('The first admin', function () {
  this.timeout(20_000)

  it('comes by the set-up link, makes an account, and nobody else does after', async () => {
    await using portal = await openTestPortal()
    const page = request.agent(portal.portal.handler)
    await page.get(new URL(portal.portal.setupUrl ?? '').pathname).expect('location', '/set-up')
    const csrf = /name="_csrf" value="([^"]+)"/.exec((await page.get('/set-up').expect(200)).text)?.[1] ?? ''
    const send = (draft: object): request.Test =>
      page
        .post('/set-up')
        .type('form')
        .send({ _csrf: csrf, ...draft })
    assert.match((await send({ name: 'Ada', password: 'password1234' }).expect(409)).text, /easily guessed/)
    assert.match((await send({ name: 'a b', password: GOOD }).expect(409)).text, /A name has/)
    await send({ name: 'Ada', displayName: 'Ada L.', password: GOOD }).expect('location', '/')
    assert.deepEqual((await page.get('/api/v1/me').expect(200)).body as object, {
      user: 'ada',
      role: 'admin',
      groups: [],
    })
    const late = request.agent(portal.portal.handler)
    await late.get(new URL(portal.portal.loginUrl()).pathname).expect('location', '/')
    await late.get('/set-up').expect('location', '/')
  })
})

/** Asking for access, and guests of a bundle. */
import assert from 'node:assert/strict'
import type request from 'supertest'
import { hours, seconds } from '../../src/core/units.ts'
import type { AccessRequest, Guest } from '../../src/wire/api.ts'
import { browserOf, sendForm, signedIn } from './page-person.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

describe('Requests for access', function () {
  this.timeout(20_000)
  let portal: TestPortal
  let paula: string
  let otto: string
  let slug: string

  beforeEach(async () => {
    portal = await openTestPortal()
    paula = await portal.token('publisher', { user: 'paula' })
    otto = await portal.token('viewer', { user: 'otto', groups: ['sales'] })
    ;({ slug } = await portal.live(paula, { title: 'Board minutes', audience: ['board'] }))
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const ask = (token: string, of = slug, reason = 'I write the summary'): request.Test =>
    portal.api('post', `/bundles/${of}/requests`, token).send({ reason })
  const requests = async (token: string, which: 'asked' | 'mine'): Promise<AccessRequest[]> =>
    (
      (await portal.api('get', `/requests?which=${which}`, token).expect(200)).body as {
        items: AccessRequest[]
      }
    ).items
  const openOf = async (token: string): Promise<string> =>
    (await requests(token, 'asked')).find(({ state }) => state === 'open')?.id ?? ''
  const listed = async (token: string, query = ''): Promise<string[]> =>
    (
      (await portal.api('get', `/bundles${query}`, token).expect(200)).body as { items: { bundle: string }[] }
    ).items.map(({ bundle }) => bundle)
  const inOneHour = (): string => new Date(portal.clock.epoch() + hours(1)).toISOString()

  it('are granted until a time, and see, find and fetch until then, and no longer', async () => {
    await portal.api('get', `/bundles/${slug}`, otto).expect(404)
    await ask(otto).expect(201)
    const id = await openOf(paula)
    await portal
      .api('post', `/requests/${id}/grant`, paula)
      .send({ until: inOneHour(), answer: 'until the meeting' })
      .expect(200)
    await portal.api('get', `/bundles/${slug}`, otto).expect(200)
    for (const query of ['', '?q=board']) assert.deepEqual(await listed(otto, query), [slug], query)
    const link = await portal.link(otto, slug, { expiresInSeconds: 24 * 3_600 })
    assert.ok(Date.parse(link.grant.expiresAt) <= portal.clock.epoch() + hours(1), link.grant.expiresAt)
    const [mine] = await requests(otto, 'mine')
    assert.deepEqual(
      [mine?.state, mine?.answer, mine?.title, mine?.answeredBy],
      ['granted', 'until the meeting', 'Board minutes', 'paula'],
    )
    portal.clock.advance(hours(1))
    await portal.api('get', `/bundles/${slug}`, otto).expect(404)
    await portal.api('post', `/grants/${link.grant.id}/renew`, otto).send({}).expect(404)
    portal.clock.advance(seconds(15))
    await new Promise((resolve) => setTimeout(resolve, 50)) // the sweep
    for (const query of ['', '?q=board']) assert.deepEqual(await listed(otto, query), [], query)
    const actions = (await portal.audit()).map(({ action }) => action)
    for (const action of ['access-asked', 'access-granted']) assert.ok(actions.includes(action), action)
  })

  it('are granted to a whole group', async () => {
    await portal.api('post', '/groups', portal.adminToken).send({ name: 'sales' }).expect(201)
    const olga = await portal.token('viewer', { user: 'olga', groups: ['sales'] })
    await ask(otto).expect(201)
    const id = await openOf(paula)
    await portal.api('post', `/requests/${id}/grant`, paula).send({ to: 'nobody' }).expect(404)
    await portal.api('post', `/requests/${id}/grant`, paula).send({ to: 'sales' }).expect(200)
    await portal.api('post', `/requests/${id}/grant`, paula).send({ to: 'sales' }).expect(409)
    for (const token of [otto, olga]) await portal.api('get', `/bundles/${slug}`, token).expect(200)
  })

  it('are denied with words, and may be made again', async () => {
    await ask(otto).expect(201)
    await portal
      .api('post', `/requests/${await openOf(paula)}/deny`, paula)
      .send({ answer: 'ask Olga' })
      .expect(200)
    await portal.api('get', `/bundles/${slug}`, otto).expect(404)
    const [mine] = await requests(otto, 'mine')
    assert.deepEqual([mine?.state, mine?.answer, mine?.title], ['denied', 'ask Olga', null])
    portal.clock.advance(seconds(1))
    await ask(otto, slug, 'Olga sent me').expect(201)
    assert.equal((await requests(paula, 'asked'))[0]?.reason, 'Olga sent me')
  })

  it('tell nobody whether there is such a bundle', async () => {
    const [there, notThere] = [await ask(otto).expect(201), await ask(otto, 'no-such-thing').expect(201)]
    assert.deepEqual(Object.keys(there.body as object), Object.keys(notThere.body as object))
    const mine = await requests(otto, 'mine')
    assert.deepEqual(
      mine.map(({ title, state }) => [title, state]),
      [
        [null, 'open'],
        [null, 'open'],
      ],
    )
    assert.deepEqual(
      (await requests(paula, 'asked')).map(({ bundle }) => bundle),
      [slug],
    )
    assert.deepEqual(
      (await requests(portal.adminToken, 'asked')).map(({ bundle }) => bundle),
      [slug],
    )
  })

  it('are one at a time for a bundle, and not without end', async () => {
    await ask(otto).expect(201)
    await ask(otto, slug, 'better words').expect(201)
    assert.deepEqual(
      (await requests(paula, 'asked')).map(({ reason }) => reason),
      ['better words'],
    )
    for (let n = 1; n < 20; n++) await ask(otto, `thing-${n}`).expect(201)
    await ask(otto, 'one-more').expect(413)
    for (const reason of ['', ' ', 'x'.repeat(1_001)]) await ask(otto, slug, reason).expect(400)
  })

  it('are answered by the owner and admins only', async () => {
    await ask(otto).expect(201)
    const id = await openOf(paula)
    const peter = await portal.token('publisher', { user: 'peter' })
    for (const token of [otto, peter])
      for (const act of ['grant', 'deny'])
        await portal.api('post', `/requests/${id}/${act}`, token).send({}).expect(404)
    assert.deepEqual(await requests(peter, 'asked'), [])
  })

  it('lead to guests, whose grants end when they are sent away, but those of whoever may see it otherwise', async () => {
    const beate = await portal.token('viewer', { user: 'beate', groups: ['board'] })
    await portal.api('post', '/users', portal.adminToken).send({ name: 'otto' }).expect(201)
    await portal.api('put', `/bundles/${slug}/guests/otto`, paula).send({ until: inOneHour() }).expect(204)
    await portal.api('put', `/bundles/${slug}/guests/otto`, paula).send({}).expect(204)
    await portal.api('put', `/bundles/${slug}/guests/board`, paula).send({}).expect(404) // no such group here
    await portal
      .api('put', `/bundles/${slug}/guests/otto`, paula)
      .send({ until: '2020-01-01T00:00:00Z' })
      .expect(400)
    const guests = (await portal.api('get', `/bundles/${slug}/guests`, paula).expect(200)).body as {
      items: Guest[]
    }
    assert.deepEqual(guests.items, [{ name: 'otto', until: null, by: 'paula' }])
    const [ottos, beates] = [await portal.link(otto, slug), await portal.link(beate, slug)]
    await portal.api('delete', `/bundles/${slug}/guests/otto`, paula).expect(204)
    await portal.api('delete', `/bundles/${slug}/guests/otto`, paula).expect(404)
    await portal.get(new URL(ottos.torrentUrl).pathname).expect(403)
    await portal.get(new URL(beates.torrentUrl).pathname).expect(200)
    assert.deepEqual(await listed(otto), [])
  })

  it('end with what was taken before they had an end, and tell no new title afterwards', async () => {
    await portal.api('post', '/users', portal.adminToken).send({ name: 'otto' }).expect(201)
    await portal.api('post', '/groups', portal.adminToken).send({ name: 'staff' }).expect(201)
    await portal.api('put', '/groups/staff/members/otto', portal.adminToken).expect(204)
    await ask(otto).expect(201)
    await portal
      .api('post', `/requests/${await openOf(paula)}/grant`, paula)
      .send({})
      .expect(200)
    const long = await portal.link(otto, slug, { expiresInSeconds: 7 * 24 * 3_600 })
    assert.equal((await requests(otto, 'mine'))[0]?.title, 'Board minutes')
    await portal.api('put', `/bundles/${slug}/guests/otto`, paula).send({ until: inOneHour() }).expect(204)
    const path = new URL(long.torrentUrl).pathname
    await portal.get(path).expect(200)
    portal.clock.advance(hours(1))
    for (let n = 0; n < 100; n++) {
      portal.clock.advance(seconds(15))
      await new Promise((resolve) => setTimeout(resolve, 20))
      if ((await portal.get(path)).status === 403) break
    }
    await portal.get(path).expect(403)
    await portal.api('put', `/bundles/${slug}`, paula).send({ title: 'Minutes of a merger' }).expect(200)
    assert.equal((await requests(otto, 'mine'))[0]?.title, null)
  })

  it('stay within reach of the owner, however many newer ones are answered', async () => {
    await ask(otto, slug, 'the oldest of all').expect(201)
    for (let n = 0; n < 51; n++) {
      portal.clock.advance(seconds(1))
      await ask(await portal.token('viewer', { user: `viewer-${n}` })).expect(201)
      const newest = (await requests(paula, 'asked'))[0]?.id ?? ''
      await portal.api('post', `/requests/${newest}/deny`, paula).send({}).expect(200)
    }
    const page = browserOf(portal)
    await page.post('/login').type('form').send({ token: paula }).expect(303)
    assert.match((await page.get('/requests')).text, /the oldest of all/)
  })

  it('stand on pages: asked where a page is not for one, answered by the owner, told to who asked', async () => {
    const [vera, owner] = [await signedIn(portal, 'vera'), await signedIn(portal, 'paula', 'publisher')]
    for (const path of [`/bundles/${slug}`, '/bundles/no-such-thing', `/bundles/${slug}/releases/1`]) {
      const absent = await vera.get(path).expect(404)
      const ofBundle = path.includes(slug) ? slug : 'no-such-thing'
      assert.ok(absent.text.includes(`action="/bundles/${ofBundle}/ask"`), path)
    }
    const sent = await sendForm(vera, `/bundles/${slug}/ask`, { reason: 'for <b>the</b> summary' })
    assert.equal(sent.headers['location'], '/requests?said=asked')
    const news = (await owner.get('/')).text
    assert.match(news, /1 new/)
    const page = (await owner.get('/requests')).text
    assert.match(page, /for &lt;b&gt;the&lt;\/b&gt; summary/)
    const id = /\/requests\/([\w-]+)\/grant/.exec(page)?.[1] ?? ''
    await sendForm(owner, `/requests/${id}/grant`, { until: '2999-12-31', answer: 'welcome', to: '' })
    assert.doesNotMatch((await owner.get('/')).text, /1 new/)
    assert.match((await vera.get('/')).text, /1 new/)
    assert.match((await vera.get('/requests')).text, /granted, until 31 Dec 2999/)
    assert.doesNotMatch((await vera.get('/')).text, /1 new/)
    await vera.get(`/bundles/${slug}`).expect(200)
    assert.match((await owner.get(`/bundles/${slug}`)).text, /vera/)
    await sendForm(owner, `/bundles/${slug}/guests/dismiss`, { name: 'vera' })
    await vera.get(`/bundles/${slug}`).expect(404)
  })
})

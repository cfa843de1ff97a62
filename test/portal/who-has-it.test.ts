import assert from 'node:assert/strict'
import { addMillis, hours } from '../../src/core/units.ts'
import type { LiveFigures } from '../../src/portal/live.ts'
import type { GrantId } from '../../src/core/ids.ts'
import type { MissingPeople, WhoHasIt } from '../../src/wire/api.ts'
import {
  grantFor,
  liveRelease,
  LYON,
  openFigurePortal,
  OSLO,
  report,
  session,
  SIZE,
  transfer,
  type LiveRelease,
} from './figure-world.ts'
import { browserOf, signedIn } from './page-person.ts'
import type { TestPortal } from './test-portal.ts'

const live = (seeds: () => { grant: GrantId; site: string }[]): LiveFigures => ({
  announces: {},
  swarms: 0,
  peers: 0,
  crossSiteIntroductions: 0,
  webSockets: 0,
  peersBySite: () => [],
  seeds: () => seeds().length,
  seedsOf: (_hash, max) => seeds().slice(0, max),
})

describe('Who has a bundle', () => {
  let portal: TestPortal
  let film: LiveRelease
  let seeding: { grant: GrantId; site: string }[]
  beforeEach(async () => {
    seeding = []
    portal = await openFigurePortal({ live: () => live(() => seeding) })
    for (const name of ['ann', 'bob', 'carl', 'dora', 'eve'])
      await portal.api('post', '/users', portal.adminToken).send({ name }).expect(201)
    await portal.api('post', '/groups', portal.adminToken).send({ name: 'sales' }).expect(201)
    for (const name of ['ann', 'bob', 'carl'])
      await portal.api('put', `/groups/sales/members/${name}`, portal.adminToken).expect(204)
    film = await liveRelease(portal, 'film', ['sales', 'dora'])
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const matrix = async (): Promise<WhoHasIt> =>
    (await portal.api('get', `/bundles/${film.slug}/who-has-it`, portal.adminToken).expect(200))
      .body as WhoHasIt
  const missing = async (query = ''): Promise<MissingPeople> =>
    (
      await portal
        .api('get', `/bundles/${film.slug}/releases/1/missing${query}`, portal.adminToken)
        .expect(200)
    ).body as MissingPeople
  const finish = async (person: string, from: string, letter: string, haveBytes = SIZE): Promise<void> => {
    const grant = await grantFor(portal, film.slug, person)
    const item = transfer(film.infohash, { session: session(letter), startBytes: haveBytes, haveBytes })
    await report(portal, grant, from, item).expect(200)
  }

  it('is who said to have every byte, of those whom the audience means, by site', async () => {
    assert.deepEqual((await matrix()).releases, [{ release: '1', have: 0, missing: 4, others: 0 }])
    await finish('ann', LYON, 'a')
    await finish('bob', OSLO, 'b')
    await finish('carl', LYON, 'c', SIZE - 1)
    await finish('eve', LYON, 'e') // she is not in the audience
    const found = await matrix()
    assert.equal(found.audience, 4)
    assert.deepEqual(found.releases, [{ release: '1', have: 2, missing: 2, others: 1 }])
    assert.deepEqual(found.sites, [
      { site: 'lyon', have: [1] },
      { site: 'oslo', have: [1] },
    ])
    const first = await missing('?limit=1')
    const rest = await missing(`?limit=1&cursor=${first.nextCursor ?? ''}`)
    assert.deepEqual(
      [...first.items, ...rest.items].map(({ name }) => name),
      ['carl', 'dora'],
    )
    assert.equal(rest.nextCursor, null)
  })

  it('means everybody where the audience does, guests while they are, and nobody who is disabled', async () => {
    await portal.api('put', `/bundles/${film.slug}/guests/eve`, portal.adminToken).send({}).expect(204)
    assert.equal((await matrix()).audience, 5)
    await portal.api('post', '/users/ann/disable', portal.adminToken).expect(200)
    assert.equal((await matrix()).audience, 4)
    await portal
      .api('put', `/bundles/${film.slug}`, portal.adminToken)
      .send({ audience: ['everyone'] })
      .expect(200)
    assert.equal((await matrix()).audience, 4)
    portal.clock.setEpoch(addMillis(portal.clock.epoch(), hours(24)))
    assert.deepEqual(
      (await missing()).items.map(({ name }) => name),
      ['bob', 'carl', 'dora', 'eve'],
    )
  })

  it('is also who seeds it with another client, as the tracker sees it, and stays so', async () => {
    const link = await portal.link(portal.adminToken, film.slug, { for: 'dora' })
    seeding = [{ grant: link.grant.id, site: 'oslo' }]
    assert.deepEqual((await matrix()).sites, [{ site: 'oslo', have: [1] }])
    seeding = []
    assert.deepEqual((await matrix()).sites, [{ site: 'oslo', have: [1] }])
  })

  it('is CSV as well: a line for each person of the audience', async () => {
    await finish('ann', LYON, 'a')
    const since = new Date(portal.clock.epoch()).toISOString()
    const answer = await portal
      .api('get', `/bundles/${film.slug}/who-has-it.csv`, portal.adminToken)
      .expect(200)
    assert.match(answer.headers['content-type'] ?? '', /^text\/csv/)
    assert.deepEqual(answer.text.trim().split('\r\n'), [
      'name,display name,email,site,1',
      `ann,,,lyon,${since}`,
      'bob,,,,',
      'carl,,,,',
      'dora,,,,',
    ])
  })

  it('is a page for who runs Shoal and for the owner, with who is missing; for others there is none', async () => {
    await finish('ann', LYON, 'a')
    const page = browserOf(portal)
    await page.post('/login').type('form').send({ token: portal.adminToken }).expect(303)
    const { text } = await page.get(`/bundles/${film.slug}/who?release=1`).expect(200)
    assert.match(text, /3 of 4 missing/)
    assert.match(text, /<th scope="row">lyon<\/th><td class="number">1<\/td>/)
    assert.match(text, /<strong>bob<\/strong>/)
    assert.doesNotMatch(text, /<strong>ann<\/strong>/)
    assert.match(
      (await page.get(`/bundles/${film.slug}`)).text,
      new RegExp(`href="/bundles/${film.slug}/who"`),
    )
    const viewer = await signedIn(portal, 'vera')
    await portal.api('put', `/bundles/${film.slug}/guests/vera`, portal.adminToken).send({}).expect(204)
    await viewer.get(`/bundles/${film.slug}`).expect(200)
    await viewer.get(`/bundles/${film.slug}/who`).expect(404)
    assert.doesNotMatch((await viewer.get(`/bundles/${film.slug}`)).text, /Who has it/)
    await page.get('/bundles/none/who').expect(404)
  })
})

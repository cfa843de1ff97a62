import assert from 'node:assert/strict'
import { millis, minutes, seconds } from '../../src/core/units.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import type { GrantKeyInfo } from '../../src/wire/api.ts'
import { peekGrant } from '../../src/wire/grant.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

interface Taken {
  readonly id: string
  readonly token: string
  readonly path: string
}

describe('Grants issued before a time', () => {
  let portal: TestPortal
  let slug: string
  beforeEach(async () => {
    portal = await openTestPortal()
    slug = (await portal.live(portal.adminToken)).slug
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const take = async (of = slug): Promise<Taken> => {
    const link = await portal.link(portal.adminToken, of)
    const path = new URL(link.torrentUrl).pathname
    return { id: link.grant.id, token: path.slice('/dl/'.length, -'.torrent'.length), path }
  }
  const refuse = (body: object, token = portal.adminToken) =>
    portal.api('post', '/grants/refuse-before', token).send(body)
  /** What whoever begins to follow the feed now says. */
  const refusal = async ({ token }: Taken): Promise<string | undefined> => {
    const { claims, kid } = peekGrant(token)
    const state = new ControlState()
    state.apply(await portal.control(0))
    return state.refusalOf(claims, kid)
  }

  it('are refused by trackers and by the portal, and those issued later are not', async () => {
    const old = await take()
    portal.clock.advance(seconds(2))
    await refuse({}).expect(200)
    portal.clock.advance(seconds(2))
    const fresh = await take()
    assert.match((await refusal(old)) ?? '', /^grants issued before .* are refused$/)
    assert.equal(await refusal(fresh), undefined)
    await portal.get(old.path).expect(403)
    await portal.get(fresh.path).expect(200)
    await portal.api('post', `/grants/${old.id}/renew`, portal.adminToken).send({}).expect(409)
    await portal.api('post', `/grants/${fresh.id}/renew`, portal.adminToken).send({}).expect(200)
  })

  it('may be those of one release, whose publisher may say so', async () => {
    const paula = await portal.token('publisher', { user: 'paula' })
    const peter = await portal.token('publisher', { name: 'peter', user: 'peter' })
    const { slug: hers } = await portal.live(paula, { title: 'Hers' }, 'hers')
    const [her, other] = [await take(hers), await take()]
    portal.clock.advance(seconds(2))
    await refuse({ bundle: hers, release: 'latest' }, peter).expect(403)
    await refuse({}, paula).expect(403)
    await refuse({ bundle: hers, release: 'latest' }, paula).expect(200)
    assert.match((await refusal(her)) ?? '', /issued before/)
    assert.equal(await refusal(other), undefined)
    const rows = await portal.audit()
    assert.ok(rows.some((row) => row.action === 'grants-refused-before' && row.actor === 'paula'))
  })

  it('stay refused after a restart, and when an earlier time is named later', async () => {
    const old = await take()
    portal.clock.advance(minutes(1))
    await refuse({}).expect(200)
    await refuse({ before: '2026-01-01T00:00:00Z' }).expect(200)
    assert.match((await refusal(old)) ?? '', /issued before/)
    await portal.portal[Symbol.asyncDispose]()
    portal = (await openTestPortal({ dataDir: portal.dataDir })).owningFolder()
    assert.match((await refusal(old)) ?? '', /issued before/)
    await portal.get(old.path).expect(403)
  })

  it('are not those taken later in the same second', async () => {
    portal.clock.advance(millis(1_400 - (portal.clock.epoch() % 1_000)))
    const old = await take()
    portal.clock.advance(millis(100))
    await refuse({}).expect(200)
    portal.clock.advance(millis(100))
    const fresh = await take()
    assert.match((await refusal(old)) ?? '', /issued before/)
    assert.equal(await refusal(fresh), undefined)
  })

  it('are not of the future, nor of half a name', async () => {
    const tomorrow = new Date(portal.clock.epoch() + millis(86_400_000)).toISOString()
    await refuse({ before: tomorrow }).expect(400)
    await refuse({ bundle: slug }).expect(400)
    await refuse({ bundle: 'none', release: '1' }).expect(404)
  })
})

describe('The keys of a portal', () => {
  let portal: TestPortal
  beforeEach(async () => (portal = await openTestPortal({ settings: { grantKeyLifeMs: '10000' } })))
  afterEach(() => portal[Symbol.asyncDispose]())

  const keys = async (): Promise<GrantKeyInfo[]> => {
    const answer = await portal.api('get', '/keys', portal.adminToken).expect(200)
    return (answer.body as { items: GrantKeyInfo[] }).items
  }
  const signing = async (): Promise<string> =>
    (await keys()).find(({ state }) => state === 'signing')?.kid ?? assert.fail('no key signs')

  it('are listed, and rotated by hand', async () => {
    const before = await keys()
    assert.deepEqual(
      before.map(({ state }) => state),
      ['signing', 'next'],
    )
    await portal.api('post', '/keys/rotate', portal.adminToken).send({}).expect(200)
    assert.equal(await signing(), before[1]?.kid)
    const rows = await portal.audit()
    assert.ok(rows.some(({ action, actor }) => action === 'grant-key-published' && actor === 'admin'))
  })

  it('rotate by themselves when one has lived for as long as the setting says, be it ten seconds', async () => {
    const first = await signing()
    let now = first
    for (let i = 0; i < 100 && now === first; i++) {
      portal.clock.advance(seconds(1))
      now = await signing()
    }
    assert.notEqual(now, first)
  })

  it('end when they leaked', async () => {
    const leaked = await signing()
    const { seq } = await portal.control(0)
    await portal.api('post', `/keys/${leaked}/retire`, portal.adminToken).send({}).expect(200)
    assert.ok((await keys()).every(({ kid }) => kid !== leaked))
    const { events } = await portal.control(seq)
    assert.ok(events.some((event) => event.kind === 'grant-key-retired' && event.kid === leaked))
    await portal.api('post', '/keys/none/retire', portal.adminToken).send({}).expect(404)
  })
})

describe('A grant in many hands', () => {
  it('is a row of the audit trail that says whose it is and from how many addresses it is used', async () => {
    await using portal = await openTestPortal()
    const { slug } = await portal.live(portal.adminToken)
    const { grant } = await portal.link(portal.adminToken, slug, { for: 'vera', peersMax: 8 })
    const items = [
      { id: grant.id, addresses: 8, isFull: true },
      { id: 'A'.repeat(16), addresses: 9, isFull: false },
    ]
    await portal.api('post', '/grants/shared', portal.originToken).send({ items }).expect(204)
    const rows = (await portal.audit()).filter(({ action }) => action === 'grant-shared')
    assert.deepEqual(
      rows.map(({ subject, detail }) => [subject, detail]),
      [[grant.id, `${slug}@1 for vera: used from 8 of 8 addresses, and others are turned away`]],
    )
  })
})

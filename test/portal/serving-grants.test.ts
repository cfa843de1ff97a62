import assert from 'node:assert/strict'
import { hours, minutes } from '../../src/core/units.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import { peekGrant } from '../../src/wire/grant.ts'
import { SERVING_INFO_HASH } from '../../src/wire/lease.ts'
import type { PresenceAnswer } from '../../src/wire/api.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

describe('A serving grant', () => {
  let portal: TestPortal
  beforeEach(async () => (portal = await openTestPortal()))
  afterEach(() => portal[Symbol.asyncDispose]())

  const report = async (token: string, more: object = {}): Promise<PresenceAnswer['serving']> => {
    const presence = { peerId: 'b'.repeat(40), kind: 'mirror', host: '10.0.0.9', port: 5_000, complete: [] }
    const answer = await portal
      .api('post', '/presence', token)
      .send({ ...presence, ...more })
      .expect(200)
    return (answer.body as PresenceAnswer).serving
  }
  const held = async (token: string): Promise<NonNullable<PresenceAnswer['serving']>> => {
    const serving = await report(token)
    return serving ?? assert.fail('no serving grant')
  }
  const grantIn = (leaseUrl: string): string => new URL(leaseUrl).searchParams.get('g') ?? ''
  /** What whoever follows the feed from its beginning says of the grant. */
  const refusal = async (leaseUrl: string): Promise<string | undefined> => {
    const { claims, kid } = peekGrant(grantIn(leaseUrl))
    const state = new ControlState()
    state.apply(await portal.control(0))
    return state.refusalOf(claims, kid)
  }

  it('comes with each report, the same for an hour, and is for no release', async () => {
    const mirror = await portal.token('origin')
    const first = await held(mirror)
    assert.ok(first.leaseUrl.includes('/lease?g='))
    assert.equal(peekGrant(grantIn(first.leaseUrl)).claims.infoHash, SERVING_INFO_HASH)
    portal.clock.advance(minutes(59))
    assert.deepEqual(await held(mirror), first)
    portal.clock.advance(minutes(2))
    const second = await held(mirror)
    assert.notEqual(second.id, first.id)
    assert.equal(await refusal(first.leaseUrl), undefined, 'the first stays good to its end')
  })

  it('is another for each token, and none for one that leaves', async () => {
    const [a, b] = [await portal.token('origin'), await portal.token('origin', { name: 'b' })]
    assert.notEqual((await held(a)).id, (await held(b)).id)
    assert.equal(await report(a, { stopping: true }), null)
  })

  it('ends with its token, also for who begins to follow the feed later', async () => {
    const made = await portal.api('post', '/tokens', portal.adminToken).send({ name: 'm', role: 'origin' })
    const { token, id } = made.body as { token: string; id: string }
    const { leaseUrl } = await held(token)
    const { seq } = await portal.control(0)
    await portal.api('delete', `/tokens/${id}`, portal.adminToken).expect(204)
    const { events } = await portal.control(seq)
    assert.deepEqual(
      events.map(({ kind }) => kind),
      ['grant-revoked'],
    )
    assert.equal(await refusal(leaseUrl), 'grant revoked')
  })

  it('ends with the grants of its person, who gets a fresh one while the token holds', async () => {
    const mirror = await portal.token('origin', { user: 'martha' })
    const first = await held(mirror)
    const answer = await portal.api('delete', '/users/martha/grants', portal.adminToken).expect(200)
    assert.deepEqual(answer.body, { revoked: 1 })
    assert.equal(await refusal(first.leaseUrl), 'grant revoked')
    const second = await held(mirror)
    assert.notEqual(second.id, first.id)
    assert.equal(await refusal(second.leaseUrl), undefined)
  })

  it('gets no .torrent', async () => {
    const { leaseUrl } = await held(portal.originToken)
    await portal.get(`/dl/${grantIn(leaseUrl)}.torrent`).expect(403)
  })

  it('keeps the key that signed it published until it ends', async () => {
    const { leaseUrl } = await held(portal.originToken)
    await portal.portal.rotateGrantKeys()
    portal.clock.advance(hours(1))
    await portal.control(0)
    assert.equal(await refusal(leaseUrl), undefined)
  })
})

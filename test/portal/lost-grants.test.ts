/** Rights that are lost, and what was taken by them. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { openTestPortal, type TestPortal } from './test-portal.ts'

describe('Who may not have a bundle any more', function () {
  this.timeout(20_000)
  let portal: TestPortal
  let paula: string
  let slug: string

  beforeEach(async () => {
    portal = await openTestPortal()
    paula = await portal.token('publisher', { user: 'paula' })
    for (const name of ['vera', 'otto']) await admin('post', '/users', { name })
    for (const name of ['ops', 'board']) await admin('post', '/groups', { name })
    await admin('put', '/groups/ops/members/vera')
    ;({ slug } = await portal.live(paula, { title: 'Runbook', audience: ['ops'], tags: ['night'] }))
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const admin = async (
    method: 'get' | 'post' | 'put' | 'delete',
    path: string,
    body?: object,
  ): Promise<void> => {
    const answer = await portal.api(method, path, portal.adminToken).send(body)
    assert.ok(answer.status < 300, answer.text)
  }
  const tokenOf = (user: string): Promise<string> => portal.token('viewer', { user })
  /** A link that the person takes; answers whether it still opens. */
  async function take(token: string, body: object = {}): Promise<() => Promise<boolean>> {
    const { torrentUrl } = await portal.link(token, slug, body)
    return async () => (await portal.get(new URL(torrentUrl).pathname)).status === 200
  }
  const change = (body: object, token = paula) => portal.api('put', `/bundles/${slug}`, token).send(body)

  it('loses what they took of it: the audience is another', async () => {
    const vera = await tokenOf('vera')
    const [hers, given, paulas] = [
      await take(vera),
      await take(paula, { for: 'a contractor' }),
      await take(paula),
    ]
    await change({ audience: ['ops', 'board'] }).expect(200)
    assert.equal(await hers(), true)
    await change({ audience: ['board'] }).expect(200)
    assert.deepEqual([await hers(), await given(), await paulas()], [false, true, true])
    await portal.api('get', `/bundles/${slug}`, vera).expect(404)
    const list = async (token: string): Promise<unknown> => (await portal.api('get', '/bundles', token)).body
    assert.deepEqual(await list(vera), { items: [], nextCursor: null })
    assert.match(
      (await portal.audit()).find(({ action }) => action === 'bundle-changed')?.detail ?? '',
      /for board, was for ops, board/,
    )
  })

  it('loses it by leaving the group, by the group’s end, by being an admin no more', async () => {
    const vera = await tokenOf('vera')
    const first = await take(vera)
    await admin('delete', '/groups/ops/members/vera')
    assert.equal(await first(), false)
    await admin('put', '/groups/ops/members/vera')
    const second = await take(vera)
    await admin('delete', '/groups/ops')
    assert.equal(await second(), false)
    await admin('put', '/users/otto', { role: 'admin' })
    await admin('post', '/users', { name: 'ada', role: 'admin' })
    const otto = await portal.token('admin', { user: 'otto' })
    const third = await take(otto)
    await admin('put', '/users/otto', { role: 'viewer' })
    assert.equal(await third(), false)
  })

  it('keeps it as a guest, and as a guest who is in the audience now', async () => {
    const otto = await tokenOf('otto')
    await portal.api('put', `/bundles/${slug}/guests/otto`, paula).send({}).expect(204)
    const his = await take(otto)
    await change({ audience: ['board'], title: 'Runbook of the night' }).expect(200)
    assert.equal(await his(), true)
    await portal.api('get', `/bundles?q=night`, otto).expect(200)
    await change({ audience: ['otto'] }).expect(200)
    assert.equal(await his(), true)
    const guests = (await portal.api('get', `/bundles/${slug}/guests`, paula).expect(200)).body as {
      items: unknown[]
    }
    assert.deepEqual(guests.items, [])
  })
})

describe('Grants that may have to end', () => {
  it('are found without a walk through all that were ever given', async () => {
    await using portal = await openTestPortal()
    const db = new Sqlite(join(portal.dataDir, 'portal.sqlite'))
    try {
      for (const [column, index] of [
        ['bundle', 'grants_of_bundle'],
        ['for_user', 'grants_by_(?:user|issuer)'], // who gave is who was given to
      ] as const) {
        const plan = db
          .prepare(
            `explain query plan select id, for_user, bundle from grants where issued_by = for_user
             and revoked_at is null and expires_at > ? and ${column} = ?`,
          )
          .all(1, 'x') as { detail: string }[]
        assert.match(plan.map(({ detail }) => detail).join('\n'), new RegExp(`USING INDEX ${index}`))
      }
    } finally {
      db.close()
    }
  })
})

describe('A change of a bundle', () => {
  it('is found by its new words and tags, in its new place, and not by the old ones', async () => {
    await using portal = await openTestPortal()
    const paula = await portal.token('publisher', { user: 'paula' })
    const { slug } = await portal.live(paula, { title: 'Zebra', description: 'stripes', tags: ['old'] })
    await portal.live(paula, { title: 'Middle' }, 'other.mp4')
    const titles = async (query: string): Promise<string[]> =>
      (
        (await portal.api('get', `/bundles${query}`, paula).expect(200)).body as {
          items: { title: string }[]
        }
      ).items.map(({ title }) => title)
    const changed = await portal
      .api('put', `/bundles/${slug}`, paula)
      .send({ title: 'Antelope', tags: ['new'] })
      .expect(200)
    assert.deepEqual(
      [changed.body as object].map((body) => ({ ...body, latest: null, updatedAt: '' })),
      [
        {
          bundle: slug,
          title: 'Antelope',
          description: 'stripes',
          tags: ['new'],
          owner: 'paula',
          audience: ['everyone'],
          kind: 'video',
          latest: null,
          updatedAt: '',
        },
      ],
    )
    assert.deepEqual(await titles('?q=antelope'), ['Antelope'])
    assert.deepEqual(await titles('?q=old'), [])
    assert.deepEqual(await titles('?q=zebra'), ['Antelope'], 'it is still called so in its address')
    assert.deepEqual(await titles('?q=stripes'), ['Antelope'])
    assert.deepEqual(await titles('?tag=new'), ['Antelope'])
    assert.deepEqual(await titles('?tag=old'), [])
    assert.deepEqual(await titles('?sort=title'), ['Antelope', 'Middle'])
    for (const body of [{ title: '' }, { audience: [] }, { bundle: 'other' }, { tags: ['x'.repeat(1_000)] }])
      await portal.api('put', `/bundles/${slug}`, paula).send(body).expect(400)
  })
})

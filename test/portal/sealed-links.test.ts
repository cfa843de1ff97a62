/** Links that ask for a password. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import request from 'supertest'
import { hours, minutes } from '../../src/core/units.ts'
import type { Link } from '../../src/wire/api.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

const PASSWORD = 'lamp river nineteen cobalt'

describe('A link that asks for a password', function () {
  this.timeout(20_000)
  let portal: TestPortal
  let paula: string
  let slug: string

  beforeEach(async () => {
    portal = await openTestPortal({ settings: { failedPasswordsMax: '3' } })
    paula = await portal.token('publisher', { user: 'paula' })
    ;({ slug } = await portal.live(paula, { title: 'Board minutes', audience: ['board'] }))
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const make = async (body: object = {}): Promise<Link & { readonly path: string }> => {
    const link = await portal.link(paula, slug, { password: PASSWORD, for: 'a contractor', ...body })
    return { ...link, path: new URL(link.pageUrl ?? '').pathname }
  }
  const open = (path: string, password = PASSWORD): request.Test =>
    request(portal.portal.handler).post(path).type('form').send({ password })

  it('is shown to whoever has its address and the password, without an account', async () => {
    const link = await make()
    const asked = (await portal.get(link.path).expect(200)).text
    assert.doesNotMatch(asked, /magnet:|Board minutes|film/)
    const shown = await open(link.path).expect(200)
    assert.ok(shown.text.includes(new URL(link.torrentUrl).pathname))
    assert.match(shown.text, /value="magnet:\?/)
    assert.equal(shown.headers['referrer-policy'], 'no-referrer')
    const wrong = await open(link.path, 'paper anchor velvet thirty').expect(401)
    assert.doesNotMatch(wrong.text, /magnet:/)
    const actions = (await portal.audit()).map(({ action }) => action)
    for (const action of ['link-sealed', 'link-opened']) assert.ok(actions.includes(action), action)
  })

  it('ends with its grant: by time, by being revoked', async () => {
    const [first, second] = [await make({ expiresInSeconds: 3_600 }), await make()]
    portal.clock.advance(hours(1))
    await portal.get(first.path).expect(404)
    await open(first.path).expect(404)
    await open(second.path).expect(200)
    await portal.api('delete', `/grants/${second.grant.id}`, paula).expect(204)
    await open(second.path).expect(404)
    await portal.get('/l/nonsense').expect(404)
  })

  it('is not opened by guessing, and nothing in the database opens it', async () => {
    const link = await make()
    for (let n = 0; n < 3; n++) await open(link.path, `wrong ${n}`).expect(401)
    await open(link.path).expect(429)
    const file = await readFile(join(portal.dataDir, 'portal.sqlite'))
    const wal = await readFile(join(portal.dataDir, 'portal.sqlite-wal')).catch(() => Buffer.alloc(0))
    const token = new URL(link.torrentUrl).pathname.slice('/dl/'.length, -'.torrent'.length)
    for (const secret of [token, link.path.slice('/l/'.length), PASSWORD])
      for (const bytes of [file, wal]) assert.ok(!bytes.includes(secret))
    portal.clock.advance(minutes(15))
  })

  it('is made by those who may give links to others, with a password that is none of the common ones', async () => {
    const vera = await portal.token('viewer', { user: 'vera', groups: ['board'] })
    const path = `/bundles/${slug}/releases/latest/links`
    await portal.api('post', path, vera).send({ password: PASSWORD }).expect(403)
    for (const password of ['short', 'password1234', 'x'.repeat(257)])
      await portal.api('post', path, paula).send({ password }).expect(400)
    const grants = (await portal.api('get', '/grants', paula).expect(200)).body as { items: unknown[] }
    assert.deepEqual(grants.items, [], 'nothing was given before the password was looked at')
    const plain = await portal.link(paula, slug)
    assert.equal(plain.pageUrl, undefined)
  })

  it('is made on the bundle’s page', async () => {
    const page = request.agent(portal.portal.handler)
    await page.post('/login').type('form').send({ token: paula }).expect(303)
    const text = (await page.get(`/bundles/${slug}`)).text
    assert.match(text, /without an account/)
    const _csrf = /name="_csrf" value="([^"]+)"/.exec(text)?.[1]
    const send = (fields: object): request.Test =>
      page
        .post(`/bundles/${slug}/releases/1/links`)
        .type('form')
        .send({ ...fields, _csrf })
    const made = await send({ for: 'a contractor', password: PASSWORD }).expect(200)
    const url = /value="(http[^"]+\/l\/[\w-]{43})"/.exec(made.text)?.[1] ?? ''
    assert.doesNotMatch(made.text, /magnet:/)
    await open(new URL(url).pathname).expect(200)
    const weak = await send({ for: 'a contractor', password: 'password1234' })
    assert.match(weak.text, /easily guessed/)
  })
})

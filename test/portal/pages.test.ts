import assert from 'node:assert/strict'
import request from 'supertest'
import type { Release } from '../../src/wire/api.ts'
import { limits } from '../../src/wire/limits.ts'
import { torrentNamed } from './torrents.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

const HOSTILE = `"><img src=x onerror=alert(1)><script>alert(1)</script>`

describe('The pages', () => {
  let portal: TestPortal
  let browser: ReturnType<typeof request.agent>

  const html = async (path: string, status = 200): Promise<string> =>
    (await browser.get(path).expect(status).expect('content-type', /html/)).text
  const csrfIn = (page: string): string => /name="_csrf" value="([^"]+)"/.exec(page)?.[1] ?? ''
  const signIn = (token: string): request.Test => browser.post('/login').type('form').send({ token })

  beforeEach(async () => {
    portal = await openTestPortal()
    browser = request.agent(portal.portal.handler)
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  it('ask who is not signed in to sign in, and say when a token is not known', async () => {
    for (const path of ['/', '/bundles/x', '/no/such/page']) await browser.get(path).expect(303, /login/)
    await signIn('shoal_nobody').expect('location', '/login?failed=1')
    assert.match(await html('/login?failed=1', 401), /role="alert"/)
    await signIn(portal.adminToken).expect('location', '/')
    assert.match(await html('/'), /Nothing is published yet/)
  })

  it('offer no link of a release that is for our clients only, and say what to type', async () => {
    const slug = await portal.bundle(portal.adminToken, { title: 'Minutes' })
    const made = await portal.postTorrent(portal.adminToken, slug, torrentNamed('minutes'), '?admit=ours')
    await portal.complete([(made.body as Release).infohash])
    await signIn(portal.adminToken)
    const page = await html(`/bundles/${slug}`)
    assert.match(page, /own clients get this release/)
    assert.match(page, /shoal get minutes@1 --out/)
    assert.doesNotMatch(page, /Get it|magnet:|\/dl\//)
    const asked = browser.post(`/bundles/${slug}/releases/1/links`).type('form')
    const refused = await asked.send({ _csrf: csrfIn(page) }).expect(409)
    assert.match(refused.text, /own clients only/)
  })

  it('list what there is, find it by words and tags, and go on where a page ends', async () => {
    await portal.live(portal.adminToken, { title: 'Fire safety', tags: ['safety'] }, 'a.mp4')
    await portal.live(portal.adminToken, { title: 'First aid' }, 'b.mp4')
    await signIn(portal.adminToken)
    const all = await html('/')
    assert.match(all, /Fire safety/)
    assert.match(all, /First aid/)
    const found = await html('/?q=fire')
    assert.match(found, /Results for “fire”/)
    assert.doesNotMatch(found, /First aid/)
    assert.doesNotMatch(await html('/?tag=safety'), /First aid/)
    assert.match(await html('/?q=nothing'), /Nothing matches/)
    const next = /href="(\/\?[^"]*cursor=[^"]+)"/.exec(await html('/?limit=1'))?.[1] ?? ''
    assert.match(await html(next.replaceAll('&amp;', '&')), /Fire safety/)
  })

  it('show a bundle with its files, and make a link when its form is sent', async () => {
    const { slug } = await portal.live(portal.adminToken)
    await signIn(portal.adminToken)
    const page = await html(`/bundles/${slug}`)
    assert.match(page, /film\.mp4/)
    assert.match(page, /available/)
    const path = `/bundles/${slug}/releases/1/links`
    const made = await browser
      .post(path)
      .type('form')
      .send({ _csrf: csrfIn(page) })
      .expect(200)
    assert.match(made.text, /works until/)
    assert.match(made.text, /value="magnet:\?xt=urn:btih:/)
    assert.match(made.text, /href="http:\/\/media\.example\.com\/dl\/[^"]+\.torrent"/)
    assert.equal(made.headers['cache-control'], 'no-store')
    assert.ok((await portal.audit()).some((row) => /grant/.test(row.action)))
  })

  it('say who vouches for a release, from where it comes, and show the way to a phone', async () => {
    const paula = await portal.token('publisher', { user: 'paula' })
    const { slug } = await portal.live(paula, { title: 'Fire safety' }, 'a.mp4')
    const stated = await portal.bundle(paula, { title: 'Stated' })
    const query = `?rights=${encodeURIComponent('CC BY 4.0, by <b>us</b>')}`
    await portal.postTorrent(paula, stated, torrentNamed('b.mp4'), query).expect(201)
    await signIn(paula)
    const page = await html(`/bundles/${slug}`)
    assert.match(page, /Rights: Published by paula, who vouches that it may be shared\./)
    assert.match(page, /available from the company server</)
    assert.match(await html(`/bundles/${stated}`), /Rights: CC BY 4\.0, by &lt;b&gt;us/)
    const code = await browser.get(`/bundles/${slug}/qr.svg`).expect(200).expect('content-type', /svg/)
    assert.match(String(code.body), /<svg /)
    await browser.get('/bundles/none/qr.svg').expect(404)
  })

  it('count the colleagues who have all of it, where the tracker is in the same process', async () => {
    let seeds = 0
    const figures = {
      announces: {},
      swarms: 0,
      peers: 0,
      crossSiteIntroductions: 0,
      webSockets: 0,
      peersBySite: () => [],
    }
    await portal[Symbol.asyncDispose]()
    portal = await openTestPortal({ live: () => ({ ...figures, seeds: () => seeds }) })
    browser = request.agent(portal.portal.handler)
    const { slug } = await portal.live(portal.adminToken, { title: 'Fire safety' })
    await signIn(portal.adminToken)
    for (const [count, text] of [
      [0, 'from the company server<'],
      [1, 'from the company server and 1 colleague<'],
      [12, 'from the company server and 12 colleagues<'],
    ] as const) {
      seeds = count
      assert.ok((await html(`/bundles/${slug}`)).includes(text), text)
    }
  })

  it('let the owner change what is said of a bundle, and for whom it is', async () => {
    const paula = await portal.token('publisher', { user: 'paula' })
    const { slug } = await portal.live(paula, { title: 'Fire safety', tags: ['safety'] })
    await signIn(paula)
    const _csrf = csrfIn(await html(`/bundles/${slug}`))
    const send = (fields: object): request.Test =>
      browser
        .post(`/bundles/${slug}/change`)
        .type('form')
        .send({ _csrf, ...fields })
    const good = { title: 'Fire!', description: 'a\r\nb', tags: ' x, y ,,', audience: 'board, ops' }
    await send(good).expect('location', `/bundles/${slug}`)
    const { title, description, tags, audience } = await portal.detail(paula, slug)
    assert.deepEqual([title, description, tags, audience], ['Fire!', 'a\nb', ['x', 'y'], ['board', 'ops']])
    assert.match((await send({ ...good, title: '' }).expect(409)).text, /role="alert"/)
    assert.match((await send({ ...good, audience: ' , ' }).expect(409)).text, /role="alert"/)
    await browser.post('/logout').type('form').send({ _csrf })
    await signIn(await portal.token('viewer', { user: 'vera', groups: ['ops'] }))
    const hers = await html(`/bundles/${slug}`)
    assert.doesNotMatch(hers, /Change this bundle|Who else may have it|without an account/)
    await browser
      .post(`/bundles/${slug}/change`)
      .type('form')
      .send({ ...good, _csrf: csrfIn(hers) })
      .expect(409)
  })

  it('say in which site an address is, and let operators change the map', async () => {
    await signIn(await portal.token('operator', { user: 'opal' }))
    assert.match(await html('/sites'), /No sites are listed/)
    assert.match(await html('/sites?address=10.4.7.9'), /10\.4\.7\.9 is in 10\.4\.7\.0\/24, which no line/)
    const _csrf = csrfIn(await html('/sites'))
    const send = (map: string): request.Test => browser.post('/sites').type('form').send({ _csrf, map })
    await send('lyon 10.4.0.0/16\r\nvpn 10.200.0.0/16 peering=off\r\n').expect(
      'location',
      '/sites?said=sites',
    )
    assert.match(await html('/sites?address=10.4.7.9'), /10\.4\.7\.9 is in lyon</)
    assert.match(await html('/sites?address=10.200.0.1'), /is in vpn \(peering=off\)/)
    assert.match(await html('/sites?address=nowhere'), /role="alert"/)
    const refused = (await send('lyon 10.4.0.0/16\nparis 10.4.1.0/99').expect(409)).text
    assert.match(refused, /line 2/)
    assert.match(refused, /paris 10\.4\.1\.0\/99/)
    await browser.post('/logout').type('form').send({ _csrf })
    await signIn(await portal.token('publisher', { user: 'paula' }))
    const hers = await html('/sites?address=10.4.7.9')
    assert.match(hers, /is in lyon/)
    assert.doesNotMatch(hers, /Use this map/)
    await browser
      .post('/sites')
      .type('form')
      .send({ _csrf: csrfIn(hers), map: '' })
      .expect(409)
    await browser
      .post('/logout')
      .type('form')
      .send({ _csrf: csrfIn(hers) })
    await signIn(await portal.token('viewer', { user: 'vera' }))
    await html('/sites', 404)
  })

  it('take a description of the longest, in whatever script', async () => {
    const paula = await portal.token('publisher', { user: 'paula' })
    const { slug } = await portal.live(paula, { title: 'Fire safety' })
    await signIn(paula)
    const _csrf = csrfIn(await html(`/bundles/${slug}`))
    const description = '消'.repeat(limits.descriptionCharsMax)
    const form = { _csrf, title: 'Fire safety', tags: '', audience: 'everyone', description }
    await browser.post(`/bundles/${slug}/change`).type('form').send(form).expect(303)
    assert.equal((await portal.detail(paula, slug)).description, description)
  })

  it('read no large form of a stranger', async () => {
    for (const path of ['/sites', '/bundles/x/change'])
      await request(portal.portal.handler)
        .post(path)
        .type('form')
        .send({ map: 'x'.repeat(30_000), description: 'y'.repeat(30_000) })
        .expect('location', '/login')
  })

  it('show grants to whom they concern, and take them back', async () => {
    const paula = await portal.token('publisher', { user: 'paula' })
    const vera = await portal.token('viewer', { user: 'vera' })
    const { slug } = await portal.live(paula, { title: 'Fire safety' })
    const [hers] = [await portal.link(vera, slug), await portal.link(paula, slug)]
    await signIn(vera)
    const own = await html('/grants')
    assert.match(own, /Your grants/)
    assert.ok(own.includes(hers.grant.id))
    assert.doesNotMatch(own, /paula/)
    await browser
      .post('/logout')
      .type('form')
      .send({ _csrf: csrfIn(own) })
    await signIn(await portal.token('auditor', { user: 'odo' }))
    const all = await html('/grants')
    assert.match(all, /paula/)
    assert.doesNotMatch(all, /Revoke the grant/)
    assert.doesNotMatch(await html('/grants?user=vera'), /paula/)
    await browser
      .post('/logout')
      .type('form')
      .send({ _csrf: csrfIn(all) })
    await signIn(await portal.token('operator', { user: 'opal' }))
    assert.match(await html('/grants'), /name="user" value=""/)
    const page = await html('/grants?user=vera')
    assert.match(page, /<input type="search" name="user" value="vera"/)
    assert.match(page, /<input type="hidden" name="user" value="vera">/)
    const form = { _csrf: csrfIn(page), id: hers.grant.id, user: 'vera' }
    await browser
      .post('/grants/revoke')
      .type('form')
      .send(form)
      .expect('location', '/grants?user=vera&said=taken')
    assert.match(await html('/grants?user=vera'), /revoked /)
    await portal.get(new URL(hers.torrentUrl).pathname).expect(403)
    await browser
      .post('/grants/revoke')
      .type('form')
      .send({ ...form, id: 'nonsense' })
      .expect(409)
  })

  it('recall a release, for ever, with the reason', async () => {
    const paula = await portal.token('publisher', { user: 'paula' })
    const { slug } = await portal.live(paula, { title: 'Fire safety' })
    await signIn(await portal.token('viewer', { user: 'vera' }))
    const hers = await html(`/bundles/${slug}`)
    assert.doesNotMatch(hers, /Recall/)
    const path = `/bundles/${slug}/releases/1/recall`
    await browser
      .post(path)
      .type('form')
      .send({ _csrf: csrfIn(hers), reason: 'x' })
      .expect(409)
    await browser
      .post('/logout')
      .type('form')
      .send({ _csrf: csrfIn(hers) })
    await signIn(paula)
    const _csrf = csrfIn(await html(`/bundles/${slug}`))
    await browser.post(path).type('form').send({ _csrf, reason: 'the wrong film' }).expect(303)
    assert.match(await html(`/bundles/${slug}/releases/1`), /recalled<\/strong>: the wrong film/)
    await browser.post(path).type('form').send({ _csrf, reason: 'again' }).expect(409)
  })

  it('take no form that another site sent', async () => {
    const { slug } = await portal.live(portal.adminToken)
    await signIn(portal.adminToken)
    const path = `/bundles/${slug}/releases/1/links`
    await browser.post(path).type('form').send({}).expect(403)
    await browser.post(path).type('form').send({ _csrf: 'guessed' }).expect(403)
  })

  it('have nothing for whom a bundle is not for', async () => {
    const { slug } = await portal.live(portal.adminToken, { title: 'Board minutes', audience: ['board'] })
    await signIn(await portal.token('viewer'))
    assert.doesNotMatch(await html('/'), /Board minutes/)
    assert.match(await html(`/bundles/${slug}`, 404), /not for you/)
    for (const path of ['/bundles/No%20Slug', '/bundles/x/releases/..%2f', '/?limit=x', '/other']) {
      await html(path, 404)
    }
  })

  it('print what strangers wrote as text, everywhere', async () => {
    const draft = { title: HOSTILE, description: HOSTILE, tags: [HOSTILE.slice(0, 40)] }
    const { slug } = await portal.live(portal.adminToken, draft)
    await signIn(portal.adminToken)
    for (const path of ['/', `/bundles/${slug}`, `/?q=${encodeURIComponent(HOSTILE)}`]) {
      const page = await html(path)
      assert.doesNotMatch(page, /<script|<img src=x/)
      assert.match(page, /&lt;script&gt;|&lt;img/)
    }
  })

  it('are shown although a title or tag has half a character, which no URL can hold', async () => {
    const { slug } = await portal.live(portal.adminToken, {
      title: 'half \ud800',
      tags: ['half \udc00'],
      description: '\ud800',
    })
    await signIn(portal.adminToken)
    for (const path of ['/', `/bundles/${slug}`]) assert.match(await html(path), /half \ufffd/)
  })

  it('are not compressed, since they hold a token beside what the address asked for', async () => {
    await signIn(portal.adminToken)
    const page = await browser.get(`/?q=${'x'.repeat(200)}`).set('accept-encoding', 'gzip')
    assert.equal(page.headers['content-encoding'], undefined)
    const data = await browser.get('/api/v1/openapi.json').set('accept-encoding', 'gzip')
    assert.equal(data.headers['content-encoding'], 'gzip')
  })

  it('bring their own style and no script', async () => {
    const { text } = await browser
      .get('/assets/pages.css')
      .expect(200)
      .expect('content-type', /^text\/css/)
    for (const part of ['@charset "UTF-8";/*!\n * Pico CSS', '.brand', '.player'])
      assert.ok(text.includes(part), part)
    await browser.get('/assets/../pages/pages.ts').expect(303)
    await signIn(portal.adminToken)
    assert.doesNotMatch(await html('/'), /<script/)
  })
})

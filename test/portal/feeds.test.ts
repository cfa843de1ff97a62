/** Feeds of people, for BitTorrent clients that subscribe. */
import assert from 'node:assert/strict'
import { parseRssFeed } from 'feedsmith'
import { hours } from '../../src/core/units.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'
import { browserOf, sendForm, signedIn, type Browser } from './page-person.ts'
import { bytesOfBody, openTestPortal, type TestPortal } from './test-portal.ts'

const HOSTILE = `]]></title><x>&"'\u0001\u{fffe} Sécurité`

describe('A feed', function () {
  this.timeout(20_000)
  let portal: TestPortal
  let paula: string
  beforeEach(async () => {
    portal = await openTestPortal({ settings: { failedLoginsPerMinuteMax: '1000' } })
    paula = await portal.token('publisher', { user: 'paula' })
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  async function make(page: Browser): Promise<string> {
    const url = /value="(http[^"]+\/all\.xml)"/.exec((await sendForm(page, '/account/feed')).text)?.[1] ?? ''
    return new URL(url).pathname
  }
  const read = async (path: string) => {
    const answer = await portal.get(path).buffer(true).expect(200)
    assert.match(answer.headers['content-type'] ?? '', /^application\/rss\+xml/)
    return parseRssFeed(answer.text)
  }

  it('names what is for the person, newest first, with torrents that carry a grant of theirs', async () => {
    await portal.live(paula, { title: HOSTILE, tags: ['safety'] }, 'a.mp4')
    await portal.live(paula, { title: 'Board minutes', audience: ['board'] }, 'b.mp4')
    portal.clock.advance(hours(1))
    await portal.live(paula, { title: 'Newer' }, 'c.mp4')
    const path = await make(await signedIn(portal, 'ann'))
    const { items = [] } = await read(path)
    assert.deepEqual(
      items.map((item) => item.title),
      ['Newer (1)', `]]></title><x>&"'   Sécurité (1)`],
    )
    const [enclosure] = items[1]?.enclosures ?? []
    assert.equal(enclosure?.type, 'application/x-bittorrent')
    const torrentPath = new URL(enclosure.url ?? '').pathname
    const answer = await portal.get(torrentPath).buffer(true).parse(bytesOfBody).expect(200)
    const torrent = parseTorrent(answer.body as Buffer)
    assert.equal(torrent.infoHash, items[1]?.guid?.value)
    assert.match(torrent.announce[0]?.[0] ?? '', /\/announce\?g=/)
    const grants = (await portal.api('get', '/grants', portal.adminToken).expect(200)).body as {
      items: { for: string; expiresAt: string }[]
    }
    assert.equal(grants.items[0]?.for, 'ann')
    assert.equal(Date.parse(grants.items[0].expiresAt), portal.clock.epoch() + hours(24 * 7))
    assert.deepEqual(((await read(`${path}?tag=safety`)).items ?? []).length, 1)
    const folder = path.replace('/all.xml', '')
    for (const file of [
      'board-minutes@1.torrent',
      'none@1.torrent',
      'newer@9.torrent',
      'x.torrent',
      '@.torrent',
    ])
      await portal.get(`${folder}/${file}`).expect(404)
  })

  it('is worth nothing once it is renewed, taken back, or the person is disabled', async () => {
    const page = await signedIn(portal, 'ann')
    const first = await make(page)
    const second = await make(page)
    await portal.get(first).expect(404)
    await portal.get(second).expect(200)
    assert.equal((await sendForm(page, '/account/feed/delete')).headers['location'], '/account?said=feed')
    await portal.get(second).expect(404)
    const third = await make(page)
    await portal.api('post', '/users/ann/disable', portal.adminToken).expect(200)
    await portal.get(third).expect(404)
    await portal.api('post', '/users/ann/enable', portal.adminToken).expect(200)
    await portal.get(third).expect(404)
    await portal.get('/feeds/nonsense/all.xml').expect(404)
  })

  it('is made by people only', async () => {
    const page = browserOf(portal)
    await page.post('/login').type('form').send({ token: paula }).expect(303)
    assert.doesNotMatch((await page.get('/account')).text, /Feed for/)
    assert.ok((await sendForm(page, '/account/feed')).status >= 400)
  })
})

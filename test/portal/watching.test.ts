import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import request, { type Agent } from 'supertest'
import { minutes } from '../../src/core/units.ts'
import { peekGrant } from '../../src/wire/grant.ts'
import { limits } from '../../src/wire/limits.ts'
import { zWatch, zWatching, type Watch } from '../../src/wire/api-watch.ts'
import { captionsOf, isPlayable, mediaTypeOf } from '../../src/portal/watching/media-type.ts'
import { recordFigures } from '../support/figures.ts'
import { bytesOfBody } from './test-portal.ts'
import { WebSeedWorld } from './web-seed-world.ts'

const CHROMIUM =
  'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36'
const FILM = 2_500_000
/** Promised, gzipped. */
const WATCH_SCRIPT_BYTES_MAX = 150_000

describe('Watching over HTTP', () => {
  let world: WebSeedWorld
  const stack = new AsyncDisposableStack()
  const sessions = new Map<string, Agent>()
  const FILES = { 'notes.txt': 900, 'film.mp4': FILM, 'film.de.vtt': 40, 'slides.pdf': 70_000 }
  const contentOf = (path: string): Buffer =>
    Buffer.from(world.made.contents.get(`content-7/${path}`) ?? assert.fail(path))
  let base = ''

  /** The browser of somebody who is signed in. */
  async function browser(token: string): Promise<Agent> {
    const known = sessions.get(token)
    if (known !== undefined) return known
    const agent = request.agent(world.portal.portal.handler)
    const form = await agent.get('/login').expect(200)
    const csrf = /name="_csrf" value="([^"]+)"/.exec(form.text)?.[1] ?? ''
    await agent.post('/login').type('form').send({ token, _csrf: csrf }).expect(303)
    sessions.set(token, agent)
    return agent
  }

  const bytes = async (agent: Agent, path: string, headers: Record<string, string> = {}) =>
    await agent.get(path).set(headers).buffer(true).parse(bytesOfBody)

  const watch = async (token: string, file = 1): Promise<Watch> => {
    const path = `/bundles/${world.slug}/releases/1/watch`
    const answer = await world.portal.api('post', path, token).send({ file }).expect(200)
    return zWatch.parse(answer.body)
  }

  before(async () => {
    world = stack.use(await WebSeedWorld.open(FILES))
    base = `/bundles/${world.slug}/releases/1`
  })
  after(() => stack.disposeAsync())

  it('sends each file, and all of them one after the other, in ranges', async () => {
    const agent = await browser(world.portal.adminToken)
    const whole = Buffer.concat(Object.keys(FILES).map(contentOf))
    const film = await bytes(agent, `${base}/files/1`)
    assert.equal(film.status, 200)
    assert.ok((film.body as Buffer).equals(contentOf('film.mp4')))
    assert.equal(film.headers['content-type'], 'video/mp4')
    assert.match(film.headers['content-security-policy'] ?? '', /sandbox/)
    assert.match(film.headers['cache-control'] ?? '', /private, no-store/)
    const middle = await bytes(agent, `${base}/content`, { range: 'bytes=850-100000' })
    assert.equal(middle.status, 206)
    assert.equal(middle.headers['content-range'], `bytes 850-100000/${whole.length}`)
    assert.ok((middle.body as Buffer).equals(whole.subarray(850, 100_001)))
    await agent.get(`${base}/files/1`).set('range', `bytes=${FILM}-`).expect(416)
    await agent.get(`${base}/files/4`).expect(404)
    await agent.get(`${base}/files/1e0`).expect(404)
    const captions = await bytes(agent, `${base}/files/2`)
    assert.equal(captions.headers['content-type'], 'text/vtt; charset=utf-8')
    const notes = await bytes(agent, `${base}/files/0`)
    assert.equal(notes.headers['content-type'], 'application/octet-stream', 'nothing of a release is a page')
  })

  it('gives a player of Chromium short answers, and others what they ask for', async () => {
    const agent = await browser(world.portal.adminToken)
    const asked = { range: 'bytes=100-', 'sec-fetch-dest': 'video' }
    const short = await bytes(agent, `${base}/files/1`, { ...asked, 'user-agent': CHROMIUM })
    const end = 100 + limits.watchAnswerBytesMax
    assert.equal(short.headers['content-range'], `bytes 100-${end - 1}/${FILM}`)
    assert.ok((short.body as Buffer).equals(contentOf('film.mp4').subarray(100, end)))
    const long = await bytes(agent, `${base}/files/1`, { ...asked, 'user-agent': 'Firefox/150.0' })
    assert.equal((long.body as Buffer).length, FILM - 100)
    const page = await bytes(agent, `${base}/content`, { range: 'bytes=100-', 'user-agent': CHROMIUM })
    assert.ok((page.body as Buffer).length > FILM)
  })

  it('is for whoever may fetch it, and nobody else', async () => {
    const { portal, slug } = world
    await portal
      .api('put', `/bundles/${slug}`, portal.adminToken)
      .send({ audience: ['ops'] })
      .expect(200)
    const viewer = await portal.token('viewer', { user: 'vera', groups: ['ops'] })
    const outsider = await portal.token('viewer', { user: 'otto', groups: ['sales'] })
    const operator = await portal.token('operator', { user: 'olga' })
    for (const path of [`${base}/files/1`, `${base}/content`]) {
      await (await browser(viewer)).get(path).set('range', 'bytes=0-9').expect(206)
      await (await browser(outsider)).get(path).expect(404)
      await (await browser(operator)).get(path).expect(403)
      await portal.get(path).expect(404)
      await portal.get(path).set('authorization', `Bearer ${viewer}`).expect(404)
    }
    await portal.api('post', `/bundles/${slug}/releases/1/watch`, outsider).send({ file: 1 }).expect(404)
    await portal
      .api('put', `/bundles/${slug}`, portal.adminToken)
      .send({ audience: ['everyone'] })
      .expect(200)
  })

  it('begins by the page alone: one script stands in it, which the policy names by its hash', async () => {
    const agent = await browser(world.portal.adminToken)
    const { text, headers } = await agent.get(`${base}/watch`).set('user-agent', CHROMIUM).expect(200)
    const scripts = [...text.matchAll(/<script[^>]*>([^]*?)<\/script>/g)]
    assert.equal(scripts.length, 1)
    const hash = createHash('sha256')
      .update(scripts[0]?.[1] ?? '')
      .digest('base64')
    const policy = headers['content-security-policy'] ?? ''
    assert.ok(policy.includes(`script-src 'self' 'sha256-${hash}';`), policy)
    assert.doesNotMatch(text, /<link rel="stylesheet"|<img/)
    assert.match(text, /<video [^>]*src="/)
  })

  it('loads little script, all together', async () => {
    const agent = await browser(world.portal.adminToken)
    const { text } = await agent.get(`${base}/watch`).set('user-agent', CHROMIUM).expect(200)
    const inPage = /<script[^>]*>([^]*?)<\/script>/.exec(text)?.[1] ?? ''
    const others = ['watch.js', 'watch-disk.js'].map(
      (name) => RegExp(`"(/assets/${name}[^"]*)"`).exec(text)?.[1],
    )
    const loaded = [inPage]
    for (const path of [...others, '/watch-worker.js'])
      loaded.push((await agent.get(path ?? assert.fail('it is not named')).expect(200)).text)
    assert.ok(loaded.every((script) => script.length > 500))
    const gzippedBytes = loaded.reduce((all, script) => all + gzipSync(script).length, 0)
    recordFigures('script of the watch page', { gzippedBytes })
    assert.ok(gzippedBytes <= WATCH_SCRIPT_BYTES_MAX, `${gzippedBytes} bytes`)
  })

  it('ends with the session', async () => {
    const token = await world.portal.token('viewer', { user: 'sam' })
    const agent = await browser(token)
    await agent.get(`${base}/files/1`).set('range', 'bytes=0-9').expect(206)
    const page = await agent.get('/').expect(200)
    const csrf = /name="_csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    await agent.post('/logout').type('form').send({ _csrf: csrf }).expect(303)
    await agent.get(`${base}/files/1`).set('range', 'bytes=0-9').expect(404)
    sessions.delete(token)
  })

  it('begins with a grant of its own, hashes of the file’s pieces, and where the rest is', async () => {
    const token = await world.portal.token('viewer', { user: 'vic' })
    const given = await watch(token)
    const { torrent } = world.made
    assert.equal(given.infohash, torrent.infoHash)
    assert.deepEqual(given.file, { index: 1, sizeBytes: FILM, startBytes: 900, type: 'video/mp4' })
    const whole = Buffer.concat(Object.keys(FILES).map(contentOf))
    const hashes = Buffer.from(given.pieceHashes, 'base64')
    const length = given.pieceLengthBytes
    const pieces = Math.floor((900 + FILM - 1) / length) - given.firstPiece + 1
    assert.equal(hashes.length, 20 * pieces)
    for (const at of [0, pieces - 1]) {
      const start = (given.firstPiece + at) * length
      const hash = createHash('sha1')
        .update(whole.subarray(start, start + length))
        .digest()
      assert.ok(hash.equals(hashes.subarray(20 * at, 20 * at + 20)))
    }
    const { grant } = given
    assert.ok(grant !== undefined)
    assert.match(grant.trackerUrl, /^wss?:\/\/.*\/announce\?g=/)
    assert.equal(peekGrant(grant.token).claims.infoHash, torrent.infoHash)
    const rows = (await world.portal.audit()).filter((row) => row.subject === grant.id)
    assert.equal(rows[0]?.actor, 'vic')
    assert.deepEqual(given.iceServers, [])
    assert.equal(given.peering, 'on')
  })

  it('plays what browsers play only', async () => {
    const path = `/bundles/${world.slug}/releases/1/watch`
    const ask = (file: number) => world.portal.api('post', path, world.portal.adminToken).send({ file })
    await ask(3).expect(409)
    await ask(0).expect(409)
    await ask(9).expect(404)
    await ask(-1).expect(400)
  })

  it('has no grant where colleagues give nothing: a site without peering', async () => {
    const { portal } = world
    const off = [{ name: 'here', cidrs: ['127.0.0.0/8'], peering: 'off' }]
    await portal.api('put', '/sites', portal.adminToken).send({ items: off }).expect(200)
    const given = await watch(portal.adminToken)
    assert.deepEqual([given.peering, given.grant], ['off-by-site', undefined])
    await portal.api('put', '/sites', portal.adminToken).send({ items: [] }).expect(200)
  })

  it('is told to those who serve browsers, as long as somebody watches', async () => {
    const { portal } = world
    const current = async () => {
      const answer = await portal.api('get', '/watching', portal.originToken).expect(200)
      return zWatching.parse(answer.body).items
    }
    portal.clock.advance(minutes(11))
    assert.deepEqual(await current(), [])
    await watch(portal.adminToken)
    const { grant } = await watch(await portal.token('viewer', { user: 'wendy' }))
    const [item, ...more] = await current()
    assert.deepEqual(more, [])
    assert.deepEqual([item?.bundle, item?.release, item?.viewers], [world.slug, '1', 2])
    portal.clock.advance(minutes(6))
    const report = { session: 'A'.repeat(22), seq: 1, infohash: world.made.torrent.infoHash, ageSeconds: 60, startBytes: 0, haveBytes: 0, webSeedBytes: 0, ends: [] } // prettier-ignore
    await request(portal.portal.handler)
      .post('/api/v1/transfers')
      .set('authorization', `Grant ${grant?.token ?? ''}`)
      .send({ items: [report] })
      .expect(200)
    portal.clock.advance(minutes(6))
    assert.equal((await current())[0]?.viewers, 1, 'who reports still watches, who is silent does not')
    portal.clock.advance(minutes(11))
    assert.deepEqual(await current(), [])
  })

  it('is bounded for one person and day, and for nobody else', async () => {
    const { portal } = world
    const token = await portal.token('viewer', { user: 'greta' })
    const greedy = await browser(token)
    let answers = 0
    for (let copies = 0; copies <= limits.watchCopiesPerDayMax; copies++) {
      const { status } = await bytes(greedy, `${base}/content`)
      if (status === 429) break
      answers++
    }
    assert.equal(answers, limits.watchCopiesPerDayMax)
    await greedy.get(`${base}/files/1`).expect(429)
    const other = await browser(await portal.token('viewer', { user: 'odile' }))
    await other.get(`${base}/files/1`).set('range', 'bytes=0-9').expect(206)
    portal.clock.advance(minutes(24 * 60))
    sessions.delete(token)
    await (await browser(token)).get(`${base}/files/1`).set('range', 'bytes=0-9').expect(206)
  })
})

describe('Files that are watched', () => {
  it('are sent as what they are called, and nothing else is shown', () => {
    assert.equal(mediaTypeOf('a/Film.MP4'), 'video/mp4')
    assert.equal(mediaTypeOf('index.html'), 'application/octet-stream')
    assert.equal(mediaTypeOf('image.svg'), 'application/octet-stream')
    assert.equal(mediaTypeOf('film.mp4.exe'), 'application/octet-stream')
    assert.deepEqual(['a.webm', 'b.mp3', 'c.vtt', 'mp4'].map(isPlayable), [true, true, false, false])
  })

  it('have captions beside them, by name and language', () => {
    const files = [
      'Ladders.mp4',
      'Ladders.vtt',
      'Ladders.de.vtt',
      'Ladders-2.vtt',
      'Laddersmith.vtt',
      'Other.vtt',
    ]
    assert.deepEqual(
      captionsOf(
        files.map((path) => ({ path })),
        0,
        10,
      ),
      [
        { file: 1, label: 'Captions', language: undefined },
        { file: 2, label: 'Deutsch', language: 'de' },
        { file: 3, label: '2', language: undefined },
      ],
    )
    assert.equal(
      captionsOf(
        files.map((path) => ({ path })),
        0,
        1,
      ).length,
      1,
    )
    assert.deepEqual(captionsOf([], 3, 10), [])
  })
})

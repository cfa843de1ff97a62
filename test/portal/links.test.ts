import assert from 'node:assert/strict'
import type request from 'supertest'
import { releaseName } from '../../src/core/ids.ts'
import { hours, millis, minutes } from '../../src/core/units.ts'
import { readConfig } from '../../src/platform/config.ts'
import { portalSettings } from '../../src/portal/index.ts'
import { zRenewal, type Link } from '../../src/wire/api.ts'
import { issuedAtOf, peekGrant } from '../../src/wire/grant.ts'
import { openJwks } from '../../src/wire/key-document.ts'
import { parseMagnet, portalOfMagnet, undeclaredHosts } from '../../src/wire/magnet.ts'
import { verifyMagnet } from '../../src/wire/magnet-signature.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'
import { bytesOfBody, openTestPortal, PUBLIC_URL, TRACKER_URL, type TestPortal } from './test-portal.ts'
import { torrentNamed, torrentOfFolder } from './torrents.ts'

const torrentPath = (link: Link): string => new URL(link.torrentUrl).pathname

describe('A link', () => {
  let portal: TestPortal
  let paula: string

  beforeEach(async () => {
    portal = await openTestPortal()
    paula = await portal.token('publisher', { user: 'paula' })
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  it('is a magnet that our link key signed, with one tracker and one source, all declared', async () => {
    const { slug, release } = await portal.live(paula)
    const link = await portal.link(paula, slug)
    const magnet = parseMagnet(link.magnet)
    const body: unknown = (await portal.get('/.well-known/jwks.json').expect(200)).body
    const { document, portalKey } = await openJwks(body, portal.portal.portalKey)
    assert.equal(portalKey.kid, portal.portal.portalKey.kid)
    assert.equal(
      await verifyMagnet(
        magnet,
        document.keys.filter((key) => key.purpose === 'link'),
      ),
      true,
    )
    assert.deepEqual(undeclaredHosts(magnet, document), [])
    assert.equal(portalOfMagnet(magnet), PUBLIC_URL)
    assert.equal(magnet.infoHash, release.infohash)
    assert.equal(magnet.sizeBytes, release.sizeBytes)
    assert.deepEqual(magnet.exactSources, [link.torrentUrl])
    const [tracker = ''] = magnet.trackers
    const grant = new URL(tracker).searchParams.get('g') ?? ''
    assert.equal(tracker, `${TRACKER_URL}/announce?g=${grant}`)
    assert.equal(peekGrant(grant).claims.id, link.grant.id)
    assert.equal(peekGrant(grant).claims.infoHash, release.infohash)
  })

  it('names no UDP tracker, but in the .torrent where the portal is set to, after the HTTP one', async () => {
    const set = await openTestPortal({ settings: { udpTrackerUrl: 'udp://tracker.example:6969' } })
    const announceOf = async (from: TestPortal): Promise<readonly string[]> => {
      const token = await from.token('publisher', { user: 'paula' })
      const { slug } = await from.live(token)
      const link = await from.link(token, slug)
      const [tracker = '', ...more] = parseMagnet(link.magnet).trackers
      assert.deepEqual(more, [])
      const answer = await from.get(torrentPath(link)).buffer(true).parse(bytesOfBody).expect(200)
      const grant = new URL(tracker).search
      return parseTorrent(answer.body as Uint8Array)
        .announce.flat()
        .map((url) => url.replace(grant, '?g=GRANT'))
    }
    try {
      assert.deepEqual(await announceOf(portal), [`${TRACKER_URL}/announce?g=GRANT`])
      assert.deepEqual(await announceOf(set), [
        `${TRACKER_URL}/announce?g=GRANT`,
        'udp://tracker.example:6969/announce?g=GRANT',
      ])
    } finally {
      await set[Symbol.asyncDispose]()
    }
    for (const udpTrackerUrl of ['http://t:80', 'udp://t', 'udp://t:80/x', 'udp://169.254.1.1:80', ''])
      assert.throws(() => readConfig(portalSettings, { udpTrackerUrl }), { code: 'bad-usage' })
  })

  it('fits in 1,200 characters however long the name is', async () => {
    const slug = await portal.bundle(paula)
    const name = `${'ä'.repeat(120)}.mp4`
    const made = await portal.release(paula, slug, name)
    await portal.complete([made.infohash])
    const { magnet } = await portal.link(paula, slug)
    assert.ok(magnet.length <= 1_200, String(magnet.length))
    assert.ok(name.startsWith((parseMagnet(magnet).displayName ?? 'none').replace(/…$/, '')))
  })

  it('lives as long as asked, whole seconds from the time in its id', async () => {
    const { slug } = await portal.live(paula)
    const { grant } = await portal.link(paula, slug, { expiresInSeconds: 90 })
    assert.equal(Date.parse(grant.expiresAt) - issuedAtOf(grant.id), 90_000)
  })

  it('selects the files that the globs name', async () => {
    const slug = await portal.bundle(paula)
    const bytes = torrentOfFolder('course', ['a/1.mp4', 'a/2.mp4', 'b/notes.txt', 'c/3.mp4'])
    const posted = await portal.postTorrent(paula, slug, bytes).expect(201)
    await portal.complete([(posted.body as { infohash: never }).infohash])
    const select = async (files: string[]): Promise<unknown> =>
      parseMagnet((await portal.link(paula, slug, { files })).magnet).selectOnly
    assert.deepEqual(await select(['course/**/*.mp4']), [
      [0, 1],
      [3, 3],
    ])
    assert.deepEqual(await select(['course/b/notes.txt']), [[2, 2]])
    for (const files of [['*.exe'], ['+(a|b)'], ['{a,b}'], ['a****'], ['**/**/**/x']])
      await portal.api('post', `/bundles/${slug}/releases/latest/links`, paula).send({ files }).expect(400)
  })

  it('is for 256 addresses by a publisher’s token, for 8 by a viewer’s, and as asked below that', async () => {
    const { slug } = await portal.live(paula)
    const vera = await portal.token('viewer', { user: 'vera' })
    await portal.link(paula, slug)
    await portal.link(paula, slug, { peersMax: 3 })
    await portal.link(vera, slug)
    const body: unknown = (await portal.api('get', '/grants', portal.adminToken).expect(200)).body
    const items = (body as { items: { for: string; peersMax: number }[] }).items
    assert.deepEqual(items.map((grant) => `${grant.for} ${grant.peersMax}`).sort(), [
      'paula 256',
      'paula 3',
      'vera 8',
    ])
  })

  it('can be asked for without a word: everything has a default', async () => {
    const { slug } = await portal.live(paula)
    await portal.api('post', `/bundles/${slug}/releases/latest/links`, paula).expect(201)
    await portal.api('post', `/bundles/${slug}/releases/latest/links`, paula).send([]).expect(400)
  })

  it('cannot be had of a recalled release', async () => {
    const { slug } = await portal.live(paula)
    await portal
      .api('post', `/bundles/${slug}/releases/1/recall`, paula)
      .send({ reason: 'wrong' })
      .expect(200)
    await portal.api('post', `/bundles/${slug}/releases/1/links`, paula).send({}).expect(409)
    await portal.api('post', `/bundles/${slug}/releases/latest/links`, paula).send({}).expect(404)
  })

  it('says so when a web seed is asked for that there is not', async () => {
    const { slug } = await portal.live(paula)
    const { text } = await portal
      .api('post', `/bundles/${slug}/releases/latest/links`, paula)
      .send({ webSeed: true })
      .expect(409)
    assert.match(text, /no content of its own/)
  })

  describe('’s .torrent', () => {
    it('is private, with the grant’s announce URL and nothing of the publisher’s trackers', async () => {
      const { slug, release } = await portal.live(paula)
      const link = await portal.link(paula, slug)
      const answer = await portal.get(torrentPath(link)).buffer(true).parse(bytesOfBody).expect(200)
      const torrent = parseTorrent(answer.body as Buffer)
      assert.equal(torrent.infoHash, release.infohash)
      assert.equal(torrent.metainfo.isPrivate, true)
      assert.deepEqual(torrent.announce, [[parseMagnet(link.magnet).trackers[0]]])
      assert.equal(answer.headers['content-disposition'], `attachment; filename="${slug}-1.torrent"`)
      assert.equal(answer.headers['referrer-policy'], 'no-referrer')
      assert.equal(answer.headers['set-cookie'], undefined)
    })

    it('is refused when the grant is altered, expired, revoked or of a recalled release', async () => {
      const { slug } = await portal.live(paula)
      const path = torrentPath(await portal.link(paula, slug, { expiresInSeconds: 3_600 }))
      await portal.get(path.replace('/dl/', '/dl/x')).expect(403)
      await portal.get('/dl/none.torrent').expect(403)
      await portal.get('/dl/none').expect(404)
      const revoked = await portal.link(paula, slug)
      await portal.api('delete', `/grants/${revoked.grant.id}`, paula).expect(204)
      assert.match((await portal.get(torrentPath(revoked)).expect(403)).text, /revoked/)
      portal.clock.advance(minutes(62))
      assert.match((await portal.get(path).expect(403)).text, /expired/)
      const recalled = await portal.link(paula, slug)
      await portal.api('post', `/bundles/${slug}/releases/1/recall`, paula).expect(200)
      assert.match((await portal.get(torrentPath(recalled)).expect(403)).text, /recalled/)
    })
  })

  it('is renewed with the same life and peers, under a new grant', async () => {
    const { slug } = await portal.live(paula)
    const old = await portal.link(paula, slug, { expiresInSeconds: 7_200, peersMax: 5 })
    portal.clock.advance(hours(1))
    const body: unknown = (await portal.api('post', `/grants/${old.grant.id}/renew`, paula).expect(200)).body
    const { grant, announceUrl } = zRenewal.parse(body)
    assert.notEqual(grant.id, old.grant.id)
    assert.equal(Date.parse(grant.expiresAt) - Date.parse(old.grant.expiresAt), 3_600_000)
    assert.equal(announceUrl, `${TRACKER_URL}/announce?g=${grant.token}`)
  })

  it('is not renewed once it was revoked, or once its bundle is not for the person any more', async () => {
    const { slug } = await portal.live(paula, { audience: ['ops'] })
    const vera = await portal.token('viewer', { user: 'vera', groups: ['ops'] })
    const { grant } = await portal.link(vera, slug)
    const left = await portal.token('viewer', { user: 'vera', groups: [] })
    await portal.api('post', `/grants/${grant.id}/renew`, left).expect(404)
    await portal.api('delete', `/grants/${grant.id}`, vera).expect(204)
    await portal.api('post', `/grants/${grant.id}/renew`, vera).expect(409)
  })

  it('ends with all that it was renewed to and from, whichever of them is revoked', async () => {
    const { slug } = await portal.live(paula)
    const renew = async (id: string): Promise<string> =>
      zRenewal.parse((await portal.api('post', `/grants/${id}/renew`, paula).expect(200)).body).grant.id
    for (const chosen of [0, 1, 2]) {
      const line: string[] = [(await portal.link(paula, slug)).grant.id]
      for (const hoursLater of [1, 2]) {
        portal.clock.advance(hours(hoursLater))
        line.push(await renew(line.at(-1) ?? ''))
      }
      const { seq } = await portal.control(0)
      await portal.api('delete', `/grants/${line[chosen] ?? ''}`, paula).expect(204)
      const { events } = await portal.control(seq)
      assert.deepEqual(
        events.flatMap((event) => (event.kind === 'grant-revoked' ? [event.id] : [])),
        line,
      )
    }
  })

  it('leaves an audit row for each grant issued, renewed and revoked', async () => {
    const { slug } = await portal.live(paula)
    const a = await portal.link(paula, slug, { for: 'vera' })
    portal.clock.advance(hours(1))
    const b = zRenewal.parse(
      (await portal.api('post', `/grants/${a.grant.id}/renew`, paula).expect(200)).body,
    )
    const c = await portal.link(paula, slug, { for: 'vera' })
    await portal.api('delete', `/grants/${a.grant.id}`, paula).expect(204)
    await portal.api('delete', `/grants/${a.grant.id}`, paula).expect(204)
    const gone = await portal.api('delete', '/users/vera/grants', portal.adminToken).expect(200)
    assert.deepEqual(gone.body, { revoked: 1 })
    const rows = (await portal.audit()).filter(
      (row) => row.action.startsWith('grant-') && !row.action.includes('key'),
    )
    assert.deepEqual(rows.map((row) => [row.action, row.subject, row.actor]).reverse(), [
      ['grant-issued', a.grant.id, 'paula'],
      ['grant-renewed', b.grant.id, 'paula'],
      ['grant-issued', c.grant.id, 'paula'],
      ['grant-revoked', a.grant.id, 'paula'],
      ['grant-revoked', b.grant.id, 'paula'],
      ['grant-revoked', c.grant.id, 'admin'],
    ])
    assert.ok(!JSON.stringify(rows).includes('eyJ'), 'no token in the audit trail')
  })
})

describe('A release', () => {
  let portal: TestPortal
  before(async () => (portal = await openTestPortal()))
  after(() => portal[Symbol.asyncDispose]())

  it('must be a private torrent, strictly well-formed, and not too large', async () => {
    const slug = await portal.bundle(portal.adminToken)
    const post = (bytes: Uint8Array): request.Test => portal.postTorrent(portal.adminToken, slug, bytes)
    assert.match((await post(torrentNamed('a', { isPrivate: false })).expect(400)).text, /private/)
    await post(Buffer.from('d4:infode')).expect(400)
    await post(Buffer.alloc(0)).expect(400)
    await post(Buffer.alloc(4 * 1024 * 1024 + 1)).expect(413)
    const path = `/bundles/${slug}/releases`
    await portal.api('post', path, portal.adminToken).send({ torrent: 'x' }).expect(400)
    await portal.api('post', `${path}?release=../x`, portal.adminToken).expect(400)
    await portal.postTorrent(portal.adminToken, slug, torrentNamed('a'), '?release=latest').expect(400)
  })

  it('of content that somebody else registered is a conflict that tells nothing', async () => {
    const secret = await portal.bundle(portal.adminToken, { title: 'Secret', audience: ['board'] })
    await portal.release(portal.adminToken, secret, 'plans.pdf')
    const peter = await portal.token('publisher', { user: 'peter' })
    const mine = await portal.bundle(peter, { title: 'Mine' })
    const { text } = await portal.postTorrent(peter, mine, torrentNamed('plans.pdf')).expect(409)
    assert.doesNotMatch(text, /secret|board|admin/i)
  })

  it('is at its own address with its files, under its name and while it is the newest as "latest"', async () => {
    const { slug, release } = await portal.live(portal.adminToken, { title: 'Own' }, 'own.bin')
    for (const name of [releaseName('1'), 'latest']) {
      const answer = await portal
        .api('get', `/bundles/${slug}/releases/${name}`, portal.adminToken)
        .expect(200)
      const { infohash, files } = answer.body as { infohash: string; files: unknown }
      assert.equal(infohash, release.infohash)
      assert.deepEqual(files, [{ path: 'own.bin', sizeBytes: 1_000 }])
    }
    portal.clock.advance(millis(1))
  })
})

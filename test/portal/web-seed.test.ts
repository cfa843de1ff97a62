import assert from 'node:assert/strict'
import { MiB, minutes, seconds } from '../../src/core/units.ts'
import { limits } from '../../src/wire/limits.ts'
import { parseMagnet, undeclaredHosts } from '../../src/wire/magnet.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'
import { bodyOf, WebSeedWorld } from './web-seed-world.ts'
import { bytesOfBody, openTestPortal, PUBLIC_URL } from './test-portal.ts'

/** Turns enough for what has been sent to have arrived. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve))
}

const reasonOf = ({ body }: { body: Buffer }): string =>
  (JSON.parse(body.toString()) as { detail: string }).detail

describe('The web seed of a portal', () => {
  let world: WebSeedWorld
  const stack = new AsyncDisposableStack()
  const FILES = { 'a b/c#1.bin': 70_000, 'Économie.txt': 12_345, 'empty.bin': 0, 'z.bin': 1 }
  const name = 'content-7'
  const contentOf = (path: string): Uint8Array =>
    world.made.contents.get(`${name}/${path}`) ?? assert.fail(path)

  before(async () => (world = stack.use(await WebSeedWorld.open(FILES))))
  after(() => stack.disposeAsync())
  afterEach(() => (world.seeds = 0))

  describe('in a link', () => {
    it('is one address of the portal, signed, beside a magnet that still fits', async () => {
      const { magnet: text, grant } = await world.link()
      const magnet = parseMagnet(text)
      assert.ok(text.length <= 1_200, String(text.length))
      const [url = '', ...more] = magnet.webSeeds
      assert.deepEqual(more, [])
      const token = new URL(magnet.trackers[0] ?? '').searchParams.get('g') ?? ''
      assert.equal(url, `${PUBLIC_URL}/w/${token}/`)
      const declared = { portal: PUBLIC_URL, hosts: ['tracker.example.com:6969'], keys: [], issuedAt: '' }
      assert.deepEqual(undeclaredHosts(magnet, declared), [])
      const rows = (await world.portal.audit()).filter((row) => row.subject === grant.id)
      assert.match(rows[0]?.detail ?? '', /with a web seed/)
    })

    it('is refused where three addresses with the grant do not fit in a link', async () => {
      const publicUrl = `http://${'very-long-name.'.repeat(10)}example.com`
      const content = { read: () => Promise.resolve(undefined), seeds: () => 0 }
      await using portal = await openTestPortal({ publicUrl, content })
      const { slug } = await portal.live(portal.adminToken)
      const path = `/bundles/${slug}/releases/latest/links`
      const { text } = await portal.api('post', path, portal.adminToken).send({ webSeed: true }).expect(413)
      assert.match(text, /longer than 1200 characters/)
      assert.ok((await portal.link(portal.adminToken, slug)).magnet.length <= 1_200)
    })

    it('is in its .torrent too (BEP 19), and in no other', async () => {
      const urlsOf = async (body: object): Promise<[readonly string[], readonly string[]]> => {
        const link = await world.link(body)
        const { pathname } = new URL(link.torrentUrl)
        const answer = await world.portal.get(pathname).buffer(true).parse(bytesOfBody).expect(200)
        return [parseTorrent(answer.body as Uint8Array).urlList, parseMagnet(link.magnet).webSeeds]
      }
      const [inTorrent, inMagnet] = await urlsOf({})
      assert.deepEqual(inTorrent, inMagnet)
      assert.equal(inTorrent.length, 1)
      assert.deepEqual(await urlsOf({ webSeed: false }), [[], []])
    })

    it('stays when the link is renewed', async () => {
      const { grant } = await world.link()
      world.portal.clock.advance(minutes(1))
      const renewed = await world.portal
        .api('post', `/grants/${grant.id}/renew`, world.portal.adminToken)
        .expect(200)
      const { token } = (renewed.body as { grant: { token: string } }).grant
      assert.equal((await world.ask(`/w/${token}/${name}/z.bin`)).status, 200)
    })

    it('cannot be had of a release that is for our own clients only', async () => {
      const { portal } = world
      const slug = await portal.bundle(portal.adminToken, { title: 'Ours' })
      const bytes = (await import('./torrents.ts')).torrentNamed('ours.bin')
      const posted = await portal.postTorrent(portal.adminToken, slug, bytes, '?admit=ours').expect(201)
      await portal.complete([(posted.body as { infohash: never }).infohash])
      const path = `/bundles/${slug}/releases/latest/links`
      const { text } = await portal.api('post', path, portal.originToken).send({ webSeed: true }).expect(409)
      assert.match(text, /own clients only/)
    })
  })

  it('gives every file of the release, whatever its name, and says that it is the same for ever', async () => {
    const link = await world.link()
    const tags = new Set<string>()
    for (const path of Object.keys(FILES)) {
      const answer = await world.ask(world.pathOf(link, `${name}/${path}`))
      assert.equal(answer.status, 200)
      assert.deepEqual(Uint8Array.from(answer.body), Uint8Array.from(contentOf(path)), path)
      const { headers } = answer
      assert.equal(headers['content-type'], 'application/octet-stream')
      assert.equal(headers['content-disposition'], 'attachment')
      assert.equal(headers['accept-ranges'], 'bytes')
      assert.equal(headers['x-content-type-options'], 'nosniff')
      assert.equal(headers['referrer-policy'], 'no-referrer')
      assert.match(headers['cache-control'] ?? '', /private, no-store/)
      assert.equal(headers['set-cookie'], undefined)
      tags.add(headers.etag ?? '')
    }
    assert.equal(tags.size, 4)
  })

  it('gives one range of a file, cut where the file ends', async () => {
    const path = world.pathOf(await world.link())
    const other = world.pathOf(await world.link())
    const whole = contentOf('a b/c#1.bin')
    for (const [range, from, end] of [
      ['bytes=0-0', 0, 1],
      ['bytes=100-40000', 100, 40_001],
      ['bytes=69990-80000', 69_990, 70_000],
      ['bytes=-7', 69_993, 70_000],
    ] as const) {
      const answer = await world.ask(path, { range })
      assert.equal(answer.status, 206, range)
      assert.equal(answer.headers['content-range'], `bytes ${from}-${end - 1}/70000`)
      assert.deepEqual(Uint8Array.from(answer.body), Uint8Array.from(whole.subarray(from, end)))
    }
    const { etag = '' } = (await world.ask(other, {}, 'HEAD')).headers
    assert.equal((await world.ask(other, { range: 'bytes=0-0', 'if-range': etag })).status, 206)
    assert.equal((await world.ask(other, { range: 'bytes=0-0', 'if-range': '"other"' })).status, 200)
    for (const range of ['bytes=0-1,3-4', 'bytes=70000-', 'bytes=x']) {
      const answer = await world.ask(path, { range })
      assert.equal(answer.status, 416, range)
      assert.equal(answer.headers['content-range'], 'bytes */70000')
    }
  })

  it('tells by HEAD how long a file is, and sends nothing', async () => {
    const link = await world.link()
    const answer = await world.ask(world.pathOf(link), { range: 'bytes=0-1' }, 'HEAD')
    assert.deepEqual([answer.status, answer.headers['content-length'], answer.body.length], [200, '70000', 0])
    assert.equal((await world.ask(world.pathOf(link), {}, 'POST')).status, 404)
  })

  it('knows no other file, and no other way to name one', async () => {
    const link = await world.link()
    const base = world.pathOf(link).replace(/\/content-7.*/, '')
    for (const path of ['', '/', `/${name}`, `/${name}/`, `/${name}/none`, `/${name}/z.bin/`, `/x/../${name}/z.bin`, `/${name}%2fz.bin`, `/${name}/z.bin?x=1`, '/z.bin'])
      assert.equal((await world.ask(`${base}${path}`)).status, 404, path) // prettier-ignore
    assert.equal((await world.ask('/w/')).status, 404)
  })

  it('refuses a grant that is none of ours with one constant text, and a bad one of ours with the reason', async () => {
    const link = await world.link({ expiresInSeconds: 60 })
    const path = world.pathOf(link, `${name}/z.bin`)
    const refused = async (at: string): Promise<string> => {
      const answer = await world.ask(at)
      assert.equal(answer.status, 403)
      return reasonOf(answer)
    }
    assert.equal(await refused('/w/none/x'), 'grant refused')
    assert.equal(
      await refused(path.replace(/.(?=\/content)/, (last) => (last === 'A' ? 'Q' : 'A'))),
      'grant refused',
    )
    const without = await world.link({ webSeed: false })
    const [tracker = ''] = parseMagnet(without.magnet).trackers
    const token = new URL(tracker).searchParams.get('g') ?? ''
    assert.match(await refused(`/w/${token}/${name}/z.bin`), /without a web seed/)
    world.portal.clock.advance(minutes(4))
    assert.match(await refused(path), /expired/)
    const revoked = await world.link()
    await world.portal.api('delete', `/grants/${revoked.grant.id}`, world.portal.adminToken).expect(204)
    assert.match(await refused(world.pathOf(revoked)), /revoked/)
    const leaked = await world.link()
    world.portal.clock.advance(seconds(2))
    const all = world.portal.api('post', '/grants/refuse-before', world.portal.adminToken)
    await all.send({}).expect(200)
    assert.match(await refused(world.pathOf(leaked)), /issued before .* are refused/)
  })

  it('stands back while somebody else has all of it, a seed or a mirror', async () => {
    const path = world.pathOf(await world.link(), `${name}/z.bin`)
    world.seeds = 1
    for (const method of ['GET', 'HEAD']) {
      const answer = await world.ask(path, {}, method)
      assert.equal(answer.status, 503)
      assert.equal(answer.headers['retry-after'], '60')
    }
    world.seeds = 0
    assert.equal((await world.ask(path)).status, 200)
    const { infoHash } = world.made.torrent
    const mirror = { peerId: 'b'.repeat(40), kind: 'mirror', host: '10.1.2.4' }
    await world.portal.complete([infoHash], mirror)
    assert.equal((await world.ask(path)).status, 503)
    await world.portal.complete([], { ...mirror, stopping: true })
    assert.equal((await world.ask(path)).status, 200)
  })

  it('gives a link 1.5 times its release and no byte more; HEAD costs nothing, a fresh link begins anew', async () => {
    const size = Object.values(FILES).reduce((a, b) => a + b, 0)
    const link = await world.link()
    const path = world.pathOf(link)
    let got = 0
    for (let i = 0; i < 2; i++) got += (await world.ask(path)).body.length
    assert.equal(got, Math.floor(1.5 * size))
    await world.ask(path, {}, 'HEAD')
    const answer = await world.ask(path, { range: 'bytes=0-0' })
    assert.equal(answer.status, 429)
    assert.match(reasonOf(answer), /1\.5 times/)
    assert.equal((await world.ask(world.pathOf(await world.link()), { range: 'bytes=0-0' })).status, 206)
  })

  it('sends nothing of a piece that is not what was published, and the origin hears of it', async () => {
    await using rotten = await WebSeedWorld.open(100_000, { seed: 8 })
    const path = rotten.pathOf(await rotten.link())
    assert.equal((await rotten.ask(path, { range: 'bytes=0-9' })).status, 206)
    const [key = ''] = rotten.origin.storage.files.keys()
    const file = rotten.origin.storage.files.get(key) ?? assert.fail()
    file.bytes[40_000] = (file.bytes[40_000] ?? 0) ^ 1
    const answer = await rotten.ask(path, { range: 'bytes=32768-32770' })
    assert.equal(answer.status, 503)
    assert.match(reasonOf(answer), /not as it was published/)
    assert.ok(answer.headers['retry-after'])
    assert.deepEqual(
      rotten.origin.events.map((event) => event.kind),
      ['content-changed'],
    )
    const whole = await rotten.ask(path)
    assert.equal(whole.body.length, 32_768, 'cut off where the damage begins')
  })

  it('says that the content is away while nobody serves it', async () => {
    await using away = await WebSeedWorld.open(10_000, { seed: 9 })
    await away.origin.engine.get(away.made.torrent.infoHash)?.stop()
    const answer = await away.ask(away.pathOf(await away.link()))
    assert.deepEqual([answer.status, answer.headers['retry-after']], [503, '30'])
  })

  describe('with a large file', () => {
    let large: WebSeedWorld
    const SIZE = 24 * MiB
    before(async () => (large = await WebSeedWorld.open(SIZE, { pieceLength: 1 * MiB })))
    after(() => large[Symbol.asyncDispose]())

    it('has two answers under way for a link, lets more wait, not for ever, and others not at all', async () => {
      const path = large.pathOf(await large.link())
      const range = { range: 'bytes=0-9' }
      const two = [await large.begin(path), await large.begin(path)]
      const third = large.ask(path, range)
      const gone = large.begin(path, range)
      await settled()
      const other = await large.begin(large.pathOf(await large.link()))
      assert.equal(other.statusCode, 200)
      other.destroy()
      two.shift()?.destroy()
      assert.equal((await third).status, 206)
      assert.equal((await gone).statusCode, 206)
      two.push(await large.begin(path))
      const late = large.ask(path, range)
      const many = Array.from({ length: limits.webSeedWaitingPerGrantMax }, () => large.ask(path, range))
      const [first] = await Promise.all([Promise.race([late, ...many]), settled()])
      assert.deepEqual([first.status, first.headers['retry-after']], [503, '5'])
      large.portal.clock.advance(limits.webSeedReaderTimeout)
      assert.deepEqual(
        new Set((await Promise.all([late, ...many])).map(({ status }) => status)),
        new Set([503]),
      )
      for (const res of two) res.destroy()
    })

    it('answers requests that come together on one connection one by one', async () => {
      const path = large.pathOf(await large.link())
      const ranges = [0, 1, 2, 3, 4].map((i) => i * 100_000)
      const requests = ranges.map(
        (from) => `GET ${path} HTTP/1.1\r\nHost: x\r\nRange: bytes=${from}-${from + 99_999}\r\n`,
      )
      const answer = await large.raw(`${requests.join('\r\n')}Connection: close\r\n\r\n`)
      const heads = answer.toString('latin1').match(/HTTP\/1\.1 \d+[^]*?\r\n\r\n/g) ?? []
      assert.deepEqual(
        heads.map((head) => /content-range: bytes (\d+)-/i.exec(head)?.[1]),
        ranges.map(String),
      )
      const whole = large.made.contents.get('content-7')?.subarray(0, 500_000) ?? assert.fail()
      const bodies = ranges.map((from, i) => {
        const head = heads[i] ?? assert.fail()
        const at = answer.indexOf(head, 0, 'latin1') + head.length
        return answer.subarray(at, at + 100_000).equals(whole.subarray(from, from + 100_000))
      })
      assert.deepEqual(
        bodies,
        ranges.map(() => true),
      )
    })

    it('counts what was sent, not what was asked for', async () => {
      const path = large.pathOf(await large.link())
      const before = await bytesMetric()
      const res = await large.begin(path)
      res.destroy()
      const again = await large.ask(path, { range: `bytes=${SIZE - 5}-` })
      assert.equal(again.body.length, 5)
      assert.ok((await bytesMetric()) - before < SIZE)
    })

    const bytesMetric = async (): Promise<number> => {
      const { text } = await large.portal
        .get('/metrics')
        .set('authorization', `Bearer ${large.portal.adminToken}`)
      return Number(/^shoal_portal_web_seed_bytes_total (\d+)/m.exec(text)?.[1])
    }

    it('ends an answer when its grant is revoked meanwhile', async () => {
      const link = await large.link()
      const res = await large.begin(large.pathOf(link))
      assert.equal(res.headers['content-length'], String(SIZE))
      await large.portal.api('delete', `/grants/${link.grant.id}`, large.portal.adminToken).expect(204)
      large.portal.clock.advance(seconds(1))
      const body = await bodyOf(res)
      assert.ok(body.length < SIZE, String(body.length))
      assert.equal((await large.ask(large.pathOf(link))).status, 403)
    })

    it('holds an answer that ends because its grant is revoked against no address', async () => {
      await using strict = await WebSeedWorld.openWith({ failedLoginsPerMinuteMax: '1' }, SIZE)
      for (let i = 0; i < 2; i++) {
        const link = await strict.link()
        const res = await strict.begin(strict.pathOf(link))
        await strict.portal.api('delete', `/grants/${link.grant.id}`, strict.portal.adminToken).expect(204)
        strict.portal.clock.advance(seconds(1))
        await bodyOf(res)
      }
      const path = strict.pathOf(await strict.link())
      assert.equal((await strict.ask(path, { range: 'bytes=0-9' })).status, 206)
      assert.equal((await strict.ask('/w/none/x')).status, 403)
      assert.equal((await strict.ask(path, { range: 'bytes=0-9' })).status, 429)
    })

    it('waits for a slow reader, and not for ever', async () => {
      const path = large.pathOf(await large.link())
      const slow = await large.begin(path)
      await settled()
      large.portal.clock.advance(seconds(29))
      const whole = await bodyOf(slow)
      assert.equal(whole.length, SIZE)
      const none = await large.begin(large.pathOf(await large.link()))
      await settled()
      large.portal.clock.advance(limits.webSeedReaderTimeout)
      assert.ok((await bodyOf(none)).length < SIZE)
    })
  })
})

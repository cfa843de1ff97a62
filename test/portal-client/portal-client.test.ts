import assert from 'node:assert/strict'
import { ipAddress } from '../../src/core/address.ts'
import { grantId, infoHash, releaseName, slug } from '../../src/core/ids.ts'
import { seconds } from '../../src/core/units.ts'
import { PortalClient, portalOrigin } from '../../src/portal-client/index.ts'
import type { Release } from '../../src/wire/api.ts'
import { limits } from '../../src/wire/limits.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { answer, bodyOf, refused, serve, until } from './fixtures.ts'

const TOKEN = 'shoal_abcdefghijklmnopqrstuvwx'
const GRANT = grantId('AAAAAAAAAAAAAAAA')
const AT = '2026-07-01T12:00:00.000Z'
const RELEASE: Release = {
  name: releaseName('1'),
  state: 'live',
  infohash: infoHash('a'.repeat(40)),
  sizeBytes: 10,
  pieceLengthBytes: 16_384,
  notes: '',
  admit: 'any',
  publishedAt: AT,
  publishedBy: 'ann',
  rights: 'Published by paula.',
}
const bundle = (name: string): object => ({
  bundle: name,
  title: 'Fire safety',
  description: '',
  tags: [],
  owner: 'ann',
  audience: ['everyone'],
  updatedAt: AT,
  latest: RELEASE,
})

describe('PortalClient', () => {
  it('asks with its token and gives the answer as values', async () => {
    await using server = await serve((req, res) => {
      answer(res, { user: req.headers.authorization, role: 'admin', groups: [] })
    })
    const client = new PortalClient({ baseUrl: `${server.url}/some/page`, token: TOKEN })
    assert.deepEqual(await client.me(), { user: `Bearer ${TOKEN}`, role: 'admin', groups: [] })
    assert.deepEqual(server.asked, ['GET /api/v1/me'])
  })

  it('walks all pages of a list, and asks for a page only when it is needed', async () => {
    await using server = await serve((req, res) => {
      const isFirst = !(req.url ?? '').includes('cursor')
      answer(res, { items: [bundle(isFirst ? 'one' : 'two')], nextCursor: isFirst ? 'a b&c' : null })
    })
    const client = new PortalClient({ baseUrl: server.url })
    const names = await Array.fromAsync(client.allBundles({ q: 'fire & rain', limit: 1 }), (b) => b.bundle)
    assert.deepEqual(names, ['one', 'two'])
    assert.deepEqual(server.asked, [
      'GET /api/v1/bundles?q=fire+%26+rain&limit=1',
      'GET /api/v1/bundles?q=fire+%26+rain&limit=1&cursor=a+b%26c',
    ])
  })

  it('sends a torrent as it is, with what is said of it in the query', async () => {
    const bodies: Buffer[] = []
    await using server = await serve((req, res) => {
      void bodyOf(req).then((body) => {
        bodies.push(body)
        answer(res, { ...RELEASE, notes: req.headers['content-type'] }, 201)
      })
    })
    const client = new PortalClient({ baseUrl: server.url, token: TOKEN })
    const torrent = Uint8Array.of(0, 255, 10, 13)
    const release = await client.addRelease(slug('film'), torrent, { release: '1', notes: 'ä?' })
    assert.equal(release.notes, 'application/x-bittorrent')
    assert.deepEqual(bodies, [Buffer.from(torrent)])
    assert.deepEqual(server.asked, ['POST /api/v1/bundles/film/releases?release=1&notes=%C3%A4%3F'])
  })

  it('says what a release has as media, and sends its poster as JPEG', async () => {
    const bodies: [string | undefined, Buffer][] = []
    await using server = await serve((req, res) => {
      const chunks: Buffer[] = []
      req.on('data', (chunk: Buffer) => chunks.push(chunk))
      req.on('end', () => {
        bodies.push([req.headers['content-type'], Buffer.concat(chunks)])
        res.writeHead(204).end()
      })
    })
    const client = new PortalClient({ baseUrl: server.url, token: TOKEN })
    const [film, one] = [slug('film'), releaseName('1')]
    await client.describeRelease(film, one, { kind: 'video', playsInBrowsers: true })
    await client.setPoster(film, one, Uint8Array.of(0xff, 0xd8))
    assert.deepEqual(bodies, [
      ['application/json', Buffer.from('{"kind":"video","playsInBrowsers":true}')],
      ['image/jpeg', Buffer.of(0xff, 0xd8)],
    ])
    assert.deepEqual(server.asked, [
      'PUT /api/v1/bundles/film/releases/1/media',
      'PUT /api/v1/bundles/film/releases/1/poster',
    ])
  })

  it('takes a link to the latest release, revokes, and renews', async () => {
    const grant = { id: GRANT, expiresAt: AT }
    await using server = await serve((req, res) => {
      const path = req.url ?? ''
      if (req.method === 'DELETE' && path.includes('users')) answer(res, { revoked: 3 })
      else if (req.method === 'DELETE') res.writeHead(204).end()
      else if (path.endsWith('renew'))
        answer(res, { grant: { ...grant, token: 't' }, announceUrl: 'http://t.example/announce?g=t' })
      else
        answer(res, { magnet: 'magnet:?', torrentUrl: 'http://p.example/t', playUrl: 'http://p.example/p', infohash: RELEASE.infohash, grant }, 201) // prettier-ignore
    })
    const client = new PortalClient({ baseUrl: server.url, token: TOKEN })
    assert.equal((await client.createLink(slug('film'), 'latest')).grant.id, GRANT)
    assert.equal((await client.renewGrant(GRANT)).announceUrl, 'http://t.example/announce?g=t')
    await client.revokeGrant(GRANT)
    assert.equal(await client.revokeUser('ann/../bob'), 3)
    assert.deepEqual(server.asked, [
      'POST /api/v1/bundles/film/releases/latest/links',
      `POST /api/v1/grants/${GRANT}/renew`,
      `DELETE /api/v1/grants/${GRANT}`,
      'DELETE /api/v1/users/ann%2F..%2Fbob/grants',
    ])
  })

  it('gives the bytes of a torrent and the text of the control feed as they came', async () => {
    await using server = await serve(
      (req, res) => void res.end(req.url?.includes('control') ? 'a.b.c\n' : '\0ÿ'),
    )
    const client = new PortalClient({ baseUrl: server.url })
    assert.deepEqual(await client.torrentOf(slug('film'), releaseName('1')), Buffer.from('\0ÿ'))
    assert.equal(await client.control(5), 'a.b.c')
  })

  it('passes on the refusal of the portal: its code and its sentence, made fit to show', async () => {
    await using server = await serve((_req, res) => {
      answer(res, { type: 'about:blank', title: 'Conflict', status: 409, code: 'conflict', detail: `taken\u001b[2J ${TOKEN}` }, 409) // prettier-ignore
    })
    const client = new PortalClient({ baseUrl: server.url, token: TOKEN })
    await assert.rejects(
      client.createBundle({ title: 'x' }),
      refused('conflict', /^taken \[2J \[redacted\]$/),
    )
  })

  const statuses = [
    [403, 'not-granted'],
    [404, 'not-found'],
    [409, 'conflict'],
    [413, 'over-limit'],
    [418, 'bad-input'],
    [429, 'over-limit'],
    [500, 'unavailable'],
    [302, 'unavailable'],
  ] as const
  for (const [status, code] of statuses) {
    it(`takes a bare ${status} for ${code}`, async () => {
      await using server = await serve(
        (_req, res) => void res.writeHead(status, { location: '/elsewhere' }).end('<h1>'),
      )
      await assert.rejects(
        new PortalClient({ baseUrl: server.url }).me(),
        refused(code, /the portal at http:/),
      )
      assert.equal(server.asked.length, 1)
    })
  }

  it('says what to do when a token is missing or not accepted', async () => {
    await using server = await serve((_req, res) => void res.writeHead(401).end())
    const { url: baseUrl } = server
    await assert.rejects(new PortalClient({ baseUrl }).me(), refused('not-authenticated', /--token-file/))
    const client = new PortalClient({ baseUrl, token: TOKEN })
    await assert.rejects(client.me(), refused('not-authenticated', /does not accept this token$/))
  })

  it('says so when nobody listens', async () => {
    const server = await serve(() => undefined)
    await server[Symbol.asyncDispose]()
    await assert.rejects(
      new PortalClient({ baseUrl: server.url }).me(),
      refused('unavailable', /^the portal at \S+ does not answer \(connection refused\): is it running\?$/),
    )
  })

  const odd: Readonly<Record<string, string>> = {
    'no JSON': '<html>',
    'JSON of another shape': '{"user":1}',
    'nothing at all': '',
  }
  for (const [what, text] of Object.entries(odd)) {
    it(`says that it does not understand ${what}`, async () => {
      await using server = await serve((_req, res) => void res.end(text))
      const asking = new PortalClient({ baseUrl: server.url }).me()
      await assert.rejects(
        asking,
        refused('unavailable', /gave an answer that this version does not understand/),
      )
    })
  }

  it('says so when the connection breaks in the middle of an answer', async () => {
    await using server = await serve((req, res) => {
      res.writeHead(200, { 'content-length': 100 }).write('{', () => req.socket.destroy())
    })
    await assert.rejects(
      new PortalClient({ baseUrl: server.url }).me(),
      refused('unavailable', /closed the connection/),
    )
  })

  it('reads no more than the bound', async () => {
    await using server = await serve((_req, res) => void res.end(Buffer.alloc(limits.torrentBytesMax + 1)))
    const client = new PortalClient({ baseUrl: server.url })
    await assert.rejects(
      client.torrentOf(slug('film'), releaseName('1')),
      refused('over-limit', /4194304 bytes/),
    )
  })

  it('waits for an answer no longer than its time', async () => {
    await using server = await serve(() => undefined)
    const clock = new ManualClock()
    const asking = assert.rejects(
      new PortalClient({ baseUrl: server.url, clock }).me(),
      refused('unavailable', /does not answer within 30 s/),
    )
    await until(() => server.asked.length === 1)
    clock.advance(seconds(30))
    await asking
    assert.equal(clock.timers, 0)
  })

  it('ends with the reason of its signal', async () => {
    await using server = await serve(() => undefined)
    const stop = new AbortController()
    const asking = new PortalClient({ baseUrl: server.url }).control(1, stop.signal)
    await until(() => server.asked.length === 1)
    const reason = new Error('enough')
    stop.abort(reason)
    await assert.rejects(asking, reason)
  })

  it('asks from the local address that it was given', async () => {
    await using server = await serve((req, res) => {
      answer(res, { user: req.socket.remoteAddress, role: 'viewer', groups: [] })
    })
    const client = new PortalClient({ baseUrl: server.url, localAddress: ipAddress('127.0.0.9') })
    assert.equal((await client.me()).user, '127.0.0.9')
  })

  it('asks nothing for a name that would lead to another path', async () => {
    await using server = await serve(() => undefined)
    await assert.rejects(
      async () => new PortalClient({ baseUrl: server.url }).revokeUser('..'),
      refused('bad-usage'),
    )
    assert.deepEqual(server.asked, [])
  })

  it('says so when the other side does not speak HTTP', async () => {
    await using server = await serve((req) => void req.socket.end('SSH-2.0-x\r\n'))
    await assert.rejects(
      new PortalClient({ baseUrl: server.url }).me(),
      refused('unavailable', /does not speak HTTP/),
    )
  })
})

describe('portalOrigin', () => {
  it('keeps scheme, host and port in one spelling', () => {
    assert.equal(portalOrigin(' HTTPS://Media.Example.com:443/page?x=1 '), 'https://media.example.com')
  })

  for (const text of ['', 'media.example.com', 'ftp://a', 'http://u:p@a', `http://${'a'.repeat(2_000)}`]) {
    it(`refuses ${JSON.stringify(text.slice(0, 20))}`, () => {
      assert.throws(() => portalOrigin(text), refused('bad-usage'))
    })
  }
})

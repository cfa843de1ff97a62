import assert from 'node:assert/strict'
import { infoHash } from '../../src/core/ids.ts'
import { fetchTorrent } from '../../src/portal-client/index.ts'
import { limits } from '../../src/wire/limits.ts'
import { encodeInfo, encodeTorrent, parseTorrent } from '../../src/wire/torrent.ts'
import { answer, refused, serve } from './fixtures.ts'

const INFO = encodeInfo({
  name: 'film.mp4',
  pieceLength: 16_384,
  pieces: new Uint8Array(20),
  isSingleFile: true,
  files: [{ path: '', sizeBytes: 100 }],
  isPrivate: true,
})
const BYTES = encodeTorrent({ infoBytes: INFO, announce: [['http://t.example/announce?g=x']] })
const TORRENT = parseTorrent(BYTES)
/** Shaped like a grant, so that a leak shows. */
const GRANT = 'eyJhbGciOiJFZERTQSJ9.eyJpaCI6IkFBQUEifQ.c2lnbmF0dXJlc2lnbmF0dXJl'

/** A refusal whose text holds no part of the grant. */
function refusedWithoutGrant(...expected: Parameters<typeof refused>): (error: unknown) => boolean {
  return (error) => refused(...expected)(error) && !String(error).includes(GRANT.slice(0, 20))
}

describe('fetchTorrent', () => {
  it('gives the torrent that the infohash names, private as it was', async () => {
    await using server = await serve((_req, res) => void res.end(BYTES))
    const torrent = await fetchTorrent(`${server.url}/dl/${GRANT}.torrent`, TORRENT.infoHash)
    assert.deepEqual(torrent, TORRENT)
    assert.equal(torrent.metainfo.isPrivate, true)
  })

  it('refuses another torrent than the one named', async () => {
    await using server = await serve((_req, res) => void res.end(BYTES))
    await assert.rejects(
      fetchTorrent(`${server.url}/dl/${GRANT}.torrent`, infoHash('0'.repeat(40))),
      refusedWithoutGrant('bad-input', /another torrent/),
    )
  })

  it('refuses what is no torrent', async () => {
    await using server = await serve((_req, res) => void res.end('<html>'))
    await assert.rejects(fetchTorrent(`${server.url}/x`, TORRENT.infoHash), refused('bad-input'))
  })

  it('reads no more than a torrent may have', async () => {
    await using server = await serve((_req, res) => void res.end(Buffer.alloc(limits.torrentBytesMax + 1)))
    await assert.rejects(fetchTorrent(`${server.url}/x`, TORRENT.infoHash), refused('over-limit'))
  })

  it('follows no redirect', async () => {
    await using server = await serve((_req, res) => void res.writeHead(302, { location: '/other' }).end())
    await assert.rejects(
      fetchTorrent(`${server.url}/x`, TORRENT.infoHash),
      refused('unavailable', /not followed/),
    )
    assert.equal(server.asked.length, 1)
  })

  it('passes on why the portal refuses, without the grant', async () => {
    await using server = await serve((req, res) => {
      answer(
        res,
        { type: 'x', title: 'x', status: 403, code: 'not-granted', detail: `expired: ${req.url ?? ''}` },
        403,
      )
    })
    await assert.rejects(
      fetchTorrent(`${server.url}/dl/${GRANT}.torrent`, TORRENT.infoHash),
      refusedWithoutGrant('not-granted', /expired: \/dl\/\[redacted\]/),
    )
  })

  it('names no grant when nobody listens', async () => {
    const server = await serve(() => undefined)
    await server[Symbol.asyncDispose]()
    await assert.rejects(
      fetchTorrent(`${server.url}/dl/${GRANT}.torrent`, TORRENT.infoHash),
      refusedWithoutGrant('unavailable', /is it running/),
    )
  })

  it('fetches by http and https only', async () => {
    await assert.rejects(fetchTorrent('file:///etc/passwd', TORRENT.infoHash), refused('bad-input'))
  })
})

import assert from 'node:assert/strict'
import type request from 'supertest'
import type { Bundle, BundleDetail, Release } from '../../src/wire/api.ts'
import { mediaLimits } from '../../src/wire/media-limits.ts'
import { jpegOfSize, jpegWith, segment, smallJpeg } from '../support/jpegs.ts'
import { bytesOfBody, openTestPortal, type TestPortal } from './test-portal.ts'

const MEDIA = {
  kind: 'video',
  durationSeconds: 725.5,
  widthPx: 1_920,
  heightPx: 1_080,
  playsInBrowsers: false,
}
const WARNINGS = ["Browsers don't play HEVC (H.265): people can only download it."]

describe('The media of a release', () => {
  let portal: TestPortal
  let paula: string
  let vera: string
  let path: string

  beforeEach(async () => {
    portal = await openTestPortal()
    paula = await portal.token('publisher', { user: 'paula' })
    vera = await portal.token('viewer', { user: 'vera' })
    const { slug } = await portal.live(paula, { title: 'Fire safety' })
    path = `/bundles/${slug}/releases/1`
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const describeIt = (body: object, token = paula): request.Test =>
    portal.api('put', `${path}/media`, token).send(body)
  const setPoster = (jpeg: Uint8Array, token = paula, type = 'image/jpeg'): request.Test =>
    portal.api('put', `${path}/poster`, token).set('content-type', type).send(Buffer.from(jpeg))
  const poster = (query = ''): request.Test =>
    portal.api('get', `${path}/poster${query}`, vera).buffer(true).parse(bytesOfBody)
  const release = async (): Promise<Release> =>
    (await portal.api('get', path, vera).expect(200)).body as Release
  const actions = async (): Promise<string[]> => (await portal.audit()).map(({ action }) => action)

  it('is in its lists and on its own, once it was described; what its publisher is told is not', async () => {
    assert.equal((await release()).media, undefined)
    await describeIt({ ...MEDIA, warnings: WARNINGS }).expect(204)
    const list = (await portal.api('get', '/bundles?kind=video', vera).expect(200)).body as {
      items: Bundle[]
    }
    assert.deepEqual(list.items[0]?.latest?.media, MEDIA)
    assert.equal(list.items[0].kind, 'video')
    assert.equal(list.items[0].latest.hasPoster, undefined)
    const detail = (await portal.api('get', path.replace('/releases/1', ''), vera)).body as BundleDetail
    assert.deepEqual(detail.releases[0]?.media, MEDIA)
    assert.doesNotMatch(JSON.stringify([list, detail]), /HEVC/)
    await portal.api('get', '/bundles?kind=film', vera).expect(400)
  })

  it('is described again when it changed, and leaves no trace when it did not', async () => {
    for (let n = 0; n < 2; n++) await describeIt(MEDIA, portal.originToken).expect(204)
    const once = await actions()
    assert.equal(once.filter((action) => action === 'media-described').length, 1)
    await describeIt({ kind: 'audio', playsInBrowsers: true }).expect(204)
    assert.deepEqual((await release()).media, { kind: 'audio', playsInBrowsers: true })
  })

  it('is taken only as what it can be', async () => {
    for (const odd of [
      {},
      { ...MEDIA, kind: 'image' },
      { ...MEDIA, durationSeconds: -1 },
      { ...MEDIA, durationSeconds: 1e12 },
      { ...MEDIA, widthPx: 0 },
      { ...MEDIA, heightPx: 1.5 },
      { ...MEDIA, more: true },
      { ...MEDIA, warnings: ['x'.repeat(mediaLimits.mediaWarningCharsMax + 1)] },
      { ...MEDIA, warnings: Array.from({ length: mediaLimits.mediaWarningsMax + 1 }, () => 'x') },
    ])
      await describeIt(odd).expect(400)
    assert.equal((await release()).media, undefined)
  })

  it('has a poster, of which only the picture is kept, and which is sent once', async () => {
    await poster().expect(404)
    await setPoster(jpegWith(segment(0xe1, 'Exif\0\0 where it was taken'))).expect(204)
    const { hasPoster, posterTag } = await release()
    assert.equal(hasPoster, true)
    const first = await poster().expect(200).expect('content-type', 'image/jpeg')
    assert.ok(!(first.body as Buffer).includes('Exif'))
    assert.equal(first.headers['x-content-type-options'], 'nosniff')
    assert.equal(first.headers['cache-control'], 'private, no-cache')
    const etag = first.headers['etag'] ?? ''
    await poster().set('if-none-match', etag).expect(304)
    const kept = await poster(`?v=${posterTag}`).expect(200)
    assert.match(kept.headers['cache-control'] ?? '', /^private, max-age=\d+, immutable$/)
    assert.match(kept.headers['vary'] ?? '', /Cookie/)

    await setPoster(jpegOfSize(8, 8)).expect(204)
    assert.notEqual((await release()).posterTag, posterTag)
    await poster().set('if-none-match', etag).expect(200)
    assert.equal((await poster(`?v=${posterTag}`)).headers['cache-control'], 'private, no-cache')
    assert.equal((await actions()).filter((action) => action === 'poster-set').length, 2)
  })

  it('refuses a poster that is none, or too large', async () => {
    await setPoster(Buffer.from('<script>alert(1)</script>')).expect(400)
    await setPoster(smallJpeg(), paula, 'image/png').expect(400)
    await setPoster(Buffer.alloc(0)).expect(400)
    await setPoster(Buffer.alloc(mediaLimits.posterBytesMax + 1)).expect(413)
    await setPoster(jpegOfSize(5_000, 5_000)).expect(413)
    await poster().expect(404)
  })

  it('loses its poster when it is recalled, and gets no other', async () => {
    await setPoster(smallJpeg()).expect(204)
    const recalled = await portal.api('post', `${path}/recall`, paula).send({}).expect(200)
    assert.equal((recalled.body as Release).hasPoster, undefined)
    await poster().expect(404)
    await setPoster(smallJpeg()).expect(409)
    await describeIt(MEDIA).expect(409)
  })
})

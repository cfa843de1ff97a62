import assert from 'node:assert/strict'
import type request from 'supertest'
import type { Bundle, BundleDetail, Release } from '../../src/wire/api.ts'
import { mediaLimits } from '../../src/wire/limits-media.ts'
import { releaseName } from '../../src/core/ids.ts'
import { hours } from '../../src/core/units.ts'
import { watchOf } from '../../src/portal/pages/media-view.ts'
import { jpegOfSize, jpegWith, segment, smallJpeg } from '../support/jpegs.ts'
import { browserOf } from './page-person.ts'
import { bytesOfBody, openTestPortal, type TestPortal } from './test-portal.ts'

const MEDIA = {
  kind: 'video',
  durationSeconds: 725.5,
  widthPx: 1_920,
  heightPx: 1_080,
  playsInBrowsers: false,
}
const WARNINGS = ["Browsers don't play HEVC (H.265): people can only download it."]

describe('Pages with media', () => {
  let portal: TestPortal
  let paula: string

  beforeEach(async () => {
    portal = await openTestPortal()
    paula = await portal.token('publisher', { user: 'paula' })
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const recall = async (slug: string): Promise<void> => {
    await portal.api('post', `/bundles/${slug}/releases/1/recall`, paula).send({ reason: 'Old' }).expect(200)
  }
  const signedIn = async (token: string): Promise<(path: string) => Promise<string>> => {
    const page = browserOf(portal)
    await page.post('/login').type('form').send({ token }).expect(303)
    return async (path) => (await page.get(path).expect(200)).text
  }

  it('list posters, lengths and how fresh things are, and signs for kinds where there is no poster', async () => {
    await portal.live(paula, { title: 'Rules' }, 'rules.pdf')
    portal.clock.advance(hours(72))
    const { slug } = await portal.live(paula, { title: 'A "film"' }, 'film.mp4')
    const path = `/bundles/${slug}/releases/1`
    await portal.api('put', `${path}/media`, paula).send(MEDIA).expect(204)
    const jpeg = portal.api('put', `${path}/poster`, paula).set('content-type', 'image/jpeg')
    await jpeg.send(smallJpeg()).expect(204)
    const html = await signedIn(paula)
    const page = await html('/')
    const img = /<img[^>]*\/poster[^>]*>/.exec(page)?.[0] ?? ''
    assert.match(img, /width="640" height="360" loading="lazy"/)
    assert.match(img, /alt="A picture from “A &quot;film&quot;”"/)
    assert.match(page, /12 min/)
    assert.match(page, /poster blank kind-document/)
    assert.match(page, /<time [^>]*>today</)
    assert.match(page, /<time [^>]*>3 days ago</)
    // the address is good for who is signed in by a session
    const src = /src="([^"]+)"/.exec(img)?.[1] ?? ''
    const person = browserOf(portal)
    await person.get(src).expect(401)
    await person.post('/login').type('form').send({ token: paula }).expect(303)
    await person
      .get(src)
      .expect(200)
      .expect('content-type', 'image/jpeg')
      .expect('cache-control', /immutable/)
  })

  it('offer to watch what browsers play, and say what to do with what they do not', async () => {
    const { slug } = await portal.live(paula, { title: 'Film' }, 'film.mp4')
    const path = `/bundles/${slug}/releases/1`
    const html = await signedIn(paula)
    const button = new RegExp(`href="${path}/watch">Watch<`)
    assert.doesNotMatch(await html(`/bundles/${slug}`), button, 'nobody has said what is in it')
    await portal.api('put', `${path}/media`, paula).send(MEDIA).expect(204)
    const page = await html(`/bundles/${slug}`)
    assert.doesNotMatch(page, button)
    assert.match(page, /Browsers do not play this kind of video: .* with &quot;shoal play film@1&quot;/)
    assert.match(await html('/'), /browsers do not play all of it/)
    const plays = { ...MEDIA, playsInBrowsers: true }
    await portal.api('put', `${path}/media`, paula).send(plays).expect(204)
    const played = await html(`/bundles/${slug}`)
    assert.match(played, button)
    assert.ok(played.search(button) < played.indexOf('>Get it<'), 'watching comes first')
    assert.doesNotMatch(await html('/'), /browsers do not play/)
    await recall(slug)
    assert.doesNotMatch(await html(`/bundles/${slug}`), button)
  })

  it('offer to watch a course of which browsers play a part', () => {
    const of = (...paths: string[]): object | undefined =>
      watchOf('course', {
        name: releaseName('2'),
        state: 'live',
        media: { kind: 'video', playsInBrowsers: false },
        contentName: 'course',
        files: paths.map((path) => ({ path })),
      })
    assert.deepEqual(of('1.mp4', '2.mkv', 'notes.pdf'), { url: '/bundles/course/releases/2/watch' })
    assert.match(JSON.stringify(of('1.mp4', 'notes.pdf')), /"why"/)
    assert.match(JSON.stringify(of('1.avi', '2.mkv')), /"why"/)
  })

  it('keep the chosen kind in the address, beside tag and order', async () => {
    await portal.live(paula, { title: 'Rules', tags: ['safety'] }, 'rules.pdf')
    await portal.live(paula, { title: 'Film A', tags: ['safety'] }, 'a.mp4')
    await portal.live(paula, { title: 'Film B', tags: ['safety'] }, 'b.mp4')
    const html = await signedIn(paula)
    const page = await html('/?tag=safety&kind=video&sort=title&limit=1')
    assert.match(page, /Film A/)
    assert.doesNotMatch(page, /Film B|Rules/)
    assert.match(page, /href="\/\?tag=safety&amp;kind=video&amp;sort=title" aria-current="true">Videos</)
    assert.match(page, /href="\/\?tag=safety&amp;kind=document&amp;sort=title">Documents</)
    const next = /href="([^"]*cursor=[^"]+)" rel="next"/.exec(page)?.[1]?.replaceAll('&amp;', '&') ?? ''
    assert.match(await html(next), /Film B/)
    assert.match(await html('/?kind=document'), /<h1>Documents<\/h1>/)
    assert.match(await html('/?kind=document'), /type="hidden" name="kind" value="document"/)
    assert.match(await html('/?kind=audio'), /nothing of this kind/)
    assert.match(await html('/?q=film&kind=audio'), /href="\/\?q=film">all kinds</)
  })

  it('say what is the matter with a video to who may change it, and to nobody else', async () => {
    const { slug } = await portal.live(paula, { title: 'Film' })
    const describeIt = (body: object): request.Test =>
      portal.api('put', `/bundles/${slug}/releases/1/media`, paula).send(body).expect(204)
    const ofPaula = await signedIn(paula)
    const ofVera = await signedIn(await portal.token('viewer', { user: 'vera' }))
    assert.doesNotMatch(await ofPaula(`/bundles/${slug}`), /Plays in most browsers|HEVC/)
    await describeIt({ ...MEDIA, playsInBrowsers: true })
    assert.match(await ofPaula(`/bundles/${slug}`), /Plays in most browsers/)
    await describeIt({ ...MEDIA, warnings: WARNINGS })
    assert.match(await ofPaula(`/bundles/${slug}`), /play HEVC/)
    const seen = await ofVera(`/bundles/${slug}`)
    assert.match(seen, /12 min · 1920 × 1080/)
    assert.doesNotMatch(seen, /HEVC|Plays in most browsers/)
  })
})

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

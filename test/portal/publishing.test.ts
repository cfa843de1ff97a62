/** Publishing through the portal: drafts, uploads that go on, times, and what is refused before it is sent. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import fc from 'fast-check'
import request from 'supertest'
import { ShoalError } from '../../src/core/errors.ts'
import { refusalOfName } from '../../src/core/file-name.ts'
import { hours, millis, seconds } from '../../src/core/units.ts'
import { folderNameOf } from '../../src/portal/publishing/upload-folder.ts'
import { titleOf } from '../../src/portal/publishing/title-of.ts'
import type { Draft, DraftFile, Problem, Release, Review } from '../../src/wire/api.ts'
import { limits } from '../../src/wire/limits.ts'
import { cleanJpeg } from '../../src/wire/jpeg.ts'
import { FakeMaker } from './fake-maker.ts'
import { jpegOfSize } from '../support/jpegs.ts'
import { browserOf, sendForm, signedIn, type Browser } from './page-person.ts'
import { bytesOfBody, openTestPortal, type TestPortal, type TestPortalOptions } from './test-portal.ts'

const detailOf = ({ body }: request.Response): string => String((body as Problem).detail)

const TUS = { 'tus-resumable': '1.0.0' }

describe('Publishing through the portal', function () {
  this.timeout(20_000)
  let portal: TestPortal
  let maker: FakeMaker
  let paula: string

  const open = async (options: TestPortalOptions = {}): Promise<void> => {
    maker = new FakeMaker()
    portal = await openTestPortal({
      publishing: () => maker,
      ...options,
      settings: { uploadKeepFree: '0', ...options.settings },
    })
    paula = await portal.token('publisher', { user: 'paula' })
  }
  beforeEach(() => open())
  afterEach(() => portal[Symbol.asyncDispose]())

  const draft = async (body: object = {}, token = paula): Promise<Draft> =>
    (await portal.api('post', '/drafts', token).send(body).expect(201)).body as Draft
  const shown = async (id: string, token = paula): Promise<Draft> =>
    (await portal.api('get', `/drafts/${id}`, token).expect(200)).body as Draft
  const change = (id: string, body: object): request.Test =>
    portal.api('put', `/drafts/${id}`, paula).send(body)
  const tell = (id: string, ...files: object[]): request.Test =>
    portal.api('post', `/drafts/${id}/files`, paula).send({ files })
  const filesOf = async (id: string): Promise<DraftFile[]> =>
    ((await portal.api('get', `/drafts/${id}/files`, paula).expect(200)).body as { items: DraftFile[] }).items
  const submit = (id: string): request.Test => portal.api('post', `/drafts/${id}/submit`, paula)
  const base64 = (text: string): string => Buffer.from(text).toString('base64')

  const beginUpload = (id: string, path: string, sizeBytes: number, token = paula): request.Test =>
    request(portal.portal.handler)
      .post('/api/v1/uploads')
      .set({ ...TUS, authorization: `Bearer ${token}`, 'upload-length': String(sizeBytes) })
      .set('upload-metadata', `draft ${base64(id)},path ${base64(path)}`)
  const goOn = (url: string, offset: number, bytes: string, token = paula): request.Test =>
    request(portal.portal.handler)
      .patch(url)
      .set({ ...TUS, authorization: `Bearer ${token}`, 'upload-offset': String(offset) })
      .set('content-type', 'application/offset+octet-stream')
      .send(Buffer.from(bytes))
  const upload = async (id: string, path: string, content: string): Promise<void> => {
    const { headers } = await beginUpload(id, path, content.length).expect(201)
    if (content !== '') await goOn(String(headers['location']), 0, content).expect(204)
  }
  /** Told of, uploaded, vouched for. */
  const ready = async (files: Record<string, string>, more: object = {}): Promise<string> => {
    const { id } = await draft()
    await tell(id, ...Object.entries(files).map(([path, text]) => ({ path, sizeBytes: text.length }))).expect(
      200,
    )
    for (const [path, text] of Object.entries(files)) await upload(id, path, text)
    await change(id, { rights: 'Our own', ...more }).expect(200)
    return id
  }
  const until = async (id: string, state: Draft['state'], token = paula): Promise<Draft> => {
    for (let i = 0; i < 200; i++) {
      const now = await shown(id, token)
      if (now.state === state) return now
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    throw new Error(`the draft is ${JSON.stringify(await shown(id, token))}`)
  }
  const releases = async (slug: string): Promise<Release[]> => (await portal.detail(paula, slug)).releases

  it('takes files in parts, goes on where it was, and makes a release of them', async () => {
    const { id, state } = await draft()
    assert.equal(state, 'draft')
    const told = await tell(
      id,
      { path: 'fire_safety/film.mp4', sizeBytes: 10 },
      { path: 'fire_safety/empty.txt', sizeBytes: 0 },
    )
    const toldOf = told.body as Draft
    assert.deepEqual([toldOf.state, toldOf.title, toldOf.sizeBytes], ['uploading', 'Fire safety', 10])
    await upload(id, 'fire_safety/empty.txt', '')
    const begun = await beginUpload(id, 'fire_safety/film.mp4', 10).expect(201)
    const url = String(begun.headers['location'])
    await goOn(url, 0, '0123').expect(204)
    const [, film] = await filesOf(id)
    assert.deepEqual([film?.arrivedBytes, film?.uploadUrl, film?.isThere], [4, url, false])
    await submit(id).expect(409)
    const head = await request(portal.portal.handler)
      .head(url)
      .set({ ...TUS, authorization: `Bearer ${paula}` })
      .expect(200)
    assert.equal(head.headers['upload-offset'], '4')
    await goOn(url, 3, 'wrong').expect(409)
    await goOn(url, 4, '456789').expect(204)
    assert.equal((await shown(id)).state, 'draft')
    await submit(id).expect(400) // nobody vouches for it yet
    await change(id, { rights: 'Made by us', tags: ['safety'], audience: ['ops'], notes: 'first' }).expect(
      200,
    )
    const review = await portal.api('get', `/drafts/${id}/review`, paula).expect(200)
    assert.equal((review.body as Review).name, 'fire_safety')
    await submit(id).expect(200)
    const done = await until(id, 'published')
    const [made] = maker.made
    assert.equal(await readFile(join(String(made), 'film.mp4'), 'utf8'), '0123456789')
    assert.deepEqual(await readdir(join(portal.dataDir, 'media', 'incoming')), [])
    const [release] = await releases('fire-safety')
    assert.deepEqual(
      [release?.infohash, release?.rights, release?.notes, release?.publishedBy, release?.state],
      [done.infohash, 'Made by us', 'first', 'paula', 'uploading'],
    )
    assert.deepEqual(maker.adopted, [
      { infohash: done.infohash, place: { bundle: 'fire-safety', release: '1', admit: 'any' } },
    ])
    const actions = (await portal.audit()).map(({ action, actor }) => `${action} ${actor}`)
    assert.ok(
      actions.includes('release-added paula') && actions.includes('bundle-created paula'),
      String(actions),
    )
    await change(id, { title: 'Too late' }).expect(409)
    await portal.api('delete', `/drafts/${id}`, paula).expect(409)
  })

  it('makes a new release of a bundle for its owner, and for nobody else', async () => {
    const { slug } = await portal.live(paula, { title: 'Onboarding', audience: ['ops'] })
    const sam = await portal.token('publisher', { user: 'sam', groups: ['ops'] })
    await portal.api('post', '/drafts', sam).send({ bundle: slug }).expect(403)
    const { id, title, audience } = await draft({ bundle: slug, libraryPath: 'film.mp4' })
    assert.deepEqual([title, audience], ['Onboarding', ['ops']])
    await change(id, { rights: 'Our own', release: 'winter' }).expect(200)
    await submit(id).expect(200)
    await until(id, 'published')
    assert.deepEqual(
      (await releases(slug)).map(({ name }) => name),
      ['winter', '1'],
    )
    assert.deepEqual(maker.made, ['/library/film.mp4'])
  })

  it('puts loose files into a folder of the title', async () => {
    const id = await ready({ 'a.txt': 'a', 'b.txt': 'b' }, { title: 'Two: files?' })
    await submit(id).expect(200)
    await until(id, 'published')
    assert.deepEqual(await readdir(String(maker.made[0])), ['a.txt', 'b.txt'])
    assert.match(String(maker.made[0]), /\/Two files$/)
  })

  it('reviews loose files under the title that they have now, also after another was handed in', async () => {
    const id = await ready({ 'a.txt': 'a', 'b.txt': 'b' }, { title: 'First' })
    maker.before = () => Promise.reject(new Error('no'))
    await submit(id).expect(200)
    await until(id, 'failed')
    await change(id, { title: 'Second' }).expect(200)
    const review = await portal.api('get', `/drafts/${id}/review`, paula).expect(200)
    assert.equal((review.body as Review).name, 'Second')
    maker.before = () => Promise.resolve()
    await submit(id).expect(200)
    await until(id, 'published')
    assert.match(String(maker.made[0]), /\/Second$/)
  })

  it('goes live at its time, and is recalled at its end', async () => {
    const at = (ms: number): string => new Date(portal.clock.epoch() + ms).toISOString()
    const id = await ready(
      { 'a.txt': 'a' },
      { title: 'Soon', publishAt: at(hours(2)), expiresAt: at(hours(1)) },
    )
    await submit(id).expect(400) // it would end before it begins
    await change(id, { expiresAt: at(hours(3)) }).expect(200)
    await submit(id).expect(200)
    await until(id, 'scheduled')
    await portal.api('get', '/bundles/soon', paula).expect(404)
    portal.clock.advance(millis(hours(2) + seconds(5)))
    await until(id, 'published')
    const [release] = await releases('soon')
    await portal.complete(release === undefined ? [] : [release.infohash])
    const link = await portal.link(paula, 'soon', { expiresInSeconds: 24 * 3_600 })
    assert.equal(link.grant.expiresAt, release?.expiresAt)
    const page = await signedIn(portal, 'vera')
    assert.match(
      (await page.get('/bundles/soon').expect(200)).text,
      /It is here until .* and is recalled then/,
    )
    portal.clock.advance(hours(1))
    for (let i = 0; i < 100 && (await releases('soon'))[0]?.state !== 'recalled'; i++)
      portal.clock.advance(seconds(15)) // each look is at the time at which it begins
    assert.match(String((await releases('soon'))[0]?.reason), /published until/)
  })

  it('has the picture that was chosen of three', async () => {
    const { id } = await draft({ libraryPath: 'film.mp4' })
    await change(id, { rights: 'Our own', poster: 1 }).expect(200)
    const frame = await portal
      .api('get', `/drafts/${id}/frames/1`, paula)
      .buffer(true)
      .parse(bytesOfBody)
      .expect(200)
    assert.deepEqual(frame.body, jpegOfSize(16, 8))
    await portal.api('get', `/drafts/${id}/frames/3`, paula).expect(400)
    await submit(id).expect(200)
    await until(id, 'published')
    const poster = await portal
      .api('get', '/bundles/film/releases/1/poster', paula)
      .buffer(true)
      .parse(bytesOfBody)
      .expect(200)
    assert.deepEqual(poster.body, Buffer.from(cleanJpeg(jpegOfSize(16, 8)).bytes))
  })

  it('can be taken back before it is listed, also in the middle of hashing', async () => {
    const id = await ready({ 'a.txt': 'a' }, { title: 'Hasty' })
    maker.before = (signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error)
        })
      })
    await submit(id).expect(200)
    await until(id, 'hashing')
    while ((await until(id, 'hashing')).hashedBytes !== 1)
      await new Promise((resolve) => setTimeout(resolve, 5))
    await portal.api('post', `/drafts/${id}/take-back`, paula).expect(200)
    assert.equal((await until(id, 'draft')).title, 'Hasty')
    await portal.api('get', '/bundles/hasty', paula).expect(404)
    maker.before = () => Promise.resolve()
    await submit(id).expect(200)
    await until(id, 'published')
    await portal.api('post', `/drafts/${id}/take-back`, paula).expect(409)
  })

  it('lists what was said last, though it was taken back while another was hashed', async () => {
    const gates: (() => void)[] = []
    let n = 0
    maker.before = () => (n++ < 2 ? new Promise((resolve) => gates.push(resolve)) : Promise.resolve())
    const inHand = async (count: number): Promise<void> => {
      while (gates.length < count) await new Promise((resolve) => setTimeout(resolve, 5))
    }
    const a = await ready({ 'a.txt': 'a' })
    const b = await ready({ 'b.txt': 'b' })
    const c = await ready({ 'c1.txt': 'c', 'c2.txt': 'd' }, { title: 'Minutes', audience: ['everyone'] })
    await submit(a).expect(200)
    await inHand(1)
    await submit(b).expect(200)
    await submit(c).expect(200)
    gates[0]?.()
    await inHand(2) // b is in hand; c was found with it
    await portal.api('post', `/drafts/${c}/take-back`, paula).expect(200)
    await change(c, { title: 'Minutes of the board', audience: ['board'] }).expect(200)
    await submit(c).expect(200)
    gates[1]?.()
    const done = await until(c, 'published')
    const { audience, title } = await portal.detail(paula, String(done.bundle))
    assert.deepEqual([audience, title], [['board'], 'Minutes of the board'])
    assert.match(String(maker.made.at(-1)), /Minutes of the board$/)
  })

  it('lets no late upload into what was handed in, and none begin for what is there', async () => {
    const { id } = await draft()
    await tell(id, { path: 'a.txt', sizeBytes: 3 }).expect(200)
    const first = await beginUpload(id, 'a.txt', 3).expect(201)
    const second = await beginUpload(id, 'a.txt', 3).expect(201)
    await goOn(String(first.headers['location']), 0, 'old').expect(404) // the second took its place
    await goOn(String(second.headers['location']), 0, 'new').expect(204)
    await beginUpload(id, 'a.txt', 3).expect(409)
    await change(id, { rights: 'Our own', title: 'Late' }).expect(200)
    await submit(id).expect(200)
    await beginUpload(id, 'a.txt', 3).expect(409)
    await until(id, 'published')
    assert.equal(await readFile(String(maker.made[0]), 'utf8'), 'new')
  })

  it('publishes what its publisher was shown: no file that was taken out, and none without one that is lost', async () => {
    const id = await ready({ 'x/a.txt': 'a', 'x/b.txt': 'b' }, { title: 'Shown' })
    const folder = join(portal.dataDir, 'media', id, 'files', 'x')
    await writeFile(join(folder, 'stray.txt'), 'left by a crash')
    await writeFile(join(folder, 'b.txt'), 'longer than it was')
    await submit(id).expect(200)
    assert.match(String((await until(id, 'failed')).reason), /"x\/b\.txt" is not there any more/)
    await upload(id, 'x/b.txt', 'b')
    await submit(id).expect(200)
    await until(id, 'published')
    assert.deepEqual((await readdir(String(maker.made.at(-1)))).sort(), ['a.txt', 'b.txt'])
  })

  it('is taken in turn: deleted or handed in, never both', async () => {
    for (let i = 0; i < 5; i++) {
      const id = await ready({ 'a.txt': String(i) }, { title: `Turn ${i}` })
      const [gone, handed] = await Promise.all([portal.api('delete', `/drafts/${id}`, paula), submit(id)])
      assert.notEqual(gone.status < 300, handed.status < 300, `${gone.status} ${handed.status}`)
      if (handed.status < 300) await until(id, 'published')
    }
  })

  it('tells why it failed, and may be handed in again', async () => {
    await portal.live(paula, { title: 'Taken' })
    const id = await ready({ 'a.txt': 'a' }, { title: 'Fails' })
    maker.before = () => Promise.reject(new Error('the disk is on fire'))
    await submit(id).expect(200)
    assert.match(String((await until(id, 'failed')).reason), /could not be published/)
    maker.before = () => Promise.resolve()
    await submit(id).expect(200)
    await until(id, 'published')
    const again = await ready({ 'a.txt': 'a' }, { title: 'The same content' })
    await submit(again).expect(200)
    assert.match(String((await until(again, 'failed')).reason), /registered already/)
    await portal.api('get', '/bundles/the-same-content', paula).expect(404) // no bundle without its release
    assert.equal((await shown(again)).infohash, undefined)
  })

  it('goes on after the portal was stopped at any step', async () => {
    await portal[Symbol.asyncDispose]()
    const dataDir = await mkdtemp(join(tmpdir(), 'shoal-portal-'))
    await open({ dataDir })
    const id = await ready({ 'a.txt': 'a' }, { title: 'Resumed' })
    maker.before = (signal) =>
      new Promise((_resolve, reject) =>
        signal.addEventListener('abort', () => {
          reject(signal.reason as Error)
        }),
      )
    await submit(id).expect(200)
    await until(id, 'hashing')
    await portal[Symbol.asyncDispose]()
    maker = new FakeMaker()
    portal = (await openTestPortal({ dataDir, publishing: () => maker })).owningFolder()
    paula = await portal.token('publisher', { user: 'paula' })
    portal.clock.advance(seconds(5))
    await until(id, 'published')
    assert.equal((await releases('resumed')).length, 1)
  })

  it('finds an upload that was whole when the portal was killed before it said so', async () => {
    const { id } = await draft()
    await tell(id, { path: 'a.txt', sizeBytes: 3 }).expect(200)
    const { headers } = await beginUpload(id, 'a.txt', 3).expect(201)
    const name = String(headers['location']).split('/').at(-1) ?? ''
    await writeFile(join(portal.dataDir, 'media', 'incoming', name), 'abc')
    assert.equal((await filesOf(id))[0]?.isThere, true)
    assert.equal((await shown(id)).state, 'draft')
  })

  it('begins again where a file has changed meanwhile, and only there', async () => {
    const { id } = await draft()
    const file = (modifiedMs: number): object => ({ path: 'a.txt', sizeBytes: 3, modifiedMs })
    await tell(id, file(1)).expect(200)
    await upload(id, 'a.txt', 'old')
    await tell(id, file(1)).expect(200)
    assert.equal((await filesOf(id))[0]?.isThere, true)
    await tell(id, file(2)).expect(200)
    assert.equal((await filesOf(id))[0]?.isThere, false)
    await upload(id, 'a.txt', 'new')
    assert.equal(await readFile(join(portal.dataDir, 'media', id, 'files', 'a.txt'), 'utf8'), 'new')
    await portal.api('delete', `/drafts/${id}/files?path=a.txt`, paula).expect(204)
    assert.deepEqual(await readdir(join(portal.dataDir, 'media', id, 'files')), [])
    await portal.api('delete', `/drafts/${id}`, paula).expect(204)
    assert.deepEqual(await readdir(join(portal.dataDir, 'media')), ['incoming'])
  })

  for (const path of [
    '../a',
    '/a',
    'a//b',
    'a/../b',
    'C:\\a',
    'con',
    'a\u0000',
    'a/.',
    'x'.repeat(300),
    '\u202eexe',
    Array(70).fill('d').join('/'),
  ])
    it(`refuses the path ${JSON.stringify(path.slice(0, 20))} before anything is sent`, async () => {
      const { id } = await draft()
      const answer = await tell(id, { path, sizeBytes: 1 }).expect(400)
      assert.match(detailOf(answer), /cannot be uploaded/)
      assert.deepEqual(await filesOf(id), [])
    })

  it('refuses names that are one file on some systems', async () => {
    const { id } = await draft()
    await tell(id, { path: 'A.txt', sizeBytes: 1 }).expect(200)
    await tell(id, { path: 'a.TXT', sizeBytes: 1 }).expect(400)
    await tell(id, { path: 'A.txt/b', sizeBytes: 1 }).expect(400)
  })

  it('refuses what there is no room for before it is sent: a quota, and the disk', async () => {
    await portal[Symbol.asyncDispose]()
    await open({ settings: { uploadQuota: '1GiB' } })
    const { id } = await draft()
    const GiB = 2 ** 30
    await tell(id, { path: 'a', sizeBytes: GiB - 5 }).expect(200)
    const over = await tell((await draft()).id, { path: 'b', sizeBytes: 6 }).expect(413)
    assert.match(detailOf(over), /^your uploads may take/)
    await tell(id, { path: 'a', sizeBytes: 5 }).expect(200)
    await tell((await draft()).id, { path: 'b', sizeBytes: 6 }).expect(200)
    await portal[Symbol.asyncDispose]()
    await open({ settings: { uploadKeepFree: '1000000GiB' } })
    const full = await tell((await draft()).id, { path: 'a', sizeBytes: 1 }).expect(413)
    assert.match(detailOf(full), /^the server has room for 0 B/)
  })

  it('takes no upload that it was not told of, and none for somebody else', async () => {
    const { id } = await draft()
    await tell(id, { path: 'a.txt', sizeBytes: 3 }).expect(200)
    await beginUpload(id, 'b.txt', 3).expect(409)
    await beginUpload(id, 'a.txt', 4).expect(409)
    await beginUpload('AAAAAAAAAAAAAAAA', 'a.txt', 3).expect(404)
    const sam = await portal.token('publisher', { user: 'sam' })
    await beginUpload(id, 'a.txt', 3, sam).expect(404)
    const { headers } = await beginUpload(id, 'a.txt', 3).expect(201)
    const url = String(headers['location'])
    await goOn(url, 0, 'abc', sam).expect(404)
    await request(portal.portal.handler)
      .head(url)
      .set({ ...TUS, authorization: `Bearer ${sam}` })
      .expect(404)
    await request(portal.portal.handler).patch(url).set(TUS).expect(401)
    await request(portal.portal.handler)
      .delete(url)
      .set({ ...TUS, authorization: `Bearer ${paula}` })
      .expect(404)
    for (const bad of ['..', '%2e%2e', 'x'.repeat(32), '../../portal.sqlite'])
      await request(portal.portal.handler)
        .head(`/api/v1/uploads/${bad}`)
        .set({ ...TUS, authorization: `Bearer ${paula}` })
        .expect(404)
    const long = await goOn(url, 0, 'abcd')
    assert.ok(long.status >= 400, String(long.status))
    const full = beginUpload(id, 'a.txt', 3).set('content-type', 'application/offset+octet-stream')
    await full.send(Buffer.from('ab')).expect(400)
    for (const length of ['1e21', '-1', 'NaN', '', '3.0'])
      await beginUpload(id, 'a.txt', 3).set('upload-length', length).expect(400)
    const none = request(portal.portal.handler).post('/api/v1/uploads')
    await none.set({ ...TUS, authorization: `Bearer ${paula}`, 'upload-length': '3' }).expect(400)
  })

  it('lets a file take the name of a folder that is empty now', async () => {
    const { id } = await draft()
    await tell(id, { path: 'a/b/c.txt', sizeBytes: 1 }).expect(200)
    await upload(id, 'a/b/c.txt', 'c')
    await portal
      .api('delete', `/drafts/${id}/files?path=${encodeURIComponent('a/b/c.txt')}`, paula)
      .expect(204)
    await tell(id, { path: 'a', sizeBytes: 1 }).expect(200)
    await upload(id, 'a', 'a')
    assert.equal(await readFile(join(portal.dataDir, 'media', id, 'files', 'a'), 'utf8'), 'a')
  })

  it('forgets the first of two uploads of one file that were begun at once', async () => {
    const { id } = await draft()
    await tell(id, { path: 'a.txt', sizeBytes: 3 }).expect(200)
    await Promise.all([beginUpload(id, 'a.txt', 3), beginUpload(id, 'a.txt', 3)])
    const incoming = join(portal.dataDir, 'media', 'incoming')
    const [file] = await filesOf(id)
    for (const name of await readdir(incoming)) await utimes(join(incoming, name), 1, 1)
    portal.clock.advance(hours(1))
    const kept = String(file?.uploadUrl).split('/').at(-1) ?? ''
    for (let i = 0; i < 100 && (await readdir(incoming)).length > 2; i++)
      await new Promise((resolve) => setTimeout(resolve, 10))
    assert.deepEqual((await readdir(incoming)).sort(), [kept, `${kept}.json`])
    await goOn(String(file?.uploadUrl), 0, 'abc').expect(204)
  })

  it('gives up drafts that nobody touches, with their files', async () => {
    const { id } = await draft()
    await tell(id, { path: 'a.txt', sizeBytes: 3 }).expect(200)
    await upload(id, 'a.txt', 'abc')
    portal.clock.advance(millis(limits.draftLife + hours(1)))
    for (let i = 0; i < 100; i++) {
      if (!(await readdir(join(portal.dataDir, 'media'))).includes(id)) break
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await portal.api('get', `/drafts/${id}`, await portal.token('publisher', { user: 'paula' })).expect(404)
    assert.deepEqual(await readdir(join(portal.dataDir, 'media')), ['incoming'])
  })

  it('gives the room of a recalled release back when its publisher deletes it', async () => {
    const id = await ready({ 'a.txt': 'a' }, { title: 'Recalled' })
    await submit(id).expect(200)
    await until(id, 'published')
    await portal.api('delete', `/drafts/${id}`, paula).expect(409)
    await portal.api('post', '/bundles/recalled/releases/1/recall', paula).send({}).expect(200)
    await portal.api('delete', `/drafts/${id}`, paula).expect(204)
    assert.deepEqual(await readdir(join(portal.dataDir, 'media')), ['incoming'])
  })

  it('publishes nothing for who may publish no more', async () => {
    await portal
      .api('post', '/users', portal.adminToken)
      .send({ name: 'paula', role: 'publisher' })
      .expect(201)
    const id = await ready(
      { 'a.txt': 'a' },
      { title: 'Demoted', publishAt: new Date(portal.clock.epoch() + hours(1)).toISOString() },
    )
    await submit(id).expect(200)
    await until(id, 'scheduled')
    await portal.api('put', '/users/paula', portal.adminToken).send({ role: 'viewer' }).expect(200)
    portal.clock.advance(millis(hours(1) + seconds(5)))
    assert.match(String((await until(id, 'failed', portal.adminToken)).reason), /may not publish it any more/)
  })

  it('publishes nothing for who was disabled meanwhile', async () => {
    const { id } = await draft({ libraryPath: 'film.mp4' })
    await portal
      .api('post', '/users', portal.adminToken)
      .send({ name: 'paula', role: 'publisher' })
      .expect(201)
    await change(id, {
      rights: 'Our own',
      publishAt: new Date(portal.clock.epoch() + hours(1)).toISOString(),
    }).expect(200)
    await submit(id).expect(200)
    await until(id, 'scheduled')
    await portal
      .api('post', '/users/paula/disable', portal.adminToken)
      .expect((res) => assert.ok(res.status < 300, res.text))
    portal.clock.advance(millis(hours(1) + seconds(5)))
    assert.match(String((await until(id, 'failed', portal.adminToken)).reason), /is disabled/)
  })

  const mend = (id: string, path: string): request.Test =>
    portal.api('post', `/drafts/${id}/mend`, paula).send({ path })
  const visitor = async (): Promise<Browser> => {
    const browser = browserOf(portal)
    await browser.post('/login').type('form').send({ token: paula }).expect(303)
    return browser
  }
  const pageOf = async (browser: Browser, id: string): Promise<string> =>
    (await browser.get(`/publish/${id}`).expect(200)).text
  const mended = async (id: string, path: string): Promise<DraftFile> => {
    for (let i = 0; i < 200; i++) {
      const file = (await filesOf(id)).find((one) => one.path === path)
      if (file !== undefined && file.mending === undefined) return file
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    throw new Error('it is being mended still')
  }

  it('moves the description of a film to the front where that is wanted, and says so', async () => {
    const id = await ready({ 'course/late.mp4': 'a film', 'course/other.mp4': 'another' })
    maker.mendable = ['late.mp4']
    const review = (await portal.api('get', `/drafts/${id}/review`, paula).expect(200)).body as Review
    assert.deepEqual(review.mendable, ['course/late.mp4'])
    assert.ok(
      (await filesOf(id)).every((file) => file.mended === undefined),
      'not by itself',
    )
    await mend(id, 'course/late.mp4').expect(204)
    const file = await mended(id, 'course/late.mp4')
    const path = join(portal.dataDir, 'media', id, 'files', 'course', 'late.mp4')
    assert.equal(await readFile(path, 'utf8'), 'moov a film')
    assert.equal(file.sizeBytes, 11)
    assert.equal(file.mended?.beforeBytes, 6)
    assert.match(file.mended.sha256, /^[0-9a-f]{64}$/)
    assert.deepEqual(await readdir(join(portal.dataDir, 'media', 'incoming')), [])
    // the same file told of again is what is there
    await tell(id, { path: 'course/late.mp4', sizeBytes: 6 }).expect(200)
    assert.equal((await mended(id, 'course/late.mp4')).isThere, true)
    const browser = await visitor()
    assert.match(await pageOf(browser, id), /moved to the front: now 11 bytes, SHA-256 [0-9a-f]{64}/)
    await submit(id).expect(200)
    await until(id, 'published')
    assert.equal(await readFile(path, 'utf8'), 'moov a film')
  })

  it('offers that on the page, shows how far it is, and publishes nothing meanwhile', async () => {
    const id = await ready({ 'late.mp4': 'a film' })
    maker.mendable = ['late.mp4']
    const { promise: isWaited, resolve: goOn_ } = Promise.withResolvers<undefined>()
    maker.before = () => isWaited
    const browser = await visitor()
    assert.match(await pageOf(browser, id), /Move the description to the front/)
    assert.equal((await sendForm(browser, `/publish/${id}/mend`, { path: 'late.mp4' })).status, 303)
    const page = await pageOf(browser, id)
    assert.match(page, /late\.mp4: its description is being moved to the front, 16 %/)
    assert.doesNotMatch(page, /Move the description to the front/)
    assert.match(page, /value="publish" disabled/)
    assert.match(detailOf(await submit(id).expect(409)), /written anew/)
    goOn_(undefined)
    assert.ok((await mended(id, 'late.mp4')).mended !== undefined)
    await submit(id).expect(200)
  })

  it('stops it when told to, and leaves the file as it was', async () => {
    const id = await ready({ 'late.mp4': 'a film', 'next.mp4': 'b' })
    maker.before = (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))) // prettier-ignore
    await mend(id, 'late.mp4').expect(204)
    await mend(id, 'next.mp4').expect(204)
    for (const path of ['next.mp4', 'late.mp4'])
      await portal.api('delete', `/drafts/${id}/mend?path=${path}`, paula).expect(204)
    for (const file of await filesOf(id)) assert.ok(file.mending === undefined && file.mended === undefined)
    assert.deepEqual(await readdir(join(portal.dataDir, 'media', 'incoming')), [])
    await mend(id, 'late.mp4').expect(204)
    await portal.api('delete', `/drafts/${id}/files?path=late.mp4`, paula).expect(204)
    assert.deepEqual(await readdir(join(portal.dataDir, 'media', id, 'files')), ['next.mp4'])
  })

  it('waits for ten films of one person, and again for others when these are stopped', async () => {
    const names = Array.from({ length: limits.mendsPerOwnerMax + 1 }, (_, n) => `film ${n}.mp4`)
    const id = await ready(Object.fromEntries(names.map((name) => [name, 'a film'])))
    maker.before = (signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))) // prettier-ignore
    for (const name of names.slice(1)) await mend(id, name).expect(204)
    const refused = await mend(id, 'film 0.mp4')
    assert.equal(refused.status, 413)
    assert.match(detailOf(refused), /of yours/)
    await portal.api('delete', `/drafts/${id}/mend?path=film%205.mp4`, paula).expect(204)
    await mend(id, 'film 0.mp4').expect(204)
  })

  it('says why a film was not mended', async () => {
    const id = await ready({ 'odd.mp4': 'a film' })
    maker.mendable = ['odd.mp4']
    maker.before = () => Promise.reject(new ShoalError('bad-input', 'it is encrypted'))
    await mend(id, 'odd.mp4').expect(204)
    assert.equal((await mended(id, 'odd.mp4')).mendProblem, 'it is encrypted')
    const browser = await visitor()
    assert.match(await pageOf(browser, id), /odd\.mp4: it is encrypted\./)
    await mend(id, 'none.mp4').expect(404)
  })

  it('finishes what a crash left between the mark and the move, or after it', async () => {
    const id = await ready({ 'a.mp4': 'a film', 'b.mp4': 'b film' })
    const { dataDir, clock } = portal
    await portal.portal[Symbol.asyncDispose]()
    const incoming = join(dataDir, 'media', 'incoming')
    await writeFile(join(incoming, 'mend-a'), 'moov a film')
    await writeFile(join(dataDir, 'media', id, 'files', 'b.mp4'), 'moov b film') // was moved, and not noted
    const file = new Sqlite(join(dataDir, 'portal.sqlite'))
    const note = JSON.stringify({ sha256: 'f'.repeat(64), sizeBytes: 11, beforeBytes: 6 })
    for (const name of ['a', 'b'])
      file.prepare('update draft_files set upload_id = ?, mended = ? where path = ?').run(`mend-${name}`, note, `${name}.mp4`) // prettier-ignore
    file.close()
    await open({ dataDir, clock })
    portal.owningFolder()
    assert.equal(await readFile(join(dataDir, 'media', id, 'files', 'a.mp4'), 'utf8'), 'moov a film')
    assert.deepEqual(await readdir(incoming), [])
    for (const one of await filesOf(id)) assert.deepEqual([one.isThere, one.sizeBytes], [true, 11])
    await submit(id).expect(200)
    await until(id, 'published')
  })

  it('starts though one of these cannot be finished, and finishes the others', async () => {
    const id = await ready({ 'a.mp4': 'a film', 'b.mp4': 'b film' })
    const { dataDir, clock } = portal
    await portal.portal[Symbol.asyncDispose]()
    const [incoming, files] = [join(dataDir, 'media', 'incoming'), join(dataDir, 'media', id, 'files')]
    await rm(join(files, 'a.mp4'))
    await mkdir(join(files, 'a.mp4', 'in the way'), { recursive: true })
    const file = new Sqlite(join(dataDir, 'portal.sqlite'))
    const note = JSON.stringify({ sha256: 'f'.repeat(64), sizeBytes: 11, beforeBytes: 6 })
    for (const name of ['a', 'b']) {
      await writeFile(join(incoming, `mend-${name}`), `moov ${name} film`)
      file.prepare('update draft_files set upload_id = ?, mended = ? where path = ?').run(`mend-${name}`, note, `${name}.mp4`) // prettier-ignore
    }
    file.close()
    await open({ dataDir, clock })
    portal.owningFolder()
    assert.equal(await readFile(join(files, 'b.mp4'), 'utf8'), 'moov b film')
    const [a] = await filesOf(id)
    assert.match(String(a?.mendProblem), /could not take its place/)
  })

  it('says where nothing can be published', async () => {
    await portal[Symbol.asyncDispose]()
    await open({ publishing: undefined })
    const answer = await portal.api('post', '/drafts', paula).send({}).expect(503)
    assert.match(detailOf(answer), /shoal publish/)
  })
})

describe('Names that are made of others', () => {
  it('are titles that a person would begin with', () => {
    assert.equal(titleOf('fire_safety+2026.mp4'), 'Fire safety 2026')
    assert.equal(titleOf('course/week 1/a.mp4', 'course/b.txt'), 'Course')
    assert.equal(titleOf('a/b/film.final.mkv'), 'A')
    assert.equal(titleOf('.mp4'), '.mp4')
  })

  it('are folders on every system, whatever the title is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (title) => {
        assert.equal(refusalOfName(folderNameOf(title)), undefined, title)
      }),
    )
    for (const title of ['..', '/', 'con', 'a/b', ' . ', '', '💩'.repeat(60), 'NUL.txt'])
      assert.equal(refusalOfName(folderNameOf(title)), undefined, title)
  })
})

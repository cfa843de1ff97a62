import assert from 'node:assert/strict'
import { hours, minutes, seconds } from '../../src/core/units.ts'
import type { LearningPage, OwnWatched, PlayedTaken } from '../../src/wire/api.ts'
import { learningLimits } from '../../src/wire/limits-learning.ts'
import { browserOf } from './page-person.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'
import { torrentNamed, torrentOfFolder } from './torrents.ts'

const MEDIA = { kind: 'video', durationSeconds: 600, playsInBrowsers: true }

describe('What is recorded of watching', () => {
  let portal: TestPortal
  let paula: string
  let vera: string
  let slug: string

  const open = async (learning: Record<string, string>): Promise<void> => {
    portal = await openTestPortal({ learning })
    paula = await portal.token('publisher', { user: 'paula' })
    vera = await portal.token('viewer', { user: 'vera', groups: ['ops'] })
    slug = (await portal.live(paula, { title: 'Fire safety', audience: ['ops'] }, 'film.mp4')).slug
    await portal.api('put', `/bundles/${slug}/releases/1/media`, paula).send(MEDIA).expect(204)
  }
  beforeEach(() => open({ record: 'true' }))
  afterEach(() => portal[Symbol.asyncDispose]())

  const post = (body: object, token = vera, of = slug) =>
    portal.api('post', `/bundles/${of}/releases/latest/watched`, token).send(body)
  const watched = async (ranges: number[][], token = vera): Promise<PlayedTaken> =>
    (await post({ file: 0, durationSeconds: 600, ranges }, token).expect(200)).body as PlayedTaken
  const own = async (token = vera): Promise<OwnWatched> =>
    (await portal.api('get', `/bundles/${slug}/releases/1/watched`, token).expect(200)).body as OwnWatched
  const report = async (query = '', token = paula): Promise<LearningPage> =>
    (await portal.api('get', `/bundles/${slug}/learning${query}`, token).expect(200)).body as LearningPage

  it('adds up over posts: what is watched twice counts once', async () => {
    const first = await watched([[0, 60]])
    assert.equal(first.progress?.seenSeconds, 60)
    assert.equal(first.progress.share, 0.1)
    portal.clock.advance(minutes(2))
    await watched([[30, 90], [300, 330]]) // prettier-ignore
    const [mine] = (await own()).items
    assert.equal(mine?.seenSeconds, 120)
    assert.equal(mine.completedAt, null)
    assert.ok(mine.firstAt < mine.lastAt)
    assert.deepEqual((await own(paula)).items, [], 'of somebody else')
  })

  it('is complete at nine tenths, once and for good', async () => {
    await watched([[0, 480]])
    portal.clock.advance(minutes(1))
    const almost = await watched([[480, 530]])
    assert.equal(almost.progress?.completedAt, null)
    const done = await watched([[530, 541]])
    const at = done.progress?.completedAt
    assert.ok(typeof at === 'string')
    portal.clock.advance(minutes(30))
    assert.equal((await watched([[0, 480]])).progress?.completedAt, at)
  })

  it('takes no more than can have been played since the last post', async () => {
    await post({ file: 0, durationSeconds: 600, ranges: [[0, 10]] }).expect(200)
    portal.clock.advance(seconds(10))
    const limit = (4 * (10_000 + learningLimits.watchedSlack)) / 1_000
    await post({ file: 0, durationSeconds: 600, ranges: [[0, limit + 1]] }).expect(400, /since the last post/)
    assert.equal((await own()).items[0]?.seenSeconds, 10, 'what is refused leaves nothing')
    await post({ file: 0, durationSeconds: 600, ranges: [[0, limit]] }).expect(200)
  })

  it('takes nothing that is not in the file', async () => {
    await post({ file: 1, durationSeconds: 600, ranges: [[0, 10]] }).expect(400, /no such file/)
    for (const ranges of [
      [],
      [[5, 5]],
      [[-1, 5]],
      [[9, 5]],
      [[0, 1e12]],
      [[0]],
      [['0', '5']],
      Array(201).fill([0, 1]),
    ])
      await post({ file: 0, durationSeconds: 600, ranges }).expect(400)
    await post({ file: 0, durationSeconds: 600, ranges: [[0, 1]], person: 'otto' }).expect(400)
    assert.deepEqual((await own()).items, [])
  })

  it('is cut to the length that the portal knows, whatever a player says', async () => {
    const said = { file: 0, durationSeconds: 700, ranges: [[590, 640], [650, 660]] } // prettier-ignore
    const { progress } = (await post(said).expect(200)).body as PlayedTaken
    assert.equal(progress?.durationSeconds, 600)
    assert.equal(progress.seenSeconds, 10)
  })

  it('is not completed by the first post of one who has watched for no time', async () => {
    await post({ file: 0, durationSeconds: 600, ranges: [[0, 545]] }).expect(400, /since the last post/)
  })

  it('is not completed sooner by who says that the file is shorter than it is', async () => {
    const told = (await post({ file: 0, durationSeconds: 10, ranges: [[0, 10]] }).expect(200))
      .body as PlayedTaken
    assert.equal(told.progress?.durationSeconds, 600)
    assert.equal(told.progress.completedAt, null)
  })

  it('knows the files of a course apart, and what is nothing to watch', async () => {
    const course = await portal.bundle(paula, { title: 'Course', audience: ['ops'] })
    const made = await portal.postTorrent(
      paula,
      course,
      torrentOfFolder('course', ['1.mp4', '2.mp4', 'notes.pdf']),
    )
    await portal.complete([(made.body as { infohash: never }).infohash])
    const body = { durationSeconds: 60, ranges: [[0, 60]] }
    await post({ file: 1, ...body }, vera, course).expect(200)
    await post({ file: 2, ...body }, vera, course).expect(400, /no video/)
    const page = (await portal.api('get', `/bundles/${course}/learning`, paula).expect(200))
      .body as LearningPage
    assert.deepEqual(
      page.items.map(({ person, path, file }) => [person, path, file]),
      [['vera', '2.mp4', 1]],
    )
  })

  describe('where only those who watch know how long a file is', () => {
    const MIB = 2 ** 20
    const course = async (): Promise<string> => {
      const bundle = await portal.bundle(paula, { title: 'Course', audience: ['ops'] })
      const files = ['1.mp4', '2.mp4'].map((path) => ({ path, sizeBytes: 100 * MIB }))
      const made = await portal.postTorrent(paula, bundle, torrentNamed('course', { files }))
      await portal.complete([(made.body as { infohash: never }).infohash])
      return bundle
    }
    const say = async (
      of: string,
      durationSeconds: number,
      ranges: number[][],
      token = vera,
    ): Promise<PlayedTaken['progress']> =>
      ((await post({ file: 0, durationSeconds, ranges }, token, of).expect(200)).body as PlayedTaken).progress

    it('it is no shorter than its size allows', async () => {
      const progress = await say(await course(), 0.1, [[0, 0.1]])
      assert.ok((progress?.durationSeconds ?? 0) > 8)
      assert.equal(progress?.completedAt, null)
    })

    it('it is as long as the longest that somebody said who has watched some of it', async () => {
      const zoe = await portal.token('viewer', { user: 'zoe', groups: ['ops'] })
      const anna = await portal.token('viewer', { user: 'anna', groups: ['ops'] })
      const of = await course()
      await say(of, 80_000, [[0, 10]], zoe) // too little to count
      await say(of, 1_200, [[0, 130]])
      const progress = await say(of, 20, [[0, 20]], anna)
      assert.equal(progress?.durationSeconds, 1_200)
      assert.equal(progress.completedAt, null)
      await portal.api('delete', '/users/vera/learning', portal.adminToken).expect(204)
      const zoes = await portal.token('viewer', { user: 'zoe2', groups: ['ops'] })
      assert.equal((await say(of, 20, [[0, 20]], zoes))?.durationSeconds, 20)
    })

    it('it is not as long, and has no such part, as all files together have not', async () => {
      const of = await course()
      await portal.api('put', `/bundles/${of}/releases/1/media`, paula).send(MEDIA).expect(204)
      await post({ file: 0, durationSeconds: 700, ranges: [[0, 10]] }, vera, of).expect(400, /not as long/)
      await post({ file: 0, durationSeconds: 300, ranges: [[300, 340]] }, vera, of).expect(400, /no such/)
    })
  })

  it('is told seldom enough', async () => {
    for (let n = 0; n < learningLimits.watchedPostsPerMinuteMax; n++) await watched([[0, 1]])
    const refused = await post({ file: 0, durationSeconds: 600, ranges: [[0, 1]] }).expect(429)
    assert.ok(Number(refused.headers['retry-after']) > 0)
  })

  it('is listed for who may know, the newest release first, a page at a time, and as CSV', async () => {
    const people = new Map<string, string>()
    for (const user of ['anna', '=cmd', 'zoe'])
      people.set(user, await portal.token('viewer', { user, groups: ['ops'] }))
    for (const token of people.values()) await watched([[0, 300]], token)
    await portal.complete([(await portal.release(paula, slug, 'second.mp4')).infohash])
    await watched([[0, 480]], people.get('zoe'))
    portal.clock.advance(minutes(2))
    await watched([[480, 590]], people.get('zoe'))
    const all = await report()
    assert.deepEqual(
      all.items.map(({ person, release, share }) => [release, person, share]),
      [['2', 'zoe', 0.983], ['1', '=cmd', 0.5], ['1', 'anna', 0.5], ['1', 'zoe', 0.5]],
    ) // prettier-ignore
    const found: string[] = []
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: LearningPage = await report(`?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`)
      found.push(...page.items.map(({ release, person }) => `${release} ${person}`))
      cursor = page.nextCursor
    }
    assert.deepEqual(found, ['2 zoe', '1 =cmd', '1 anna', '1 zoe'])
    await portal.api('get', `/bundles/${slug}/learning?cursor=WzFd`, paula).expect(400)
    const csv = (await portal.api('get', `/bundles/${slug}/learning.csv`, paula).expect(200)).text
    assert.match(csv, /^person,display name,release,file,watched %,/)
    assert.match(csv, /\r\n"'=cmd",,1,film\.mp4,50,300,600,/, 'no formula')
    assert.match(csv, /\r\nzoe,,2,second\.mp4,98\.3,590,600,2\d{3}-.*,2\d{3}-.*,2\d{3}-[^,]*\r\n/)
    assert.deepEqual(
      (await portal.audit()).filter(({ action }) => action === 'learning-exported').map(({ actor }) => actor),
      ['paula'],
    )
  })

  it('is shown on the pages: to oneself, and to who may know of all', async () => {
    await watched([[0, 480]])
    portal.clock.advance(minutes(1))
    await watched([[480, 500]])
    const page = async (token: string, path: string, status = 200): Promise<string> => {
      const browser = browserOf(portal)
      await browser.post('/login').type('form').send({ token }).expect(303)
      return (await browser.get(path).expect(status)).text
    }
    const mine = await page(vera, `/bundles/${slug}`)
    assert.match(mine, /You have watched 83 % of it\./)
    assert.doesNotMatch(mine, /Who has watched it/)
    await page(vera, `/bundles/${slug}/learning`, 404)
    assert.match(
      await page(paula, `/bundles/${slug}`),
      new RegExp(`href="/bundles/${slug}/learning">Who has watched it`),
    )
    const list = await page(paula, `/bundles/${slug}/learning`)
    assert.match(list, /vera/)
    assert.match(list, /83 %/)
    assert.match(list, /8 min of 10 min/)
    assert.match(list, /last on \d/)
    portal.clock.advance(minutes(5))
    await watched([[500, 600]])
    assert.match(await page(vera, `/bundles/${slug}`), /watched 100 % of it, and completed it on/)
  })

  it('is told by a page only with its token against forged requests', async () => {
    const browser = browserOf(portal)
    await browser.post('/login').type('form').send({ token: vera }).expect(303)
    const body = { file: 0, durationSeconds: 600, ranges: [[0, 10]] }
    const path = `/api/v1/bundles/${slug}/releases/1/watched`
    await browser.post(path).send(body).expect(403)
    const csrf = /name="_csrf" value="([^"]+)"/.exec((await browser.get('/').expect(200)).text)?.[1] ?? ''
    await browser.post(path).set('x-csrf-token', csrf).send(body).expect(200)
    assert.equal((await own()).items[0]?.seenSeconds, 10)
  })

  it('goes when its time is over, and when an admin says so', async () => {
    const zoe = await portal.token('viewer', { user: 'zoe', groups: ['ops'] })
    await watched([[0, 100]])
    portal.clock.sleep(hours(24 * 729))
    await watched([[0, 100]], zoe)
    portal.clock.advance(hours(25))
    // the sweep is a row of small transactions: the answer to a request comes after some of them
    while ((await report()).items.length > 1) portal.clock.advance(minutes(10))
    assert.deepEqual((await report()).items.map(({ person }) => person), ['zoe']) // prettier-ignore
    await portal.api('delete', '/users/zoe/learning', portal.adminToken).expect(204)
    assert.deepEqual((await report()).items, [])
    assert.ok(
      (await portal.audit()).some(
        ({ action, subject }) => action === 'learning-forgotten' && subject === 'zoe',
      ),
    )
  })
})

describe('Where the company records nothing of watching', () => {
  it('nothing is kept, shown or said', async () => {
    await using portal = await openTestPortal()
    const paula = await portal.token('publisher', { user: 'paula' })
    const { slug } = await portal.live(paula, { title: 'Fire safety' }, 'film.mp4')
    const path = `/bundles/${slug}/releases/1/watched`
    const body = { file: 0, durationSeconds: 600, ranges: [[0, 10]] }
    const told = await portal.api('post', path, paula).send(body).expect(200)
    assert.deepEqual(told.body, { recorded: false, progress: null })
    const mine = await portal.api('get', path, paula).expect(200)
    assert.deepEqual(mine.body, { recorded: false, items: [] })
    const all = await portal.api('get', `/bundles/${slug}/learning`, paula).expect(200)
    assert.deepEqual(all.body, { recorded: false, items: [], nextCursor: null })
    const csv = await portal.api('get', `/bundles/${slug}/learning.csv`, paula).expect(200)
    assert.equal(csv.text.trim().split('\r\n').length, 1)
    const browser = browserOf(portal)
    await browser.post('/login').type('form').send({ token: paula }).expect(303)
    assert.doesNotMatch((await browser.get(`/bundles/${slug}`).expect(200)).text, /watched/)
    assert.match((await browser.get(`/bundles/${slug}/learning`).expect(200)).text, /Nothing is recorded/)
  })

  it('what was kept before is shown no more, and is there when it is switched on again', async () => {
    const first = await openTestPortal({ learning: { record: 'true' } })
    const { dataDir, clock } = first
    const paula = await first.token('publisher', { user: 'paula' })
    const { slug } = await first.live(paula, { title: 'Fire safety' }, 'film.mp4')
    const path = `/bundles/${slug}/releases/1/watched`
    await first
      .api('post', path, paula)
      .send({ file: 0, durationSeconds: 600, ranges: [[0, 10]] })
      .expect(200)
    await first.portal[Symbol.asyncDispose]()
    await using off = await openTestPortal({ dataDir, clock })
    assert.deepEqual((await off.api('get', path, paula).expect(200)).body, { recorded: false, items: [] })
    await off.portal[Symbol.asyncDispose]()
    await using on = (await openTestPortal({ dataDir, clock, learning: { record: 'true' } })).owningFolder()
    const { items } = (await on.api('get', path, paula).expect(200)).body as OwnWatched
    assert.equal(items[0]?.seenSeconds, 10)
  })
})

/** What every {@link Catalogue} does. */
import assert from 'node:assert/strict'
import { ShoalError } from '../../src/core/errors.ts'
import { infoHash, releaseName, slug, type Slug } from '../../src/core/ids.ts'
import { seconds } from '../../src/core/units.ts'
import type { Catalogue, Eyes, StoredRelease } from '../../src/portal/catalogue/catalogue.ts'
import type { Bundle } from '../../src/wire/api.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'
import { torrentNamed, torrentOfFolder } from '../portal/torrents.ts'
import { ManualClock } from '../support/manual-clock.ts'

export interface CatalogueUnderTest extends AsyncDisposable {
  readonly catalogue: Catalogue
}

export function describeCatalogue(
  name: string,
  open: (clock: ManualClock) => Promise<CatalogueUnderTest>,
): void {
  describe(`${name} (a Catalogue)`, () => {
    let clock: ManualClock
    let opened: CatalogueUnderTest
    let catalogue: Catalogue

    beforeEach(async () => {
      clock = new ManualClock()
      opened = await open(clock)
      catalogue = opened.catalogue
    })
    afterEach(async () => {
      await opened[Symbol.asyncDispose]()
    })

    const bundle = (title: string, more: object = {}): Promise<Bundle> => {
      clock.advance(seconds(1))
      return catalogue.createBundle({
        title, description: '', tags: [], audience: ['everyone'], owner: 'paula', ...more,
      }) // prettier-ignore
    }
    const release = async (of: Slug, torrent: Uint8Array, more: object = {}): Promise<StoredRelease> => {
      const draft = {
        bundle: of,
        torrent: parseTorrent(torrent),
        notes: '',
        admit: 'any',
        rights: '',
      } as const
      return (await catalogue.addRelease({ ...draft, publishedBy: 'paula', ...more })).release
    }
    const listed = async (more: object = {}, eyes: Eyes = 'all'): Promise<string[]> =>
      (await catalogue.bundles({ eyes, limit: 50, ...more })).items.map((item) => item.title)
    const conflict = (error: unknown): boolean => error instanceof ShoalError && error.code === 'conflict'

    it('makes a slug from a title, and numbers the next ones', async () => {
      assert.equal((await bundle('Fire safety!')).bundle, 'fire-safety')
      assert.equal((await bundle('Fire, safety')).bundle, 'fire-safety-2')
      assert.equal((await bundle('FIRE SAFETY')).bundle, 'fire-safety-3')
    })

    it('refuses a wanted slug that is taken', async () => {
      await bundle('One', { wanted: slug('one') })
      await assert.rejects(bundle('Another', { wanted: slug('one') }), conflict)
    })

    it('gives back what it was given', async () => {
      const made = await bundle('Fire', {
        description: 'What to do',
        tags: ['safety', 'safety'],
        audience: ['ops'],
      })
      assert.deepEqual(await catalogue.bundle(made.bundle), made)
      assert.deepEqual(made.tags, ['safety'])
      assert.equal(made.latest, null)
    })

    it('answers undefined for what is not there', async () => {
      assert.equal(await catalogue.bundle(slug('none')), undefined)
      assert.equal(await catalogue.release(slug('none'), releaseName('1')), undefined)
      assert.equal(await catalogue.latest(slug('none')), undefined)
      assert.equal(await catalogue.infoBytes(infoHash('0'.repeat(40))), undefined)
      assert.deepEqual(await catalogue.files(infoHash('0'.repeat(40))), [])
    })

    it('keeps the info bytes exactly, and the files of a release', async () => {
      const { bundle: name } = await bundle('Course')
      const torrent = torrentOfFolder('course', ['a b.txt', 'sub/ü.txt'])
      const made = await release(name, torrent)
      assert.deepEqual(
        Buffer.from((await catalogue.infoBytes(made.infohash)) ?? []),
        Buffer.from(parseTorrent(torrent).infoBytes),
      )
      assert.deepEqual(
        (await catalogue.files(made.infohash)).map((file) => file.path),
        ['a b.txt', 'sub/ü.txt'],
      )
      assert.equal(made.sizeBytes, 2_000)
    })

    it('numbers releases, and refuses a name that is taken', async () => {
      const { bundle: name } = await bundle('Course')
      assert.equal((await release(name, torrentNamed('a'))).name, '1')
      assert.equal((await release(name, torrentNamed('b'), { name: releaseName('7') })).name, '7')
      assert.equal((await release(name, torrentNamed('c'), { name: releaseName('beta') })).name, 'beta')
      assert.equal((await release(name, torrentNamed('d'))).name, '8')
      await assert.rejects(release(name, torrentNamed('e'), { name: releaseName('7') }), conflict)
    })

    it('lets an infohash belong to one release for ever', async () => {
      const one = await bundle('One')
      const two = await bundle('Two')
      const made = await release(one.bundle, torrentNamed('a'))
      await assert.rejects(release(two.bundle, torrentNamed('a')), conflict)
      await assert.rejects(release(one.bundle, torrentNamed('a'), { publishedBy: 'peter' }), conflict)
      await catalogue.happen(made.infohash, { kind: 'recalled', reason: 'wrong' }, 'paula')
      await assert.rejects(release(one.bundle, torrentNamed('a')), conflict)
    })

    it('takes the same from the same publisher twice, until it is live', async () => {
      const { bundle: name } = await bundle('One')
      const draft = { bundle: name, torrent: parseTorrent(torrentNamed('a')), notes: '', admit: 'any', rights: '', publishedBy: 'paula' } as const // prettier-ignore
      const first = await catalogue.addRelease(draft)
      const second = await catalogue.addRelease(draft)
      assert.deepEqual([first.isNew, second.isNew], [true, false])
      assert.deepEqual(second.release, first.release)
      await catalogue.happen(first.release.infohash, { kind: 'complete' }, 'origin')
      await assert.rejects(catalogue.addRelease(draft), conflict)
    })

    it('makes a release live, missing, live again, and recalled for ever', async () => {
      const { bundle: name } = await bundle('One')
      const { infohash } = await release(name, torrentNamed('a'))
      const happen = async (kind: 'complete' | 'missing' | 'recalled'): Promise<string | undefined> =>
        (await catalogue.happen(infohash, { kind, reason: 'because' }, 'origin'))?.state
      assert.equal(await happen('missing'), undefined)
      assert.equal(await happen('complete'), 'live')
      assert.equal(await happen('complete'), undefined)
      assert.equal(await happen('missing'), 'missing')
      assert.equal((await catalogue.releaseOf(infohash))?.reason, 'because')
      assert.equal(await happen('complete'), 'live')
      assert.equal((await catalogue.releaseOf(infohash))?.reason, undefined)
      assert.equal(await happen('recalled'), 'recalled')
      assert.equal(await happen('complete'), undefined)
      assert.deepEqual(await catalogue.recalled(), [infohash])
    })

    it('lists what waits for an origin, oldest first', async () => {
      const { bundle: name } = await bundle('One')
      const a = await release(name, torrentNamed('a'))
      const b = await release(name, torrentNamed('b'))
      assert.deepEqual(
        (await catalogue.wanted(10)).map((item) => item.infohash),
        [a.infohash, b.infohash],
      )
      await catalogue.happen(a.infohash, { kind: 'complete' }, 'origin')
      assert.deepEqual(
        (await catalogue.wanted(10)).map((item) => item.release),
        ['2'],
      )
    })

    it('shows the newest live release as the latest', async () => {
      const { bundle: name } = await bundle('One')
      const a = await release(name, torrentNamed('a'))
      const b = await release(name, torrentNamed('b'))
      await catalogue.happen(a.infohash, { kind: 'complete' }, 'origin')
      assert.equal((await catalogue.bundle(name))?.latest?.name, '1')
      await catalogue.happen(b.infohash, { kind: 'complete' }, 'origin')
      assert.equal((await catalogue.latest(name))?.name, '2')
      await catalogue.happen(b.infohash, { kind: 'recalled', reason: 'wrong' }, 'paula')
      assert.equal((await catalogue.bundle(name))?.latest?.name, '1')
      assert.deepEqual(
        (await catalogue.releases(name, 10)).map((item) => item.name),
        ['2', '1'],
      )
    })

    it('lists newest first, page by page, each bundle once', async () => {
      for (const title of ['a', 'b', 'c', 'd', 'e']) await bundle(title)
      const seen: string[] = []
      let cursor: string | undefined
      do {
        const page = await catalogue.bundles({ eyes: 'all', limit: 2, cursor })
        seen.push(...page.items.map((item) => item.title))
        cursor = page.nextCursor ?? undefined
      } while (cursor !== undefined)
      assert.deepEqual(seen, ['e', 'd', 'c', 'b', 'a'])
    })

    it('pages through what it found without losing or repeating any', async () => {
      for (let i = 0; i < 5; i++) await bundle(`Training ${i}`)
      const seen = new Set<string>()
      let cursor: string | undefined
      let pages = 0
      do {
        const page = await catalogue.bundles({ eyes: 'all', q: 'training', limit: 2, cursor })
        for (const item of page.items) seen.add(item.title)
        cursor = page.nextCursor ?? undefined
        pages++
      } while (cursor !== undefined)
      assert.deepEqual([seen.size, pages], [5, 3])
    })

    it('refuses a cursor that is not of this list', async () => {
      for (let i = 0; i < 3; i++) await bundle(`Training ${i}`)
      const { nextCursor } = await catalogue.bundles({ eyes: 'all', limit: 1 })
      for (const cursor of [
        '',
        'AAAA',
        '%%%',
        'x'.repeat(600),
        Buffer.from('["t","x",1]').toString('base64url'),
      ])
        await assert.rejects(listed({ cursor }), ShoalError)
      await assert.rejects(listed({ q: 'training', cursor: nextCursor }), ShoalError)
    })

    it('finds by the beginnings of words in every text, best first, accents aside', async () => {
      await bundle('Évacuation', { description: 'Stairs', tags: ['safety'] })
      await bundle('Cooking', { description: 'An evacuation is mentioned' })
      const { bundle: name } = await bundle('Holiday')
      const made = await release(name, torrentOfFolder('photos', ['beach/sunset.jpg']))
      assert.deepEqual(await listed({ q: 'evac' }), ['Évacuation', 'Cooking'])
      assert.deepEqual(await listed({ q: 'STAIR evacuation' }), ['Évacuation'])
      assert.deepEqual(await listed({ q: 'safe' }), ['Évacuation'])
      assert.deepEqual(await listed({ q: 'sunset' }), [], 'files of what is not live are not searched')
      await catalogue.happen(made.infohash, { kind: 'complete' }, 'origin')
      assert.deepEqual(await listed({ q: 'sunset' }), ['Holiday'])
    })

    it('finds what was meant by a word with a slip, and says so, where nothing has the word itself', async () => {
      await bundle('Fire safety')
      await bundle('Évacuation of the building', { tags: ['wardens'] })
      await bundle('Quarterly bonus', { audience: ['board'] })
      const found = async (q: string, eyes: Eyes = 'all'): Promise<unknown[]> => {
        const { items, instead } = await catalogue.bundles({ eyes, limit: 50, q })
        return [instead, ...items.map((item) => item.title)]
      }
      assert.deepEqual(await found('saftey'), ['safety', 'Fire safety'])
      assert.deepEqual(await found('fyre safety'), ['fire safety', 'Fire safety'])
      assert.deepEqual(await found('evacation'), ['evacuation', 'Évacuation of the building'])
      assert.deepEqual(await found('wardenss builiding'), ['wardens building', 'Évacuation of the building'])
      assert.deepEqual(await found('safe'), [undefined, 'Fire safety'])
      for (const q of ['fxyz', 'sax', 'saffetyy', 'fire wardens', '???'])
        assert.deepEqual(await found(q), [undefined], q)
      // what is not for somebody is no help either, and no hint
      const eyes = { owner: 'vera', audience: ['everyone'] }
      assert.deepEqual(await found('bonos'), ['bonus', 'Quarterly bonus'])
      assert.deepEqual(await found('bonos', eyes), [undefined])
      await bundle('Bonds')
      assert.deepEqual(await found('bonus', eyes), ['bonds', 'Bonds'], 'as if the other were not there')
      const paged = await catalogue.bundles({ eyes: 'all', limit: 1, q: 'safety', cursor: undefined })
      assert.equal(paged.instead, undefined)
    })

    it('lists by title, page by page, through whoever’s eyes, accents and case aside', async () => {
      const titles = ['zebra', 'Äpfel', '"Quoted"', 'banana', 'Banana split', '10 apples', 'ananas']
      for (const [n, title] of titles.entries()) await bundle(title, { tags: n % 2 === 0 ? ['even'] : [] })
      await bundle('hidden', { audience: ['nobody'] })
      const wanted = ['10 apples', 'ananas', 'Äpfel', 'banana', 'Banana split', '"Quoted"', 'zebra']
      const eyes = { owner: 'vera', audience: ['everyone', 'vera'] }
      const paged: string[] = []
      let cursor: string | undefined
      do {
        const page = await catalogue.bundles({ eyes, sort: 'title', limit: 2, ...(cursor && { cursor }) })
        paged.push(...page.items.map(({ title }) => title))
        cursor = page.nextCursor ?? undefined
      } while (cursor !== undefined)
      assert.deepEqual(paged, wanted)
      assert.deepEqual(await listed({ sort: 'title' }), wanted.toSpliced(5, 0, 'hidden'))
      assert.deepEqual(await listed({ sort: 'title', tag: 'even' }), [
        'ananas',
        'Banana split',
        '"Quoted"',
        'zebra',
      ])
      const first = await catalogue.bundles({ eyes, sort: 'title', limit: 2 })
      await assert.rejects(
        catalogue.bundles({ eyes, limit: 2, cursor: first.nextCursor ?? '' }),
        /not one of this list/,
      )
    })

    it('takes any text as words, never as operators', async () => {
      await bundle('Fire "safety"')
      for (const q of [
        '"',
        'a OR',
        'NEAR(',
        '*',
        'title:fire AND',
        '^fire',
        "'; drop table bundles --",
        '\0',
        '-fire',
        '(((',
        '""""',
      ])
        await listed({ q })
      assert.deepEqual(await listed({ q: '"safety"' }), ['Fire "safety"'])
      assert.deepEqual(await listed({ q: 'fire OR nothing' }), [])
      assert.deepEqual(await listed({ q: '???' }), [])
    })

    it('narrows a list to a tag', async () => {
      await bundle('a', { tags: ['x'] })
      await bundle('b', { tags: ['y'] })
      assert.deepEqual(await listed({ tag: 'x' }), ['a'])
      assert.deepEqual(await listed({ tag: 'y', q: 'b' }), ['b'])
      assert.deepEqual(await listed({ tag: '%' }), [])
    })

    it('is by the kind of a bundle, which is that of its newest live release', async () => {
      const live = async (of: Slug, torrent: Uint8Array): Promise<void> => {
        const { infohash } = await release(of, torrent)
        await catalogue.happen(infohash, { kind: 'complete' }, 'origin')
      }
      const course = await bundle('course', { tags: ['x'] })
      const rules = await bundle('rules', { tags: ['x'] })
      assert.equal(course.kind, 'other')
      await live(course.bundle, torrentOfFolder('course', ['1.mp4', '2.mp4', 'notes.pdf']))
      await live(rules.bundle, torrentNamed('rules.pdf'))
      assert.equal((await catalogue.bundle(course.bundle))?.kind, 'video')
      assert.deepEqual(await listed({ kind: 'video' }), ['course'])
      assert.deepEqual(await listed({ kind: 'document' }), ['rules'])
      assert.deepEqual(await listed({ kind: 'document', tag: 'x' }), ['rules'])
      assert.deepEqual(await listed({ kind: 'document', q: 'ru' }), ['rules'])
      assert.deepEqual(await listed({ kind: 'document', q: 'course' }), [])
      assert.deepEqual(await listed({ kind: 'audio' }), [])
      assert.deepEqual(await listed({ kind: 'video' }, { owner: 'vera', audience: ['board'] }), [])
      assert.deepEqual(await listed({ kind: 'video', sort: 'title' }, { owner: 'paula', audience: [] }), [
        'course',
      ])
      assert.equal((await catalogue.bundles({ eyes: 'all', kind: 'video', limit: 1 })).nextCursor, null)

      await catalogue.changeBundle(course.bundle, { title: 'the course', tags: ['y'] }, 'paula')
      assert.deepEqual(await listed({ kind: 'video', tag: 'y' }), ['the course'])
      const minutes = torrentNamed('minutes.docx')
      await live(course.bundle, minutes)
      assert.deepEqual(await listed({ kind: 'video' }), [])
      assert.deepEqual(await listed({ kind: 'document', sort: 'title' }), ['rules', 'the course'])
      const recall = { kind: 'recalled', reason: 'wrong' } as const
      await catalogue.happen(parseTorrent(minutes).infoHash, recall, 'paula')
      assert.deepEqual(await listed({ kind: 'video' }), ['the course'])
    })

    it('shows through somebody’s eyes what is theirs or for them', async () => {
      await bundle('mine', { owner: 'vera', audience: ['nobody'] })
      await bundle('for ops', { audience: ['ops'] })
      await bundle('for all')
      await bundle('not for me', { audience: ['board'] })
      const eyes = { owner: 'vera', audience: ['everyone', 'vera', 'ops'] }
      assert.deepEqual(await listed({}, eyes), ['for all', 'for ops', 'mine'])
      assert.deepEqual(await listed({ q: 'for' }, eyes).then((found) => found.length), 2)
    })

    it('moves a bundle to the front of every list with a new release, and shows it once', async () => {
      const old = await bundle('old', { tags: ['x'], audience: ['ops', 'board'], owner: 'vera' })
      await bundle('new', { tags: ['x'], audience: ['ops'] })
      const eyes = { owner: 'vera', audience: ['everyone', 'vera', 'ops', 'board'] }
      assert.deepEqual(await listed({}, eyes), ['new', 'old'])
      clock.advance(seconds(1))
      await release(old.bundle, torrentNamed('a'))
      assert.deepEqual(await listed({}, eyes), ['old', 'new'])
      assert.deepEqual(await listed({ tag: 'x' }), ['old', 'new'])
      const first = await catalogue.bundles({ eyes, limit: 1, tag: 'x' })
      const cursor = first.nextCursor ?? undefined
      assert.deepEqual(await listed({ limit: 1, cursor }, eyes), ['new'])
    })

    it('keeps apart what happens at the same time', async () => {
      const made = await Promise.all(Array.from({ length: 10 }, () => bundle('Same title')))
      assert.equal(new Set(made.map((item) => item.bundle)).size, 10)
    })
  })
}

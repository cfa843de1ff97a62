import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CompiledQuery, sql, type KyselyPlugin, type QueryId, type RootOperationNode } from 'kysely'
import { slug } from '../../src/core/ids.ts'
import { seconds } from '../../src/core/units.ts'
import type { BundleQuery, Eyes } from '../../src/portal/catalogue/catalogue.ts'
import { ofKind, seenBy, taggedWith } from '../../src/portal/catalogue/seen.ts'
import { SqliteCatalogue } from '../../src/portal/catalogue/sqlite-catalogue.ts'
import { migrations } from '../../src/portal/database/migrations.ts'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import type { Database } from '../../src/portal/database/tables.ts'
import { Journal } from '../../src/portal/journal.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { writeOldCatalogue } from './old-catalogue.ts'
import { torrentNamed } from './torrents.ts'

const VERA: Eyes = { owner: 'vera', audience: ['everyone', 'vera', 'ops'] }

/** Of every statement that a database runs, how SQLite finds its rows. */
class Plans implements KyselyPlugin {
  readonly #seen: { node: RootOperationNode; queryId: QueryId }[] = []

  transformQuery({ node, queryId }: { node: RootOperationNode; queryId: QueryId }): RootOperationNode {
    this.#seen.push({ node, queryId })
    return node
  }

  transformResult<T>({ result }: { result: T }): Promise<T> {
    return Promise.resolve(result)
  }

  async of(db: Database): Promise<readonly string[]> {
    const details: string[] = []
    for (const { node, queryId } of this.#seen.splice(0)) {
      const { sql: text, parameters } = db.getExecutor().compileQuery(node, queryId)
      if (!/^\s*(?:select|with|update|delete)\b/i.test(text)) continue
      const plan = await db.executeQuery<{ detail: string }>(
        CompiledQuery.raw(`explain query plan ${text}`, [...parameters]),
      )
      details.push(...plan.rows.map((row) => row.detail))
    }
    return details
  }
}

describe('lists of the catalogue', () => {
  let db: Database
  let clock: ManualClock
  let file: string
  let folder: string

  const catalogueOn = (on: Database): SqliteCatalogue =>
    new SqliteCatalogue({ db: on, clock, journal: new Journal({ db: on, clock }) })
  const make = async (title: string, more: object = {}): Promise<void> => {
    const draft = { title, description: '', tags: [], audience: ['everyone'], owner: 'paula', ...more }
    clock.advance(seconds(1))
    const { bundle } = await catalogueOn(db).createBundle(draft)
    const torrent = parseTorrent(torrentNamed(title))
    const release = { bundle, torrent, notes: '', admit: 'any', rights: '', publishedBy: 'paula' } as const
    await catalogueOn(db).addRelease(release)
    await catalogueOn(db).happen(torrent.infoHash, { kind: 'complete' }, 'origin')
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-lists-'))
    file = join(folder, 'portal.sqlite')
    clock = new ManualClock()
    db = await openDatabase(file)
    await make('for all', { tags: ['x'] })
    await make('for ops', { audience: ['ops'], tags: ['x', 'y'] })
    await make('hers', { owner: 'vera', audience: ['nobody'] })
    await make('not hers', { audience: ['board'], tags: ['x'] })
  })
  afterEach(async () => {
    await db.destroy()
    await rm(folder, { recursive: true })
  })

  it('find the releases of a bundle by the bundle, however many are live', async () => {
    const plans = new Plans()
    const catalogue = catalogueOn(db.withPlugin(plans))
    const ofReleases = async (): Promise<readonly string[]> =>
      (await plans.of(db)).filter((detail) => /\breleases\b/.test(detail))
    await catalogue.latest(slug('for-all'))
    await catalogue.bundle(slug('for-all'))
    await catalogue.happen(
      parseTorrent(torrentNamed('for all')).infoHash,
      { kind: 'missing', reason: '' },
      'x',
    )
    const details = await ofReleases()
    assert.ok(details.length >= 4)
    assert.deepEqual(
      details.filter((detail) => /SCAN|releases_by_state/.test(detail)),
      [],
    )
  })

  it('of a tag, a kind or an audience do not look through all bundles', async () => {
    const plans = new Plans()
    const catalogue = catalogueOn(db.withPlugin(plans))
    for (const query of [
      { eyes: VERA },
      { eyes: 'all', tag: 'x' },
      { eyes: VERA, tag: 'x' },
      { eyes: VERA, kind: 'other' },
    ] as const)
      await catalogue.bundles({ ...query, limit: 50 })
    const details = await plans.of(db)
    assert.ok(details.some((detail) => detail.includes('x USING PRIMARY KEY (list=?')))
    assert.deepEqual(
      details.filter((detail) => /SCAN (?:bundles|b|x)\b|bundles_by_update/.test(detail)),
      [],
    )
  })

  it('hold what was in the catalogue before there were lists, by title, by words and by kind, too', async () => {
    await db.destroy()
    file = join(folder, 'old.sqlite')
    await writeOldCatalogue(file, [
      { title: 'hers', owner: 'vera', audience: 'nobody' },
      { title: 'Évacuation', owner: 'paula', audience: 'ops', tag: 'x' },
      { title: 'not hers', owner: 'paula', audience: 'nobody', tag: 'x', file: 'film.mp4' },
    ])
    db = await openDatabase(file)
    await migrations['0019-media']?.up(db) // whose mark was lost
    const titles = async (query: Partial<BundleQuery> & { eyes: Eyes }): Promise<string[]> =>
      (await catalogueOn(db).bundles({ ...query, limit: 50 })).items.map((item) => item.title)
    assert.deepEqual(await titles({ eyes: VERA }), ['Évacuation', 'hers'])
    assert.deepEqual(await titles({ eyes: 'all', tag: 'x' }), ['not hers', 'Évacuation'])
    assert.deepEqual(await titles({ eyes: VERA, tag: 'x' }), ['Évacuation'])
    assert.deepEqual(await titles({ eyes: 'all', sort: 'title' }), ['Évacuation', 'hers', 'not hers'])
    assert.deepEqual(await titles({ eyes: VERA, q: 'evacation' }), ['Évacuation'])
    assert.deepEqual(await titles({ eyes: 'all', kind: 'video', sort: 'title' }), ['not hers'])
    assert.deepEqual(await titles({ eyes: 'all', kind: 'other', sort: 'title' }), ['Évacuation', 'hers'])
  })

  it('answer the same whether few or many may be seen', async () => {
    for (const few of [0, 100]) {
      const seen = await seenBy(db, VERA, sql.ref('bundles.id'), few)
      const tagged = await taggedWith(db, 'x', sql.ref('bundles.id'), few)
      const query = db.selectFrom('bundles').select('title').orderBy('id')
      const titles = async (of: typeof query): Promise<string[]> =>
        (await of.execute()).map((row) => row.title)
      assert.deepEqual(await titles(query.where(seen)), ['for all', 'for ops', 'hers'])
      assert.deepEqual(await titles(query.where(tagged)), ['for all', 'for ops', 'not hers'])
      assert.deepEqual(await titles(query.where(seen).where(tagged)), ['for all', 'for ops'])
      assert.deepEqual(await titles(query.where(await ofKind(db, 'other', sql.ref('bundles.id'), few))), [
        'for all',
        'for ops',
        'hers',
        'not hers',
      ])
      assert.deepEqual(await titles(query.where(await ofKind(db, 'video', sql.ref('bundles.id'), few))), [])
    }
  })
})

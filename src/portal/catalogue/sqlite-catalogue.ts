/** The catalogue on SQLite: what it reads. Its changes are in `changes.ts`. */
import type { InfoHash, ReleaseName, Slug } from '../../core/ids.ts'
import type { Bundle, BundleChange } from '../../wire/api.ts'
import type { Database } from '../database/tables.ts'
import type { RecordParts } from '../journal.ts'
import { changeBundle } from './change-bundle.ts'
import { addRelease, createBundle, happen } from './changes.ts'
import { listBundles } from './list.ts'
import { WAITING_STATES } from './release-state.ts'
import { bundleOfRow, fileList, releaseOfRow } from './rows.ts'
import { latestOf, selectReleases } from './select.ts'
import type {
  AddedRelease,
  BundleDraft,
  BundleQuery,
  Catalogue,
  FoundBundles,
  ReleaseDraft,
  ReleaseFile,
  ReleaseHappening,
  StoredRelease,
  WantedRelease,
} from './catalogue.ts'

export class SqliteCatalogue implements Catalogue {
  readonly #parts: RecordParts
  readonly #db: Database

  constructor(parts: RecordParts) {
    this.#parts = parts
    this.#db = parts.db
  }

  createBundle(draft: BundleDraft): Promise<Bundle> {
    return createBundle(this.#parts, draft)
  }

  async changeBundle(slug: Slug, change: BundleChange, by: string): Promise<Bundle> {
    const id = await changeBundle(this.#parts, { slug, change, by })
    const row = await this.#db
      .selectFrom('bundles')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirstOrThrow()
    return bundleOfRow(row, (await latestOf(this.#db, [id])).get(id))
  }

  addRelease(draft: ReleaseDraft): Promise<AddedRelease> {
    return addRelease(this.#parts, draft)
  }

  happen(infohash: InfoHash, happening: ReleaseHappening, by: string): Promise<StoredRelease | undefined> {
    return happen(this.#parts, { infohash, happening, by })
  }

  bundles(query: BundleQuery): Promise<FoundBundles> {
    return listBundles(this.#db, query)
  }

  async bundle(slug: Slug): Promise<Bundle | undefined> {
    const row = await this.#db.selectFrom('bundles').selectAll().where('slug', '=', slug).executeTakeFirst()
    if (row === undefined) return undefined
    return bundleOfRow(row, (await latestOf(this.#db, [row.id])).get(row.id))
  }

  async release(bundle: Slug, name: ReleaseName): Promise<StoredRelease | undefined> {
    const row = await selectReleases(this.#db)
      .where('bundles.slug', '=', bundle)
      .where('releases.name', '=', name)
      .executeTakeFirst()
    return row && releaseOfRow(row)
  }

  async latest(bundle: Slug): Promise<StoredRelease | undefined> {
    const row = await selectReleases(this.#db)
      .where('bundles.slug', '=', bundle)
      .where('releases.state', '=', 'live')
      .orderBy('releases.id', 'desc')
      .limit(1)
      .executeTakeFirst()
    return row && releaseOfRow(row)
  }

  async releaseOf(infohash: InfoHash): Promise<StoredRelease | undefined> {
    const row = await selectReleases(this.#db).where('releases.infohash', '=', infohash).executeTakeFirst()
    return row && releaseOfRow(row)
  }

  async releases(bundle: Slug, limit: number): Promise<readonly StoredRelease[]> {
    const rows = await selectReleases(this.#db)
      .where('bundles.slug', '=', bundle)
      .orderBy('releases.id', 'desc')
      .limit(limit)
      .execute()
    return rows.map(releaseOfRow)
  }

  async files(infohash: InfoHash): Promise<readonly ReleaseFile[]> {
    const row = await this.#content(infohash).select('release_contents.files').executeTakeFirst()
    return row === undefined ? [] : fileList(row.files)
  }

  async infoBytes(infohash: InfoHash): Promise<Uint8Array | undefined> {
    const row = await this.#content(infohash).select('release_contents.info').executeTakeFirst()
    return row?.info
  }

  async wanted(limit: number): Promise<readonly WantedRelease[]> {
    const rows = await selectReleases(this.#db)
      .where('releases.state', 'in', WAITING_STATES)
      .orderBy('releases.id')
      .limit(limit)
      .execute()
    return rows.map((row) => ({
      infohash: row.infohash,
      bundle: row.slug,
      release: row.name,
      sizeBytes: row.size_bytes,
      admit: row.admit,
    }))
  }

  async recalled(): Promise<readonly InfoHash[]> {
    const rows = await this.#db
      .selectFrom('releases')
      .select('infohash')
      .where('state', '=', 'recalled')
      .execute()
    return rows.map((row) => row.infohash)
  }

  async expired(): Promise<readonly InfoHash[]> {
    const rows = await this.#db
      .selectFrom('releases')
      .select('infohash')
      .where('expires_at', '<=', this.#parts.clock.epoch())
      .where('state', '!=', 'recalled')
      .execute()
    return rows.map((row) => row.infohash)
  }

  #content(infohash: InfoHash) {
    return this.#db
      .selectFrom('release_contents')
      .innerJoin('releases', 'releases.id', 'release_contents.release_id')
      .where('releases.infohash', '=', infohash)
  }
}

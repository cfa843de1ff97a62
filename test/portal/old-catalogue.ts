/** A database as the first release of Shoal left it, which had three of the steps. */
import Sqlite from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import { migrations } from '../../src/portal/database/migrations.ts'
import type { Tables } from '../../src/portal/database/tables.ts'

export interface OldBundle {
  readonly title: string
  readonly owner: string
  readonly audience: string
  readonly tag?: string
  /** Of its one release, which is live. */
  readonly file?: string
}

/** In the order in which they were made. */
export async function writeOldCatalogue(file: string, bundles: readonly OldBundle[]): Promise<void> {
  const sqlite = new Sqlite(file)
  const db = new Kysely<Tables>({ dialect: new SqliteDialect({ database: sqlite }) })
  try {
    const old = Object.fromEntries(Object.entries(migrations).slice(0, 3))
    const provider = { getMigrations: () => Promise.resolve(old) }
    const { error } = await new Migrator({ db, provider, disableTransactions: true }).migrateToLatest()
    if (error !== undefined) throw new Error('the old steps failed', { cause: error })
    for (const [n, { title, owner, audience, tag, file }] of bundles.entries()) {
      const tags = tag === undefined ? [] : [tag]
      const { lastInsertRowid: id } = sqlite
        .prepare(
          `insert into bundles (slug, title, description, tags, owner, audience, updated_at)
           values (?, ?, '', ?, ?, ?, ?)`,
        )
        .run(`bundle-${n}`, title, JSON.stringify(tags), owner, JSON.stringify([audience]), n)
      sqlite.prepare('insert into bundle_audience (bundle_id, name) values (?, ?)').run(id, audience)
      for (const one of tags)
        sqlite.prepare('insert into bundle_tags (bundle_id, tag) values (?, ?)').run(id, one)
      sqlite
        .prepare(
          `insert into bundle_search (rowid, slug, title, description, tags, files) values (?, ?, ?, '', ?, '')`,
        )
        .run(id, `bundle-${n}`, title, tags.join(' '))
      if (file !== undefined) addRelease(sqlite, { bundle: id, file, infohash: String(n).padStart(40, '0') })
    }
  } finally {
    await db.destroy()
  }
}

function addRelease(
  sqlite: Sqlite.Database,
  { bundle, file, infohash }: { bundle: number | bigint; file: string; infohash: string },
): void {
  const { lastInsertRowid: id } = sqlite
    .prepare(
      `insert into releases (bundle_id, name, state, infohash, size_bytes, piece_length, content_name, is_single_file,
         notes, admit, rights, published_at, published_by)
       values (?, '1', 'live', ?, 1, 16384, ?, 1, '', 'any', '', 0, 'paula')`,
    )
    .run(bundle, infohash, file)
  sqlite
    .prepare('insert into release_contents (release_id, info, files) values (?, ?, ?)')
    .run(id, Buffer.alloc(0), JSON.stringify([{ path: file, sizeBytes: 1 }]))
}

/** What is said and shown of media, and lists by kind (`k:video`); for what is there already, kinds by the names of the files. */
import { sql } from 'kysely'
import { kindOfFiles } from '../../core/kinds.ts'
import { listOfKind } from '../catalogue/bundle-lists.ts'
import { fileList } from '../catalogue/rows.ts'
import { runAll, step } from './steps.ts'
import type { Tx } from './tables.ts'

const MEDIA = `
  create table if not exists release_media (
    release_id integer primary key references releases on delete cascade, kind text not null, duration_seconds real,
    width_px integer, height_px integer, plays_in_browsers integer not null, warnings text not null) strict;
  create table if not exists posters (
    release_id integer primary key references releases on delete cascade, tag text not null, jpeg blob not null) strict;
`

/** Releases read at a time: their lists of files are short, but for a few. */
const AT_ONCE = 100

/** Columns cannot be added `if not exists`: asked first, the step may be repeated. */
async function addMedia(tx: Tx): Promise<void> {
  for (const table of ['releases', 'bundles']) {
    const { rows } = await sql<{ name: string }>`select name from pragma_table_info(${table})`.execute(tx)
    if (!rows.some(({ name }) => name === 'kind'))
      await sql.raw(`alter table ${table} add column kind text not null default 'other'`).execute(tx)
  }
  await runAll(tx, MEDIA)
  await findKinds(tx)
}

async function findKinds(tx: Tx): Promise<void> {
  for (let after = 0; ;) {
    const contents = await tx
      .selectFrom('release_contents')
      .select(['release_id', 'files'])
      .where('release_id', '>', after)
      .orderBy('release_id')
      .limit(AT_ONCE)
      .execute()
    for (const { release_id: id, files } of contents)
      await tx
        .updateTable('releases')
        .set({ kind: kindOfFiles(fileList(files)) })
        .where('id', '=', id)
        .execute()
    const last = contents.at(-1)
    if (last === undefined) break
    after = last.release_id
  }
  await sql`
    update bundles set kind = coalesce(
      (select r.kind from releases r where r.bundle_id = bundles.id and r.state = 'live' order by r.id desc limit 1),
      'other')`.execute(tx)
  await sql`
    insert or ignore into bundle_lists (list, updated_at, bundle_id, title_key)
    select ${sql.lit(listOfKind(''))} || kind, updated_at, id, title_key from bundles`.execute(tx)
}

export const media = step('', addMedia)

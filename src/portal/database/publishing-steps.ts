/** The migration for publishing through the portal. */
import { sql, type Transaction } from 'kysely'
import { runAll, step } from './steps.ts'
import type { Tables } from './tables.ts'

/** Publishing through the portal. */
const DRAFTS = `
  create table if not exists drafts (
    id text primary key, owner text not null, bundle text, library_path text, title text not null,
    description text not null, tags text not null, audience text not null, release_name text,
    notes text not null, admit text not null, rights text not null, poster integer not null, publish_at integer, expires_at integer,
    state text not null, round integer not null, reason text, folder text, infohash text, created_at integer not null,
    updated_at integer not null) strict, without rowid;
  create index if not exists drafts_of_owner on drafts (owner, updated_at desc, id desc);
  create index if not exists drafts_by_time on drafts (updated_at desc, id desc);
  create index if not exists drafts_under_way on drafts (state, updated_at)
    where state in ('submitted', 'hashed', 'listed');
  create table if not exists draft_files (
    draft_id text not null references drafts on delete cascade, path text not null, size_bytes integer not null,
    modified_ms integer not null, upload_id text unique, is_there integer not null,
    primary key (draft_id, path)) strict, without rowid;
  create index if not exists releases_by_end on releases (expires_at) where expires_at is not null;
`

/** Columns cannot be added `if not exists`: asked first, the step may be repeated. */
async function addReleaseEnds(tx: Transaction<Tables>): Promise<void> {
  const { rows } = await sql<{ name: string }>`select name from pragma_table_info('releases')`.execute(tx)
  if (!rows.some(({ name }) => name === 'expires_at'))
    await sql`alter table releases add column expires_at integer`.execute(tx)
  await runAll(tx, DRAFTS)
}

export const drafts = step('', addReleaseEnds)

/** Files of drafts that were written anew; asked first, as above. */
async function addMended(tx: Transaction<Tables>): Promise<void> {
  const { rows } = await sql<{ name: string }>`select name from pragma_table_info('draft_files')`.execute(tx)
  if (!rows.some(({ name }) => name === 'mended'))
    await sql`alter table draft_files add column mended text`.execute(tx)
}

export const mended = step('', addMended)

/** The schema, step by step. A step that was released is never edited: add another. */
import { Migrator, type Migration } from 'kysely/migration'
import { drafts, mended } from './publishing-steps.ts'
import { step } from './steps.ts'
import { media } from './media-migration.ts'
import type { Database, Tables } from './tables.ts'
import type { Transaction } from 'kysely'
import { titleKeyOf } from '../catalogue/bundle-lists.ts'
import { textList } from '../catalogue/rows.ts'
import { FIGURES } from './figure-tables.ts'
import { LEARNING } from './learning-tables.ts'
import { learnWords } from '../catalogue/words.ts'
import { ShoalError } from '../../core/errors.ts'

const FIRST = `
  create table if not exists bundles (
    id integer primary key, slug text not null unique, title text not null, description text not null,
    tags text not null, owner text not null, audience text not null, updated_at integer not null) strict;
  create index if not exists bundles_by_update on bundles (updated_at desc, id desc);
  create table if not exists bundle_tags (
    tag text not null, bundle_id integer not null references bundles on delete cascade,
    primary key (tag, bundle_id)) strict, without rowid;
  create table if not exists bundle_audience (
    bundle_id integer not null references bundles on delete cascade, name text not null,
    primary key (bundle_id, name)) strict, without rowid;
  create virtual table if not exists bundle_search using fts5(
    slug, title, description, tags, files, tokenize = 'unicode61 remove_diacritics 2', prefix = '2 3');
  create table if not exists releases (
    id integer primary key, bundle_id integer not null references bundles on delete cascade, name text not null,
    state text not null, reason text, infohash text not null unique, size_bytes integer not null,
    piece_length integer not null, content_name text not null, is_single_file integer not null,
    notes text not null, admit text not null, rights text not null,
    published_at integer not null, published_by text not null, unique (bundle_id, name)) strict;
  create index if not exists releases_by_state on releases (state);
  create table if not exists release_contents (
    release_id integer primary key references releases on delete cascade,
    info blob not null, files text not null) strict;
  create table if not exists grants (
    id text primary key, infohash text not null, bundle text not null, release text not null,
    for_user text not null, issued_by text not null, issued_at integer not null, expires_at integer not null,
    revoked_at integer, peers_max integer not null, kid text not null) strict, without rowid;
  create index if not exists grants_by_user on grants (for_user, issued_at);
  create index if not exists grants_by_issue on grants (issued_at, id);
  create index if not exists grants_by_key on grants (kid, expires_at);
  create index if not exists grants_revoked on grants (expires_at) where revoked_at is not null;
  create index if not exists grants_peers on grants (expires_at) where peers_max <> 8;
  create table if not exists audit (
    seq integer primary key autoincrement, at integer not null, actor text not null, action text not null,
    subject text not null, detail text not null) strict;
  create table if not exists events (
    seq integer primary key autoincrement, at integer not null, is_service integer not null,
    body text not null) strict;
  create table if not exists tokens (
    id text primary key, hash text not null unique, name text not null, role text not null, user text not null,
    groups text not null, created_at integer not null, expires_at integer, last_used_at integer) strict;
  create table if not exists serving (
    peer_id text not null, infohash text not null, role text not null, host text not null, port integer not null,
    primary key (peer_id, infohash)) strict, without rowid;
  create table if not exists grant_keys (
    kid text primary key, public_jwk text not null, state text not null, signing_since integer,
    signed_until integer) strict;
  create table if not exists sessions (
    sid text primary key, data text not null, expires_at integer not null) strict;
  create table if not exists facts (name text primary key, value text not null) strict;
`

/** Which grant each renewed one goes on from: whoever revokes one of a line means all of it. */
const RENEWALS = `
  create table if not exists grant_renewals (
    id text primary key, renews text not null) strict, without rowid;
  create index if not exists grant_renewals_by_old on grant_renewals (renews);
`

/**
 * The live releases of one bundle, newest first. Without it SQLite took `releases_by_state` for this and walked
 * through every live release of the portal: with 100,000 of them a link took 25 ms, and a publish 19 ms a step.
 */
const RELEASES_OF_BUNDLE = `
  create index if not exists releases_of_bundle on releases (bundle_id, state);
`

/**
 * Every list in which a bundle stands, in the list's order: of a tag (`t:safety`), of an audience (`a:everyone`), of
 * an owner (`o:ann`). A page is then read from where it begins, however few of all bundles the list holds.
 */
const BUNDLE_LISTS = `
  create table if not exists bundle_lists (
    list text not null, updated_at integer not null, bundle_id integer not null references bundles on delete cascade,
    primary key (list, updated_at desc, bundle_id desc)) strict, without rowid;
  create index if not exists bundle_lists_by_bundle on bundle_lists (bundle_id);
  insert or ignore into bundle_lists (list, updated_at, bundle_id)
    select 't:' || t.tag, b.updated_at, b.id from bundle_tags t join bundles b on b.id = t.bundle_id
    union all select 'a:' || a.name, b.updated_at, b.id from bundle_audience a join bundles b on b.id = a.bundle_id
    union all select 'o:' || owner, updated_at, id from bundles;
`

/** What machines that serve ask the tracker with, by the token that they report with. */
const SERVING_GRANTS = `
  create table if not exists serving_grants (
    id text primary key, token_id text not null, user text not null, kid text not null,
    expires_at integer not null, revoked_at integer) strict, without rowid;
`

/** Times before which grants of a scope are refused; at most one for each release and key, and one for all. */
const REFUSED_BEFORE = `
  create table if not exists refused_before (
    scope text not null, value text not null, before integer not null,
    primary key (scope, value)) strict, without rowid;
`

/** Machines that the portal's CA has certified, and until when a key must be kept for permits. */
const DEVICES = `
  create table if not exists devices (
    id text primary key, name text not null, user text not null, is_origin integer not null,
    enrolled_at integer not null, certified_until integer not null, revoked_at integer, token_id text) strict;
  create index if not exists devices_by_user on devices (user, enrolled_at);
  create index if not exists devices_by_token on devices (token_id);
  create index if not exists devices_revoked on devices (certified_until) where revoked_at is not null;
  alter table grant_keys add column needed_until integer;
`

/** Links with a web seed: their grants open it. */
const WEB_SEEDS = `
  alter table grants add column web_seed integer not null default 0;
`

/** People with accounts of their own, their groups, and the links at which they choose a password. */
const PEOPLE = `
  create table if not exists people (
    name text primary key, display_name text not null, email text not null, role text not null,
    password text, created_at integer not null, disabled_at integer, last_seen_at integer) strict, without rowid;
  create table if not exists groups (
    name text primary key, description text not null, created_at integer not null) strict, without rowid;
  create table if not exists memberships (
    person text not null references people on delete cascade,
    group_name text not null references groups on delete cascade,
    primary key (person, group_name)) strict, without rowid;
  create index if not exists memberships_by_group on memberships (group_name, person);
  create table if not exists invitations (
    hash text primary key, person text not null references people on delete cascade,
    expires_at integer not null) strict, without rowid;
  create index if not exists invitations_by_person on invitations (person);
  alter table sessions add column person text;
  create index if not exists sessions_by_person on sessions (person) where person is not null;
  create index if not exists tokens_by_user on tokens (user);
`

/** Whom the company's login means, and which groups come from there. */
const COMPANY_LOGIN = `
  create table if not exists identities (
    issuer text not null, subject text not null, person text not null references people on delete cascade,
    primary key (issuer, subject)) strict, without rowid;
  create unique index if not exists identities_by_person on identities (person, issuer);
  alter table memberships add column source text not null default 'portal';
`

/** People and groups let in beside a bundle's audience, and requests to be. The audit trail cannot be changed any more. */
const ACCESS = `
  alter table bundle_audience add column admitted_by text;
  alter table bundle_audience add column until integer;
  create index if not exists guests_by_end on bundle_audience (until) where until is not null;
  create table if not exists requests (
    id text primary key, slug text not null, person text not null, reason text not null, state text not null,
    asked_at integer not null, answered_at integer, answered_by text, answer text not null, granted_to text,
    until integer, is_told integer not null) strict, without rowid;
  create index if not exists requests_by_slug on requests (slug, state, asked_at desc, id desc);
  create index if not exists requests_by_state on requests (state, asked_at desc, id desc);
  create index if not exists requests_by_person on requests (person, asked_at desc, id desc);
  create unique index if not exists requests_open on requests (slug, person) where state = 'open';
  create index if not exists requests_untold on requests (person) where is_told = 0;
  create index if not exists bundles_by_owner on bundles (owner);
  create index if not exists audit_by_actor on audit (actor, seq);
  create index if not exists audit_by_action on audit (action, seq);
  create index if not exists audit_by_subject on audit (subject, seq);
  create index if not exists audit_by_both on audit (action, actor, seq);
  create index if not exists audit_by_time on audit (at);
  create trigger if not exists audit_is_not_changed before update on audit
    begin select raise(abort, 'the audit trail is not changed'); end;
  create trigger if not exists audit_is_not_deleted before delete on audit
    begin select raise(abort, 'the audit trail is not deleted'); end;
`

/** Links that ask for a password. */
const SEALED_LINKS = `
  create table if not exists sealed_links (
    hash text primary key, grant_id text not null, salt blob not null, sealed blob not null,
    expires_at integer not null) strict, without rowid;
`

/** Feeds of people. */
const FEEDS = `
  create table if not exists feeds (
    hash text primary key, person text not null unique references people on delete cascade,
    created_at integer not null) strict, without rowid;
`

/** Words with slips are found, and lists go by title, too. */
const WORDS = `
  create table if not exists word_variants (
    variant text not null, word text not null, primary key (variant, word)) strict, without rowid;
  alter table bundles add column title_key text not null default '';
  alter table bundle_lists add column title_key text not null default '';
  create index if not exists bundles_by_title on bundles (title_key, id);
  create index if not exists bundle_lists_by_title on bundle_lists (list, title_key, bundle_id);
`

/** For bundles that are there already. */
async function learnAll(tx: Transaction<Tables>): Promise<void> {
  const bundles = await tx
    .selectFrom('bundles')
    .select(['id', 'title', 'slug', 'tags', 'description'])
    .execute()
  for (const { id, title, slug, tags, description } of bundles) {
    await learnWords(tx, [title, ...textList(tags), slug, description])
    const title_key = titleKeyOf(title)
    await tx.updateTable('bundles').set({ title_key }).where('id', '=', id).execute()
    await tx.updateTable('bundle_lists').set({ title_key }).where('bundle_id', '=', id).execute()
  }
}

/** Nothing is listed without a statement of rights. */
const RIGHTS = `
  update releases set rights = 'Published by ' || published_by || ' before statements of rights were asked for.'
    where trim(rights) = '';
`

/** Live grants of one bundle, for when its audience changes; requests of all, for admins. */
const LIVE_GRANTS = `
  create index if not exists grants_of_bundle on grants (bundle, expires_at) where revoked_at is null;
  create index if not exists requests_by_time on requests (asked_at desc, id desc);
`

/** The page of one's own grants: those that one gave to others, newest first. */
const GRANTS_BY_ISSUER = `
  create index if not exists grants_by_issuer on grants (issued_by, issued_at);
`

export const migrations: Readonly<Record<string, Migration>> = {
  '0001-first': step(FIRST),
  '0002-renewals': step(RENEWALS),
  '0003-releases-of-bundle': step(RELEASES_OF_BUNDLE),
  '0004-bundle-lists': step(BUNDLE_LISTS),
  '0005-serving-grants': step(SERVING_GRANTS),
  '0006-refused-before': step(REFUSED_BEFORE),
  '0007-devices': step(DEVICES),
  '0008-web-seeds': step(WEB_SEEDS),
  '0009-people': step(PEOPLE),
  '0010-company-login': step(COMPANY_LOGIN),
  '0011-access': step(ACCESS),
  '0012-sealed-links': step(SEALED_LINKS),
  '0013-feeds': step(FEEDS),
  '0014-words': step(WORDS, learnAll),
  '0015-rights': step(RIGHTS),
  '0016-live-grants': step(LIVE_GRANTS),
  '0017-drafts': drafts,
  '0018-figures': step(FIGURES),
  '0019-media': media,
  '0020-grants-by-issuer': step(GRANTS_BY_ISSUER),
  '0021-learning': step(LEARNING),
  '0021-mended': mended,
}

/**
 * Brings the schema up to this program's.
 * @throws ShoalError `unavailable` when the file was written by a newer Shoal.
 */
export async function migrate(db: Database): Promise<void> {
  const migrator = new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    disableTransactions: true, // each step has its own
  })
  const { error } = await migrator.migrateToLatest()
  if (error === undefined) return
  if (error instanceof Error && error.message.includes('corrupted migrations'))
    throw new ShoalError('unavailable', 'the database was written by another version of Shoal', {
      cause: error,
    })
  throw error instanceof Error ? error : new Error('the migration failed', { cause: error })
}

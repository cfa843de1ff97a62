/** Tables of figures: what transfers report, rolled up by hour and day, and who has what. */

/**
 * What is counted, all of it of who received it, by site and release. Bytes.
 * - `near`, `far`: from machines of the same site and of others; `origin`, `mirror`, `web`: from servers. As receivers say.
 * - `server_far`: the part from servers that came over the site's WAN link.
 * - `given`: what clients of the site gave to others.
 * - `sent_origin`, `sent_mirror`, `sent_web`: what servers say they sent there; `sent_far`: the part that went over the WAN.
 */
export const FIGURES_COUNTED = [
  'near',
  'far',
  'origin',
  'mirror',
  'web',
  'server_far',
  'given',
  'sent_origin',
  'sent_mirror',
  'sent_web',
  'sent_far',
] as const
export type Counted = (typeof FIGURES_COUNTED)[number]
export type Counts = Record<Counted, number>

/** `release_id` 0: all releases together. */
export interface FigureRow extends Counts {
  release_id: number
  /** When the hour or day began. */
  at: number
  site: string
}

/** Since the first byte; `site` empty: all sites together. */
export interface FigureTotalRow extends Counts {
  release_id: number
  site: string
  first_at: number
  last_at: number
}

/** What a session has told so far, so that the next report adds what is new. */
export interface FigureSessionRow {
  /** SHA-256 of its name, which itself is kept nowhere. */
  id: string
  /** The grant's line of a person, or a token: nobody else's report is of this session. */
  reporter: string
  release_id: number
  seq: number
  began_at: number
  seen_at: number
  /** JSON: [received, sent] by a hash of session and address, which names no address. */
  ends: string
  web_bytes: number
}

/** Somebody had every byte of a release. */
export interface HolderRow {
  release_id: number
  person: string
  /** Where they got it. */
  site: string
  since: number
}

const COLUMNS = FIGURES_COUNTED.map((name) => `${name} integer not null default 0`).join(', ')

/** One release's rows stand together in the order of time; of all releases together, too. */
const byTime = (table: string): string => `
  create table if not exists ${table} (
    release_id integer not null, at integer not null, site text not null, ${COLUMNS},
    primary key (release_id, at, site)) strict, without rowid;
  create index if not exists ${table}_by_time on ${table} (at);`

export const FIGURES = `
  create table if not exists figure_sessions (
    id text primary key, reporter text not null, release_id integer not null references releases on delete cascade,
    seq integer not null, began_at integer not null, seen_at integer not null, ends text not null,
    web_bytes integer not null) strict, without rowid;
  create index if not exists figure_sessions_by_reporter on figure_sessions (reporter, seen_at);
  create index if not exists figure_sessions_by_time on figure_sessions (seen_at);
  ${byTime('figure_hours')}
  ${byTime('figure_days')}
  create table if not exists figure_totals (
    release_id integer not null references releases on delete cascade, site text not null,
    first_at integer not null, last_at integer not null, ${COLUMNS},
    primary key (release_id, site)) strict, without rowid;
  create index if not exists figure_totals_by_site on figure_totals (site, last_at, release_id);
  create table if not exists holders (
    release_id integer not null references releases on delete cascade, person text not null,
    site text not null, since integer not null, primary key (release_id, person)) strict, without rowid;
  create index if not exists holders_by_person on holders (person);
`

/** Who has watched what, and what is to be told of it to the company's learning system. */
import type { Generated } from 'kysely'

/** Of one person and one file of a release. */
export interface LearningTableRow {
  release_id: number
  person: string
  file: number
  duration_seconds: number
  /** JSON: `[from, to]` each, see `core/time-ranges.ts`. */
  ranges: string
  /** In all of these together. */
  seen_seconds: number
  first_at: number
  last_at: number
  completed_at: number | null
}

/** An xAPI statement that was not delivered yet. */
export interface XapiRow {
  seq: Generated<number>
  /** Its UUID: the same at every try. */
  id: string
  person: string
  /** JSON, as it is sent. */
  body: string
  created_at: number
  due_at: number
  attempts: number
}

export const LEARNING = `
  create table if not exists learning (
    release_id integer not null references releases on delete cascade, person text not null, file integer not null,
    duration_seconds real not null, ranges text not null, seen_seconds real not null,
    first_at integer not null, last_at integer not null, completed_at integer,
    primary key (release_id, person, file)) strict, without rowid;
  create index if not exists learning_by_person on learning (person);
  create index if not exists learning_by_time on learning (last_at);
  create table if not exists xapi_outbox (
    seq integer primary key, id text not null unique, person text not null, body text not null, created_at integer not null,
    due_at integer not null, attempts integer not null) strict;
  create index if not exists xapi_outbox_by_person on xapi_outbox (person);
  create index if not exists xapi_outbox_by_due on xapi_outbox (due_at, seq);
`

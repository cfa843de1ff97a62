/**
 * Sessions of express-session in the database, by the SHA-256 of their ids: a stolen database opens none. One ends when it
 * was not used for a while (`expires_at`, which each use moves), and in any case when it was said to at signing in (`endsAt` in
 * its data), so that a stolen cookie cannot be kept alive.
 */
import session, { type SessionData } from 'express-session'
import { sql } from 'kysely'
import { epochMillis, hours, type Millis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Database } from '../database/tables.ts'
import { PendingUses } from './pending-uses.ts'
import { sha256Hex } from './tokens.ts'

/** For a session whose cookie names no end. */
const LIFE_WITHOUT_COOKIE = hours(12)

type Callback<T = undefined> = (error: unknown, value?: T) => void

export class SessionStore extends session.Store {
  readonly #db: Database
  readonly #clock: Clock
  readonly #idle: Millis
  /** Uses that are not in the table yet, by hash: of sessions that are there, and of one minute. */
  readonly #uses = new PendingUses()

  /** `idle`: longer than the pause between two {@link noteUses}. */
  constructor(parts: { readonly db: Database; readonly clock: Clock; readonly idle: Millis }) {
    super()
    this.#db = parts.db
    this.#clock = parts.clock
    this.#idle = parts.idle
  }

  override get(sid: string, done: Callback<SessionData | null>): void {
    answer(this.#read(sid), done)
  }

  override set(sid: string, data: SessionData, done?: Callback): void {
    answer(this.#write(sid, data), done)
  }

  /** Nothing: not every request is a use, see {@link noteUse}. */
  override touch(_sid: string, _data: SessionData, done?: Callback): void {
    done?.(null)
  }

  /** Somebody did something in this session, which {@link get} has just given. Held in memory until {@link noteUses}. */
  noteUse(sid: string): void {
    this.#uses.note(sha256Hex(sid), this.#clock.epoch())
  }

  /** Writes when each session was last used. To be called every minute and at the end. */
  async noteUses(): Promise<void> {
    await this.#uses.writeBy((pairs) =>
      sql`
        update sessions set expires_at = max(expires_at, min(coalesce(data ->> '$.endsAt', expires_at), (u.value ->> 1) + ${this.#idle}))
        from json_each(${pairs}) u where sessions.sid = u.value ->> 0`.execute(this.#db),
    )
  }

  override destroy(sid: string, done?: Callback): void {
    answer(this.#remove(sid), done)
  }

  /** Forgets those that have ended. */
  async sweep(): Promise<void> {
    await this.noteUses()
    await this.#db.deleteFrom('sessions').where('expires_at', '<=', this.#clock.epoch()).execute()
  }

  /** How many a person has; one that was idle nearly to its end and was used again may be missing for a minute. */
  async countOf(person: string): Promise<number> {
    const { count } = await this.#db
      .selectFrom('sessions')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('person', '=', person)
      .where('expires_at', '>', this.#clock.epoch())
      .executeTakeFirstOrThrow()
    return count
  }

  /** All of a person's but one. Answers how many ended. */
  async endOthers(person: string, keeps: string): Promise<number> {
    const done = await this.#db
      .deleteFrom('sessions')
      .where('person', '=', person)
      .where('sid', '!=', sha256Hex(keeps))
      .executeTakeFirst()
    return Number(done.numDeletedRows)
  }

  async #read(sid: string): Promise<SessionData | null> {
    const hash = sha256Hex(sid)
    const row = await this.#db
      .selectFrom('sessions')
      .select(['data', 'expires_at'])
      .where('sid', '=', hash)
      .executeTakeFirst()
    if (row === undefined) return null
    const data = JSON.parse(row.data) as SessionData & { endsAt?: number }
    const used = this.#uses.of(hash)
    const usedUntil = used === undefined ? 0 : Math.min(data.endsAt ?? row.expires_at, used + this.#idle)
    return Math.max(row.expires_at, usedUntil) > this.#clock.epoch() ? data : null
  }

  /** Its last end is written once, with the session. */
  async #write(sid: string, session: SessionData): Promise<undefined> {
    const now = this.#clock.epoch()
    const endsAt = epochMillis(now + (session.cookie.originalMaxAge ?? LIFE_WITHOUT_COOKIE))
    const data = JSON.stringify(session)
    await this.#db
      .insertInto('sessions')
      .values({
        sid: sha256Hex(sid),
        data: JSON.stringify({ ...session, endsAt }),
        expires_at: Math.min(endsAt, now + this.#idle),
        person: session.person ?? null,
      })
      .onConflict((conflict) =>
        conflict.column('sid').doUpdateSet({
          data: sql<string>`json_set(${data}, '$.endsAt', coalesce(sessions.data ->> '$.endsAt', sessions.expires_at))`,
        }),
      )
      .execute()
  }

  async #remove(sid: string): Promise<undefined> {
    await this.#db.deleteFrom('sessions').where('sid', '=', sha256Hex(sid)).execute()
  }
}

function answer<T>(work: Promise<T>, done?: Callback<T>): void {
  work.then(
    (value) => done?.(null, value),
    (error: unknown) => done?.(error),
  )
}

/** Sessions of express-session in the database, by the SHA-256 of their ids: a stolen database opens none. */
import session, { type SessionData } from 'express-session'
import { hours } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Database } from '../database/tables.ts'
import { sha256Hex } from './tokens.ts'

/** For a session whose cookie names no end. */
const LIFE_WITHOUT_COOKIE = hours(12)

type Callback<T = undefined> = (error: unknown, value?: T) => void

export class SessionStore extends session.Store {
  readonly #db: Database
  readonly #clock: Clock

  constructor(parts: { db: Database; clock: Clock }) {
    super()
    this.#db = parts.db
    this.#clock = parts.clock
  }

  override get(sid: string, done: Callback<SessionData | null>): void {
    answer(this.#read(sid), done)
  }

  override set(sid: string, data: SessionData, done?: Callback): void {
    answer(this.#write(sid, data), done)
  }

  /** Nothing: a session ends when it was said to at signing in, so that a stolen cookie cannot be kept alive. */
  override touch(_sid: string, _data: SessionData, done?: Callback): void {
    done?.(null)
  }

  override destroy(sid: string, done?: Callback): void {
    answer(this.#remove(sid), done)
  }

  /** Forgets those that have ended. */
  async sweep(): Promise<void> {
    await this.#db.deleteFrom('sessions').where('expires_at', '<=', this.#clock.epoch()).execute()
  }

  /** Of one person, newest end last. */
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
    const row = await this.#db
      .selectFrom('sessions')
      .select('data')
      .where('sid', '=', sha256Hex(sid))
      .where('expires_at', '>', this.#clock.epoch())
      .executeTakeFirst()
    return row === undefined ? null : (JSON.parse(row.data) as SessionData)
  }

  /** Its end is written once, with the session. */
  async #write(sid: string, session: SessionData): Promise<undefined> {
    const data = JSON.stringify(session)
    const expires_at = this.#clock.epoch() + (session.cookie.originalMaxAge ?? LIFE_WITHOUT_COOKIE)
    await this.#db
      .insertInto('sessions')
      .values({ sid: sha256Hex(sid), data, expires_at, person: session.person ?? null })
      .onConflict((conflict) => conflict.column('sid').doUpdateSet({ data }))
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

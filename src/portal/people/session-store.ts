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

  override touch(sid: string, data: SessionData, done?: Callback): void {
    this.set(sid, data, done)
  }

  override destroy(sid: string, done?: Callback): void {
    answer(this.#remove(sid), done)
  }

  /** Forgets those that have ended. */
  async sweep(): Promise<void> {
    await this.#db.deleteFrom('sessions').where('expires_at', '<=', this.#clock.epoch()).execute()
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

  async #write(sid: string, data: SessionData): Promise<undefined> {
    const values = {
      data: JSON.stringify(data),
      expires_at: this.#clock.epoch() + (data.cookie.originalMaxAge ?? LIFE_WITHOUT_COOKIE),
    }
    await this.#db
      .insertInto('sessions')
      .values({ sid: sha256Hex(sid), ...values })
      .onConflict((conflict) => conflict.column('sid').doUpdateSet(values))
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

/**
 * The control feed (`wire/control.ts`): events by their number in the database, answers signed by the portal's
 * key, and requests that wait until there is something to tell.
 */
import { sql } from 'kysely'
import { hours } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import { limits } from '../../wire/limits.ts'
import { signControlAnswer } from '../../wire/control-answer.ts'
import { type ControlEvent, zControlEvent } from '../../wire/control.ts'
import type { SigningKey } from '../../wire/signing-key.ts'
import type { Database, Tx } from '../database/tables.ts'
import { isServiceEvent, type Journal } from '../journal.ts'
import { Bell } from './bell.ts'
import { snapshotEvents } from './snapshot.ts'

/** Events that are remembered: whoever was away for longer gets a snapshot. */
const EVENT_AGE_MAX = hours(7 * 24)
const EVENTS_MAX = 100_000

export interface ControlFeedParts {
  readonly db: Database
  readonly clock: Clock
  readonly journal: Journal
  readonly portalKey: SigningKey
  readonly portal: string
}

export interface ControlRequest {
  /** The last event that the asker knows; 0 for none. */
  readonly after: number
  /** May it see service events? */
  readonly isService: boolean
}

interface Found {
  readonly seq: number
  readonly snapshot: boolean
  readonly events: readonly ControlEvent[]
}

export class ControlFeed implements Disposable {
  readonly #parts: ControlFeedParts
  readonly #bell = new Bell()
  readonly #stopListening: () => void
  #isClosed = false
  #followers = 0

  constructor(parts: ControlFeedParts) {
    this.#parts = parts
    this.#stopListening = parts.journal.onEvents(() => {
      this.#bell.ring()
    })
  }

  /** Trackers, origins and mirrors that wait for news at this moment. */
  get followers(): number {
    return this.#followers
  }

  /** Whoever waits is answered now. */
  [Symbol.dispose](): void {
    this.#isClosed = true
    this.#stopListening()
    this.#bell.ring()
  }

  /**
   * A compact JWS of a ControlAnswer; at the latest after `limits.controlPollWait`, then without events.
   * Ends early, with no promise of news, when the signal is aborted.
   */
  async answer(request: ControlRequest, signal?: AbortSignal): Promise<string> {
    const { clock, portal, portalKey } = this.#parts
    if (request.isService) this.#followers++
    const found = await this.#wait(request, signal).finally(() => {
      if (request.isService) this.#followers--
    })
    return signControlAnswer(
      {
        portal,
        seq: found.seq,
        snapshot: found.snapshot,
        at: new Date(clock.epoch()).toISOString(),
        events: [...found.events],
      },
      portalKey,
    )
  }

  /** Forgets old events. */
  async sweep(): Promise<void> {
    const { db, clock } = this.#parts
    const latest = await latestSeq(db)
    await db
      .deleteFrom('events')
      .where((eb) =>
        eb.or([eb('seq', '<=', latest - EVENTS_MAX), eb('at', '<', clock.epoch() - EVENT_AGE_MAX)]),
      )
      .execute()
  }

  async #wait(request: ControlRequest, signal?: AbortSignal): Promise<Found> {
    const over = new AbortController()
    const end = Promise.withResolvers<undefined>()
    over.signal.addEventListener('abort', () => {
      end.resolve(undefined)
    })
    const stop = (): void => {
      over.abort()
    }
    const timer = this.#parts.clock.after(limits.controlPollWait, stop)
    signal?.addEventListener('abort', stop, { once: true })
    try {
      for (let after = request.after; ;) {
        const rung = this.#bell.next
        const found = await this.#look({ ...request, after })
        if (found.snapshot || found.events.length > 0) return found
        if (over.signal.aborted || this.#isClosed || signal?.aborted === true) return found
        after = found.seq
        await Promise.race([rung, end.promise])
      }
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', stop)
    }
  }

  async #look({ after, isService }: ControlRequest): Promise<Found> {
    const { db } = this.#parts
    const latest = await latestSeq(db)
    if (after === latest && after !== 0) return { seq: latest, snapshot: false, events: [] }
    return db
      .transaction()
      .setAccessMode('read only')
      .execute(async (tx) => {
        const shown = (events: readonly ControlEvent[]): ControlEvent[] =>
          events.filter((event) => isService || !isServiceEvent(event))
        if (!(await remembers(tx, after))) {
          const events = await snapshotEvents(tx, this.#parts.clock.epoch())
          return { seq: await latestSeq(tx), snapshot: true, events: shown(events) }
        }
        const rows = await tx
          .selectFrom('events')
          .select(['seq', 'body'])
          .where('seq', '>', after)
          .orderBy('seq')
          .limit(limits.controlEventsMax)
          .execute()
        const events = rows.map((row) => zControlEvent.parse(JSON.parse(row.body)))
        return { seq: rows.at(-1)?.seq ?? after, snapshot: false, events: shown(events) }
      })
  }
}

/** The number of the newest event, also when it was forgotten since; 0 before the first. */
async function latestSeq(db: Database | Tx): Promise<number> {
  const { rows } = await sql<{ seq: number }>`select seq from sqlite_sequence where name = 'events'`.execute(
    db,
  )
  return rows[0]?.seq ?? 0
}

/** Is every event after this one still there? Not for 0, which asks for a snapshot. */
async function remembers(tx: Tx, after: number): Promise<boolean> {
  const latest = await latestSeq(tx)
  if (after === 0 || after > latest) return false
  if (after === latest) return true
  const oldest = await tx
    .selectFrom('events')
    .select(({ fn }) => fn.min('seq').as('seq'))
    .executeTakeFirst()
  return oldest !== undefined && after >= oldest.seq - 1
}

/**
 * Changes with their audit rows and control events, all in one transaction: what happened is recorded if and
 * only if it happened. After the commit whoever waits for events is woken.
 */
import type { ControlEvent } from '../wire/control.ts'
import type { Clock } from '../platform/clock.ts'
import type { Database, Tx } from './database/tables.ts'

export interface AuditEntry {
  /** An account's name. */
  readonly actor: string
  /** E.g. `bundle-created`, `grant-revoked`; a closed set in spirit, a text in the table. */
  readonly action: string
  readonly subject: string
  readonly detail?: string
}

/** Collects what goes with one change. */
export interface Notes {
  audit(entry: AuditEntry): void
  event(event: ControlEvent): void
}

/** What keeps records works with: reads from the database, changes by the journal. */
export interface RecordParts {
  readonly db: Database
  readonly journal: Journal
  readonly clock: Clock
}

/** Events that only service tokens see: addresses of our machines, and what waits for an origin. */
const SERVICE_EVENTS: ReadonlySet<ControlEvent['kind']> = new Set(['serves', 'serves-not', 'wanted'])
export const isServiceEvent = (event: ControlEvent): boolean => SERVICE_EVENTS.has(event.kind)

export class Journal {
  readonly #db: Database
  readonly #clock: Clock
  readonly #listeners = new Set<() => void>()

  constructor(parts: { db: Database; clock: Clock }) {
    this.#db = parts.db
    this.#clock = parts.clock
  }

  /** Runs `work` in a transaction; throws what it throws, and then nothing of it has happened. */
  async change<T>(work: (tx: Tx, notes: Notes) => Promise<T>): Promise<T> {
    const entries: AuditEntry[] = []
    const events: ControlEvent[] = []
    const notes: Notes = { audit: (e) => void entries.push(e), event: (e) => void events.push(e) }
    const result = await this.#db.transaction().execute(async (tx) => {
      const done = await work(tx, notes)
      const at = this.#clock.epoch()
      for (const { actor, action, subject, detail = '' } of entries)
        await tx.insertInto('audit').values({ at, actor, action, subject, detail }).execute()
      for (const event of events)
        await tx
          .insertInto('events')
          .values({ at, is_service: isServiceEvent(event) ? 1 : 0, body: JSON.stringify(event) })
          .execute()
      return done
    })
    if (events.length > 0) this.wake()
    return result
  }

  /** For writers beside this one, after they have committed events. */
  wake(): void {
    for (const listener of this.#listeners) listener()
  }

  /** Called after each commit with events. Returns how to stop it. */
  onEvents(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }
}

/** Statements that wait to be told: written with what they say, in one transaction, and gone when they were taken. */
import type { Clock } from '../../platform/clock.ts'
import type { Logger } from '../../platform/log.ts'
import { learningLimits } from '../../wire/limits-learning.ts'
import type { XapiRow } from '../database/learning-tables.ts'
import type { Database, Tx } from '../database/tables.ts'
import type { Selectable } from 'kysely'
import type { Statement } from './statements.ts'

export type Waiting = Selectable<XapiRow>

export interface OutboxParts {
  readonly db: Database
  readonly clock: Clock
  readonly log: Logger
}

export class XapiOutbox {
  readonly #parts: OutboxParts
  #isFull = false

  constructor(parts: OutboxParts) {
    this.#parts = parts
  }

  /** One that is there already stays as it is. What comes when it is full is not told: the record itself is kept. */
  async add(tx: Tx, person: string, { id, body }: Statement): Promise<void> {
    const { count } = await tx
      .selectFrom('xapi_outbox')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    const isFull = count >= learningLimits.xapiWaitingMax
    if (isFull && !this.#isFull)
      this.#parts.log.error(
        { waiting: count },
        'too much waits for the learning system: what comes now is not told',
      )
    this.#isFull = isFull
    if (isFull) return
    const now = this.#parts.clock.epoch()
    await tx
      .insertInto('xapi_outbox')
      .values({ id, person, body: JSON.stringify(body), created_at: now, due_at: now, attempts: 0 })
      .onConflict((conflict) => conflict.column('id').doNothing())
      .execute()
  }

  /** What is due, the longest first: several that were not tried yet, or a single one that was. */
  async due(): Promise<readonly Waiting[]> {
    const rows = await this.#parts.db
      .selectFrom('xapi_outbox')
      .selectAll()
      .where('due_at', '<=', this.#parts.clock.epoch())
      .orderBy('due_at')
      .orderBy('seq')
      .limit(learningLimits.xapiBatchMax)
      .execute()
    const tried = rows.findIndex(({ attempts }) => attempts > 0)
    return tried === -1 ? rows : rows.slice(0, Math.max(1, tried))
  }

  async drop(rows: readonly Waiting[]): Promise<void> {
    await this.#parts.db
      .deleteFrom('xapi_outbox')
      .where(
        'seq',
        'in',
        rows.map(({ seq }) => seq),
      )
      .execute()
  }

  /** To be tried again, each alone. */
  async delay(rows: readonly Waiting[], delayOf: (attempts: number) => number): Promise<void> {
    const now = this.#parts.clock.epoch()
    await this.#parts.db.transaction().execute(async (tx) => {
      for (const { seq, attempts } of rows)
        await tx
          .updateTable('xapi_outbox')
          .set({ attempts: attempts + 1, due_at: now + delayOf(attempts + 1) })
          .where('seq', '=', seq)
          .execute()
    })
  }
}

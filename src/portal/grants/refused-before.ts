/**
 * "Refuse everything issued before T": of all grants, of one key, of one release. For when what leaked, and to whom,
 * is not known one by one. Trackers hear of it by the feed; the portal itself asks here.
 */
import { ShoalError } from '../../core/errors.ts'
import type { GrantId } from '../../core/ids.ts'
import { addMillis, type EpochMillis, epochMillis, seconds } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import { issuedAtOf, newGrantId } from '../../wire/grant.ts'
import { limits } from '../../wire/limits.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { Database, GrantRow, RefusedBeforeRow } from '../database/tables.ts'
import type { Journal } from '../journal.ts'

export interface RefusedBeforeParts {
  readonly db: Database
  readonly clock: Clock
  readonly journal: Journal
}

/** `value`: an infohash, or empty for all. */
export interface RefusalOrder {
  readonly scope: RefusedBeforeRow['scope']
  readonly value: string
  readonly before: EpochMillis
  readonly by: string
  /** What the audit trail says of it. */
  readonly detail: string
}

export class RefusedBefore {
  readonly #parts: RefusedBeforeParts
  readonly #before = new Map<string, number>()

  private constructor(parts: RefusedBeforeParts) {
    this.#parts = parts
  }

  static async open(parts: RefusedBeforeParts): Promise<RefusedBefore> {
    const refused = new RefusedBefore(parts)
    for (const row of await parts.db.selectFrom('refused_before').selectAll().execute()) refused.#note(row)
    return refused
  }

  /** Resolves when it is on the disk. An earlier time than one that holds changes nothing. */
  async add({ scope, value, before, by, detail }: RefusalOrder): Promise<void> {
    const { clock, journal } = this.#parts
    if (before > addMillis(clock.epoch(), limits.clockLeeway))
      throw new ShoalError('bad-input', 'before: a time that is not in the future expected')
    await journal.change(async (tx, notes) => {
      await tx
        .insertInto('refused_before')
        .values({ scope, value, before })
        .onConflict((conflict) =>
          conflict
            .columns(['scope', 'value'])
            .doUpdateSet((eb) => ({ before: eb.fn<number>('max', ['before', eb.val(before)]) })),
        )
        .execute()
      notes.audit({ actor: by, action: 'grants-refused-before', subject: isoTime(before), detail })
      notes.event({ kind: 'refuse-before', scope, value, before: isoTime(before) })
    })
    this.#note({ scope, value, before })
  }

  /** Why this grant is refused; undefined when it is not, by this. */
  refusalOf(grant: Pick<GrantRow, 'infohash' | 'kid' | 'issued_at'>): string | undefined {
    const of = (key: string): number => this.#before.get(key) ?? 0
    const before = Math.max(of('all:'), of(`key:${grant.kid}`), of(`release:${grant.infohash}`))
    return before > grant.issued_at ? `grants issued before ${isoTime(before)} are refused` : undefined
  }

  /**
   * The id of a grant that is issued now. Ids tell the time in whole seconds, so one of the same second as a refusal,
   * but after it, is of the next.
   */
  newId(grant: Pick<GrantRow, 'infohash' | 'kid'>): GrantId {
    const now = this.#parts.clock.epoch()
    const id = newGrantId(now)
    const isRefused = this.refusalOf({ ...grant, issued_at: issuedAtOf(id) }) !== undefined
    return isRefused ? newGrantId(addMillis(now, seconds(1))) : id
  }

  #note({ scope, value, before }: RefusedBeforeRow): void {
    const key = `${scope}:${value}`
    this.#before.set(key, Math.max(this.#before.get(key) ?? 0, epochMillis(before)))
  }
}

/**
 * Requests for access. Whoever asks learns nothing from it but the answer: a request for what is not there stands there as well,
 * and nobody ever reads it.
 */
import { randomBytes } from 'node:crypto'
import { sql, type Selectable } from 'kysely'
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import type { Slug } from '../../core/ids.ts'
import type { EpochMillis } from '../../core/units.ts'
import { hours } from '../../core/units.ts'
import type { AccessRequest, RequestState, zRequestQuery } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'
import { isoTime } from '../catalogue/rows.ts'
import { pageOf, parseCursor, type Page } from '../cursor.ts'
import type { RequestRow, Tx } from '../database/tables.ts'
import type { RecordParts } from '../journal.ts'
import { hasPerson, mustBeGroup } from '../people/memberships.ts'
import { admit } from './guests.ts'

/** What nobody has answered by then is forgotten, and answers after as long. */
const KEPT_FOR = hours(24 * 90)
const zPosition = z.tuple([z.number(), z.string()])

/** Whose requests: those of a person; those to be answered by the owner of bundles, or by an admin. */
export type RequestScope = { readonly by: string } | { readonly toOwner: string } | { readonly toAdmin: true }

export type RequestQuery = Omit<z.output<typeof zRequestQuery>, 'which'>

type FoundRequest = Selectable<RequestRow> & { readonly title: string | null }

export class Requests {
  readonly #parts: RecordParts

  constructor(parts: RecordParts) {
    this.#parts = parts
  }

  /** Once more, while it is open: the new reason counts. @throws ShoalError `over-limit`. */
  async ask(slug: Slug, person: string, reason: string): Promise<{ readonly askedAt: string }> {
    const asked_at = this.#parts.clock.epoch()
    await this.#parts.journal.change(async (tx, notes) => {
      const open = await tx
        .selectFrom('requests')
        .select('slug')
        .where('person', '=', person)
        .where('state', '=', 'open')
        .execute()
      const isAsked = open.some((row) => row.slug === slug)
      if (isAsked) {
        const own = tx.updateTable('requests').set({ reason }).where('slug', '=', slug)
        await own.where('person', '=', person).where('state', '=', 'open').execute()
        return
      }
      if (open.length >= limits.requestsOpenMax)
        throw new ShoalError(
          'over-limit',
          `you have asked for ${limits.requestsOpenMax} things that nobody has answered yet`,
        )
      await tx
        .insertInto('requests')
        .values({
          id: randomBytes(9).toString('base64url'),
          slug,
          person,
          reason,
          state: 'open',
          asked_at,
          answered_at: null,
          answered_by: null,
          answer: '',
          granted_to: null,
          until: null,
          is_told: 1,
        })
        .execute()
      notes.audit({ actor: person, action: 'access-asked', subject: slug, detail: reason })
    })
    return { askedAt: isoTime(asked_at) }
  }

  /** Newest first. Titles stand beside those that are to be answered, and those that were granted. */
  async list(scope: RequestScope, query: RequestQuery): Promise<Page<AccessRequest>> {
    const after = parseCursor(zPosition, query.cursor)
    let select = this.#scoped(scope, query.state)
    if (after !== undefined)
      select = select.where(sql<boolean>`(requests.asked_at, requests.id) < (${after[0]}, ${after[1]})`)
    const rows = await select
      .orderBy('requests.asked_at', 'desc')
      .orderBy('requests.id', 'desc')
      .limit(query.limit + 1)
      .execute()
    return pageOf(rows, query.limit, {
      item: (row) => publicRequest(row, 'by' in scope),
      position: (row) => [row.asked_at, row.id],
    })
  }

  /** How many wait for an answer. */
  async openCount(scope: RequestScope): Promise<number> {
    const { count } = await this.#parts.db
      .selectFrom(this.#scoped(scope, 'open').as('open'))
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
    return count
  }

  /** How many answers the person has not been shown. */
  async untoldCount(person: string): Promise<number> {
    const { count } = await this.#parts.db
      .selectFrom('requests')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('person', '=', person)
      .where('is_told', '=', 0)
      .executeTakeFirstOrThrow()
    return count
  }

  async noteTold(person: string): Promise<void> {
    await this.#parts.db
      .updateTable('requests')
      .set({ is_told: 1 })
      .where('person', '=', person)
      .where('is_told', '=', 0)
      .execute()
  }

  /** Undefined for none of that id. */
  async find(id: string): Promise<Selectable<RequestRow> | undefined> {
    return this.#parts.db.selectFrom('requests').selectAll().where('id', '=', id).executeTakeFirst()
  }

  /**
   * The person, or the group, is a guest of the bundle from now on.
   * @throws ShoalError `conflict` for one that is answered already or whom it is for already; `not-found` for a group that is none.
   */
  async grant(
    id: string,
    given: {
      readonly to: string | undefined
      readonly until: EpochMillis | undefined
      readonly answer: string
      readonly by: string
    },
  ): Promise<AccessRequest> {
    const now = this.#parts.clock.epoch()
    return this.#parts.journal.change(async (tx, notes) => {
      const row = await mustBeOpen(tx, id)
      const { until, answer, by } = given
      const name = given.to ?? row.person
      if (name !== row.person && !(await hasPerson(tx, name))) await mustBeGroup(tx, name)
      await admit(tx, notes, { slug: row.slug, name, until, by, now })
      return answered(tx, row, {
        state: 'granted',
        answered_at: now,
        answered_by: by,
        answer,
        granted_to: name,
        until: until ?? null,
        is_told: 0,
      })
    })
  }

  /** @throws ShoalError `conflict` for one that is answered already. */
  async deny(
    id: string,
    { answer, by }: { readonly answer: string; readonly by: string },
  ): Promise<AccessRequest> {
    return this.#parts.journal.change(async (tx, notes) => {
      const row = await mustBeOpen(tx, id)
      notes.audit({ actor: by, action: 'access-denied', subject: row.slug, detail: `to ${row.person}` })
      return answered(tx, row, {
        state: 'denied',
        answered_at: this.#parts.clock.epoch(),
        answered_by: by,
        answer,
        granted_to: null,
        until: null,
        is_told: 0,
      })
    })
  }

  async sweep(): Promise<void> {
    await this.#parts.db
      .deleteFrom('requests')
      .where('asked_at', '<=', this.#parts.clock.epoch() - KEPT_FOR)
      .execute()
  }

  #scoped(scope: RequestScope, state: RequestState | undefined) {
    const all = this.#parts.db
      .selectFrom('requests')
      .leftJoin('bundles', 'bundles.slug', 'requests.slug')
      .selectAll('requests')
      .select('bundles.title')
    if ('toOwner' in scope) {
      // by the bundles that they own: by the state, all answers of everybody would be looked through (hence the +)
      const own = all.where('requests.slug', 'in', (eb) =>
        eb.selectFrom('bundles as own').select('own.slug').where('own.owner', '=', scope.toOwner),
      )
      return state === undefined ? own : own.where(sql<string>`+requests.state`, '=', state)
    }
    const scoped =
      'by' in scope ? all.where('requests.person', '=', scope.by) : all.where('bundles.slug', 'is not', null)
    return state === undefined ? scoped : scoped.where('requests.state', '=', state)
  }
}

async function mustBeOpen(tx: Tx, id: string): Promise<Selectable<RequestRow>> {
  const row = await tx.selectFrom('requests').selectAll().where('id', '=', id).executeTakeFirst()
  if (row === undefined) throw new ShoalError('not-found', 'no such request')
  if (row.state !== 'open') throw new ShoalError('conflict', `this request was ${row.state} already`)
  return row
}

async function answered(
  tx: Tx,
  row: Selectable<RequestRow>,
  change: Omit<Selectable<RequestRow>, 'id' | 'slug' | 'person' | 'reason' | 'asked_at'>,
): Promise<AccessRequest> {
  await tx.updateTable('requests').set(change).where('id', '=', row.id).execute()
  return publicRequest({ ...row, ...change, title: null }, false)
}

/** `isAsker`: for the person who asked, who is not to learn of what is there unless it was granted. */
function publicRequest(row: FoundRequest, isAsker: boolean): AccessRequest {
  return {
    id: row.id,
    bundle: row.slug,
    title: isAsker && row.state !== 'granted' ? null : row.title,
    person: row.person,
    reason: row.reason,
    state: row.state,
    askedAt: isoTime(row.asked_at),
    answeredAt: row.answered_at === null ? null : isoTime(row.answered_at),
    answeredBy: row.answered_by,
    answer: row.answer,
    to: row.granted_to,
    until: row.until === null ? null : isoTime(row.until),
  }
}

/**
 * People: accounts of persons, of whom the portal knows. A person is never deleted, since grants and the audit trail name
 * them; who has left is disabled, and then nothing of theirs is good any more: sessions, tokens, grants, devices.
 */
import { sql, type Selectable } from 'kysely'
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import type { Person, PersonRole, zNewPerson, zPersonChange, zPersonQuery } from '../../wire/api.ts'
import type { Account } from '../account.ts'
import { pageOf, parseCursor, type Page } from '../cursor.ts'
import type { Database, PersonRow, Tx } from '../database/tables.ts'
import type { Notes, RecordParts } from '../journal.ts'
import { endAllOf, endTokensBeyond } from './leaving.ts'
import { groupsOf, groupsOfMany, mustBeNoGroup, setGroups } from './memberships.ts'
import { mayHold } from './roles.ts'
import { publicPerson } from './rows.ts'

export type PersonDraft = z.output<typeof zNewPerson>
export type PersonQuery = z.output<typeof zPersonQuery>

const zPosition = z.tuple([z.string()])

export class People {
  readonly #parts: RecordParts

  constructor(parts: RecordParts) {
    this.#parts = parts
  }

  /** Without a password: an invitation, or the company's login, is how they come in. @throws ShoalError `conflict`, `bad-input`. */
  async create(draft: PersonDraft, by: string): Promise<Person> {
    const { name, displayName, email, role, groups } = draft
    const row: Selectable<PersonRow> = {
      name,
      display_name: displayName,
      email,
      role,
      password: null,
      created_at: this.#parts.clock.epoch(),
      disabled_at: null,
      last_seen_at: null,
    }
    await this.#parts.journal.change(async (tx, notes) => {
      await mustBeNoGroup(tx, name)
      await mustHoldTokens(tx, name, role)
      const done = await tx
        .insertInto('people')
        .values(row)
        .onConflict((conflict) => conflict.column('name').doNothing())
        .executeTakeFirst()
      if (done.numInsertedOrUpdatedRows === 0n)
        throw new ShoalError('conflict', `there is somebody called ${name} already`)
      notes.audit({ actor: by, action: 'person-created', subject: name, detail: `as ${role}` })
      await setGroups(tx, notes, { person: name, groups, by })
    })
    return publicPerson(row, [...groups])
  }

  async find(name: string): Promise<Person | undefined> {
    const row = await this.#row(this.#parts.db, name)
    return row === undefined ? undefined : publicPerson(row, await groupsOf(this.#parts.db, name))
  }

  /** By name. */
  async list(query: PersonQuery): Promise<Page<Person>> {
    const after = parseCursor(zPosition, query.cursor)
    const { q, group } = query
    let select = this.#parts.db.selectFrom('people').selectAll('people')
    if (after !== undefined) select = select.where('name', '>', after[0])
    if (q !== undefined && q.trim() !== '') {
      const text = likeText(q.trim().toLowerCase())
      select = select.where((eb) =>
        eb.or([
          eb(sql`name like ${`${text}%`} escape '\\'`, '=', 1),
          eb(sql`display_name like ${`%${text}%`} escape '\\'`, '=', 1),
        ]),
      )
    }
    if (group !== undefined)
      select = select
        .innerJoin('memberships', 'memberships.person', 'people.name')
        .where('memberships.group_name', '=', group)
    const rows = await select
      .orderBy('name')
      .limit(query.limit + 1)
      .execute()
    const groups = await groupsOfMany(
      this.#parts.db,
      rows.map(({ name }) => name),
    )
    return pageOf(rows, query.limit, {
      item: (row) => publicPerson(row, groups.get(row.name) ?? []),
      position: (row) => [row.name],
    })
  }

  /** @throws ShoalError `not-found`; `conflict` for the last admin who would be one no more. */
  async change(name: string, change: z.output<typeof zPersonChange>, by: string): Promise<Person> {
    await this.#parts.journal.change(async (tx, notes) => {
      const row = await this.#mustExist(tx, name)
      const { role = row.role, displayName = row.display_name, email = row.email } = change
      if (row.role === 'admin' && role !== 'admin') await mustLeaveAnAdmin(tx, name)
      if (role !== row.role)
        await endTokensBeyond(tx, notes, { name, role, by, at: this.#parts.clock.epoch() })
      await tx
        .updateTable('people')
        .set({ role, display_name: displayName, email })
        .where('name', '=', name)
        .execute()
      if (role !== row.role)
        notes.audit({
          actor: by,
          action: 'person-role',
          subject: name,
          detail: `${role}, who was ${row.role}`,
        })
    })
    return this.#mustFind(name)
  }

  /**
   * Nothing of theirs is good from now on, but their grants, which are the ledger's: see `leaving.ts`. Repeated it is
   * harmless. Answers how many sessions and devices ended.
   * @throws ShoalError `not-found`; `conflict` for the last admin.
   */
  async disable(name: string, by: string): Promise<{ readonly sessions: number; readonly devices: number }> {
    const at = this.#parts.clock.epoch()
    return this.#parts.journal.change(async (tx, notes) => {
      const row = await this.#mustExist(tx, name)
      if (row.role === 'admin' && row.disabled_at === null) await mustLeaveAnAdmin(tx, name)
      if (row.disabled_at === null) {
        await tx.updateTable('people').set({ disabled_at: at }).where('name', '=', name).execute()
        notes.audit({ actor: by, action: 'person-disabled', subject: name })
      }
      return endAllOf(tx, notes, { name, at, by })
    })
  }

  /** They come in as before; tokens, devices and grants are to be had anew. @throws ShoalError `not-found`. */
  async enable(name: string, by: string): Promise<Person> {
    await this.#parts.journal.change(async (tx, notes) => {
      const row = await this.#mustExist(tx, name)
      if (row.disabled_at === null) return
      await tx.deleteFrom('sessions').where('person', '=', name).execute()
      await tx.updateTable('people').set({ disabled_at: null }).where('name', '=', name).execute()
      notes.audit({ actor: by, action: 'person-enabled', subject: name })
    })
    return this.#mustFind(name)
  }

  /** Undefined for whom there is not, or no more. */
  async accountOf(name: string): Promise<Account | undefined> {
    const row = await this.#row(this.#parts.db, name)
    if (row === undefined || row.disabled_at !== null) return undefined
    return { user: name, role: row.role, groups: await groupsOf(this.#parts.db, name) }
  }

  /** Of whoever may sign in; undefined too for who has none. */
  async passwordOf(name: string): Promise<string | undefined> {
    const row = await this.#row(this.#parts.db, name)
    return row?.disabled_at === null ? (row.password ?? undefined) : undefined
  }

  /** `hash` as `passwords.ts` makes it. Every session of theirs ends but `keeps`, by the hash of its id. */
  async setPassword(
    tx: Tx,
    notes: Notes,
    of: { readonly name: string; readonly hash: string; readonly keeps?: string | undefined },
  ): Promise<void> {
    const row = await this.#mustExist(tx, of.name)
    if (row.disabled_at !== null) throw new ShoalError('not-granted', 'this account is disabled')
    await tx.updateTable('people').set({ password: of.hash }).where('name', '=', of.name).execute()
    const sessions = tx.deleteFrom('sessions').where('person', '=', of.name)
    await (of.keeps === undefined ? sessions : sessions.where('sid', '!=', of.keeps)).execute()
    await tx.deleteFrom('invitations').where('person', '=', of.name).execute()
    notes.audit({ actor: of.name, action: 'password-set', subject: of.name })
  }

  async noteSignIn(name: string): Promise<void> {
    await this.#parts.db
      .updateTable('people')
      .set({ last_seen_at: this.#parts.clock.epoch() })
      .where('name', '=', name)
      .execute()
  }

  /** Somebody can manage the portal by name. */
  async hasAdmin(): Promise<boolean> {
    return (await adminsBut(this.#parts.db, '')) > 0
  }

  async #mustFind(name: string): Promise<Person> {
    const person = await this.find(name)
    if (person === undefined) throw nobody()
    return person
  }

  async #mustExist(tx: Tx, name: string): Promise<Selectable<PersonRow>> {
    const row = await this.#row(tx, name)
    if (row === undefined) throw nobody()
    return row
  }

  #row(db: Database | Tx, name: string): Promise<Selectable<PersonRow> | undefined> {
    return db.selectFrom('people').selectAll().where('name', '=', name).executeTakeFirst()
  }
}

const nobody = (): ShoalError => new ShoalError('not-found', 'there is nobody of that name')

/** For `like … escape '\'`: what stands for itself. */
const likeText = (text: string): string => text.replaceAll(/[\\%_]/g, (char) => `\\${char}`)

/** Tokens of the name are worth what the person holds from now on: those of our own machines would be worth nothing. */
async function mustHoldTokens(tx: Tx, name: string, role: PersonRole): Promise<void> {
  const tokens = await tx.selectFrom('tokens').select('role').where('user', '=', name).execute()
  const beyond = tokens.find((token) => !mayHold(role, token.role))
  if (beyond !== undefined)
    throw new ShoalError(
      'conflict',
      `there are tokens of the role ${beyond.role} in the name ${name}, which a person of the role ${role} may not hold`,
    )
}

/** Nobody but `name`, if that, can manage the portal by name. */
export const isOnlyAdmin = async (db: Database | Tx, name: string): Promise<boolean> =>
  (await adminsBut(db, name)) === 0

async function mustLeaveAnAdmin(tx: Tx, name: string): Promise<void> {
  if (await isOnlyAdmin(tx, name))
    throw new ShoalError('conflict', `${name} is the only admin: make somebody else one first`)
}

async function adminsBut(db: Database | Tx, name: string): Promise<number> {
  const { count } = await db
    .selectFrom('people')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('role', '=', 'admin')
    .where('disabled_at', 'is', null)
    .where('name', '!=', name)
    .executeTakeFirstOrThrow()
  return count
}

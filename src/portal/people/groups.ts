/** Groups of people, which audiences name. */
import { ShoalError } from '../../core/errors.ts'
import type { Group, zNewGroup } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'
import type { z } from 'zod'
import type { Tx } from '../database/tables.ts'
import type { RecordParts } from '../journal.ts'
import {
  groupCount,
  groupsOf,
  hasPerson,
  join,
  leave,
  mustBeGroup,
  mustBeNoPerson,
  type Joining,
} from './memberships.ts'
import { publicGroup } from './rows.ts'

export class Groups {
  readonly #parts: RecordParts

  constructor(parts: RecordParts) {
    this.#parts = parts
  }

  /** @throws ShoalError `conflict` for a name that is taken, `over-limit`. */
  async create(draft: z.output<typeof zNewGroup>, by: string): Promise<Group> {
    const row = { ...draft, created_at: this.#parts.clock.epoch() }
    await this.#parts.journal.change(async (tx, notes) => {
      await mustBeNoPerson(tx, row.name)
      if ((await groupCount(tx)) >= limits.groupsMax)
        throw new ShoalError('over-limit', `there are ${limits.groupsMax} groups already`)
      const done = await tx
        .insertInto('groups')
        .values(row)
        .onConflict((conflict) => conflict.column('name').doNothing())
        .executeTakeFirst()
      if (done.numInsertedOrUpdatedRows === 0n)
        throw new ShoalError('conflict', `there is a group "${row.name}" already`)
      notes.audit({ actor: by, action: 'group-created', subject: row.name })
    })
    return publicGroup(row, 0)
  }

  /** All, by name. */
  async list(): Promise<Group[]> {
    const rows = await this.#parts.db
      .selectFrom('groups')
      .selectAll()
      .select((eb) =>
        eb
          .selectFrom('memberships')
          .select(({ fn }) => fn.countAll<number>().as('count'))
          .whereRef('memberships.group_name', '=', 'groups.name')
          .as('members'),
      )
      .orderBy('name')
      .execute()
    return rows.map((row) => publicGroup(row, row.members ?? 0))
  }

  /** Of all, in their order: without counting who is in them. */
  async names(): Promise<string[]> {
    const rows = await this.#parts.db.selectFrom('groups').select('name').orderBy('name').execute()
    return rows.map(({ name }) => name)
  }

  /** By name; none for a group that is not there. */
  async members(name: string): Promise<string[]> {
    const rows = await this.#parts.db
      .selectFrom('memberships')
      .select('person')
      .where('group_name', '=', name)
      .orderBy('person')
      .execute()
    return rows.map(({ person }) => person)
  }

  /** Its members lose what it gave them. Audiences that name it name nobody by it. @throws ShoalError `not-found`. */
  async delete(name: string, by: string): Promise<void> {
    await this.#parts.journal.change(async (tx, notes) => {
      const gone = await tx.deleteFrom('groups').where('name', '=', name).executeTakeFirst()
      if (gone.numDeletedRows === 0n) throw new ShoalError('not-found', `there is no group "${name}"`)
      notes.audit({ actor: by, action: 'group-deleted', subject: name })
    })
  }

  /** @throws ShoalError `not-found` for either; `over-limit`. */
  async join(joining: Joining): Promise<void> {
    await this.#parts.journal.change(async (tx, notes) => {
      await mustBeGroup(tx, joining.group)
      await mustBePerson(tx, joining.person)
      if ((await groupsOf(tx, joining.person)).length >= limits.groupsPerPersonMax)
        throw new ShoalError(
          'over-limit',
          `${joining.person} is in ${limits.groupsPerPersonMax} groups already`,
        )
      await join(tx, notes, joining)
    })
  }

  /** @throws ShoalError `not-found` for either. */
  async leave(joining: Joining): Promise<void> {
    await this.#parts.journal.change(async (tx, notes) => {
      await mustBeGroup(tx, joining.group)
      await mustBePerson(tx, joining.person)
      await leave(tx, notes, joining)
    })
  }
}

async function mustBePerson(tx: Tx, name: string): Promise<void> {
  if (!(await hasPerson(tx, name))) throw new ShoalError('not-found', 'there is nobody of that name')
}

/** Who is in which group. An audience names groups and people alike, so none of the one is called like one of the other. */
import { ShoalError } from '../../core/errors.ts'
import type { Database, Tx } from '../database/tables.ts'
import type { Notes } from '../journal.ts'

/** By name. */
export async function groupsOf(db: Database | Tx, person: string): Promise<string[]> {
  const rows = await db
    .selectFrom('memberships')
    .select('group_name')
    .where('person', '=', person)
    .orderBy('group_name')
    .execute()
  return rows.map((row) => row.group_name)
}

export async function groupsOfMany(db: Database, people: readonly string[]): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>(people.map((name) => [name, []]))
  if (people.length === 0) return found
  const rows = await db
    .selectFrom('memberships')
    .selectAll()
    .where('person', 'in', people)
    .orderBy('group_name')
    .execute()
  for (const row of rows) found.get(row.person)?.push(row.group_name)
  return found
}

export interface Joining {
  readonly person: string
  readonly group: string
  readonly by: string
}

/** Harmless where it is so already. Both must be there. */
export async function join(tx: Tx, notes: Notes, { person, group, by }: Joining): Promise<void> {
  const done = await tx
    .insertInto('memberships')
    .values({ person, group_name: group })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (done.numInsertedOrUpdatedRows === 1n)
    notes.audit({ actor: by, action: 'group-joined', subject: person, detail: group })
}

/** Harmless where it is so already. */
export async function leave(tx: Tx, notes: Notes, { person, group, by }: Joining): Promise<void> {
  const done = await tx
    .deleteFrom('memberships')
    .where('person', '=', person)
    .where('group_name', '=', group)
    .executeTakeFirst()
  if (done.numDeletedRows === 1n)
    notes.audit({ actor: by, action: 'group-left', subject: person, detail: group })
}

/** Exactly these from now on. @throws ShoalError `not-found` for a group that is not there. */
export async function setGroups(
  tx: Tx,
  notes: Notes,
  {
    person,
    groups,
    by,
  }: { readonly person: string; readonly groups: readonly string[]; readonly by: string },
): Promise<void> {
  const wanted = new Set(groups)
  const had = new Set(await groupsOf(tx, person))
  for (const group of wanted.difference(had)) {
    await mustBeGroup(tx, group)
    await join(tx, notes, { person, group, by })
  }
  for (const group of had.difference(wanted)) await leave(tx, notes, { person, group, by })
}

export async function mustBeGroup(tx: Tx, name: string): Promise<void> {
  const row = await tx.selectFrom('groups').select('name').where('name', '=', name).executeTakeFirst()
  if (row === undefined) throw new ShoalError('not-found', `there is no group "${name}"`)
}

/** @throws ShoalError `conflict`. */
export async function mustBeNoGroup(tx: Tx, name: string): Promise<void> {
  const row = await tx.selectFrom('groups').select('name').where('name', '=', name).executeTakeFirst()
  if (row !== undefined)
    throw new ShoalError('conflict', `a group is called "${name}": people and groups do not share names`)
}

/** @throws ShoalError `conflict`. */
export async function mustBeNoPerson(tx: Tx, name: string): Promise<void> {
  const row = await tx.selectFrom('people').select('name').where('name', '=', name).executeTakeFirst()
  if (row !== undefined)
    throw new ShoalError('conflict', `somebody is called "${name}": people and groups do not share names`)
}

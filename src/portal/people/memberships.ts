/** Who is in which group. An audience names groups and people alike, so none of the one is called like one of the other. */
import { ShoalError } from '../../core/errors.ts'
import type { EpochMillis } from '../../core/units.ts'
import { limits } from '../../wire/limits.ts'
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
  readonly source?: 'portal' | 'company'
}

/** Harmless where it is so already; what is given here stays, whatever the company's login says. Both must be there. */
export async function join(
  tx: Tx,
  notes: Notes,
  { person, group, by, source = 'portal' }: Joining,
): Promise<void> {
  const done = await tx
    .insertInto('memberships')
    .values({ person, group_name: group, source })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (done.numInsertedOrUpdatedRows === 0n && source === 'portal')
    await tx
      .updateTable('memberships')
      .set({ source })
      .where('person', '=', person)
      .where('group_name', '=', group)
      .execute()
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

/**
 * Of the groups that the company's login gave, exactly these from now on; what was given here stays as it is. Groups that are not
 * there are made, or passed over; so is what is called like a person, and what is more than one may be in.
 */
export async function setClaimedGroups(
  tx: Tx,
  notes: Notes,
  { person, groups, by, at, makesGroups }: Claim,
): Promise<void> {
  const rows = await tx.selectFrom('memberships').selectAll().where('person', '=', person).execute()
  const claimed = new Set(rows.filter((row) => row.source === 'company').map((row) => row.group_name))
  const wanted = new Set(groups)
  for (const group of claimed.difference(wanted)) await leave(tx, notes, { person, group, by })
  const has = new Set(rows.map((row) => row.group_name))
  let room = limits.groupsPerPersonMax - has.size + claimed.difference(wanted).size
  for (const group of wanted.difference(has)) {
    if (room <= 0) return
    const isThere = await hasGroup(tx, group)
    if (!isThere && !(makesGroups && (await makeGroup(tx, notes, { group, by, at })))) continue
    await join(tx, notes, { person, group, by, source: 'company' })
    room--
  }
}

export interface Claim {
  readonly person: string
  readonly groups: readonly string[]
  readonly by: string
  readonly at: EpochMillis
  readonly makesGroups: boolean
}

/** False where there is no room for another, or somebody is called so. */
async function makeGroup(
  tx: Tx,
  notes: Notes,
  { group, by, at }: { readonly group: string; readonly by: string; readonly at: EpochMillis },
): Promise<boolean> {
  if (await hasPerson(tx, group)) return false
  if ((await groupCount(tx)) >= limits.groupsMax) return false
  await tx.insertInto('groups').values({ name: group, description: '', created_at: at }).execute()
  notes.audit({ actor: by, action: 'group-created', subject: group })
  return true
}

export async function groupCount(tx: Tx): Promise<number> {
  const { count } = await tx
    .selectFrom('groups')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow()
  return count
}

async function hasGroup(tx: Tx, name: string): Promise<boolean> {
  return (
    (await tx.selectFrom('groups').select('name').where('name', '=', name).executeTakeFirst()) !== undefined
  )
}

export async function hasPerson(tx: Tx, name: string): Promise<boolean> {
  return (
    (await tx.selectFrom('people').select('name').where('name', '=', name).executeTakeFirst()) !== undefined
  )
}

export async function mustBeGroup(tx: Tx, name: string): Promise<void> {
  if (!(await hasGroup(tx, name))) throw new ShoalError('not-found', `there is no group "${name}"`)
}

/** @throws ShoalError `conflict`. */
export async function mustBeNoGroup(tx: Tx, name: string): Promise<void> {
  if (await hasGroup(tx, name))
    throw new ShoalError('conflict', `a group is called "${name}": people and groups do not share names`)
}

/** @throws ShoalError `conflict`. */
export async function mustBeNoPerson(tx: Tx, name: string): Promise<void> {
  if (await hasPerson(tx, name))
    throw new ShoalError('conflict', `somebody is called "${name}": people and groups do not share names`)
}

/** Rows of people and groups -> the shapes of the API. */
import type { Selectable } from 'kysely'
import type { Group, Person } from '../../wire/api.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { GroupRow, PersonRow } from '../database/tables.ts'

const timeOrNull = (at: number | null): string | null => (at === null ? null : isoTime(at))

export function publicPerson(row: Selectable<PersonRow>, groups: string[]): Person {
  return {
    name: row.name,
    displayName: row.display_name,
    email: row.email,
    role: row.role,
    groups,
    hasPassword: row.password !== null,
    createdAt: isoTime(row.created_at),
    disabledAt: timeOrNull(row.disabled_at),
    lastSeenAt: timeOrNull(row.last_seen_at),
  }
}

export const publicGroup = (row: Selectable<GroupRow>, members: number): Group => ({
  name: row.name,
  description: row.description,
  members,
  createdAt: isoTime(row.created_at),
})

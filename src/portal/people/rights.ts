/** Changes of people and groups by which somebody may lose rights, with what follows for what they hold. */
import type { z } from 'zod'
import type { Person, zPersonChange } from '../../wire/api.ts'
import { endLostGrants } from '../lost-grants.ts'
import type { Services } from '../services.ts'
import type { Joining } from './memberships.ts'

/** As `Groups.leave`. */
export async function leaveGroup(services: Services, joining: Joining): Promise<void> {
  await services.groups.leave(joining)
  await endLostGrants(services, { user: joining.person }, joining.by)
}

/** As `Groups.delete`. */
export async function deleteGroup(services: Services, name: string, by: string): Promise<void> {
  const members = await services.groups.members(name)
  await services.groups.delete(name, by)
  for (const user of members) await endLostGrants(services, { user }, by)
}

/** As `People.change`: who was an admin might fetch all. */
export async function changePerson(
  services: Services,
  {
    name,
    change,
    by,
  }: { readonly name: string; readonly change: z.output<typeof zPersonChange>; readonly by: string },
): Promise<Person> {
  const person = await services.people.change(name, change, by)
  if (change.role !== undefined) await endLostGrants(services, { user: name }, by)
  return person
}

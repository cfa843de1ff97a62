import type { Context } from '../context.ts'
import { table } from '../text.ts'

/** `shoal group add NAME`. */
export async function addGroup(context: Context, name: string, options: object): Promise<void> {
  const { description } = options as { readonly description: string }
  const { name: group, ...rest } = await (await context.client()).people.createGroup({ name, description })
  context.output.event({ event: 'group', group, ...rest })
  context.output.line(`there is a group "${group}"`)
}

/** `shoal group list`. */
export async function listGroups(context: Context): Promise<void> {
  const groups = await (await context.client()).people.groups()
  for (const { name: group, ...rest } of groups) context.output.event({ event: 'group', group, ...rest })
  const rows = groups.map((group) => [group.name, String(group.members), group.description])
  for (const line of table(['name', 'people', 'what it is for'], rows)) context.output.line(line)
}

/** `shoal group remove NAME`. */
export async function removeGroup(context: Context, group: string): Promise<void> {
  await (await context.client()).people.deleteGroup(group)
  context.output.event({ event: 'group-removed', group })
  context.output.line(`the group "${group}" is gone`)
}

/** `shoal group join NAME PEOPLE...`. */
export async function joinGroup(context: Context, group: string, people: readonly string[]): Promise<void> {
  const client = await context.client()
  for (const user of people) {
    await client.people.join(group, user)
    context.output.event({ event: 'joined', group, user })
    context.output.line(`${user} is in "${group}"`)
  }
}

/** `shoal group leave NAME PEOPLE...`. */
export async function leaveGroup(context: Context, group: string, people: readonly string[]): Promise<void> {
  const client = await context.client()
  for (const user of people) {
    await client.people.leave(group, user)
    context.output.event({ event: 'left', group, user })
    context.output.line(`${user} is not in "${group}"`)
  }
}

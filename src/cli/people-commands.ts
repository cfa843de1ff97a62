/** `shoal user` and `shoal group`: their flags. */
import type { Command } from 'commander'
import { choice, collect } from './arguments.ts'
import { sub, type Add, type ContextOf } from './command-parts.ts'

export const PERSON_ROLES = ['viewer', 'publisher', 'operator', 'auditor', 'admin']

export function peopleCommands(add: Add, context: ContextOf): void {
  const load = () => import('./commands/user.ts')
  const user = add('user', 'people who sign in by name')
  sub(user, 'add <name>', 'an account, with a link at which the person chooses a password, once')
    .addOption(choice('--role <role>', 'what the person may do', PERSON_ROLES, 'viewer'))
    .option('--display-name <text>', 'the name that others see')
    .option('--email <address>', 'where the person is written to')
    .option('--group <group>', 'a group to put the person into (repeatable)', collect, [])
    .action(async (name: string, options: object, command: Command) => {
      await (await load()).addUser(context(command), name, options)
    })
  sub(user, 'list [query]', 'people, by name')
    .option('--group <group>', 'only those in it')
    .action(async (query: string | undefined, options: object, command: Command) => {
      await (await load()).listUsers(context(command), query, options)
    })
  sub(user, 'set <name>', 'change what a person may do, or is called')
    .option('--role <role>', `what the person may do: ${PERSON_ROLES.join(', ')}`)
    .option('--display-name <text>', 'the name that others see')
    .option('--email <address>', 'where the person is written to')
    .action(async (name: string, options: object, command: Command) => {
      await (await load()).setUser(context(command), name, options)
    })
  sub(user, 'invite <name>', 'a new link to choose a password; the one before is worth nothing then').action(
    async (name: string, _options: object, command: Command) => {
      await (await load()).inviteUser(context(command), name)
    },
  )
  sub(user, 'disable <name>', 'end all that a person has: sessions, tokens, links, devices').action(
    async (name: string, _options: object, command: Command) => {
      await (await load()).disableUser(context(command), name)
    },
  )
  sub(user, 'enable <name>', 'let a disabled person sign in again').action(
    async (name: string, _options: object, command: Command) => {
      await (await load()).enableUser(context(command), name)
    },
  )
  groupCommands(add, context)
}

function groupCommands(add: Add, context: ContextOf): void {
  const load = () => import('./commands/group.ts')
  const group = add('group', 'groups of people, for audiences')
  sub(group, 'add <name>', 'a group')
    .option('--description <text>', 'what it is for', '')
    .action(async (name: string, options: object, command: Command) => {
      await (await load()).addGroup(context(command), name, options)
    })
  sub(group, 'list', 'all groups').action(async (_options: object, command: Command) => {
    await (await load()).listGroups(context(command))
  })
  sub(group, 'remove <name>', 'delete a group: its members lose what it gave them').action(
    async (name: string, _options: object, command: Command) => {
      await (await load()).removeGroup(context(command), name)
    },
  )
  sub(group, 'join <name> <people...>', 'put people into a group').action(
    async (name: string, people: string[], _options: object, command: Command) => {
      await (await load()).joinGroup(context(command), name, people)
    },
  )
  sub(group, 'leave <name> <people...>', 'take people out of a group').action(
    async (name: string, people: string[], _options: object, command: Command) => {
      await (await load()).leaveGroup(context(command), name, people)
    },
  )
}

import { zPersonRole, type Invitation, type Person, type PersonRole } from '../../wire/api.ts'
import { ShoalError } from '../../core/errors.ts'
import type { Context } from '../context.ts'
import { table } from '../text.ts'

interface AddOptions {
  readonly role: PersonRole
  readonly displayName?: string
  readonly email?: string
  readonly group: readonly string[]
}

/** `shoal user add NAME`: the invitation is shown once, since only its hash is kept. */
export async function addUser(context: Context, name: string, options: object): Promise<void> {
  const { role, displayName = '', email = '', group } = options as AddOptions
  const client = await context.client()
  const made = await client.people.create({ name, role, displayName, email, groups: [...group] })
  context.output.event({ event: 'user', ...eventOf(made.person), invitation: made.invitation })
  sayInvitation(context, name, made.invitation)
}

/** `shoal user invite NAME`. */
export async function inviteUser(context: Context, name: string): Promise<void> {
  const invitation = await (await context.client()).people.invite(name)
  context.output.event({ event: 'invitation', user: name, ...invitation })
  sayInvitation(context, name, invitation)
}

/** `shoal user list [QUERY]`. */
export async function listUsers(context: Context, q: string | undefined, options: object): Promise<void> {
  const { group } = options as { readonly group?: string }
  const client = await context.client()
  const rows: string[][] = []
  const query = { ...(q === undefined ? {} : { q }), ...(group === undefined ? {} : { group }) }
  for await (const person of client.people.all(query)) {
    context.output.event({ event: 'user', ...eventOf(person) })
    const state = person.disabledAt === null ? (person.lastSeenAt ?? 'never') : 'disabled'
    rows.push([person.name, person.displayName, person.role, person.groups.join(', '), state])
  }
  for (const line of table(['name', 'shown as', 'role', 'groups', 'last signed in'], rows))
    context.output.line(line)
}

interface SetOptions {
  readonly role?: string
  readonly displayName?: string
  readonly email?: string
}

/** `shoal user set NAME`. */
export async function setUser(context: Context, name: string, options: object): Promise<void> {
  const { role: wanted, ...rest } = options as SetOptions
  const role = wanted === undefined ? undefined : zPersonRole.safeParse(wanted)
  if (role?.success === false)
    throw new ShoalError('bad-usage', `--role is one of ${zPersonRole.options.join(', ')}`)
  const { displayName, email } = rest
  const person = await (
    await context.client()
  ).people.change(name, {
    ...(role === undefined ? {} : { role: role.data }),
    ...(displayName === undefined ? {} : { displayName }),
    ...(email === undefined ? {} : { email }),
  })
  context.output.event({ event: 'user', ...eventOf(person) })
  context.output.line(`${name} is ${article(person.role)}`)
}

/** `shoal user disable NAME`. */
export async function disableUser(context: Context, name: string): Promise<void> {
  const { person, ...ended } = await (await context.client()).people.disable(name)
  context.output.event({ event: 'user-disabled', ...eventOf(person), ...ended })
  const { sessions, grants, devices } = ended
  context.output.line(
    `${name} is disabled: ${sessions} sessions, ${grants} links and ${devices} devices have ended`,
  )
}

/** `shoal user enable NAME`. */
export async function enableUser(context: Context, name: string): Promise<void> {
  const person = await (await context.client()).people.enable(name)
  context.output.event({ event: 'user', ...eventOf(person) })
  context.output.line(`${name} may sign in again`)
}

function eventOf({ name, ...rest }: Person): object {
  return { user: name, ...rest }
}

function sayInvitation({ output }: Context, name: string, { url, expiresAt }: Invitation): void {
  output.line(url)
  output.note(`Whoever opens it first chooses the password of ${name}: once, until ${expiresAt}.`)
}

const article = (role: string): string => (/^[aeiou]/.test(role) ? `an ${role}` : `a ${role}`)

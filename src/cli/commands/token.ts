import type { Millis } from '../../core/units.ts'
import { writeSecretFile } from '../../platform/files.ts'
import type { Role } from '../../wire/api.ts'
import type { Context } from '../context.ts'
import { table } from '../text.ts'

interface CreateOptions {
  readonly role: Role
  readonly user?: string
  readonly group: readonly string[]
  readonly expires?: Millis
  readonly out?: string
}

/** `shoal token create NAME`: shown once, since only its hash is kept. */
export async function createToken(context: Context, name: string, options: object): Promise<void> {
  const { role, user, group, expires, out } = options as CreateOptions
  const client = await context.client()
  const made = await client.createToken({
    name,
    role,
    groups: [...group],
    ...(user === undefined ? {} : { user }),
    ...(expires === undefined ? {} : { expiresInSeconds: Math.round(expires / 1_000) }),
  })
  if (out !== undefined) await writeSecretFile(out, `${made.token}\n`)
  const { token, ...facts } = made
  context.output.event({ event: 'token', ...facts, ...(out === undefined ? { token } : { file: out }) })
  context.output.line(out === undefined ? token : `token ${made.id} is in ${out}`)
}

/** `shoal token list`. */
export async function listTokens(context: Context): Promise<void> {
  const client = await context.client()
  const { items } = await client.tokens()
  for (const item of items) context.output.event({ event: 'token', ...item })
  const rows = items.map((t) => [
    t.id,
    t.name,
    t.role,
    t.user,
    t.expiresAt ?? 'never',
    t.lastUsedAt ?? 'never',
  ])
  for (const line of table(['id', 'name', 'role', 'user', 'expires', 'last used'], rows))
    context.output.line(line)
}

/** `shoal token revoke ID`. */
export async function revokeToken(context: Context, id: string): Promise<void> {
  const client = await context.client()
  await client.deleteToken(id)
  context.output.event({ event: 'token-revoked', id })
  context.output.line(`token ${id} is revoked`)
}

import { ShoalError } from '../../core/errors.ts'
import { grantId } from '../../core/ids.ts'
import type { Context } from '../context.ts'

/** `shoal revoke GRANT` or `shoal revoke --user U`. */
export async function revoke(
  context: Context,
  grant: string | undefined,
  options: { user?: string },
): Promise<void> {
  if ((grant === undefined) === (options.user === undefined)) {
    throw new ShoalError('bad-usage', 'name either a grant or --user NAME')
  }
  const client = await context.client()
  if (options.user !== undefined) {
    const revoked = await client.revokeUser(options.user)
    context.output.event({ event: 'revoked', user: options.user, grants: revoked })
    context.output.line(`${revoked} grants of ${options.user} are revoked`)
    return
  }
  const id = grantId(grant ?? '')
  await client.revokeGrant(id)
  context.output.event({ event: 'revoked', grant: id })
  context.output.line(`grant ${id} is revoked`)
}

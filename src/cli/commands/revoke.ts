import { ShoalError } from '../../core/errors.ts'
import { grantId } from '../../core/ids.ts'
import { bundleAndRelease } from '../arguments.ts'
import type { Context } from '../context.ts'

export interface RevokeOptions {
  readonly user?: string
  /** `BUNDLE` or `BUNDLE@RELEASE`. */
  readonly release?: string
  /** ISO 8601, or `now`. */
  readonly before?: string
}

/** `shoal revoke GRANT`, `--user U`, `--release B@R [--before T]`, or `--before T` for all. */
export async function revoke(
  context: Context,
  grant: string | undefined,
  options: RevokeOptions,
): Promise<void> {
  const { user, release, before } = options
  const isMany = release !== undefined || before !== undefined
  if (Number(grant !== undefined) + Number(user !== undefined) + Number(isMany) !== 1)
    throw new ShoalError(
      'bad-usage',
      'name one of: a grant, --user NAME, --release BUNDLE@RELEASE, --before TIME',
    )
  if (user !== undefined) await revokeUser(context, user)
  else if (grant !== undefined) await revokeGrant(context, grant)
  else await refuseBefore(context, release, before)
}

async function revokeUser(context: Context, user: string): Promise<void> {
  const revoked = await (await context.client()).revokeUser(user)
  context.output.event({ event: 'revoked', user, grants: revoked })
  context.output.line(`${revoked} grants of ${user} are revoked`)
}

async function revokeGrant(context: Context, grant: string): Promise<void> {
  const id = grantId(grant)
  await (await context.client()).revokeGrant(id)
  context.output.event({ event: 'revoked', grant: id })
  context.output.line(`grant ${id} is revoked`)
}

/** The release stays: who may have it takes a fresh link. */
async function refuseBefore(context: Context, release: string | undefined, before = 'now'): Promise<void> {
  const time = before === 'now' ? undefined : timeOf(before)
  const of = release === undefined ? undefined : bundleAndRelease(release)
  const done = await (
    await context.client()
  ).refuseBefore({
    ...(time === undefined ? {} : { before: time }),
    ...(of === undefined ? {} : { bundle: of.bundle, release: of.release }),
  })
  context.output.event({
    event: 'revoked',
    before: done.before,
    ...(release === undefined ? {} : { release }),
  })
  context.output.line(
    `grants${release === undefined ? '' : ` of ${release}`} issued before ${done.before} are refused`,
  )
}

function timeOf(text: string): string {
  const at = Date.parse(text)
  if (Number.isNaN(at))
    throw new ShoalError('bad-usage', '--before: "now" or a time such as 2026-01-31T12:00:00Z expected')
  return new Date(at).toISOString()
}

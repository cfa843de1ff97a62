/** Who asks: a bearer token, or the session's cookie. */
import type { Request } from 'express'
import { ShoalError } from '../../core/errors.ts'
import { limits } from '../../wire/limits.ts'
import type { Account } from '../account.ts'
import { type Borne, openReporting } from '../grants/bearer.ts'
import type { Services } from '../services.ts'
import type { Attempts } from './attempts.ts'
import { mustBeOurPage, sessionAccount } from './sessions.ts'

export interface Asker {
  readonly account: Account
  readonly isPage: boolean
  readonly isByCode?: boolean
  /** The grant that said who asks. */
  readonly borne?: Borne
}

const BEARER = /^Bearer ([A-Za-z0-9_-]{1,128})$/i
const CODE = /^Code ([A-Za-z0-9-]{1,32})$/i
const GRANT = new RegExp(`^Grant ([A-Za-z0-9_.-]{1,${limits.grantCharsMax}})$`, 'i')
const READS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

export const addressOf = (req: Request): string => req.ip ?? 'unknown'

/**
 * A header wins over the cookie, and a wrong one is never made good by it.
 * @throws ShoalError `not-authenticated`; 403 for a session's change without the page's token.
 */
export async function askerOf(services: Services, attempts: Attempts, req: Request): Promise<Asker> {
  const header = req.get('authorization')
  if (header !== undefined) {
    const token = BEARER.exec(header.slice(0, 200))?.[1]
    const account = token === undefined ? undefined : await services.tokens.accountOf(token)
    if (account !== undefined) return { account, isPage: false }
    await attempts.failed(addressOf(req))
    throw new ShoalError(
      'not-authenticated',
      'this token is wrong, was revoked or has expired: ask for a new one',
    )
  }
  const account = await sessionAccount(services, req)
  if (account === undefined)
    throw new ShoalError('not-authenticated', 'sign in, or send a token: "Authorization: Bearer shoal_…"')
  if (!READS.has(req.method)) mustBeOurPage(req)
  return { account, isPage: true }
}

/**
 * The same for a route that takes a one-time code: it is used up by this.
 * @throws ShoalError `not-authenticated`.
 */
export async function askerByCodeOr(services: Services, attempts: Attempts, req: Request): Promise<Asker> {
  const code = CODE.exec((req.get('authorization') ?? '').slice(0, 200))?.[1]
  if (code === undefined) return await askerOf(services, attempts, req)
  await attempts.mustBeOpen(addressOf(req))
  const account = services.deviceCodes.redeem(code)
  if (account !== undefined) return { account, isPage: false, isByCode: true }
  await attempts.failed(addressOf(req))
  throw new ShoalError('not-authenticated', 'this code is wrong, was used or has expired: ask for a new one')
}

/**
 * The same for a route that takes a grant: whose it is asks, and may do nothing else by it.
 * @throws ShoalError `not-granted`, `not-authenticated`.
 */
export async function askerByGrantOr(services: Services, attempts: Attempts, req: Request): Promise<Asker> {
  const token = GRANT.exec((req.get('authorization') ?? '').slice(0, 300))?.[1]
  if (token === undefined) return await askerOf(services, attempts, req)
  const { refusals } = services.reportRate
  await refusals.mustBeOpen(addressOf(req))
  try {
    const borne = await openReporting(services, token)
    const account = { user: borne.grant.for_user, role: 'viewer', groups: [] } as const
    return { account, isPage: false, borne }
  } catch (error) {
    if (error instanceof ShoalError && error.code === 'not-granted') await refusals.failed(addressOf(req))
    throw error
  }
}

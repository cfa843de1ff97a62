/** Signing in and out: by name and password, one-time links, API tokens, invitations; and the rules for all of them. */
import express, { Router, type Request } from 'express'
import { z } from 'zod'
import { tryIpAddress } from '../../core/address.ts'
import { ShoalError } from '../../core/errors.ts'
import { zPassword } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'
import { endLostGrants } from '../lost-grants.ts'
import type { Services } from '../services.ts'
import { addressOf } from './authenticate.ts'
import type { Attempts } from './attempts.ts'
import { companySignInRoutes, type CompanySignInParts } from './company-sign-in.ts'
import { loginUrl, nextPage } from '../next-page.ts'
import { problemOf } from './problems.ts'
import { beginSession, endSession, mustBeOurPage, type SessionOwner } from './sessions.ts'

export interface SignInParts {
  readonly services: Services
  /** Absent where the company's login is not set up. */
  readonly company: Pick<CompanySignInParts, 'login' | 'arrivals'> | undefined
  readonly isSecure: boolean
  readonly attempts: Attempts
  /** Failures by the name that was tried. */
  readonly nameAttempts: Attempts
  /** Settings `allowInsecureLogin`, or the portal's own address is https. */
  readonly isAllowedFromAfar: boolean
}

const zLogin = z.union([
  z.object({ name: z.string().max(64), password: z.string().max(limits.passwordCharsMax) }),
  z.object({ token: z.string().max(128) }),
])
const zNext = z.object({ next: z.string() })
const zChosen = z.object({ password: zPassword })

export function signInRoutes(parts: SignInParts): Router {
  const router = Router()
  const { company, isSecure } = parts
  if (company !== undefined)
    router.use(
      companySignInRoutes({
        ...company,
        isSecure,
        signIn: (req, find) => signIn(parts, req, find),
        onArrived: async (user) => {
          await endLostGrants(parts.services, { user }, 'company login')
        },
      }),
    )
  router.get('/login/:code', async (req, res) => {
    const redeemed = parts.services.loginCodes.redeem(req.params.code)
    await signIn(parts, req, () =>
      Promise.resolve(redeemed === undefined ? undefined : { account: redeemed.account }),
    )
    const isSetUp = redeemed?.isSetUp === true && !(await parts.services.people.hasAdmin())
    res.redirect(303, isSetUp ? '/set-up' : '/')
  })
  router.post(
    '/login',
    express.urlencoded({ limit: '4kb' }),
    express.json({ limit: '4kb' }),
    async (req, res) => {
      mustNotBeForeign(req)
      const isForm = req.is('urlencoded') !== false
      try {
        const given = zLogin.parse(req.body)
        await signIn(parts, req, () =>
          'token' in given ? byToken(parts, given.token) : byName(parts, given),
        )
      } catch (error) {
        if (!isForm || problemOf(error).status >= 500) throw error
        const again = loginUrl(nextOf(req))
        // the page says so in words
        res.redirect(303, `${again}${again.includes('?') ? '&' : '?'}failed=1`)
        return
      }
      if (isForm) res.redirect(303, nextOf(req))
      else res.sendStatus(204)
    },
  )
  router.post('/welcome/:code', express.urlencoded({ limit: '4kb' }), async (req, res) => {
    mustNotBeForeign(req)
    const { code } = req.params
    try {
      const { password } = zChosen.parse(req.body)
      await signIn(parts, req, async () => ({
        person: await parts.services.invitations.accept(code, password),
      }))
    } catch (error) {
      if (problemOf(error).status !== 400) throw error
      res.redirect(303, `/welcome/${encodeURIComponent(code)}?weak=1`) // the page says so in words
      return
    }
    res.redirect(303, '/')
  })
  router.post('/logout', express.urlencoded({ limit: '4kb' }), async (req, res) => {
    mustBeOurPage(req)
    await endSession(req)
    // What pages kept, as of films that were watched. Of TLS only: elsewhere browsers ignore it.
    res.set('Clear-Site-Data', '"storage"').redirect(303, '/')
  })
  return router
}

/** Where the form says to go on. */
function nextOf(req: Request): string {
  const form = zNext.safeParse(req.body)
  return nextPage(form.success ? form.data.next : undefined)
}

/** @throws ShoalError `not-authenticated`, or `not-granted` over plain HTTP from another machine. */
async function signIn(
  parts: SignInParts,
  req: Request,
  find: () => Promise<SessionOwner | undefined>,
): Promise<void> {
  if (!parts.isAllowedFromAfar && !isFromHere(addressOf(req), req.socket))
    throw new ShoalError(
      'not-granted',
      'signing in over plain HTTP works on the portal’s own machine only: set up TLS, or allowInsecureLogin for a trial',
    )
  await parts.attempts.mustBeOpen(addressOf(req))
  const owner = await find()
  if (owner === undefined) {
    await parts.attempts.failed(addressOf(req))
    throw new ShoalError(
      'not-authenticated',
      'this name and password, token or link is not known here, or was used before',
    )
  }
  await beginSession(req, owner)
  if ('person' in owner) await parts.services.people.noteSignIn(owner.person)
}

async function byToken({ services }: SignInParts, token: string): Promise<SessionOwner | undefined> {
  const account = await services.tokens.accountOf(token)
  return account === undefined ? undefined : { account }
}

/**
 * A name is guessed at so many times and no more, from wherever, for a while: the right password does not help then.
 * @throws TooManyFailures.
 */
async function byName(
  { services, nameAttempts }: SignInParts,
  given: { readonly name: string; readonly password: string },
): Promise<SessionOwner | undefined> {
  const { people, passwords } = services
  const name = given.name.trim().toLowerCase()
  await nameAttempts.spend(name)
  const stored = await people.passwordOf(name)
  if (!(await passwords.isRight(stored, given.password))) return undefined
  await nameAttempts.giveBack(name)
  return { person: name }
}

/** A form of another site that signs a victim in as somebody else (login CSRF): browsers say where it came from. */
function mustNotBeForeign(req: Request): void {
  const site = req.get('sec-fetch-site')
  if (site === 'cross-site' || site === 'same-site')
    throw new ShoalError('not-granted', 'sign in on the portal’s own page')
}

/**
 * Whether `address`, from which a request comes, is this machine's: a loopback one, or the very address at which the
 * connection arrived. What a machine sends to an address of its own never leaves it, and the set-up link names such
 * a one.
 */
export function isFromHere(
  address: string,
  socket: { readonly remoteAddress?: string | undefined; readonly localAddress?: string | undefined },
): boolean {
  const host = tryIpAddress(address)
  if (host === undefined) return false
  if (host === '::1' || host.startsWith('127.')) return true
  const isDirect = host === tryIpAddress(socket.remoteAddress ?? '')
  return isDirect && host === tryIpAddress(socket.localAddress ?? '')
}

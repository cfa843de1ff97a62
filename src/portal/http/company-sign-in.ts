/** Signing in with the company's login: off to the issuer, and back. */
import { Router, type CookieOptions, type Request, type Response } from 'express'
import { ShoalError } from '../../core/errors.ts'
import { minutes } from '../../core/units.ts'
import { CALLBACK_PATH, type CompanyLogin } from '../company-login/company-login.ts'
import { arrive } from '../people/arrivals.ts'
import { sha256Hex } from '../people/tokens.ts'
import { nextPage } from '../next-page.ts'
import { problemOf } from './problems.ts'
import type { SessionOwner } from './sessions.ts'

/** Binds a sign-in that is under way to its browser. */
const COOKIE = 'shoal.login'
const SECRET = new RegExp(`(?:^|; )${COOKIE.replace('.', '\\.')}=([A-Za-z0-9_-]{43})(?:;|$)`)

export interface CompanySignInParts {
  readonly login: CompanyLogin
  readonly arrivals: Parameters<typeof arrive>[0]
  /** Groups and role of the person are what the login says from now on. */
  readonly onArrived: (person: string) => Promise<void>
  readonly isSecure: boolean
  /** Counts failures, begins the session. */
  readonly signIn: (req: Request, find: () => Promise<SessionOwner | undefined>) => Promise<void>
}

export function companySignInRoutes({
  login,
  arrivals,
  onArrived,
  isSecure,
  signIn,
}: CompanySignInParts): Router {
  const router = Router()
  const cookie: CookieOptions = { httpOnly: true, sameSite: 'lax', secure: isSecure, path: '/login/company' }
  router.get('/login/company', async (req, res) => {
    const { next, invitation: given } = req.query
    const invitation = typeof given === 'string' ? given.slice(0, 64) : undefined
    if (invitation !== undefined && !hasSeenWelcome(req, invitation)) {
      res.redirect(303, `/welcome/${encodeURIComponent(invitation)}`)
      return
    }
    const wish = { next: nextPage(next), invitation }
    const { url, secret } = await login.begin(wish)
    res.cookie(COOKIE, secret, { ...cookie, maxAge: minutes(10) }).redirect(303, url.href)
  })
  router.get(CALLBACK_PATH, async (req, res) => {
    res.clearCookie(COOKIE, cookie)
    let next = '/'
    try {
      await signIn(req, async () => {
        const secret = SECRET.exec(req.get('cookie') ?? '')?.[1] ?? ''
        const arrival = await login.finish(queryOf(req), secret)
        next = arrival.next
        const person = await arrive(arrivals, arrival)
        await onArrived(person)
        return { person }
      })
    } catch (error) {
      sayWhy(res, error)
      return
    }
    res.redirect(303, next)
  })
  return router
}

/**
 * Whoever is bound to an account by an invitation has come from its page, which says whose account it is: a link that somebody was sent
 * binds nobody. The cookie is sent with requests from our own pages only.
 */
const WELCOME = 'shoal.welcome'

export function noteWelcome(res: Response, code: string, { isSecure }: { readonly isSecure: boolean }): void {
  const options = { httpOnly: true, secure: isSecure, path: '/login/company', maxAge: minutes(10) }
  res.cookie(WELCOME, sha256Hex(code), { ...options, sameSite: 'strict' })
}

const hasSeenWelcome = (req: Request, code: string): boolean =>
  (req.get('cookie') ?? '').split('; ').includes(`${WELCOME}=${sha256Hex(code)}`)

const queryOf = (req: Request): string => {
  const at = req.originalUrl.indexOf('?')
  return at < 0 ? '' : req.originalUrl.slice(at)
}

/** The page of `/login` says in words what the code means; what nobody expects is thrown on. */
function sayWhy(res: Response, error: unknown): void {
  if (!(error instanceof ShoalError) || problemOf(error).status >= 500) throw error
  res.redirect(
    303,
    `/login?failed=${error.code === 'not-authenticated' ? 'company' : `company-${error.code}`}`,
  )
}

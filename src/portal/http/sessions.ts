/** Sessions of people in a browser: the cookie, its account, and the token against forged requests. */
import { csrfSync } from 'csrf-sync'
import session from 'express-session'
import type { Request, RequestHandler } from 'express'
import { z } from 'zod'
import { zRole } from '../../wire/api.ts'
import type { Account } from '../account.ts'
import type { Services } from '../services.ts'
import type { SessionStore } from '../people/session-store.ts'
import type { PortalSettings } from '../settings.ts'

declare module 'express-session' {
  interface SessionData {
    /** Who signed in by a token or a one-time link. JSON-safe; read back by {@link sessionAccount} only. */
    account?: Account
    /** Who signed in by name: role and groups are as they are at each request. */
    person?: string
  }
}

const zAccount = z.object({
  user: z.string(),
  role: zRole,
  groups: z.array(z.string()),
  tokenId: z.string().optional(),
})
const zPerson = z.string().max(64)
/** A form's body, as far as it carries the token against forged requests. */
const zFormToken = z.object({ _csrf: z.string() })

export const SESSION_COOKIE = 'shoal.sid'

export function sessionMiddleware(parts: {
  readonly store: SessionStore
  readonly secret: string
  readonly isSecure: boolean
  readonly settings: PortalSettings
}): RequestHandler {
  const handle = session({
    name: SESSION_COOKIE,
    secret: parts.secret,
    store: parts.store,
    resave: false,
    saveUninitialized: false,
    cookie: {
      httpOnly: true,
      sameSite: 'lax',
      secure: parts.isSecure,
      maxAge: parts.settings.sessionLifeMs,
    },
  })
  return (req, res, next) => {
    // a token says who asks there, and `askerOf` never looks at the cookie then
    const isByToken = req.get('authorization') !== undefined && /^\/(?:api|metrics)\b/.test(req.originalUrl)
    if (isByToken) next()
    else
      handle(req, res, (error?: unknown) => {
        if (error === undefined && isSignedIn(req) && !isByPage(req)) parts.store.noteUse(req.sessionID)
        next(error)
      })
  }
}

const isSignedIn = (req: Request): boolean =>
  req.session.person !== undefined || req.session.account !== undefined

/**
 * A page that renews itself asks with this header, or, without JavaScript, at an address with `?poll`: nobody did anything,
 * so it keeps no session alive. Whoever lies about it shortens their own.
 */
const isPoll = (req: Request): boolean =>
  req.get('x-shoal-poll') !== undefined || req.query['poll'] !== undefined

/** Nobody did anything: a page renews itself, or asks for what it is drawn with. */
const isByPage = (req: Request): boolean => isPoll(req) || req.originalUrl.startsWith('/assets/')

/** Whose a new session is: an account by itself, or a person. */
export type SessionOwner = { readonly account: Account } | { readonly person: string }

/** The session before is gone, so an id that was planted is worth nothing. */
export async function beginSession(req: Request, owner: SessionOwner): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    req.session.regenerate((error: unknown) => {
      if (error === undefined || error === null) resolve()
      else reject(asError(error))
    })
  })
  Object.assign(req.session, owner)
}

export async function endSession(req: Request): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    req.session.destroy((error: unknown) => {
      if (error === undefined || error === null) resolve()
      else reject(asError(error))
    })
  })
}

/** The person whose session this is, whatever has become of them; undefined for a session by token or link. */
export function personOf(req: Request): string | undefined {
  const person = zPerson.safeParse(req.session.person)
  return person.success ? person.data : undefined
}

/** Who is signed in. A session that came by a token ends with it, and a person's with the person. */
export async function sessionAccount(
  { tokens, people }: Services,
  req: Request,
): Promise<Account | undefined> {
  const person = personOf(req)
  if (person !== undefined) return people.accountOf(person)
  const parsed = zAccount.safeParse(req.session.account)
  if (!parsed.success) return undefined
  const { tokenId, ...account } = parsed.data
  return tokenId === undefined ? account : tokens.accountById(tokenId)
}

const csrf = csrfSync({
  getTokenFromRequest: (req) => {
    const header = req.get('x-csrf-token')
    if (header !== undefined) return header
    const form = zFormToken.safeParse(req.body)
    return form.success ? form.data._csrf : undefined
  },
})

/** For forms and scripts of our pages; the same for a whole session. */
export const csrfTokenOf = (req: Request): string => csrf.generateToken(req)

/** @throws the library's error of status 403 when a request that changes things lacks the session's token. */
export function mustBeOurPage(req: Request): void {
  if (!csrf.isRequestValid(req)) throw csrf.invalidCsrfTokenError
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error('the session store failed', { cause: error })
}

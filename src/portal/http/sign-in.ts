/** Signing in and out: one-time links, API tokens, and the rules for both. */
import express, { Router, type Request } from 'express'
import { z } from 'zod'
import { tryIpAddress } from '../../core/address.ts'
import { ShoalError } from '../../core/errors.ts'
import type { Account } from '../account.ts'
import type { Services } from '../services.ts'
import { addressOf } from './authenticate.ts'
import type { Attempts } from './attempts.ts'
import { problemOf } from './problems.ts'
import { beginSession, endSession, mustBeOurPage } from './sessions.ts'

export interface SignInParts {
  readonly services: Services
  readonly attempts: Attempts
  /** Settings `allowInsecureLogin`, or the portal's own address is https. */
  readonly isAllowedFromAfar: boolean
}

const zLogin = z.object({ token: z.string().max(128) })

export function signInRoutes(parts: SignInParts): Router {
  const router = Router()
  router.get('/login/:code', async (req, res) => {
    await signIn(parts, req, () => Promise.resolve(parts.services.loginCodes.redeem(req.params.code)))
    res.redirect(303, '/')
  })
  router.post(
    '/login',
    express.urlencoded({ limit: '4kb' }),
    express.json({ limit: '4kb' }),
    async (req, res) => {
      mustNotBeForeign(req)
      const isForm = req.is('urlencoded') !== false
      try {
        const { token } = zLogin.parse(req.body)
        await signIn(parts, req, () => parts.services.tokens.accountOf(token))
      } catch (error) {
        if (!isForm || problemOf(error).status >= 500) throw error
        res.redirect(303, '/login?failed=1') // the page says so in words
        return
      }
      if (isForm) res.redirect(303, '/')
      else res.sendStatus(204)
    },
  )
  router.post('/logout', express.urlencoded({ limit: '4kb' }), async (req, res) => {
    mustBeOurPage(req)
    await endSession(req)
    res.redirect(303, '/')
  })
  return router
}

/** @throws ShoalError `not-authenticated`, or `not-granted` over plain HTTP from another machine. */
async function signIn(
  parts: SignInParts,
  req: Request,
  find: () => Promise<Account | undefined>,
): Promise<void> {
  if (!parts.isAllowedFromAfar && !isFromHere(addressOf(req), req.socket))
    throw new ShoalError(
      'not-granted',
      'signing in over plain HTTP works on the portal’s own machine only: set up TLS, or allowInsecureLogin for a trial',
    )
  await parts.attempts.mustBeOpen(addressOf(req))
  const account = await find()
  if (account === undefined) {
    await parts.attempts.failed(addressOf(req))
    throw new ShoalError('not-authenticated', 'this token or link is not known here, or was used before')
  }
  await beginSession(req, account)
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

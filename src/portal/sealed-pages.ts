/** What the page of a link that asks for a password may call. Nobody is signed in there: every failure counts. */
import type { Request } from 'express'
import type { OpenedLink } from './grants/sealed-links.ts'
import type { Attempts } from './http/attempts.ts'
import { addressOf } from './http/authenticate.ts'
import type { Services } from './services.ts'

export interface SealedPages {
  /** Whether there is a link behind the code. @throws TooManyFailures. */
  isGood(req: Request, code: string): Promise<boolean>
  /** Undefined for another password, or none. @throws TooManyFailures; ShoalError `unavailable`. */
  open(req: Request, code: string, password: string): Promise<OpenedLink | undefined>
}

export interface PageAttempts {
  /** Failures by address. */
  readonly attempts: Attempts
  /** Failures by the name, or the link, that was tried. */
  readonly nameAttempts: Attempts
}

export function sealedPages(
  { sealedLinks }: Services,
  { attempts, nameAttempts }: PageAttempts,
): SealedPages {
  return {
    async isGood(req, code) {
      await attempts.mustBeOpen(addressOf(req))
      const isGood = await sealedLinks.isGood(code)
      if (!isGood) await attempts.failed(addressOf(req))
      return isGood
    },
    async open(req, code, password) {
      const key = `link ${code.slice(0, 64)}`
      await attempts.mustBeOpen(addressOf(req))
      await nameAttempts.spend(key)
      const link = await sealedLinks.open(code, password)
      if (link === undefined) await attempts.failed(addressOf(req))
      else await nameAttempts.giveBack(key)
      return link
    },
  }
}

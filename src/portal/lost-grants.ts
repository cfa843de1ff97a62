/**
 * Rights that somebody had and has no more: what they took while they had them ends. Of the grants that people took for themselves,
 * those of whoever would not get them now. What an owner gave to somebody by name stays: it was not by an audience that they had it.
 */
import { ShoalError } from '../core/errors.ts'
import type { Slug } from '../core/ids.ts'
import { minutes } from '../core/units.ts'
import { Breath } from '../platform/breath.ts'
import { mayFetch } from './access.ts'
import type { Account } from './account.ts'
import type { Services } from './services.ts'

/** Whose grants, or of what; all of them without either. */
export interface Affected {
  readonly slug?: Slug
  readonly user?: string
}

/** Of a whole company's grants; others have their turn in between. */
const WORK_MAX = minutes(10)

/** Answers how many grants ended. */
export async function endLostGrants(services: Services, affected: Affected, by: string): Promise<number> {
  const { clock, ledger } = services
  const accounts = new Map<string, readonly Account[]>()
  const answers = new Map<string, boolean>()
  let ended = 0
  const breath = new Breath(WORK_MAX)
  for (const { id, for_user: user, bundle } of await ownGrants(services, affected)) {
    if (breath.isDue) await breath.take()
    const key = `${user} ${bundle}`
    let isHeld = answers.get(key)
    if (isHeld === undefined) {
      const those = accounts.get(user) ?? (await accountsOf(services, user))
      accounts.set(user, those)
      isHeld = await mayAnyFetch(services, those, bundle)
      answers.set(key, isHeld)
    }
    if (isHeld) continue
    ended += await ledger.commit({ kind: 'revoke', id, at: clock.epoch(), by })
  }
  return ended
}

function ownGrants({ db, clock }: Services, { slug, user }: Affected) {
  let select = db
    .selectFrom('grants')
    .select(['id', 'for_user', 'bundle'])
    .whereRef('issued_by', '=', 'for_user')
    .where('revoked_at', 'is', null)
    .where('expires_at', '>', clock.epoch())
  if (slug !== undefined) select = select.where('bundle', '=', slug)
  if (user !== undefined) select = select.where('for_user', '=', user)
  return select.execute()
}

/** A person, or whatever tokens of that name stand for. */
async function accountsOf({ people, tokens }: Services, user: string): Promise<readonly Account[]> {
  const person = await people.find(user)
  if (person === undefined) return tokens.accountsOf(user)
  const account = await people.accountOf(user)
  return account === undefined ? [] : [account]
}

async function mayAnyFetch(services: Services, accounts: readonly Account[], slug: Slug): Promise<boolean> {
  for (const account of accounts) {
    const mayIt = await mayFetch(services, account, slug).catch((error: unknown) => {
      if (error instanceof ShoalError && error.code === 'not-found') return false
      throw error
    })
    if (mayIt) return true
  }
  return false
}

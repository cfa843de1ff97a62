/** What the pages of one's own account may call: password, places, tokens, terminals that want one. */
import type { Request, Response } from 'express'
import { ShoalError } from '../core/errors.ts'
import { hours } from '../core/units.ts'
import { zNewPerson, zNewToken, zPassword, zPersonRole, type Person, type PersonRole } from '../wire/api.ts'
import { mustBeAllowed } from './access.ts'
import type { Account } from './account.ts'
import type { FeedInfo } from './feeds/feeds.ts'
import type { Attempts } from './http/attempts.ts'
import { noteWelcome } from './http/company-sign-in.ts'
import { TooManyFailures } from './http/problems.ts'
import { beginSession, personOf } from './http/sessions.ts'
import type { AskedLogin } from './people/device-authorizations.ts'
import { heldRoles, mayHold } from './people/roles.ts'
import { sha256Hex, type CreatedToken, type TokenInfo } from './people/tokens.ts'
import { may } from './policy.ts'
import type { Services } from './services.ts'

/** A token of one's own ends, and within this. */
const OWN_TOKEN_DAYS_MAX = 365
const DAY_S = hours(24) / 1_000

/** A person as the page of their own account shows them. */
export interface OwnAccount {
  readonly person: Person
  /** Places where they are signed in, this one among them. */
  readonly sessions: number
  readonly tokens: readonly TokenInfo[]
  readonly feed: FeedInfo | undefined
  /** What a token of theirs may be for. */
  readonly roles: readonly PersonRole[]
}

export interface AccountPages {
  /** Whom an invitation's code invites, on the page that says so; undefined for one that is good no more. */
  invited(code: string, res: Response): Promise<Person | undefined>
  /** Whoever was let in by a one-time link or a token of an admin may make the first admin of flesh and blood. */
  mayStart(account: Account): Promise<boolean>
  /** Makes that admin, and signs them in. @throws ShoalError `not-granted`, `conflict`, `bad-input`. */
  start(
    req: Request,
    account: Account,
    draft: { name: string; displayName: string; password: string },
  ): Promise<void>
  /** Undefined for who is signed in by a token or a link; everything below is `not-granted` for them. */
  own(req: Request): Promise<OwnAccount | undefined>
  /**
   * Ends every other session.
   * @throws ShoalError `bad-input` for a bad new one, `not-granted` when `old` is wrong and when it was tried too often.
   */
  changePassword(req: Request, given: { old: string; new: string }): Promise<void>
  /** Answers how many sessions ended. */
  signOutElsewhere(req: Request): Promise<number>
  /** Shown once. @throws ShoalError `not-granted` for a role that they do not hold; ZodError. */
  makeToken(req: Request, draft: { name: string; role: string; days: string }): Promise<CreatedToken>
  /** @throws ShoalError `not-found` for one that is not theirs. */
  revokeToken(req: Request, id: string): Promise<void>
  /** The address of their feed, shown once; one that was there before ends. */
  makeFeed(req: Request): Promise<string>
  /** @throws ShoalError `not-found`. */
  deleteFeed(req: Request): Promise<void>
  /** What a terminal that shows this code has asked for; undefined when none does. */
  askedLogin(userCode: string): AskedLogin | undefined
  /** @throws ShoalError `not-found`, `not-granted`. */
  allowLogin(req: Request, userCode: string, role: string): Promise<void>
  denyLogin(req: Request, userCode: string): Promise<void>
}

export function accountPages(services: Services, nameAttempts: Attempts): AccountPages {
  const { people, invitations, passwords, sessions, journal, tokens, deviceAuthorizations, feeds } = services
  const ownPerson = async (req: Request): Promise<Person | undefined> => {
    const name = personOf(req)
    const person = name === undefined ? undefined : await people.find(name)
    return person?.disabledAt === null ? person : undefined
  }
  const mustBePerson = async (req: Request): Promise<Person> => {
    const person = await ownPerson(req)
    if (person === undefined) throw new ShoalError('not-granted', 'you are not signed in by name')
    return person
  }
  /** Counted as at signing in: a session that was left open tells nobody the password. */
  const mustKnowPassword = async (name: string, password: string): Promise<void> => {
    try {
      await nameAttempts.spend(name)
      if (await passwords.isRight(await people.passwordOf(name), password)) {
        await nameAttempts.giveBack(name)
        return
      }
    } catch (error) {
      throw error instanceof TooManyFailures ? new ShoalError('not-granted', error.message) : error
    }
    throw new ShoalError('not-granted', 'your present password is another')
  }
  const aboutOf = ({ name, displayName, email }: Person): string[] => [name, displayName, email]
  return {
    async invited(code, res) {
      const name = await invitations.personOf(code)
      if (name !== undefined) noteWelcome(res, code, { isSecure: services.publicUrl.startsWith('https:') })
      return name === undefined ? undefined : people.find(name)
    },
    mayStart: async (account) => may(account, { kind: 'manage-people' }) && !(await people.hasAdmin()),
    async start(req, account, { name, displayName, password }) {
      mustBeAllowed(account, { kind: 'manage-people' })
      if (await people.hasAdmin())
        throw new ShoalError('conflict', 'the portal has an admin already: sign in by name')
      const draft = zNewPerson.parse({ name, displayName, role: 'admin' })
      // The password first: a person without one, as the only admin, would be a locked door.
      const hash = await passwords.hash(zPassword.parse(password), [draft.name, draft.displayName])
      const person = await people.create(draft, account.user)
      await journal.change((tx, notes) => people.setPassword(tx, notes, { name: person.name, hash }))
      await beginSession(req, { person: person.name })
      await people.noteSignIn(person.name)
    },
    async own(req) {
      const person = await ownPerson(req)
      if (person === undefined) return undefined
      return {
        person,
        sessions: await sessions.countOf(person.name),
        tokens: await tokens.list(person.name),
        feed: await feeds.find(person.name),
        roles: heldRoles(person.role),
      }
    },
    async changePassword(req, given) {
      const person = await mustBePerson(req)
      const { name } = person
      await mustKnowPassword(name, given.old)
      const hash = await passwords.hash(zPassword.parse(given.new), aboutOf(person))
      const keeps = sha256Hex(req.sessionID)
      await journal.change((tx, notes) => people.setPassword(tx, notes, { name, hash, keeps }))
    },
    async signOutElsewhere(req) {
      const person = await mustBePerson(req)
      return sessions.endOthers(person.name, req.sessionID)
    },
    async makeToken(req, { name, role, days }) {
      const person = await mustBePerson(req)
      const draft = zNewToken.parse({ name, role, expiresInSeconds: daysOf(days) * DAY_S })
      if (!mayHold(person.role, draft.role) || draft.role === 'origin')
        throw new ShoalError('not-granted', 'you may not give a token of this role')
      return tokens.create({ ...draft, user: person.name }, person.name)
    },
    async revokeToken(req, id) {
      const { name } = await mustBePerson(req)
      await tokens.delete(id, name, { of: name })
    },
    async makeFeed(req) {
      return feeds.create((await mustBePerson(req)).name)
    },
    async deleteFeed(req) {
      await feeds.delete((await mustBePerson(req)).name)
    },
    askedLogin: (userCode) => deviceAuthorizations.asked(userCode),
    async allowLogin(req, userCode, role) {
      const person = await mustBePerson(req)
      await deviceAuthorizations.allow(userCode, { person: person.name, role: zPersonRole.parse(role) })
    },
    async denyLogin(req, userCode) {
      await mustBePerson(req)
      deviceAuthorizations.deny(userCode)
    },
  }
}

/** @throws ShoalError `bad-input`. */
function daysOf(text: string): number {
  const days = /^\d{1,3}$/.test(text) ? Number(text) : 0
  if (days >= 1 && days <= OWN_TOKEN_DAYS_MAX) return days
  throw new ShoalError('bad-input', `a token of yours is good for 1 to ${OWN_TOKEN_DAYS_MAX} days`)
}

/** What pages about people may call, over the portal's services: who may see and do what is decided here. */
import type { Request } from 'express'
import type { z } from 'zod'
import { ShoalError } from '../core/errors.ts'
import {
  zNewGroup,
  zNewPerson,
  zPassword,
  zPersonChange,
  type Group,
  type Invitation,
  type NewGroup,
  type NewPerson,
  type Person,
  type PersonChange,
  type zDisabled,
  type zPersonQuery,
} from '../wire/api.ts'
import { mustBeAllowed } from './access.ts'
import type { Account } from './account.ts'
import type { Page } from './cursor.ts'
import { beginSession, personOf } from './http/sessions.ts'
import { disable } from './people/leaving.ts'
import { sha256Hex } from './people/tokens.ts'
import { may } from './policy.ts'
import type { Services } from './services.ts'

/** A person as the page of their own account shows them. */
export interface OwnAccount {
  readonly person: Person
  /** Places where they are signed in, this one among them. */
  readonly sessions: number
}

export interface PeoplePages {
  mayRead(account: Account): boolean
  mayManage(account: Account): boolean
  /** @throws ShoalError `not-found` for whom that is no business; so for each that reads. */
  list(account: Account, query: z.output<typeof zPersonQuery>): Promise<Page<Person>>
  find(account: Account, name: string): Promise<Person>
  groups(account: Account): Promise<readonly Group[]>
  /** @throws ShoalError `not-granted`; so for each that changes something. */
  create(account: Account, draft: NewPerson): Promise<{ person: Person; invitation: Invitation }>
  change(account: Account, name: string, change: PersonChange): Promise<Person>
  invite(account: Account, name: string): Promise<Invitation>
  disable(account: Account, name: string): Promise<Omit<z.infer<typeof zDisabled>, 'person'>>
  enable(account: Account, name: string): Promise<Person>
  createGroup(account: Account, draft: NewGroup): Promise<Group>
  deleteGroup(account: Account, name: string): Promise<void>
  join(account: Account, person: string, group: string): Promise<void>
  leave(account: Account, person: string, group: string): Promise<void>
  /** Whom an invitation's code invites; undefined for one that is good no more. */
  invited(code: string): Promise<Person | undefined>
  /** Whoever was let in by a one-time link or a token of an admin may make the first admin of flesh and blood. */
  mayStart(account: Account): Promise<boolean>
  /** Makes that admin, and signs them in. @throws ShoalError `not-granted`, `conflict`, `bad-input`. */
  start(
    req: Request,
    account: Account,
    draft: { name: string; displayName: string; password: string },
  ): Promise<void>
  /** Undefined for who is signed in by a token or a link. */
  own(req: Request): Promise<OwnAccount | undefined>
  /** Ends every other session. @throws ShoalError `not-granted` when `old` is wrong, `bad-input` for a bad new one. */
  changePassword(req: Request, given: { old: string; new: string }): Promise<void>
  /** Answers how many sessions ended. */
  signOutElsewhere(req: Request): Promise<number>
}

export function peoplePages(services: Services): PeoplePages {
  const { people, groups, invitations, passwords, sessions, journal } = services
  const mustRead = (account: Account): void => {
    if (!may(account, { kind: 'read-people' })) throw new ShoalError('not-found', 'no such page')
  }
  const mustManage = (account: Account): void => mustBeAllowed(account, { kind: 'manage-people' })
  const mustBePerson = async (req: Request): Promise<Person> => {
    const name = personOf(req)
    const person = name === undefined ? undefined : await people.find(name)
    if (person === undefined || person.disabledAt !== null)
      throw new ShoalError('not-granted', 'you are not signed in by name')
    return person
  }
  const aboutOf = ({ name, displayName, email }: Person): string[] => [name, displayName, email]
  const setPassword = async (person: Person, password: string, keeps?: string): Promise<void> => {
    const hash = await passwords.hash(zPassword.parse(password), aboutOf(person))
    await journal.change((tx, notes) => people.setPassword(tx, notes, { name: person.name, hash, keeps }))
  }
  return {
    mayRead: (account) => may(account, { kind: 'read-people' }),
    mayManage: (account) => may(account, { kind: 'manage-people' }),
    async list(account, query) {
      mustRead(account)
      return people.list(query)
    },
    async find(account, name) {
      mustRead(account)
      const person = await people.find(name)
      if (person === undefined) throw new ShoalError('not-found', 'there is nobody of that name')
      return person
    },
    async groups(account) {
      mustRead(account)
      return groups.list()
    },
    async create(account, draft) {
      mustManage(account)
      const person = await people.create(zNewPerson.parse(draft), account.user)
      return { person, invitation: await invitations.create(person.name, account.user) }
    },
    async change(account, name, change) {
      mustManage(account)
      return people.change(name, zPersonChange.parse(change), account.user)
    },
    async invite(account, name) {
      mustManage(account)
      return invitations.create(name, account.user)
    },
    async disable(account, name) {
      mustManage(account)
      return disable(services, name, account.user)
    },
    async enable(account, name) {
      mustManage(account)
      return people.enable(name, account.user)
    },
    async createGroup(account, draft) {
      mustManage(account)
      return groups.create(zNewGroup.parse(draft), account.user)
    },
    async deleteGroup(account, name) {
      mustManage(account)
      await groups.delete(name, account.user)
    },
    async join(account, person, group) {
      mustManage(account)
      await groups.join({ person, group, by: account.user })
    },
    async leave(account, person, group) {
      mustManage(account)
      await groups.leave({ person, group, by: account.user })
    },
    async invited(code) {
      const name = await invitations.personOf(code)
      return name === undefined ? undefined : people.find(name)
    },
    mayStart: async (account) => may(account, { kind: 'manage-people' }) && !(await people.hasAdmin()),
    async start(req, account, { name, displayName, password }) {
      mustManage(account)
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
      const name = personOf(req)
      const person = name === undefined ? undefined : await people.find(name)
      return person === undefined ? undefined : { person, sessions: await sessions.countOf(person.name) }
    },
    async changePassword(req, given) {
      const person = await mustBePerson(req)
      if (!(await passwords.isRight(await people.passwordOf(person.name), given.old)))
        throw new ShoalError('not-granted', 'your present password is another')
      await setPassword(person, given.new, sha256Hex(req.sessionID))
    },
    async signOutElsewhere(req) {
      const person = await mustBePerson(req)
      return sessions.endOthers(person.name, req.sessionID)
    },
  }
}

/** What pages about people may call, over the portal's services: who may see and do what is decided here. */
import type { z } from 'zod'
import { ShoalError } from '../core/errors.ts'
import {
  zNewGroup,
  zNewPerson,
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
import { disable } from './people/leaving.ts'
import { changePerson, deleteGroup, leaveGroup } from './people/rights.ts'
import { may } from './policy.ts'
import type { Services } from './services.ts'

export interface PeoplePages {
  mayRead(account: Account): boolean
  mayManage(account: Account): boolean
  /** @throws ShoalError `not-found` for whom that is no business; so for each that reads. */
  list(account: Account, query: z.output<typeof zPersonQuery>): Promise<Page<Person>>
  find(account: Account, name: string): Promise<Person>
  groups(account: Account): Promise<readonly Group[]>
  groupNames(account: Account): Promise<readonly string[]>
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
}

export function peoplePages(services: Services): PeoplePages {
  const { people, groups, invitations } = services
  const mustRead = (account: Account): void => {
    if (!may(account, { kind: 'read-people' })) throw new ShoalError('not-found', 'no such page')
  }
  const mustManage = (account: Account): void => mustBeAllowed(account, { kind: 'manage-people' })
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
    async groupNames(account) {
      mustRead(account)
      return groups.names()
    },
    async create(account, draft) {
      mustManage(account)
      const person = await people.create(zNewPerson.parse(draft), account.user)
      return { person, invitation: await invitations.create(person.name, account.user) }
    },
    async change(account, name, change) {
      mustManage(account)
      return changePerson(services, { name, change: zPersonChange.parse(change), by: account.user })
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
      await deleteGroup(services, name, account.user)
    },
    async join(account, person, group) {
      mustManage(account)
      await groups.join({ person, group, by: account.user })
    },
    async leave(account, person, group) {
      mustManage(account)
      await leaveGroup(services, { person, group, by: account.user })
    },
  }
}

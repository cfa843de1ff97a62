/** REST: people and groups. */
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import {
  zDisabled,
  zGroup,
  zGroupList,
  zInvitation,
  zInvited,
  zNewGroup,
  zNewPerson,
  zPerson,
  zPersonChange,
  zPersonPage,
  zPersonQuery,
} from '../../wire/api.ts'
import { mustBeAllowed } from '../access.ts'
import { disable } from '../people/leaving.ts'
import { changePerson, deleteGroup, leaveGroup } from '../people/rights.ts'
import type { Services } from '../services.ts'
import { route, type ApiRoute } from './route.ts'

const zName = z.string().min(1).max(64)
const byName = z.object({ name: zName })
const byMember = z.object({ name: zName, person: zName })

export const peopleRoutes: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/users',
    summary: 'People, by name',
    query: zPersonQuery,
    answers: [{ status: 200, schema: zPersonPage }],
    handle: async ({ services, account, query }) => {
      mustBeAllowed(account, { kind: 'read-people' })
      return { status: 200, json: await services.people.list(query) }
    },
  }),
  route({
    method: 'post',
    path: '/users',
    summary:
      'Makes an account for a person; the answer is the only place that ever shows the link at which a password is chosen',
    body: zNewPerson,
    answers: [{ status: 201, schema: zInvited }],
    handle: async ({ services, account, body }) => {
      mustBeAllowed(account, { kind: 'manage-people' })
      const person = await services.people.create(body, account.user)
      const invitation = await services.invitations.create(person.name, account.user)
      return { status: 201, json: { person, invitation } }
    },
  }),
  route({
    method: 'get',
    path: '/users/{name}',
    summary: 'A person',
    params: byName,
    answers: [{ status: 200, schema: zPerson }],
    handle: async ({ services, account, params }) => {
      mustBeAllowed(account, { kind: 'read-people' })
      return { status: 200, json: await personNamed(services, params.name) }
    },
  }),
  route({
    method: 'put',
    path: '/users/{name}',
    summary: 'Changes a person’s role, shown name or address; what is absent stays',
    params: byName,
    body: zPersonChange,
    answers: [{ status: 200, schema: zPerson }],
    handle: async ({ services, account, params, body }) => {
      mustBeAllowed(account, { kind: 'manage-people' })
      const order = { name: params.name, change: body, by: account.user }
      return { status: 200, json: await changePerson(services, order) }
    },
  }),
  route({
    method: 'post',
    path: '/users/{name}/invitation',
    summary: 'A new link at which the person chooses a password; the one before is worth nothing then',
    params: byName,
    answers: [{ status: 201, schema: zInvitation }],
    handle: async ({ services, account, params }) => {
      mustBeAllowed(account, { kind: 'manage-people' })
      return { status: 201, json: await services.invitations.create(params.name, account.user) }
    },
  }),
  route({
    method: 'post',
    path: '/users/{name}/disable',
    summary:
      'Ends all that a person has: sessions, tokens, grants, devices; nobody signs in by that name any more',
    params: byName,
    answers: [{ status: 200, schema: zDisabled }],
    handle: async ({ services, account, params }) => {
      mustBeAllowed(account, { kind: 'manage-people' })
      const ended = await disable(services, params.name, account.user)
      return { status: 200, json: { person: await personNamed(services, params.name), ...ended } }
    },
  }),
  route({
    method: 'post',
    path: '/users/{name}/enable',
    summary: 'Lets a disabled person sign in again',
    params: byName,
    answers: [{ status: 200, schema: zPerson }],
    handle: async ({ services, account, params }) => {
      mustBeAllowed(account, { kind: 'manage-people' })
      return { status: 200, json: await services.people.enable(params.name, account.user) }
    },
  }),
  route({
    method: 'get',
    path: '/groups',
    summary: 'Groups, with how many are in each',
    answers: [{ status: 200, schema: zGroupList }],
    handle: async ({ services, account }) => {
      mustBeAllowed(account, { kind: 'read-people' })
      return { status: 200, json: { items: await services.groups.list() } }
    },
  }),
  route({
    method: 'post',
    path: '/groups',
    summary: 'Makes a group',
    body: zNewGroup,
    answers: [{ status: 201, schema: zGroup }],
    handle: async ({ services, account, body }) => {
      mustBeAllowed(account, { kind: 'manage-people' })
      return { status: 201, json: await services.groups.create(body, account.user) }
    },
  }),
  route({
    method: 'delete',
    path: '/groups/{name}',
    summary: 'Deletes a group: its members lose what it gave them',
    params: byName,
    answers: [{ status: 204 }],
    handle: async ({ services, account, params }) => {
      mustBeAllowed(account, { kind: 'manage-people' })
      await deleteGroup(services, params.name, account.user)
      return { status: 204 }
    },
  }),
  route({
    method: 'put',
    path: '/groups/{name}/members/{person}',
    summary: 'Puts a person into a group',
    params: byMember,
    answers: [{ status: 204 }],
    handle: async ({ services, account, params: { name: group, person } }) => {
      mustBeAllowed(account, { kind: 'manage-people' })
      await services.groups.join({ person, group, by: account.user })
      return { status: 204 }
    },
  }),
  route({
    method: 'delete',
    path: '/groups/{name}/members/{person}',
    summary: 'Takes a person out of a group',
    params: byMember,
    answers: [{ status: 204 }],
    handle: async ({ services, account, params: { name: group, person } }) => {
      mustBeAllowed(account, { kind: 'manage-people' })
      await leaveGroup(services, { person, group, by: account.user })
      return { status: 204 }
    },
  }),
]

/** @throws ShoalError `not-found`. */
async function personNamed({ people }: Services, name: string): Promise<z.infer<typeof zPerson>> {
  const person = await people.find(name)
  if (person === undefined) throw new ShoalError('not-found', 'there is nobody of that name')
  return person
}

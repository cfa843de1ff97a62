/** REST: grants, and who asks. */
import { z } from 'zod'
import { zGrantId, zGrantPage, zRenewal, zRole } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'
import { mustBeAllowed, readGrant, readRelease } from '../access.ts'
import { may } from '../policy.ts'
import { route, type ApiRoute } from './route.ts'

export const zPageQuery = z.object({
  limit: z.coerce.number().int().min(1).max(limits.pageItemsMax).default(limits.pageItemsDefault),
  cursor: z.string().max(512).optional(),
})
const byId = z.object({ id: zGrantId })
const byUser = z.object({ name: z.string().min(1).max(64) })
const zMe = z.object({ user: z.string(), role: zRole, groups: z.array(z.string()) })

export const grantRoutes: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/me',
    summary: 'Whose token or session this is',
    answers: [{ status: 200, schema: zMe }],
    handle: ({ account: { user, role, groups } }) =>
      Promise.resolve({ status: 200, json: { user, role, groups } }),
  }),
  route({
    method: 'get',
    path: '/grants',
    summary: 'Grants, newest first: all for an admin, else those given to you or by you',
    query: zPageQuery.extend({ user: z.string().min(1).max(64).optional() }),
    answers: [{ status: 200, schema: zGrantPage }],
    handle: async ({ services, account, query: { user, ...page } }) => {
      const concerning = may(account, { kind: 'read-all-grants' }) ? undefined : account.user
      return { status: 200, json: await services.grants.list({ ...page, concerning, forUser: user }) }
    },
  }),
  route({
    method: 'delete',
    path: '/grants/{id}',
    summary: 'Revokes a grant and what it was renewed to: trackers refuse them within seconds',
    params: byId,
    answers: [{ status: 204 }],
    handle: async ({ services, account, params }) => {
      await readGrant(services, account, { id: params.id, kind: 'revoke-grant' })
      await services.ledger.commit({
        kind: 'revoke',
        id: params.id,
        at: services.clock.epoch(),
        by: account.user,
      })
      return { status: 204 }
    },
  }),
  route({
    method: 'post',
    path: '/grants/{id}/renew',
    summary: 'A fresh grant in place of one that runs out; policy is checked again',
    params: byId,
    answers: [{ status: 200, schema: zRenewal }],
    handle: async ({ services, account, params }) => {
      const old = await readGrant(services, account, { id: params.id, kind: 'renew-grant' })
      const { facts, release, until } = await readRelease(services, account, {
        slug: old.bundle,
        name: old.release,
      })
      mustBeAllowed(account, { kind: 'link', bundle: facts, state: release.state, forUser: old.for_user })
      const order = { release, by: account.user, notAfter: until }
      return { status: 200, json: await services.links.renew(old, order) }
    },
  }),
  route({
    method: 'delete',
    path: '/users/{name}/grants',
    summary: 'Revokes every grant of a person',
    params: byUser,
    answers: [{ status: 200, schema: z.object({ revoked: z.number().int() }) }],
    handle: async ({ services, account, params }) => {
      mustBeAllowed(account, { kind: 'revoke-user' })
      const at = services.clock.epoch()
      const revoked = await services.ledger.commit({
        kind: 'revoke-user',
        user: params.name,
        at,
        by: account.user,
      })
      return { status: 200, json: { revoked } }
    },
  }),
]

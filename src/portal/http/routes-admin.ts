/** REST: tokens, sites, the audit trail. */
import { z } from 'zod'
import type { SiteMap } from '../../core/site.ts'
import { zAuditFilter, zAuditPage, zCreatedToken, zNewToken, zSiteList, zTokenList } from '../../wire/api.ts'
import { mustBeAllowed } from '../access.ts'
import { auditCsv, auditPage } from '../audit.ts'
import { route, type ApiRoute } from './route.ts'
import { zPageQuery } from './routes-grants.ts'

export const adminRoutes: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/tokens',
    summary: 'API tokens, without their secrets',
    answers: [{ status: 200, schema: zTokenList }],
    handle: async ({ services, account }) => {
      mustBeAllowed(account, { kind: 'manage-tokens' })
      return { status: 200, json: { items: await services.tokens.list() } }
    },
  }),
  route({
    method: 'post',
    path: '/tokens',
    summary: 'Makes an API token; the answer is the only place that ever shows it',
    body: zNewToken,
    answers: [{ status: 201, schema: zCreatedToken }],
    handle: async ({ services, account, body }) => {
      mustBeAllowed(account, { kind: 'manage-tokens' })
      return { status: 201, json: await services.tokens.create(body, account.user) }
    },
  }),
  route({
    method: 'delete',
    path: '/tokens/{id}',
    summary: 'Ends a token, and the sessions that came by it',
    params: z.object({ id: z.string().min(1).max(64) }),
    answers: [{ status: 204 }],
    handle: async ({ services, account, params }) => {
      mustBeAllowed(account, { kind: 'manage-tokens' })
      await services.tokens.delete(params.id, account.user)
      return { status: 204 }
    },
  }),
  route({
    method: 'get',
    path: '/sites',
    summary: 'The site map',
    answers: [{ status: 200, schema: zSiteList }],
    handle: ({ services, account }) => {
      mustBeAllowed(account, { kind: 'read-sites' })
      return Promise.resolve({ status: 200, json: listOf(services.sites.map) })
    },
  }),
  route({
    method: 'put',
    path: '/sites',
    summary: 'Replaces the site map; every client is asked to announce again',
    body: zSiteList,
    answers: [{ status: 200, schema: zSiteList }],
    handle: async ({ services, account, body }) => {
      mustBeAllowed(account, { kind: 'set-sites' })
      const map = await services.sites.set(body.items, body.unlisted ?? {}, account.user)
      return { status: 200, json: listOf(map) }
    },
  }),
  route({
    method: 'get',
    path: '/audit',
    summary: 'Who did what, newest first',
    query: zPageQuery.extend(zAuditFilter.shape),
    answers: [{ status: 200, schema: zAuditPage }],
    handle: async ({ services, account, query: { limit, cursor, ...filter } }) => {
      mustBeAllowed(account, { kind: 'read-audit' })
      return { status: 200, json: await auditPage(services.db, { limit, cursor, filter }) }
    },
  }),
  route({
    method: 'get',
    path: '/audit.csv',
    summary: 'The same, all of it, as CSV (RFC 4180)',
    query: zAuditFilter,
    answers: [{ status: 200, type: 'text/csv' }],
    handle: ({ services, account, query }) => {
      mustBeAllowed(account, { kind: 'read-audit' })
      const parts = auditCsv(services.db, query)
      return Promise.resolve({ status: 200, type: 'text/csv', parts, fileName: 'audit.csv' })
    },
  }),
]

/** `unlisted` only when there is something to say. */
const listOf = ({ sites, unlisted }: SiteMap): object => ({
  items: sites,
  ...(Object.keys(unlisted).length > 0 && { unlisted }),
})

/** REST: asking for access to a bundle, answering, and guests. */
import { z } from 'zod'
import {
  zAsked,
  zDenying,
  zGranting,
  zGuestList,
  zNewGuest,
  zNewRequest,
  zRequest,
  zRequestPage,
  zRequestQuery,
  zSlug,
} from '../../wire/api.ts'
import {
  admitGuest,
  askForAccess,
  denyRequest,
  dismissGuest,
  grantRequest,
  listGuests,
  listRequests,
} from '../requests/request-access.ts'
import { route, type ApiRoute } from './route.ts'

const bySlug = z.object({ slug: zSlug })
const byGuest = z.object({ slug: zSlug, name: z.string().min(1).max(64) })
const byId = z.object({ id: z.string().min(1).max(32) })

export const requestRoutes: readonly ApiRoute[] = [
  route({
    method: 'post',
    path: '/bundles/{slug}/requests',
    summary: 'Asks the owner for access; the answer does not tell whether there is such a bundle',
    params: bySlug,
    body: zNewRequest,
    answers: [{ status: 201, schema: zAsked }],
    handle: async ({ services, account, params, body }) => ({
      status: 201,
      json: await askForAccess(services, account, { ...params, ...body }),
    }),
  }),
  route({
    method: 'get',
    path: '/requests',
    summary: 'What you asked for, or with which=asked what is asked of you; newest first',
    query: zRequestQuery,
    answers: [{ status: 200, schema: zRequestPage }],
    handle: async ({ services, account, query }) => ({
      status: 200,
      json: await listRequests(services, account, query),
    }),
  }),
  route({
    method: 'post',
    path: '/requests/{id}/grant',
    summary: 'Lets the person, or a group, see and fetch the bundle, perhaps until a time',
    params: byId,
    body: zGranting,
    answers: [{ status: 200, schema: zRequest }],
    handle: async ({ services, account, params, body }) => ({
      status: 200,
      json: await grantRequest(services, account, params.id, body),
    }),
  }),
  route({
    method: 'post',
    path: '/requests/{id}/deny',
    summary: 'Says no',
    params: byId,
    body: zDenying,
    answers: [{ status: 200, schema: zRequest }],
    handle: async ({ services, account, params, body }) => ({
      status: 200,
      json: await denyRequest(services, account, params.id, body),
    }),
  }),
  route({
    method: 'get',
    path: '/bundles/{slug}/guests',
    summary: 'Who may see the bundle beside its audience',
    params: bySlug,
    answers: [{ status: 200, schema: zGuestList }],
    handle: async ({ services, account, params }) => ({
      status: 200,
      json: { items: await listGuests(services, account, params.slug) },
    }),
  }),
  route({
    method: 'put',
    path: '/bundles/{slug}/guests/{name}',
    summary: 'Lets a person or a group see and fetch the bundle, perhaps until a time',
    params: byGuest,
    body: zNewGuest,
    answers: [{ status: 204 }],
    handle: async ({ services, account, params, body }) => {
      await admitGuest(services, account, { ...params, ...body })
      return { status: 204 }
    },
  }),
  route({
    method: 'delete',
    path: '/bundles/{slug}/guests/{name}',
    summary: 'Ends that; grants that they have for the bundle are revoked',
    params: byGuest,
    answers: [{ status: 204 }],
    handle: async ({ services, account, params }) => {
      await dismissGuest(services, account, params)
      return { status: 204 }
    },
  }),
]

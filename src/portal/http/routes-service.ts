/** REST: what trackers, origins and mirrors talk about with the portal. */
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import { zPresence, zPresenceAnswer, zWanted } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'
import { mustBeAllowed } from '../access.ts'
import { may } from '../policy.ts'
import { route, type ApiRoute } from './route.ts'

export const serviceRoutes: readonly ApiRoute[] = [
  route({
    method: 'post',
    path: '/presence',
    summary: 'What an origin or mirror serves; to be repeated every minute',
    body: zPresence,
    answers: [{ status: 200, schema: zPresenceAnswer }],
    handle: async ({ services, account, body, from }) => {
      mustBeAllowed(account, { kind: 'serve' })
      const { host = from, port, ...rest } = body
      if (host === undefined) throw new ShoalError('bad-input', 'host: say at which address peers reach you')
      await services.presence.report({ ...rest, at: { host, port } }, account.user)
      const serving = body.stopping ? undefined : await services.serving.of(account)
      return { status: 200, json: { serving: serving ?? null } }
    },
  }),
  route({
    method: 'get',
    path: '/origin/wanted',
    summary: 'Releases that wait for an origin to hold them in full, oldest first',
    answers: [{ status: 200, schema: zWanted }],
    handle: async ({ services, account }) => {
      mustBeAllowed(account, { kind: 'serve' })
      return { status: 200, json: { items: await services.catalogue.wanted(limits.presenceHashesMax) } }
    },
  }),
  route({
    method: 'get',
    path: '/control',
    summary: 'The control feed: waits for news after `after`, answers as a JWS by the portal key',
    query: z.object({ after: z.coerce.number().int().min(0).default(0) }),
    answers: [{ status: 200, type: 'application/jose' }],
    handle: async ({ services, account, query, signal }) => ({
      status: 200,
      type: 'application/jose',
      bytes: await services.feed.answer(
        { after: query.after, isService: may(account, { kind: 'serve' }) },
        signal,
      ),
    }),
  }),
]

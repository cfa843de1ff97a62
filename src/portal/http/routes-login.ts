/** REST: how a terminal gets a token, while a person allows it on the page /activate. */
import { zLoginPoll, zLoginPolled, zLoginStart, zLoginStarted } from '../../wire/api.ts'
import { openRoute, type ApiRoute } from './route.ts'

export const loginRoutes: readonly ApiRoute[] = [
  openRoute({
    method: 'post',
    path: '/logins',
    summary: 'A terminal wants a token: a code for it, and one that a person allows on the page',
    body: zLoginStart,
    answers: [{ status: 201, schema: zLoginStarted }],
    handle: ({ services, body, from }) =>
      Promise.resolve({
        status: 201,
        json: services.deviceAuthorizations.start({ client: body.client, from: from ?? 'unknown' }),
      }),
  }),
  openRoute({
    method: 'post',
    path: '/logins/poll',
    summary: 'What has become of it: pending, or the token, which is given once',
    body: zLoginPoll,
    answers: [{ status: 200, schema: zLoginPolled }],
    handle: async ({ services, body }) => ({
      status: 200,
      json: await services.deviceAuthorizations.poll(body.deviceCode),
    }),
  }),
]

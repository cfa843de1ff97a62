/** REST: what both ends of transfers report, what follows from it, and who has what. */
import { z } from 'zod'
import {
  zFigureQuery,
  zFigures,
  zMissingPeople,
  zReleaseFigurePage,
  zReleaseFigureQuery,
  zReleaseName,
  zSlug,
  zTransferReport,
  zTransfersTaken,
  zWhoHasIt,
} from '../../wire/api.ts'
import { mustBeAllowed, readHolders, readRelease } from '../access.ts'
import type { Reporter } from '../figures/transfers.ts'
import { type Call, route, type ApiRoute } from './route.ts'
import { zPageQuery } from './routes-grants.ts'

const bySlug = z.object({ slug: zSlug })

export const figureRoutes: readonly ApiRoute[] = [
  route({
    method: 'post',
    path: '/transfers',
    summary:
      'What one end of a transfer says of it, cumulative; by "Authorization: Grant …", or an origin’s token',
    body: zTransferReport,
    takesGrant: true,
    answers: [{ status: 200, schema: zTransfersTaken }],
    handle: async (call) => {
      const { services, body } = call
      const refused = await services.transfers.take(await reporterOf(call), body.items)
      if (call.borne !== undefined) services.roster.still(call.borne.release.infohash, call.borne.grant.id)
      return { status: 200, json: { refused } }
    },
  }),
  route({
    method: 'get',
    path: '/figures',
    summary: 'What was delivered in a time, by whom, to which site; a week without "from"',
    query: zFigureQuery,
    answers: [{ status: 200, schema: zFigures }],
    handle: async ({ services: { figures }, account, query }) => {
      mustBeAllowed(account, { kind: 'read-figures' })
      return { status: 200, json: await figures.read(figures.range(query)) }
    },
  }),
  route({
    method: 'get',
    path: '/figures/releases',
    summary: 'The same by release, the one that moved last first',
    query: zReleaseFigureQuery,
    answers: [{ status: 200, schema: zReleaseFigurePage }],
    handle: async ({ services: { figures }, account, query: { limit, cursor, ...range } }) => {
      mustBeAllowed(account, { kind: 'read-figures' })
      return { status: 200, json: await figures.releases(figures.range(range), { limit, cursor }) }
    },
  }),
  route({
    method: 'get',
    path: '/bundles/{slug}/who-has-it',
    summary: 'How many of the audience have each release, by site',
    params: bySlug,
    answers: [{ status: 200, schema: zWhoHasIt }],
    handle: async ({ services, account, params }) => {
      const bundle = await readHolders(services, account, params.slug)
      return { status: 200, json: await services.whoHas.matrix(bundle) }
    },
  }),
  route({
    method: 'get',
    path: '/bundles/{slug}/who-has-it.csv',
    summary: 'A line for each person of the audience: since when they have each release',
    params: bySlug,
    answers: [{ status: 200, type: 'text/csv' }],
    handle: async ({ services, account, params }) => {
      const bundle = await readHolders(services, account, params.slug)
      const fileName = `who-has-${bundle.bundle}.csv`
      return { status: 200, type: 'text/csv', parts: services.whoHas.csv(bundle), fileName }
    },
  }),
  route({
    method: 'get',
    path: '/bundles/{slug}/releases/{name}/missing',
    summary: 'Who of the audience does not have the release, by name',
    params: bySlug.extend({ name: z.union([z.literal('latest'), zReleaseName]) }),
    query: zPageQuery,
    answers: [{ status: 200, schema: zMissingPeople }],
    handle: async ({ services, account, params, query }) => {
      const bundle = await readHolders(services, account, params.slug)
      const { release } = await readRelease(services, account, params)
      return { status: 200, json: await services.whoHas.missing(bundle, release.name, query) }
    },
  }),
]

type ReportCall = Call<undefined, undefined, z.output<typeof zTransferReport>>

/** @throws ShoalError `not-granted` for an account that does not serve; HttpRefusal 429. */
async function reporterOf({ services, account, borne, body, from }: ReportCall): Promise<Reporter> {
  if (borne === undefined) {
    mustBeAllowed(account, { kind: 'serve' })
    const server = body.peerId === undefined ? undefined : services.presence.serverOf(body.peerId)
    return {
      key: `token ${account.tokenId ?? account.user}`,
      from: server?.at.host ?? from,
      server: server?.role ?? 'origin',
    }
  }
  const { id, for_user: person, infohash, peers_max: peersMax } = borne.grant
  await services.reportRate.mustBeLow(id, peersMax)
  return { key: `grant ${infohash} ${person}`, from, grant: { person, infohash, peersMax } }
}

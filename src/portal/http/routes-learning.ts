/** REST: what is recorded of who has watched what, where the company wants it. */
import { z } from 'zod'
import { zLearningPage, zOwnWatched, zReleaseName, zSlug, zPlayed, zPlayedTaken } from '../../wire/api.ts'
import { mustBeAllowed, readLearning, readRelease, readToWatch } from '../access.ts'
import { route, type ApiRoute } from './route.ts'
import { zPageQuery } from './routes-grants.ts'

const bySlug = z.object({ slug: zSlug })
const byRelease = bySlug.extend({ name: z.union([z.literal('latest'), zReleaseName]) })

export const learningRoutes: readonly ApiRoute[] = [
  route({
    method: 'post',
    path: '/bundles/{slug}/releases/{name}/watched',
    summary: 'What a page has played of a file since it last said so; not kept unless the company wants it',
    params: byRelease,
    body: zPlayed,
    answers: [{ status: 200, schema: zPlayedTaken }],
    handle: async ({ services, account, params, body }) => {
      const { facts, release } = await readToWatch(services, account, params)
      mustBeAllowed(account, { kind: 'note-watched', bundle: facts })
      return { status: 200, json: await services.learning.note(account.user, release, body) }
    },
  }),
  route({
    method: 'get',
    path: '/bundles/{slug}/releases/{name}/watched',
    summary: 'How much of each file you have watched',
    params: byRelease,
    answers: [{ status: 200, schema: zOwnWatched }],
    handle: async ({ services, account, params }) => {
      const { release } = await readRelease(services, account, params)
      return { status: 200, json: await services.learning.own(account.user, release.infohash) }
    },
  }),
  route({
    method: 'get',
    path: '/bundles/{slug}/learning',
    summary: 'Who has watched how much of each release, and who has completed it',
    params: bySlug,
    query: zPageQuery,
    answers: [{ status: 200, schema: zLearningPage }],
    handle: async ({ services, account, params, query }) => {
      const bundle = await readLearning(services, account, params.slug)
      return { status: 200, json: await services.learningReport.page(bundle, query) }
    },
  }),
  route({
    method: 'get',
    path: '/bundles/{slug}/learning.csv',
    summary: 'The same as CSV: a line for each person and file',
    params: bySlug,
    answers: [{ status: 200, type: 'text/csv' }],
    handle: async ({ services, account, params }) => {
      const bundle = await readLearning(services, account, params.slug)
      const fileName = `watched-${bundle.bundle}.csv`
      const parts = services.learningReport.csv(bundle, account.user)
      return { status: 200, type: 'text/csv', parts, fileName }
    },
  }),
  route({
    method: 'delete',
    path: '/users/{name}/learning',
    summary: 'Forgets what is recorded of what a person has watched',
    params: z.object({ name: z.string().min(1).max(64) }),
    answers: [{ status: 204 }],
    handle: async ({ services, account, params }) => {
      mustBeAllowed(account, { kind: 'manage-people' })
      await services.learning.forget(params.name, account.user)
      return { status: 204 }
    },
  }),
]

/** REST: watching in the browser. */
import { z } from 'zod'
import { zReleaseName, zSlug } from '../../wire/api.ts'
import { zWatch, zWatching, zWatchRequest } from '../../wire/api-watch.ts'
import { mustBeAllowed, readToWatch } from '../access.ts'
import { route, type ApiRoute } from './route.ts'

const byRelease = z.object({ slug: zSlug, name: zReleaseName })

export const watchApiRoutes: readonly ApiRoute[] = [
  route({
    method: 'post',
    path: '/bundles/{slug}/releases/{name}/watch',
    summary:
      'What a page needs to play a file and to get it from colleagues: a grant, hashes of its pieces, addresses',
    params: byRelease,
    body: zWatchRequest,
    answers: [{ status: 200, schema: zWatch }],
    handle: async ({ services, account, params, body: { file }, from }) => {
      const { bundle, release, until } = await readToWatch(services, account, params)
      const wish = {
        account,
        bundle: bundle.bundle,
        name: release.name,
        release,
        file,
        notAfter: until,
        from,
      }
      return { status: 200, json: await services.watching.begin(wish) }
    },
  }),
  route({
    method: 'get',
    path: '/watching',
    summary: 'What is watched now, for those who serve browsers',
    answers: [{ status: 200, schema: zWatching }],
    handle: ({ services, account }) => {
      mustBeAllowed(account, { kind: 'serve' })
      return Promise.resolve({ status: 200, json: { items: services.roster.current() } })
    },
  }),
]

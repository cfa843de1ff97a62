/** REST: what is said and shown of a release's media. */
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import { zMediaDescription, zReleaseName, zSlug } from '../../wire/api.ts'
import { mediaLimits } from '../../wire/limits-media.ts'
import { mustBeAllowed, readRelease } from '../access.ts'
import { route, type ApiRoute } from './route.ts'

const byRelease = z.object({ slug: zSlug, name: zReleaseName })
const JPEG_TYPE = 'image/jpeg'

export const mediaRoutes: readonly ApiRoute[] = [
  route({
    method: 'put',
    path: '/bundles/{slug}/releases/{name}/media',
    summary: 'Says what a release has as media: for its publisher, and for an origin that has its files',
    params: byRelease,
    body: zMediaDescription,
    answers: [{ status: 204 }],
    handle: async ({ services, account, params, body }) => {
      const { bundle, release } = await readRelease(services, account, params)
      mustBeAllowed(account, { kind: 'describe-release', bundle })
      await services.media.describe(release.infohash, body, account.user)
      return { status: 204 }
    },
  }),
  route({
    method: 'put',
    path: '/bundles/{slug}/releases/{name}/poster',
    summary: 'Sets the picture that stands for a release: a JPEG, of which only the picture is kept',
    params: byRelease,
    body: z.instanceof(Uint8Array),
    takes: { type: JPEG_TYPE, bytesMax: mediaLimits.posterBytesMax, what: "a JPEG's bytes" },
    answers: [{ status: 204 }],
    handle: async ({ services, account, params, body }) => {
      const { bundle, release } = await readRelease(services, account, params)
      mustBeAllowed(account, { kind: 'describe-release', bundle })
      await services.media.setPoster(release.infohash, body, account.user)
      return { status: 204 }
    },
  }),
  route({
    method: 'get',
    path: '/bundles/{slug}/releases/{name}/poster',
    summary: 'The picture that stands for a release; with its `posterTag` as `v` it may be kept for a week',
    params: byRelease,
    query: z.object({ v: z.string().max(64).optional() }),
    answers: [{ status: 200, type: JPEG_TYPE }],
    handle: async ({ services, account, params, query }) => {
      const { release } = await readRelease(services, account, params)
      const poster = await services.media.poster(release.infohash)
      if (poster === undefined) throw new ShoalError('not-found', 'this release has no poster')
      return {
        status: 200,
        type: JPEG_TYPE,
        bytes: poster.jpeg,
        tag: poster.tag,
        isKept: query.v === poster.tag,
      }
    },
  }),
]

/** REST: the keys that sign grants, grants in many hands, and what takes many grants back at once. */
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import { epochMillis } from '../../core/units.ts'
import { zGrantKeyList, zRefuseBefore, zRefusedBefore, zSharedGrants } from '../../wire/api.ts'
import { mustBeAllowed, readRelease } from '../access.ts'
import { isoTime } from '../catalogue/rows.ts'
import { route, type ApiRoute } from './route.ts'

export const keyRoutes: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/keys',
    summary:
      'The keys that sign grants: the next one, the one that signs, old ones whose grants are still good',
    answers: [{ status: 200, schema: zGrantKeyList }],
    handle: ({ services, account }) => {
      mustBeAllowed(account, { kind: 'manage-keys' })
      return Promise.resolve({ status: 200, json: { items: services.keys.list() } })
    },
  }),
  route({
    method: 'post',
    path: '/keys/rotate',
    summary: 'The next key signs from now on; grants of the old one stay good to their end',
    answers: [{ status: 200, schema: zGrantKeyList }],
    handle: async ({ services, account }) => {
      mustBeAllowed(account, { kind: 'manage-keys' })
      await services.keys.rotate(account.user)
      return { status: 200, json: { items: services.keys.list() } }
    },
  }),
  route({
    method: 'post',
    path: '/keys/{kid}/retire',
    summary: 'Ends a key that leaked: every grant that it signed is refused from now on',
    params: z.object({ kid: z.string().min(1).max(64) }),
    answers: [{ status: 200, schema: zGrantKeyList }],
    handle: async ({ services, account, params }) => {
      mustBeAllowed(account, { kind: 'manage-keys' })
      await services.keys.retire(params.kid, account.user)
      return { status: 200, json: { items: services.keys.list() } }
    },
  }),
  route({
    method: 'post',
    path: '/grants/shared',
    summary: 'For trackers: grants that are used from eight addresses or more, each a row of the audit trail',
    body: zSharedGrants,
    answers: [{ status: 204 }],
    handle: async ({ services, account, body }) => {
      mustBeAllowed(account, { kind: 'serve' })
      await services.grants.noteShared(body.items, account.user)
      return { status: 204 }
    },
  }),
  route({
    method: 'post',
    path: '/grants/refuse-before',
    summary: 'Refuses every grant issued before a time (now, if none is named): of one release, or of all',
    body: zRefuseBefore.prefault({}),
    answers: [{ status: 200, schema: zRefusedBefore }],
    handle: async ({ services, account, body }) => {
      const before = body.before === undefined ? services.clock.epoch() : epochMillis(Date.parse(body.before))
      const { bundle: slug, release: name } = body
      if ((slug === undefined) !== (name === undefined))
        throw new ShoalError('bad-input', 'name bundle and release together, or neither')
      if (slug === undefined || name === undefined) {
        mustBeAllowed(account, { kind: 'manage-keys' })
        await services.refused.add({
          scope: 'all',
          value: '',
          before,
          by: account.user,
          detail: 'all grants',
        })
      } else {
        const { bundle, release } = await readRelease(services, account, { slug, name })
        mustBeAllowed(account, { kind: 'recall-release', bundle })
        const detail = `grants of ${slug}@${release.name}`
        const value = release.infohash
        await services.refused.add({ scope: 'release', value, before, by: account.user, detail })
      }
      return { status: 200, json: { before: isoTime(before) } }
    },
  }),
]

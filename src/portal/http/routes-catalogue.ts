/** REST: bundles, releases, links. */
import { z } from 'zod'
import { ShoalError } from '../../core/errors.ts'
import { limits } from '../../wire/limits.ts'
import { encodeTorrent } from '../../wire/torrent.ts'
import {
  zBundle,
  zBundleChange,
  zBundleDetail,
  zBundlePage,
  zBundleQuery,
  zFile,
  zLink,
  zLinkRequest,
  zNewBundle,
  zNewReleaseQuery,
  zRelease,
  zReleaseName,
  zSlug,
} from '../../wire/api.ts'
import {
  bundleDetail,
  eyesOf,
  LATEST,
  mustBeAllowed,
  readBundle,
  readRelease,
  releaseDetail,
  takeLink,
} from '../access.ts'
import type { Account } from '../account.ts'
import { readTorrent } from '../catalogue/read-torrent.ts'
import { publicRelease } from '../catalogue/rows.ts'
import { changeBundle } from '../requests/request-access.ts'
import { route, type ApiRoute } from './route.ts'

const zReleaseDetail = zRelease.extend({
  contentName: z.string(),
  isSingleFile: z.boolean(),
  files: z.array(zFile),
})
const bySlug = z.object({ slug: zSlug })
/** `latest` is a release name like any other to the eye; it is reserved. */
const byRelease = z.object({ slug: zSlug, name: zReleaseName })
const zRecall = z
  .strictObject({
    reason: z
      .string()
      .overwrite((text) => text.toWellFormed())
      .trim()
      .min(1)
      .max(400)
      .optional(),
  })
  .optional()

/** What publishing says by itself, where nothing else was said. */
const vouchingOf = ({ user }: Account): string => `Published by ${user}, who vouches that it may be shared.`

export const TORRENT_TYPE = 'application/x-bittorrent'

export const catalogueRoutes: readonly ApiRoute[] = [
  route({
    method: 'get',
    path: '/bundles',
    summary: 'Bundles that you may see: newest first, or best first when words are given',
    query: zBundleQuery,
    answers: [{ status: 200, schema: zBundlePage }],
    handle: async ({ services, account, query }) => ({
      status: 200,
      json: await services.catalogue.bundles({ ...query, eyes: eyesOf(account) }),
    }),
  }),
  route({
    method: 'post',
    path: '/bundles',
    summary: 'Makes a bundle; it is yours',
    body: zNewBundle,
    answers: [{ status: 201, schema: zBundle }],
    handle: async ({ services, account, body }) => {
      mustBeAllowed(account, { kind: 'create-bundle' })
      const { bundle: wanted, ...rest } = body
      return {
        status: 201,
        json: await services.catalogue.createBundle({ ...rest, wanted, owner: account.user }),
      }
    },
  }),
  route({
    method: 'get',
    path: '/bundles/{slug}',
    summary: 'A bundle with its releases and their files',
    params: bySlug,
    answers: [{ status: 200, schema: zBundleDetail }],
    handle: async ({ services, account, params }) => ({
      status: 200,
      json: await bundleDetail(services, account, params.slug),
    }),
  }),
  route({
    method: 'put',
    path: '/bundles/{slug}',
    summary: 'Changes what is said of a bundle, or for whom it is; what is absent stays',
    params: bySlug,
    body: zBundleChange,
    answers: [{ status: 200, schema: zBundle }],
    handle: async ({ services, account, params, body }) => ({
      status: 200,
      json: await changeBundle(services, account, params.slug, body),
    }),
  }),
  route({
    method: 'post',
    path: '/bundles/{slug}/releases',
    summary: 'Registers a release by its .torrent, of which only the info bytes are kept',
    params: bySlug,
    query: zNewReleaseQuery,
    body: z.instanceof(Uint8Array),
    takes: { type: TORRENT_TYPE, bytesMax: limits.torrentBytesMax, what: "the .torrent's bytes" },
    answers: [
      { status: 201, schema: zRelease },
      { status: 200, schema: zRelease },
    ],
    handle: async ({ services, account, params, query, body }) => {
      const bundle = await readBundle(services, account, params.slug)
      mustBeAllowed(account, { kind: 'add-release', bundle })
      const torrent = await readTorrent(body)
      if (!torrent.metainfo.isPrivate)
        throw new ShoalError('bad-input', 'this torrent is not private: make it with private=1 (BEP 27)')
      if (query.release === LATEST) throw new ShoalError('bad-input', '"latest" is no name for a release')
      const { release: name, rights, ...rest } = query
      const { release, isNew } = await services.catalogue.addRelease({
        ...rest,
        // nothing is listed for which nobody vouches
        rights: rights.trim() === '' ? vouchingOf(account) : rights.trim(),
        bundle: params.slug,
        name,
        torrent,
        publishedBy: account.user,
      })
      return { status: isNew ? 201 : 200, json: publicRelease(release) }
    },
  }),
  route({
    method: 'get',
    path: '/bundles/{slug}/releases/{name}',
    summary: 'A release with its files; "latest" is the newest live one',
    params: byRelease,
    answers: [{ status: 200, schema: zReleaseDetail }],
    handle: async ({ services, account, params }) => {
      const { release } = await readRelease(services, account, params)
      return { status: 200, json: await releaseDetail(services, release) }
    },
  }),
  route({
    method: 'get',
    path: '/bundles/{slug}/releases/{name}/torrent',
    summary: 'The .torrent without any tracker: for a link that works, take one',
    params: byRelease,
    answers: [{ status: 200, type: TORRENT_TYPE }],
    handle: async ({ services, account, params }) => {
      const { release } = await readRelease(services, account, params)
      if (release.state === 'recalled') throw new ShoalError('conflict', 'this release was recalled')
      const info = await services.catalogue.infoBytes(release.infohash)
      if (info === undefined) throw new ShoalError('not-found', 'no such release')
      return {
        status: 200,
        type: TORRENT_TYPE,
        bytes: encodeTorrent({ infoBytes: info, announce: [], createdBy: 'Shoal' }),
        fileName: `${release.bundle}-${release.name}.torrent`,
      }
    },
  }),
  route({
    method: 'post',
    path: '/bundles/{slug}/releases/{name}/links',
    summary: 'A signed link with a grant of its own; "latest" is the newest live release',
    params: byRelease,
    body: zLinkRequest.prefault({}), // all of it has defaults: no body is a body
    answers: [{ status: 201, schema: zLink }],
    handle: async ({ services, account, params, body, isPage }) => ({
      status: 201,
      json: await takeLink(services, account, { ...params, request: body, isPage }),
    }),
  }),
  route({
    method: 'post',
    path: '/bundles/{slug}/releases/{name}/recall',
    summary: 'Takes a release back for ever: no grant for it is good from now on',
    params: byRelease,
    body: zRecall,
    answers: [{ status: 200, schema: zRelease }],
    handle: async ({ services, account, params, body }) => {
      const { bundle, release } = await readRelease(services, account, params)
      mustBeAllowed(account, { kind: 'recall-release', bundle })
      const reason = body?.reason ?? `recalled by ${account.user}`
      const done = await services.catalogue.happen(
        release.infohash,
        { kind: 'recalled', reason },
        account.user,
      )
      return { status: 200, json: publicRelease(done ?? release) }
    },
  }),
]

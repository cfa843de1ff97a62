/** The page that plays a file of a release, and its scripts. */
import { join } from 'node:path'
import express, { type RequestHandler, type Response, type Router } from 'express'
import { ShoalError } from '../../core/errors.ts'
import { releaseName, slug } from '../../core/ids.ts'
import { limits } from '../../wire/limits.ts'
import type { BundleDetail } from '../../wire/api.ts'
import type { PageServices } from '../pages-host.ts'
import { isChromium } from '../watching/browser.ts'
import { captionsOf, isPlayable, isSound } from '../watching/media-type.ts'
import { bundleFolder, type WatchAssets } from '../watching/web-bundle.ts'
import { watchOf } from './media-view.ts'
import { renderPage } from './render.ts'
import { asked, frameOf, param, visited, type Visit } from './visit.ts'

type ReleaseDetail = BundleDetail['releases'][number]

export function watchPages(services: PageServices): Router {
  const router = express.Router()
  // Of a page that is shut, or of another version: it asks each time.
  router.get('/watch-worker.js', (_req, res) => {
    res
      .set('cache-control', 'no-cache')
      .sendFile(join(bundleFolder, 'service-worker.js'), { dotfiles: 'allow' })
  })
  router.get('/assets/watch.js', script('watch.js'))
  router.get('/assets/watch-disk.js', script('disk.js'))
  router.get('/bundles/:slug/watch', visited(services, watchPage))
  router.get('/bundles/:slug/releases/:name/watch', visited(services, watchPage))
  return router
}

/** With its version in the address it may be kept for a week. */
function script(name: string): RequestHandler {
  return (req, res) => {
    const maxAge = req.query['v'] === undefined ? 0 : '7d'
    res.sendFile(join(bundleFolder, name), { maxAge, dotfiles: 'allow' })
  }
}

async function watchPage(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const bundle = await services.bundle(account, slug(param(req, 'slug')))
  const wanted = req.params['name'] === undefined ? undefined : releaseName(param(req, 'name'))
  const release = bundle.releases.find(({ name, state }) =>
    wanted === undefined ? state === 'live' : name === wanted,
  )
  if (release?.state !== 'live') throw new ShoalError('not-found', 'no such release')
  const playable = playableOf(release)
  const chosen = asked(req, 'file')
  const file = playable.find(({ index }) => (chosen === '' ? true : String(index) === chosen))
  if (file === undefined) throw new ShoalError('not-found', 'nothing in it plays in a browser')
  const assets = await services.watchAssets()
  const base = `/bundles/${bundle.bundle}/releases/${release.name}`
  const says = watchOf(bundle.bundle, release)
  allowPlayer(res, services.trackerOrigin, assets)
  res
    .set('cache-control', 'no-store')
    .type('html')
    .send(
      renderPage(
        'watch',
        { ...frameOf(visit, bundle.title), style: assets?.style },
        {
          assets,
          bundle: { title: bundle.title, url: `/bundles/${bundle.bundle}`, slug: bundle.bundle },
          release: release.name,
          file: {
            ...file,
            src: `${base}/files/${file.index}`,
            captions: captionsOf(release.files, file.index, limits.watchCaptionsMax).map((captions) => ({
              ...captions,
              src: `${base}/files/${captions.file}`,
            })),
          },
          // the others wait for the service worker, or would take all from the server
          startsAtOnce: assets === undefined || isChromium(req.get('user-agent')),
          api: `/api/v1${base}`,
          durationSeconds: playable.length === 1 ? (release.media?.durationSeconds ?? 0) : 0,
          notice: services.learning.notice(account),
          doubt: says !== undefined && 'why' in says ? says.why : undefined,
          poster:
            release.posterTag === undefined
              ? undefined
              : `/api/v1${base}/poster?v=${encodeURIComponent(release.posterTag)}`,
          others:
            playable.length < 2
              ? []
              : playable.slice(0, OTHERS_MAX).map(({ index, name }) => ({
                  name,
                  url: `${base}/watch?file=${index}`,
                  isShown: index === file.index,
                })),
        },
      ),
    )
}

/** Of a course of more parts, those after are reached from the bundle's page. */
const OTHERS_MAX = 500

function playableOf({ files, contentName }: ReleaseDetail) {
  return files.flatMap(({ path }, index) => {
    const name = path === '' ? contentName : path
    return isPlayable(name) ? [{ index, name, isSound: isSound(name) }] : []
  })
}

/**
 * The player's controls bring their style with them, as elements do that are a library of others; scripts are ours alone, here too:
 * the one that stands in the page is named by its hash.
 * The tracker is where colleagues meet.
 */
function allowPlayer(res: Response, trackerOrigin: string, assets: WatchAssets | undefined): void {
  const policy = String(res.getHeader('content-security-policy'))
  res.set(
    'content-security-policy',
    policy
      .replace(/script-src 'self'/, assets === undefined ? '$&' : `$& '${assets.startHash}'`)
      .replace(/style-src [^;]*/, "style-src 'self' 'unsafe-inline'")
      .replace(/connect-src [^;]*/, `connect-src 'self' ${trackerOrigin.replace(/^http/, 'ws')}`),
  )
}

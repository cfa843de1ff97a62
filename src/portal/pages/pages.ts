/**
 * The pages: library, bundle with its files and links, sign-in. Server-rendered; every one of them works without
 * JavaScript. What may be seen and done is decided behind `PageServices`.
 */
import { join } from 'node:path'
import express, { type Router } from 'express'
import { renderSVG } from 'uqr'
import { ShoalError } from '../../core/errors.ts'
import { releaseName, slug } from '../../core/ids.ts'
import { KiB } from '../../core/units.ts'
import { limits } from '../../wire/limits.ts'
import { zBundleQuery, type Link } from '../../wire/api.ts'
import type { PageServices } from '../pages-host.ts'
import { accountPages } from './account.ts'
import { auditPages } from './audit.ts'
import { figurePages } from './figures.ts'
import { FORM_CHARS } from './forms.ts'
import { learningPages } from './learning.ts'
import { ownWatchedText } from './learning-view.ts'
import { grantPages } from './grants.ts'
import { peoplePages } from './people.ts'
import { publishPages } from './publish.ts'
import { requestPages } from './requests.ts'
import { renderPage } from './render.ts'
import { kindLinks, kindText } from './media-view.ts'
import { bundlePageOf, cardOf, dateText, shownOf } from './view-model.ts'
import { sitesPages } from './sites.ts'
import { pageStyle } from './style.ts'
import { watchPages } from './watch.ts'
import { sealedLinkPage } from './sealed-link.ts'
import { field, frameOf, knownFirst, listIn, param, sentenceOf, visited, type Visit } from './visit.ts'

const TUS = join(import.meta.dirname, '../../../node_modules/tus-js-client/dist')
const PUBLIC = join(import.meta.dirname, '../public')
const ASSET_LIFE = '1h'

/** A `PagesFactory`. */
export function pages(services: PageServices): Router {
  const router = express.Router()
  router.get('/assets/pages.css', pageStyle({ maxAgeSeconds: 3_600 }))
  router.get('/assets/tus.min.js', (_req, res) => {
    // below a root: of a whole path a folder such as ~/.local would count as hidden, and nothing in it is sent
    res.sendFile('tus.min.js', { root: TUS, maxAge: ASSET_LIFE })
  })
  router.use(watchPages(services))
  router.use('/assets', express.static(PUBLIC, { maxAge: ASSET_LIFE, index: false, fallthrough: true }))
  router.get('/', visited(services, libraryPage))
  router.use(figurePages(services))
  router.use(learningPages(services))
  router.get('/bundles/:slug', visited(services, bundlePage))
  router.get('/bundles/:slug/releases/:name', visited(services, bundlePage))
  router.get('/bundles/:slug/qr.svg', visited(services, qrCode))
  router.post(
    '/bundles/:slug/releases/:name/links',
    express.urlencoded({ limit: '4kb', extended: false }),
    visited(services, linkPage),
  )
  router.post('/bundles/:slug/change', knownFirst(services), readChange, visited(services, changePage))
  router.use(accountPages(services))
  router.use(sealedLinkPage(services))
  router.use(peoplePages(services))
  router.use(requestPages(services))
  router.use(auditPages(services))
  router.use(sitesPages(services))
  router.use(grantPages(services))
  router.use(publishPages(services))
  router.use(visited(services, () => Promise.reject(new ShoalError('not-found', 'no such page'))))
  return router
}

async function libraryPage(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const asked = zBundleQuery.safeParse(req.query)
  if (!asked.success) throw new ShoalError('bad-input', 'such a search is not understood')
  const { q = '', tag = '', kind, sort } = asked.data
  const found = await services.list(account, asked.data)
  const at = (more: Readonly<Record<string, string>>): string => {
    const chosen = Object.entries({ q, tag, kind: kind ?? '', sort: sort ?? '', ...more }).filter(
      ([, value]) => value !== '',
    )
    return `/?${new URLSearchParams(chosen).toString()}`
  }
  const { nextCursor, instead } = found
  const frame = {
    ...frameOf(visit, q !== '' ? `Results for ${q}` : kind === undefined ? 'Library' : kindText(kind)),
    query: q,
  }
  const data = {
    tag,
    ...(kind !== undefined && { searchKind: kind, kindName: kindText(kind), anyKindUrl: at({ kind: '' }) }),
    kinds: kindLinks(kind, (chosen) => at({ kind: chosen })),
    isFiltered: q !== '' || tag !== '' || kind !== undefined,
    items: found.items.map((bundle) => cardOf(bundle, services.now())),
    instead,
    nextUrl:
      nextCursor === null
        ? undefined
        : at({ ...(instead !== undefined && { q: instead }), cursor: nextCursor }),
    // words have an order of their own
    ...(q === '' && {
      orders: ORDERS.map((order) => ({
        ...order,
        url: at({ sort: order.sort }),
        isChosen: order.sort === (sort ?? 'newest'),
      })),
    }),
  }
  res.type('html').send(renderPage('library', frame, data))
}

const ORDERS = [
  { sort: 'newest', text: 'Newest first' },
  { sort: 'title', text: 'By title' },
] as const

async function bundlePage(visit: Visit): Promise<void> {
  await sendBundle(visit, undefined)
}

/** The same page again, with the link that was just made. */
async function linkPage(visit: Visit): Promise<void> {
  const { services, account, req } = visit
  const wish = { slug: slug(param(req, 'slug')), name: releaseName(param(req, 'name')) }
  const [password, person] = [field(req, 'password'), field(req, 'for')]
  try {
    await sendBundle(
      visit,
      await services.link(account, {
        ...wish,
        ...(password !== '' && { password }),
        ...(person !== '' && { for: person }),
      }),
    )
  } catch (error) {
    // a password that is not good enough is said beside its form
    if (password === '' || isAbsence(error)) throw error
    await sendBundle(visit, undefined, sentenceOf(error))
  }
}

/** With a description of the longest, each of whose characters may be four bytes of three characters. */
const readChange = express.urlencoded({
  limit: FORM_CHARS * limits.descriptionCharsMax + 64 * KiB,
  extended: false,
})

async function changePage(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const name = slug(param(req, 'slug'))
  try {
    await services.changeBundle(account, name, {
      title: field(req, 'title'),
      description: field(req, 'description').replaceAll('\r\n', '\n'),
      tags: listIn(field(req, 'tags')),
      audience: listIn(field(req, 'audience')),
    })
  } catch (error) {
    if (isAbsence(error)) throw error
    await sendBundle(visit, undefined, sentenceOf(error))
    return
  }
  res.redirect(303, `/bundles/${name}`)
}

const isAbsence = (error: unknown): boolean => error instanceof ShoalError && error.code === 'not-found'

/** Of the page's address: a phone opens it, a camera needs no more. */
async function qrCode({ services, account, req, res }: Visit): Promise<void> {
  const { bundle } = await services.bundleAlone(account, slug(param(req, 'slug')))
  const svg = renderSVG(`${services.publicUrl}/bundles/${bundle}`, { border: 2 })
  res.set('cache-control', 'private, max-age=3600').type('svg').send(svg)
}

/** Never cached: it may hold a grant. */
async function sendBundle(visit: Visit, link: Link | undefined, problem?: string): Promise<void> {
  const { services, account, req, res } = visit
  const bundle = await services.bundle(account, slug(param(req, 'slug')))
  const wanted = req.params['name'] === undefined ? undefined : releaseName(param(req, 'name'))
  if (wanted !== undefined && !bundle.releases.some((release) => release.name === wanted))
    throw new ShoalError('not-found', 'no such release')
  const frame = frameOf(visit, bundle.title)
  const shown = shownOf(bundle, wanted)
  const guests = services.requests.mayAdmit(account, bundle)
    ? await services.requests.guests(account, bundle.bundle)
    : undefined
  res
    .status(problem === undefined ? 200 : 409)
    .set('cache-control', 'no-store')
    .type('html')
    .send(
      renderPage('bundle', frame, {
        ...bundlePageOf({
          bundle,
          wanted,
          link,
          guests,
          colleagues: (hash) => services.colleagues(hash),
          warnings: shown && (await services.mediaWarnings(account, bundle, shown.infohash)),
        }),
        ...(problem !== undefined && { problem }),
        mayEdit: services.mayEdit(account, bundle),
        watched:
          shown && ownWatchedText(await services.learning.own(account, shown.infohash), shown, { dateText }),
        learningUrl: services.learning.mayRead(account, bundle) && `/bundles/${bundle.bundle}/learning`,
        whoUrl: services.figures.mayReadHolders(account, bundle) && `/bundles/${bundle.bundle}/who`,
        mayRecall: services.mayRecall(account, bundle),
      }),
    )
}

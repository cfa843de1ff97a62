/**
 * The pages: library, bundle with its files and links, sign-in. Server-rendered; every one of them works without
 * JavaScript. What may be seen and done is decided behind `PageServices`.
 */
import { join } from 'node:path'
import express, { type Request, type Response, type Router } from 'express'
import { messageOf, ShoalError } from '../../core/errors.ts'
import { releaseName, slug } from '../../core/ids.ts'
import { zBundleQuery, type Link } from '../../wire/api.ts'
import type { Account } from '../account.ts'
import type { PageServices } from '../pages-host.ts'
import { renderPage, type PageFrame } from './render.ts'
import { operatingPageOf } from './operating-view.ts'
import { bundlePageOf, cardOf } from './view-model.ts'

/** One request of somebody who is signed in. */
interface Visit {
  readonly services: PageServices
  readonly account: Account
  readonly req: Request
  readonly res: Response
}

const PICO = join(import.meta.dirname, '../../../node_modules/@picocss/pico/css')
const PUBLIC = join(import.meta.dirname, '../public')
const ASSET_LIFE = '1h'

/** A `PagesFactory`. */
export function pages(services: PageServices): Router {
  const router = express.Router()
  router.get('/assets/pico.min.css', (_req, res) => {
    // below a root: of a whole path a folder such as ~/.local would count as hidden, and nothing in it is sent
    res.sendFile('pico.min.css', { root: PICO, maxAge: ASSET_LIFE })
  })
  router.use('/assets', express.static(PUBLIC, { maxAge: ASSET_LIFE, index: false, fallthrough: true }))
  router.get('/login', async (req, res) => {
    if ((await services.account(req)) !== undefined) res.redirect(303, '/')
    else sendLogin(res, req.query['failed'] !== undefined)
  })
  router.get('/', visited(services, libraryPage))
  router.get('/operate', visited(services, operatePage))
  router.get('/bundles/:slug', visited(services, bundlePage))
  router.get('/bundles/:slug/releases/:name', visited(services, bundlePage))
  router.post(
    '/bundles/:slug/releases/:name/links',
    express.urlencoded({ limit: '4kb', extended: false }),
    visited(services, linkPage),
  )
  router.use(visited(services, () => Promise.reject(new ShoalError('not-found', 'no such page'))))
  return router
}

function sendLogin(res: Response, hasFailed: boolean): void {
  const problem =
    'That token is not known here, was tried too often, or may not be used from this machine over plain HTTP.'
  const html = renderPage('login', { title: 'Sign in', query: '' }, hasFailed ? { problem } : {})
  res
    .status(hasFailed ? 401 : 200)
    .set('cache-control', 'no-store')
    .type('html')
    .send(html)
}

/** Who is not signed in gets the form; what one may not see is not there. */
function visited(services: PageServices, page: (visit: Visit) => Promise<void>) {
  return async (req: Request, res: Response): Promise<void> => {
    const account = await services.account(req)
    if (account === undefined) {
      res.redirect(303, '/login')
      return
    }
    const visit = { services, account, req, res }
    try {
      if (req.method !== 'GET' && req.method !== 'HEAD') services.mustBeOurPage(req)
      await page(visit)
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      sendProblem(visit, error)
    }
  }
}

function sendProblem({ services, account, req, res }: Visit, error: ShoalError): void {
  const isAbsent = error.code === 'not-found' || error.code === 'bad-input'
  const title = isAbsent ? 'Not here' : 'That did not work'
  const message = isAbsent
    ? 'There is no such page, or it is not for you.'
    : `${capitalised(messageOf(error))}.`
  const frame = frameOf(services, account, req, title)
  res
    .status(isAbsent ? 404 : 409)
    .type('html')
    .send(renderPage('message', frame, { message }))
}

const capitalised = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

async function libraryPage({ services, account, req, res }: Visit): Promise<void> {
  const asked = zBundleQuery.safeParse(req.query)
  if (!asked.success) throw new ShoalError('bad-input', 'such a search is not understood')
  const { q, tag } = asked.data
  const found = await services.list(account, asked.data)
  const next = new URLSearchParams({
    ...(q === undefined ? {} : { q }),
    ...(tag === undefined ? {} : { tag }),
    cursor: found.nextCursor ?? '',
  })
  const title = q === undefined || q === '' ? 'Library' : `Results for ${q}`
  const frame = { ...frameOf(services, account, req, title), query: q ?? '' }
  const nextUrl = found.nextCursor === null ? undefined : `/?${next.toString()}`
  res.type('html').send(renderPage('library', frame, { tag, items: found.items.map(cardOf), nextUrl }))
}

async function bundlePage(visit: Visit): Promise<void> {
  await sendBundle(visit, undefined)
}

/** The same page again, with the link that was just made. */
async function linkPage(visit: Visit): Promise<void> {
  const { services, account, req } = visit
  const wish = { slug: slug(param(req, 'slug')), name: releaseName(param(req, 'name')) }
  await sendBundle(visit, await services.link(account, wish))
}

async function operatePage({ services, account, req, res }: Visit): Promise<void> {
  const operating = await services.operating(account)
  const frame = { ...frameOf(services, account, req, 'Operating'), refreshes: true }
  res
    .set('cache-control', 'no-store')
    .type('html')
    .send(renderPage('operate', frame, operatingPageOf(operating)))
}

/** Never cached: it may hold a grant. */
async function sendBundle({ services, account, req, res }: Visit, link: Link | undefined): Promise<void> {
  const bundle = await services.bundle(account, slug(param(req, 'slug')))
  const wanted = req.params['name'] === undefined ? undefined : releaseName(param(req, 'name'))
  if (wanted !== undefined && !bundle.releases.some((release) => release.name === wanted))
    throw new ShoalError('not-found', 'no such release')
  const frame = frameOf(services, account, req, bundle.title)
  res
    .set('cache-control', 'no-store')
    .type('html')
    .send(renderPage('bundle', frame, bundlePageOf(bundle, wanted, link)))
}

function param(req: Request, name: string): string {
  const value = req.params[name]
  return typeof value === 'string' ? value : ''
}

function frameOf(services: PageServices, account: Account, req: Request, title: string): PageFrame {
  return {
    title,
    query: '',
    user: account.user,
    csrfToken: services.csrfToken(req),
    isOperator: services.isOperator(account),
  }
}

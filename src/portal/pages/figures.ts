/** The page for operators, which begins with what Shoal is worth, and the matrix of who has what. */
import type { Router } from 'express'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { releaseName, slug } from '../../core/ids.ts'
import type { PageServices } from '../pages-host.ts'
import { figurePageOf } from './figures-view.ts'
import { pageRouter } from './forms.ts'
import { operatingPageOf } from './operating-view.ts'
import { rangeOf } from './range.ts'
import { renderPage } from './render.ts'
import { asked, frameOf, param, type Visit } from './visit.ts'
import { whoPageOf } from './who-view.ts'

/** As our pages name them, and as they are in the package. */
const UPLOT = { 'uplot.js': 'uPlot.esm.js', 'uplot.css': 'uPlot.min.css' } as const
const RELEASES_SHOWN = 20
const PEOPLE_SHOWN = 50

export function figurePages(services: PageServices): Router {
  const { router, on } = pageRouter(services)
  const dist = dirname(createRequire(import.meta.url).resolve('uplot'))
  for (const [name, file] of Object.entries(UPLOT))
    router.get(`/assets/${name}`, (_req, res) => {
      res.sendFile(file, { root: dist, maxAge: '1h' })
    })
  on('/operate', operatePage)
  on('/bundles/:slug/who', whoPage)
  return router
}

async function operatePage(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const operating = await services.operating(account)
  const [first, last] = [asked(req, 'from'), asked(req, 'to')]
  if (first !== '' && last !== '') {
    res.redirect(303, `/operate?${new URLSearchParams({ range: `${first}..${last}` }).toString()}`)
    return
  }
  const range = rangeOf(asked(req, 'range'), services.now())
  const cursor = asked(req, 'cursor')
  const page = { limit: RELEASES_SHOWN, ...(cursor !== '' && { cursor }) }
  const figures = await services.figures.read(account, range)
  const releases = await services.figures.releases(account, range, page)
  const frame = { ...frameOf(visit, 'Operating'), refreshes: true, hasFigures: true, hasCharts: true }
  const seeds = services.figures.seeds.bind(services.figures)
  res
    .set('cache-control', 'no-store')
    .type('html')
    .send(
      renderPage('operate', frame, {
        ...operatingPageOf(operating),
        ...figurePageOf({ figures, range, releases, seeds }),
      }),
    )
}

async function whoPage(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const name = slug(param(req, 'slug'))
  const matrix = await services.figures.whoHas(account, name)
  const release = asked(req, 'release')
  const cursor = asked(req, 'cursor')
  const page = { limit: PEOPLE_SHOWN, ...(cursor !== '' && { cursor }) }
  const missing =
    release === '' ? undefined : await services.figures.missing(account, name, releaseName(release), page)
  const frame = { ...frameOf(visit, `Who has ${matrix.title}`), hasFigures: true }
  res
    .set('cache-control', 'no-store')
    .type('html')
    .send(renderPage('who', frame, whoPageOf(matrix, { release, missing })))
}

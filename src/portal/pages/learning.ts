/** The page of who has watched what, for the bundle's publisher and for who looks after the rules. */
import type { Router } from 'express'
import { slug } from '../../core/ids.ts'
import type { PageServices } from '../pages-host.ts'
import { pageRouter } from './forms.ts'
import { learningPageOf } from './learning-view.ts'
import { renderPage } from './render.ts'
import { dateText } from './view-model.ts'
import { asked, frameOf, param, type Visit } from './visit.ts'

const ROWS_SHOWN = 50

export function learningPages(services: PageServices): Router {
  const { router, on } = pageRouter(services)
  on('/bundles/:slug/learning', learningPage)
  return router
}

async function learningPage(visit: Visit): Promise<void> {
  const { services, account, req, res } = visit
  const cursor = asked(req, 'cursor')
  const page = { limit: ROWS_SHOWN, ...(cursor !== '' && { cursor }) }
  const found = await services.learning.page(account, slug(param(req, 'slug')), page)
  const frame = { ...frameOf(visit, `Who has watched ${found.bundle.title}`), hasFigures: true }
  res
    .set('cache-control', 'no-store')
    .type('html')
    .send(renderPage('learning', frame, learningPageOf(found, { dateText })))
}

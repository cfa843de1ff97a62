/** What needs no account: keys, .torrents by their grant, feeds by their secret, health; and metrics, which need one by default. */
import { Router } from 'express'
import { ShoalError } from '../../core/errors.ts'
import type { Metrics } from '../../platform/metrics.ts'
import { mustBeAllowed } from '../access.ts'
import type { Services } from '../services.ts'
import { addressOf, askerOf } from './authenticate.ts'
import type { Attempts } from './attempts.ts'
import { feedRoutes } from './feed-routes.ts'
import { TORRENT_TYPE } from './routes-catalogue.ts'
import { webSeedRoute } from './web-seed-route.ts'

export interface OpenRoutesParts {
  readonly services: Services
  readonly attempts: Attempts
  readonly metrics: Metrics
  readonly metricsOpen: boolean
}

export function openRoutes({ services, attempts, metrics, metricsOpen }: OpenRoutesParts): Router {
  const router = Router({ caseSensitive: true })
  router.get('/.well-known/jwks.json', async (_req, res) => {
    res.set('Cache-Control', 'public, max-age=60').json(await services.keys.document())
  })
  router.get('/dl/:file', async (req, res) => {
    const token = /^(.{1,300})\.torrent$/.exec(req.params.file)?.[1]
    if (token === undefined) throw new ShoalError('not-found', 'no such address')
    await attempts.mustBeOpen(addressOf(req))
    const { bytes, fileName } = await services.links.torrentOf(token).catch(async (error: unknown) => {
      if (error instanceof ShoalError && error.code === 'not-granted') await attempts.failed(addressOf(req))
      throw error
    })
    res
      .set('Content-Disposition', `attachment; filename="${fileName}"`)
      .set('Referrer-Policy', 'no-referrer')
      .set('Cache-Control', 'private, no-store')
      .type(TORRENT_TYPE)
      .send(Buffer.from(bytes))
  })
  router.use(feedRoutes({ services, attempts }))
  router.use(webSeedRoute({ clock: services.clock, attempts, webSeed: services.webSeed }))
  router.get('/healthz', (_req, res) => {
    res.json({ status: 'ok' })
  })
  router.get('/readyz', async (_req, res) => {
    await services.db.selectFrom('facts').select('name').limit(1).execute()
    if (!services.ledger.isReady) throw new ShoalError('unavailable', 'grants cannot be written right now')
    res.json({ status: 'ready' })
  })
  router.get('/metrics', async (req, res) => {
    if (!metricsOpen) {
      const { account } = await askerOf(services, attempts, req)
      mustBeAllowed(account, { kind: 'read-metrics' })
    }
    const { contentType, body } = await metrics.render()
    res.set('Content-Type', contentType).send(body)
  })
  return router
}

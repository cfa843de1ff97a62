/** The Express app: guards, then open routes, sign-in, the API, pages, and the answer to everything else. */
import compression from 'compression'
import express, { type Express, type RequestHandler } from 'express'
import { ShoalError } from '../../core/errors.ts'
import { minutes } from '../../core/units.ts'
import type { Metrics } from '../../platform/metrics.ts'
import type { PagesFactory } from '../pages-host.ts'
import { pageServices } from '../page-services.ts'
import type { Services } from '../services.ts'
import type { PortalSettings } from '../settings.ts'
import { apiRouter } from './api.ts'
import { Attempts } from './attempts.ts'
import { docsRoutes } from './docs-page.ts'
import { requestLog, securityHeaders } from './guards.ts'
import { openRoutes } from './open-routes.ts'
import { problemHandler } from './problems.ts'
import { sessionMiddleware } from './sessions.ts'
import { uploadRoutes } from './upload-routes.ts'
import { watchRoutes } from './watch-routes.ts'
import { signInRoutes } from './sign-in.ts'

export interface AppParts {
  readonly services: Services
  readonly sessionSecret: string
  readonly metrics: Metrics
  readonly pages?: PagesFactory | undefined
}

export function createApp(parts: AppParts, settings: PortalSettings): Express {
  const { services, metrics, sessionSecret: secret } = parts
  const { company, sessions: store } = services
  const isHttps = services.publicUrl.startsWith('https:')
  const attempts = new Attempts({ max: settings.failedLoginsPerMinuteMax, within: minutes(1) })
  const nameAttempts = new Attempts({ max: settings.failedPasswordsMax, within: minutes(15) })
  const app = express()
  app.disable('x-powered-by')
  app.set('trust proxy', settings.trustProxy.length === 0 ? false : [...settings.trustProxy])
  app.set('query parser', 'simple')
  app.use(requestLog(services.log))
  app.use(countRequests(metrics))
  app.use(securityHeaders(isHttps))
  app.use(compression({ filter: isCompressed }))
  app.use(openRoutesOf(parts, attempts, settings))
  app.use(docsRoutes())
  app.use(sessionMiddleware({ store, secret, isSecure: isHttps, settings }))
  const isAllowedFromAfar = isHttps || settings.allowInsecureLogin
  app.use(signInRoutes({ services, company, attempts, nameAttempts, isAllowedFromAfar, isSecure: isHttps }))
  app.use(uploadRoutes(services, attempts))
  app.use(watchRoutes(services))
  app.use('/api/v1', apiRouter(services, attempts))
  if (parts.pages !== undefined) app.use(parts.pages(pageServices(services, { attempts, nameAttempts })))
  app.use(() => {
    throw new ShoalError('not-found', 'no such address')
  })
  app.use(problemHandler(services.log))
  return app
}

function openRoutesOf(
  { services, metrics, sessionSecret }: AppParts,
  attempts: Attempts,
  settings: PortalSettings,
) {
  const session = sessionMiddleware({
    store: services.sessions,
    secret: sessionSecret,
    isSecure: services.publicUrl.startsWith('https:'),
    settings,
  })
  const routes = openRoutes({ services, attempts, metrics, metricsOpen: settings.metricsOpen })
  return express.Router().use('/metrics', session).use(routes)
}

/**
 * Not our pages: they hold a session's token beside what the address asked for, and from the length of the two
 * compressed together the one can be guessed by choosing the other (BREACH).
 */
const isCompressed: compression.CompressionFilter = (req, res) =>
  !/^text\/html\b/.test(String(res.getHeader('content-type'))) && compression.filter(req, res)

function countRequests(metrics: Metrics): RequestHandler {
  const requests = metrics.counter({
    name: 'shoal_portal_requests_total',
    help: 'Answered requests by the first digit of their status',
    labels: ['status'],
  })
  return (_req, res, next) => {
    res.once('finish', () => {
      requests.inc({ status: `${Math.floor(res.statusCode / 100)}xx` })
    })
    next()
  }
}

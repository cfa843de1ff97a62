/** What stands before every route: security headers, and a log without secrets. */
import helmet from 'helmet'
import { pinoHttp } from 'pino-http'
import type pino from 'pino'
import type { RequestHandler } from 'express'
import type { Logger } from '../../platform/log.ts'
import { withoutSecrets } from '../../platform/secrets.ts'

/** No inline script anywhere. Without TLS no header may ask for it: the pages would not load (their own either). */
export function securityHeaders(isHttps: boolean): RequestHandler {
  return helmet({
    strictTransportSecurity: isHttps,
    referrerPolicy: { policy: 'same-origin' },
    crossOriginOpenerPolicy: isHttps,
    originAgentCluster: isHttps,
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        scriptSrcAttr: ["'none'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        mediaSrc: ["'self'", 'blob:'],
        fontSrc: ["'self'", 'data:'],
        connectSrc: ["'self'"],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
        ...(isHttps ? { upgradeInsecureRequests: [] } : {}),
      },
    },
  })
}

/** A URL fit for a log: no grant, no token, no code of a sign-in or an invitation. */
export function loggedUrl(url: string): string {
  return withoutSecrets(url.slice(0, 500))
    .replace(/^\/(login|welcome)\/(?!company\b).*/, '/$1/[redacted]')
    .replace(/^\/(login\/company|activate)\b([^?]*)\?.*/, '/$1$2?[redacted]')
    .replace(/^\/(dl|w|l|feeds)\/[^?]*/, '/$1/[redacted]')
}

/** Polls and presence come all the time, so what went well is told at `debug`. */
export function requestLog(log: Logger): RequestHandler {
  return pinoHttp({
    // our Logger is a pino logger seen through fewer methods
    logger: log as pino.Logger,
    customLogLevel: (_req, res) => (res.statusCode >= 500 ? 'warn' : 'debug'),
    serializers: {
      req: (req: { method: string; url: string }) => ({ method: req.method, url: loggedUrl(req.url) }),
      res: (res: { statusCode: number }) => ({ statusCode: res.statusCode }),
    },
  })
}

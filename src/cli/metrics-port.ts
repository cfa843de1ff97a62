/** `GET /metrics` on a port of its own, for a role that has no accounts to ask for a token. */
import { listenHttp, type HttpListener } from '../platform/http-listener.ts'
import type { Logger } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'

/** Whoever reaches the port may read: its address is the rule. */
export function openMetricsPort(
  at: { readonly host: string; readonly port: number },
  metrics: Metrics,
  log: Logger,
): Promise<HttpListener> {
  return listenHttp(
    (req, res) => {
      if (req.url !== '/metrics' || (req.method !== 'GET' && req.method !== 'HEAD')) {
        res.writeHead(404, { 'content-type': 'text/plain' }).end('GET /metrics is all there is\n')
        return
      }
      metrics.render().then(
        ({ contentType, body }) => {
          res.writeHead(200, { 'content-type': contentType }).end(body)
        },
        (error: unknown) => {
          log.error({ err: error }, 'metrics could not be rendered')
          res.writeHead(500, { 'content-type': 'text/plain' }).end('internal error\n')
        },
      )
    },
    {
      ...at,
      onError: (error) => {
        log.error({ err: error }, 'a request for metrics failed')
      },
    },
  )
}

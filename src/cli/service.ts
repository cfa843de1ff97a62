/** What the long-running commands share. */
import { listenHttp, type HttpHandler, type HttpListener } from '../platform/http-listener.ts'
import type { Logger } from '../platform/log.ts'
import type { Portal } from '../portal/index.ts'
import type { Context } from './context.ts'

/** Answers 503 until the service sets its handler: the port is needed first, for the public URL. */
export function openPort(
  at: { readonly host: string; readonly port: number },
  log: Logger,
): Promise<HttpListener> {
  return listenHttp(notNow('starting'), {
    ...at,
    onError: (error) => {
      log.error({ err: error }, 'a request failed')
    },
  })
}

/** Says that the service is there and cannot answer yet, or no more. */
export function notNow(why: 'starting' | 'stopping'): HttpHandler {
  return (_req, res) => {
    res.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '1' }).end(`${why}\n`)
  }
}

/** What a person reads when a portal is ready. The set-up link is shown once, on the first start. */
export function welcome(context: Context, portal: Portal, lines: readonly string[]): void {
  const { output } = context
  for (const line of lines) output.line(line)
  output.line(`Token    ${portal.adminTokenFile} (an admin's: keep it private)`)
  if (portal.setupUrl === undefined) return
  output.event({ event: 'setup', url: portal.setupUrl })
  output.line(`Set-up   ${portal.setupUrl} (signs you in, once, within 15 minutes)`)
}

/** Resolves when the signal is aborted. */
export function stopped(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else
      signal.addEventListener(
        'abort',
        () => {
          resolve()
        },
        { once: true },
      )
  })
}

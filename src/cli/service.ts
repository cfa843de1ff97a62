/** What the long-running commands share. */
import { ShoalError } from '../core/errors.ts'
import { listenHttp, type HttpHandler, type HttpListener } from '../platform/http-listener.ts'
import type { Logger } from '../platform/log.ts'
import { TlsFiles, type TlsFilesParts } from '../platform/tls-files.ts'
import type { Portal } from '../portal/index.ts'
import { localUrlOf, publicUrlOf } from './addresses.ts'
import type { Context } from './context.ts'

export interface TlsFlags {
  readonly tlsCert?: string
  readonly tlsKey?: string
}

/** Undefined without the flags. @throws ShoalError `bad-usage` for one without the other, and for files that will not do. */
export async function openTls(
  { tlsCert, tlsKey }: TlsFlags,
  parts: TlsFilesParts,
): Promise<TlsFiles | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined
  if (tlsCert === undefined || tlsKey === undefined)
    throw new ShoalError('bad-usage', 'TLS takes both --tls-cert FILE and --tls-key FILE')
  return TlsFiles.open({ certificate: tlsCert, key: tlsKey }, parts)
}

interface At {
  readonly host: string
  readonly port: number
}

/**
 * The port of a portal. It answers 503 until it is given a handler: the port is needed first, for the public URL. With TLS there is
 * a second one for this process itself, on loopback and without, since no certificate is for 127.0.0.1.
 */
export class PortalPort implements AsyncDisposable {
  readonly #outer: HttpListener
  readonly #inner: HttpListener | undefined
  readonly #at: At
  readonly #place: { origin: string | undefined }

  private constructor(
    at: At,
    outer: HttpListener,
    {
      inner,
      place,
    }: { readonly inner: HttpListener | undefined; readonly place: { origin: string | undefined } },
  ) {
    this.#at = { host: at.host, port: outer.port }
    this.#outer = outer
    this.#inner = inner
    this.#place = place
  }

  static async open(at: At, log: Logger, tls: TlsFiles | undefined): Promise<PortalPort> {
    const onError = (error: unknown): void => {
      log.error({ err: error }, 'a request failed')
    }
    const place: { origin: string | undefined } = { origin: undefined }
    await using stack = new AsyncDisposableStack()
    const outer = stack.use(
      await listenHttp(notNow('starting'), {
        ...at,
        onError,
        ...(tls !== undefined && { tls: { files: tls, origin: () => place.origin } }),
      }),
    )
    const local = { host: '127.0.0.1', port: 0, onError }
    const inner = tls === undefined ? undefined : stack.use(await listenHttp(notNow('starting'), local))
    stack.move()
    return new PortalPort(at, outer, { inner, place })
  }

  /** `--public-url`, else from where it listens. @throws ShoalError `bad-usage`. */
  publicUrl(asked: string | undefined): string {
    const scheme = this.#inner === undefined ? 'http' : 'https'
    this.#place.origin = publicUrlOf(asked, this.#at, scheme)
    return this.#place.origin
  }

  /** For what runs in this process. */
  get localUrl(): string {
    return localUrlOf(this.#inner === undefined ? this.#at : { host: '127.0.0.1', port: this.#inner.port })
  }

  setHandler(handler: HttpHandler): void {
    this.#outer.setHandler(handler)
    this.#inner?.setHandler(handler)
  }

  /** Of the port for others: see `HttpListener`. */
  setDirect(answer: Parameters<HttpListener['setDirect']>[0]): void {
    this.#outer.setDirect(answer)
  }

  setUpgradeHandler(handler: Parameters<HttpListener['setUpgradeHandler']>[0]): void {
    this.#outer.setUpgradeHandler(handler)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#outer[Symbol.asyncDispose](), this.#inner?.[Symbol.asyncDispose]()])
  }
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

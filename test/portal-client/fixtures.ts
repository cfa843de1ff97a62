/** A tiny portal on a free loopback port, folders that vanish, and waiting without sleeping. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { ShoalError, type ErrorCode } from '../../src/core/errors.ts'
import { listenHttp } from '../../src/platform/http-listener.ts'

export interface TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string
  /** `METHOD path?query`, as they came. */
  readonly asked: string[]
}

/** Serves what `handler` answers; without one, nothing is ever answered. */
export async function serve(
  handler: (req: IncomingMessage, res: ServerResponse) => void,
): Promise<TestServer> {
  const asked: string[] = []
  const listener = await listenHttp(
    (req, res) => {
      asked.push(`${req.method ?? ''} ${req.url ?? ''}`)
      handler(req, res)
    },
    { host: '127.0.0.1', port: 0 },
  )
  return {
    url: `http://127.0.0.1:${listener.port}`,
    asked,
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  }
}

export function answer(res: ServerResponse, body: unknown, status = 200): void {
  res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

export async function bodyOf(req: IncomingMessage): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(req as AsyncIterable<Uint8Array>))
}

export async function tempFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'shoal-portal-client-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

/** Gives the event loop its turns until `isSo`; mocha's own time-out ends a wait that is in vain. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await turn()
}

/** For `assert.rejects`: a ShoalError of the code whose message matches. */
export function refused(code: ErrorCode, message: RegExp = /./): (error: unknown) => boolean {
  return (error) => error instanceof ShoalError && error.code === code && message.test(error.message)
}

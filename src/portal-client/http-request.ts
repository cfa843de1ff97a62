/**
 * One HTTP request of ours: bounded in time and bytes, no redirect followed, and every failure one clear
 * sentence. The sentence names the other side by its origin, never by its path: a path may carry a grant.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { IpAddress } from '../core/address.ts'
import { messageOf, ShoalError, systemCode } from '../core/errors.ts'
import type { Millis } from '../core/units.ts'
import { systemClock, type Clock } from '../platform/clock.ts'
import { httpModuleFor } from '../platform/http-module.ts'
import { withoutSecrets } from '../platform/secrets.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** More than this ends the request. */
  readonly replyBytesMax: number
  /** From asking to the last byte of the answer. */
  readonly timeout: Millis
  /** The local address to ask from; without it the system chooses. */
  readonly localAddress?: IpAddress
  readonly clock?: Clock
}

export interface HttpReply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Uint8Array
}

/**
 * @throws ShoalError `unavailable` when there is no whole answer, `over-limit` when it is longer than asked
 *   for; the signal's reason when it is aborted.
 */
export async function requestHttp(url: URL, request: HttpRequest, signal?: AbortSignal): Promise<HttpReply> {
  signal?.throwIfAborted()
  const late = new AbortController()
  const timer = (request.clock ?? systemClock).after(request.timeout, () => late.abort())
  try {
    const reply = await send(
      url,
      request,
      signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]),
    )
    const body = await readBounded(reply, request.replyBytesMax, url)
    return { status: reply.statusCode ?? 0, headers: reply.headers, body }
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof ShoalError) throw error
    if (late.signal.aborted)
      throw unavailable(
        url,
        `does not answer within ${Math.ceil(request.timeout / 1_000)} s: is it overloaded?`,
      )
    throw unavailable(url, reasonOf(error, url), error)
  } finally {
    timer.cancel()
  }
}

function send(url: URL, request: HttpRequest, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = httpModuleFor(url).request(url, {
      method: request.method,
      headers: {
        ...request.headers,
        ...(request.body === undefined ? {} : { 'content-length': request.body.length }),
      },
      signal,
      // A connection of its own: none is left open, and none that the server has just closed is used again.
      agent: false,
      ...(request.localAddress === undefined ? {} : { localAddress: request.localAddress }),
    })
    sent.on('response', resolve).on('error', reject)
    sent.end(request.body)
  })
}

async function readBounded(reply: IncomingMessage, bytesMax: number, url: URL): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of reply as AsyncIterable<Uint8Array>) {
    length += chunk.length
    if (length > bytesMax)
      throw new ShoalError(
        'over-limit',
        `the portal at ${url.origin} answers with more than ${bytesMax} bytes`,
      )
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function unavailable(url: URL, reason: string, cause?: unknown): ShoalError {
  return new ShoalError('unavailable', `the portal at ${url.origin} ${reason}`, { cause })
}

/** What a system error means to the person who waits for the answer. */
function reasonOf(error: unknown, url: URL): string {
  const code = systemCode(error) ?? ''
  switch (code) {
    case 'ECONNREFUSED':
      return 'does not answer (connection refused): is it running?'
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `does not answer (no address is known for ${url.hostname}): is the name right?`
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return 'does not answer (its machine cannot be reached): is the network up?'
    case 'EADDRNOTAVAIL':
      return 'cannot be asked from the local address given: this machine does not have it'
    case 'ECONNRESET':
    case 'EPIPE':
      return 'closed the connection before it had answered: try again'
    default:
      if (code.startsWith('HPE_')) return 'does not speak HTTP: is the address right?'
      if (code === 'EPROTO') return 'does not speak TLS: is it http:// instead of https://?'
      if (/CERT|SIGNATURE|ISSUER/.test(code))
        return `shows a certificate that this machine does not trust (${code}): install the company CA`
      return `cannot be asked (${withoutSecrets(messageOf(error)).slice(0, 200)})`
  }
}

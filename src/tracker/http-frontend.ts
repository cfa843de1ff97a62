/**
 * Announce, scrape and leases over HTTP (BEP 3, BEP 48), without a framework: this is most of what a tracker does.
 * A refusal is a 200 with a bencoded reason, since clients show nobody the text of another status.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf, ShoalError } from '../core/errors.ts'
import { tryIpAddress } from '../core/address.ts'
import type { Logger } from '../platform/log.ts'
import { encodeAnnounceRefusal, encodeAnnounceReply, parseAnnounceQuery } from '../wire/announce.ts'
import { encodeLeaseReply, LEASE_QUERY_CHARS_MAX, parseLeaseQuery } from '../wire/lease.ts'
import { limits } from '../wire/limits.ts'
import { encodeScrapeReply, parseScrapeQuery } from '../wire/scrape.ts'
import type { AddressBook, AddressFacts } from './address-book.ts'
import type { AddressRanges } from './address-ranges.ts'
import { clientAddress } from './client-address.ts'
import { refusals, type Refusal } from './refusals.ts'
import type { Answer, TrackerCore } from './tracker-core.ts'

export interface HttpFrontendParts {
  readonly core: TrackerCore
  readonly addresses: AddressBook
  readonly log: Logger
}

type Body = Uint8Array

/** One path of the tracker: how long its query may be, and what it answers with. */
interface Route {
  readonly queryCharsMax: number
  readonly answer: (parts: HttpFrontendParts, query: string, from: AddressFacts) => Body | Promise<Body>
}

export class HttpFrontend {
  readonly #parts: HttpFrontendParts
  readonly #trusted: AddressRanges

  constructor(parts: HttpFrontendParts, options: { readonly trustedProxies: AddressRanges }) {
    this.#parts = parts
    this.#trusted = options.trustedProxies
  }

  /** False, with nothing done, when the path is not the tracker's. */
  handle(req: IncomingMessage, res: ServerResponse): boolean {
    const url = req.url ?? ''
    const mark = url.indexOf('?')
    const path = mark === -1 ? url : url.slice(0, mark)
    const route = ROUTES.get(path)
    if (route === undefined) return false
    if (req.method !== 'GET') sendText(res, 405, 'this address answers GET\n', { allow: 'GET' })
    else if (url.length - path.length - 1 > route.queryCharsMax) sendText(res, 414, 'the query is too long\n')
    else this.#answer(route, mark === -1 ? '' : url.slice(mark + 1), req, res)
    return true
  }

  #answer(route: Route, query: string, req: IncomingMessage, res: ServerResponse): void {
    try {
      const from = this.#from(req)
      const body =
        from === undefined
          ? refused(this.#parts, refusals.addressUnknown)
          : route.answer(this.#parts, query, from)
      if (!(body instanceof Promise)) {
        send(res, body)
        return
      }
      body.then(
        (bytes) => {
          send(res, bytes)
        },
        (error: unknown) => {
          this.#fail(res, error)
        },
      )
    } catch (error) {
      if (error instanceof ShoalError) send(res, refused(this.#parts, refusals.badRequest(error.message)))
      else this.#fail(res, error)
    }
  }

  #from(req: IncomingMessage): AddressFacts | undefined {
    const remote = req.socket.remoteAddress
    if (remote === undefined) return undefined
    if (this.#trusted.isEmpty) return this.#parts.addresses.lookUp(remote)
    const header = req.headers['x-forwarded-for']
    const forwardedFor = Array.isArray(header) ? header.join(',') : header
    const host = clientAddress(tryIpAddress(remote), forwardedFor, this.#trusted)
    return host === undefined ? undefined : this.#parts.addresses.lookUp(host)
  }

  /** A bug: the client learns no more than that. */
  #fail(res: ServerResponse, error: unknown): void {
    this.#parts.log.error({ err: error }, `tracker: ${messageOf(error)}`)
    sendText(res, 500, 'internal error\n')
  }
}

const announce: Route = {
  queryCharsMax: limits.announceQueryCharsMax,
  answer: (parts, query, from) => {
    const request = parseAnnounceQuery(query)
    const form = { compact: request.compact, withFlags: request.isOurs }
    return encoded(parts.core.announce(request, from), (reply) => encodeAnnounceReply(reply, form))
  },
}

const scrape: Route = {
  // every infohash with its name, and a grant
  queryCharsMax: limits.scrapeHashesMax * 80 + limits.grantCharsMax,
  answer: (parts, query, from) =>
    encoded(parts.core.scrape(parseScrapeQuery(query), from), encodeScrapeReply),
}

const lease: Route = {
  queryCharsMax: LEASE_QUERY_CHARS_MAX,
  answer: (parts, query, from) => encoded(parts.core.leases(parseLeaseQuery(query), from), encodeLeaseReply),
}

const ROUTES: ReadonlyMap<string, Route> = new Map([
  ['/announce', announce],
  ['/scrape', scrape],
  ['/lease', lease],
])

function encoded<T>(
  answer: Answer<T> | Promise<Answer<T>>,
  encode: (reply: T) => Body,
): Body | Promise<Body> {
  const bytesOf = (done: Answer<T>): Body =>
    'refusal' in done ? encodeAnnounceRefusal(done.refusal) : encode(done.reply)
  return answer instanceof Promise ? answer.then(bytesOf) : bytesOf(answer)
}

const refused = (parts: HttpFrontendParts, refusal: Refusal): Body =>
  encodeAnnounceRefusal(parts.core.refuse(refusal))

/**
 * Head and body leave in one write: Node joins them when the body is a string, and latin1 keeps every byte.
 * There is no date, which nobody reads.
 */
function send(res: ServerResponse, body: Body): void {
  res.sendDate = false
  res.writeHead(200, ['Content-Type', 'text/plain', 'Content-Length', String(body.length)])
  res.end(Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('latin1'), 'latin1')
}

function sendText(
  res: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(text)
}

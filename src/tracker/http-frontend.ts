/**
 * Announce, scrape and leases over HTTP (BEP 3, BEP 48), without a framework: this is most of what a tracker does.
 * A refusal is a 200 with a bencoded reason, since clients show nobody the text of another status. Plain GETs
 * come straight from the socket (`direct`), the rest by node:http (`handle`); both are answered alike.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { messageOf, ShoalError } from '../core/errors.ts'
import { tryIpAddress } from '../core/address.ts'
import type { Logger } from '../platform/log.ts'
import type { SimpleGet } from '../platform/simple-get.ts'
import { announceReplyText, encodeAnnounceRefusal, parseAnnounceQuery } from '../wire/announce.ts'
import { encodeLeaseReply, LEASE_QUERY_CHARS_MAX, parseLeaseQuery } from '../wire/lease.ts'
import { limits } from '../wire/limits.ts'
import { encodeReachReply, parseReachQuery } from '../wire/reach.ts'
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

/** A bencoded body, a character a byte: Node writes head and body at once when both are text. */
type Body = string

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

  /** Undefined, with nothing done, for what is not the tracker's or is to be answered with another status. */
  direct(
    { target, forwardedFor }: SimpleGet,
    remoteAddress: string | undefined,
  ): Body | Promise<Body> | undefined {
    const { route, query } = routeOf(target)
    if (route === undefined || query.length > route.queryCharsMax) return undefined
    return this.#answer(route, query, remoteAddress, forwardedFor)
  }

  /** False, with nothing done, when the path is not the tracker's. */
  handle(req: IncomingMessage, res: ServerResponse): boolean {
    const { route, query } = routeOf(req.url ?? '')
    if (route === undefined) return false
    if (req.method !== 'GET') sendText(res, 405, 'this address answers GET\n', { allow: 'GET' })
    else if (query.length > route.queryCharsMax) sendText(res, 414, 'the query is too long\n')
    else {
      const header = req.headers['x-forwarded-for']
      const forwardedFor = Array.isArray(header) ? header.join(',') : header
      void this.#respond(res, async () => this.#answer(route, query, req.socket.remoteAddress, forwardedFor))
    }
    return true
  }

  #answer(
    route: Route,
    query: string,
    remoteAddress: string | undefined,
    forwardedFor: string | undefined,
  ): Body | Promise<Body> {
    try {
      const from = this.#from(remoteAddress, forwardedFor)
      return from === undefined
        ? refused(this.#parts, refusals.addressUnknown)
        : route.answer(this.#parts, query, from)
    } catch (error) {
      if (error instanceof ShoalError) return refused(this.#parts, refusals.badRequest(error.message))
      throw error
    }
  }

  #from(remote: string | undefined, forwardedFor: string | undefined): AddressFacts | undefined {
    if (remote === undefined) return undefined
    if (this.#trusted.isEmpty) return this.#parts.addresses.lookUp(remote)
    const host = clientAddress(tryIpAddress(remote), forwardedFor, this.#trusted)
    return host === undefined ? undefined : this.#parts.addresses.lookUp(host)
  }

  async #respond(res: ServerResponse, answer: () => Promise<Body>): Promise<void> {
    try {
      send(res, await answer())
    } catch (error) {
      // A bug: the client learns no more than that.
      this.#parts.log.error({ err: error }, `tracker: ${messageOf(error)}`)
      sendText(res, 500, 'internal error\n')
    }
  }
}

const announce: Route = {
  queryCharsMax: limits.announceQueryCharsMax,
  answer: (parts, query, from) => {
    const request = parseAnnounceQuery(query)
    const form = { compact: request.compact, withFlags: request.isOurs }
    return encoded(parts.core.announce(request, from), (reply) => announceReplyText(reply, form))
  },
}

const scrape: Route = {
  // every infohash with its name, and a grant
  queryCharsMax: limits.scrapeHashesMax * 80 + limits.grantCharsMax,
  answer: (parts, query, from) =>
    encoded(parts.core.scrape(parseScrapeQuery(query), from), (reply) => textOf(encodeScrapeReply(reply))),
}

const reach: Route = {
  queryCharsMax: limits.announceQueryCharsMax,
  answer: (parts, query, from) =>
    encoded(parts.core.reach(parseReachQuery(query), from), (reply) => textOf(encodeReachReply(reply))),
}

const lease: Route = {
  queryCharsMax: LEASE_QUERY_CHARS_MAX,
  answer: (parts, query, from) =>
    encoded(parts.core.leases(parseLeaseQuery(query), from), (reply) => textOf(encodeLeaseReply(reply))),
}

const ROUTES: ReadonlyMap<string, Route> = new Map([
  ['/announce', announce],
  ['/scrape', scrape],
  ['/reach', reach],
  ['/lease', lease],
])

function routeOf(target: string): { readonly route: Route | undefined; readonly query: string } {
  const mark = target.indexOf('?')
  if (mark === -1) return { route: ROUTES.get(target), query: '' }
  return { route: ROUTES.get(target.slice(0, mark)), query: target.slice(mark + 1) }
}

function encoded<T>(
  answer: Answer<T> | Promise<Answer<T>>,
  encode: (reply: T) => Body,
): Body | Promise<Body> {
  const bodyOf = (done: Answer<T>): Body =>
    'refusal' in done ? textOf(encodeAnnounceRefusal(done.refusal)) : encode(done.reply)
  return answer instanceof Promise ? answer.then(bodyOf) : bodyOf(answer)
}

const refused = (parts: HttpFrontendParts, refusal: Refusal): Body =>
  textOf(encodeAnnounceRefusal(parts.core.refuse(refusal)))

const textOf = (bytes: Uint8Array): Body =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')

/** There is no date, which nobody reads. */
function send(res: ServerResponse, body: Body): void {
  res.sendDate = false
  res.writeHead(200, ['Content-Type', 'text/plain', 'Content-Length', String(body.length)])
  res.end(body, 'latin1')
}

function sendText(
  res: ServerResponse,
  status: number,
  text: string,
  headers: Record<string, string> = {},
): void {
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...headers }).end(text)
}

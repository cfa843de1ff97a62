/** One part of one file from a web seed: asked for by range, bounded in bytes and time, redirected within its hosts. */
import { lookup as resolveName, type LookupAddress } from 'node:dns'
import type { IncomingMessage } from 'node:http'
import type { LookupFunction } from 'node:net'
import type { IpAddress } from '../core/address.ts'
import { messageOf } from '../core/errors.ts'
import { KiB } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import { httpModuleFor } from '../platform/http-module.ts'
import { withoutSecrets } from '../platform/secrets.ts'
import { formatRange } from '../wire/byte-range.ts'
import { refusedRangeOf } from '../wire/foreign-url.ts'
import { limits } from '../wire/limits.ts'
import { notNow, useless, WebSeedFailure } from './web-seed-failure.ts'
import { type AskedRange, followed, mustBeAsked, redirectOf } from './web-seed-reply.ts'

export interface RangeRequest extends AskedRange {
  readonly url: string
  /** `host:port`s to which a redirect may lead. */
  readonly hosts: ReadonlySet<string>
  /** Takes what comes, in order; the next comes when it resolves. Undefined: at once. */
  readonly take: (bytes: Uint8Array) => Promise<void> | undefined
  /** To ask from; without it the system chooses. */
  readonly localAddress: IpAddress | undefined
  readonly clock: Clock
}

/** Resolves when all of it was taken. @throws WebSeedFailure */
export type FetchRange = (request: RangeRequest, signal: AbortSignal) => Promise<void>

/** For each so many bytes there is `limits.webSeedSilenceMax`. */
const PATIENCE_BYTES = 64 * KiB

export const fetchRange: FetchRange = async (request, signal) => {
  let url = new URL(request.url)
  for (let redirects = 0; ; redirects++) {
    const response = await headOf(url, request, signal)
    const head = { status: response.statusCode ?? 0, headers: response.headers }
    try {
      const location = redirectOf(head)
      if (location === undefined) {
        mustBeAsked(head, request, request.clock.epoch())
        await takeBody(response, request)
        return
      }
      if (redirects === limits.webSeedRedirectsMax) throw useless('redirects again and again')
      url = followed(url, location, request.hosts)
    } finally {
      response.destroy()
    }
  }
}

function headOf(url: URL, request: RangeRequest, signal: AbortSignal): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = httpModuleFor(url).request(url, {
      agent: false,
      signal,
      lookup: judgedLookup(resolveName),
      headers: {
        'user-agent': 'Shoal/0.1.0',
        'accept-encoding': 'identity',
        range: formatRange(request),
        connection: 'close',
      },
      ...(request.localAddress === undefined ? {} : { localAddress: request.localAddress }),
    })
    const timer = request.clock.after(limits.webSeedHeadTimeout, () => {
      outgoing.destroy(notNow('does not answer in time'))
    })
    outgoing.on('response', (response) => {
      timer.cancel()
      resolve(response)
    })
    outgoing.on('error', (error) => {
      timer.cancel()
      reject(asFailure(error, 'cannot be asked'))
    })
    // Of an answer that switches protocols (101) nothing else is told.
    outgoing.on('close', () => {
      timer.cancel()
      reject(notNow('broke off'))
    })
    outgoing.end()
  })
}

async function takeBody(response: IncomingMessage, request: RangeRequest): Promise<void> {
  const length = request.end - request.from
  let got = 0
  let timed = 0
  let timer: Timer | undefined
  const wait = (): void => {
    timer = request.clock.after(limits.webSeedSilenceMax, () => response.destroy(notNow('is too slow')))
  }
  wait()
  try {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      got += chunk.length
      if (got > length) throw useless('sends more than was asked for')
      const taken = request.take(chunk)
      if (taken !== undefined || got - timed >= PATIENCE_BYTES) {
        // What we keep it waiting for is not its fault.
        timer?.cancel()
        timed = got
        await taken
        wait()
      }
    }
  } catch (error) {
    throw asFailure(error, 'broke off')
  } finally {
    timer?.cancel()
  }
  if (got < length) throw notNow('broke off')
}

function asFailure(error: unknown, what: string): WebSeedFailure {
  if (error instanceof WebSeedFailure) return error
  return notNow(`${what} (${withoutSecrets(messageOf(error)).slice(0, 200)})`, error)
}

/** A name that leads to where nobody serves anything (cloud metadata is link-local) leads nowhere. */
export function judgedLookup(resolve: typeof resolveName): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses: readonly LookupAddress[]) => {
      const good =
        error === null ? addresses.filter(({ address }) => refusedRangeOf(address) === undefined) : []
      const [first] = good
      if (error !== null || first === undefined)
        callback(error ?? useless(`${hostname} has no address that may be asked`), '', 4)
      else if (options.all === true) callback(null, good)
      else callback(null, first.address, first.family)
    })
  }
}

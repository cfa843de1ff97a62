/**
 * How a portal's REST API is asked: the one place that sends, and what it makes of the answer. Every answer is read by the
 * schema that the portal writes by, loaded when the first answer is there: `shoal get` of a link never pays for it.
 */
import type { z } from 'zod'
import type { IpAddress } from '../core/address.ts'
import { millis, seconds, type Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type * as Api from '../wire/api.ts'
import type * as DeviceApi from '../wire/device-api.ts'
import { limits } from '../wire/limits.ts'
import { requestHttp, type HttpReply, type HttpRequest } from './http-request.ts'
import { portalOrigin } from './portal-address.ts'
import { refusalOf, valueOf } from './reply.ts'

export interface PortalClientParts {
  /** Any URL of the portal; its origin counts. */
  readonly baseUrl: string
  /** API token; without it only what needs none is answered. */
  readonly token?: string
  /** A one-time code in its place: good for `enrol`, once. */
  readonly code?: string
  /** A grant in its place: good for `reportTransfers`. */
  readonly grant?: string
  /** The local address to ask from; without it the system chooses. */
  readonly localAddress?: IpAddress
  /** For time-outs; the system's when absent. */
  readonly clock?: Clock
}

type Query = Readonly<Record<string, string | number | undefined>>
export type Schemas = typeof Api & typeof DeviceApi

/** What a call is, beside its path. */
export interface Call {
  readonly method?: HttpRequest['method']
  readonly query?: Query
  readonly json?: unknown
  /** The bytes of a .torrent. */
  readonly torrent?: Uint8Array
  readonly jpeg?: Uint8Array
  readonly replyBytesMax?: number
  readonly timeout?: Millis
}

/** A portal answers at once or is in trouble; a slow line needs its time for 4 MiB of torrent. */
const CALL_TIMEOUT = seconds(30)
export const REPORT_TIMEOUT = seconds(10)
export const TORRENT_TIMEOUT = seconds(120)
export const CONTROL_TIMEOUT = millis(limits.controlPollWait + CALL_TIMEOUT)

export class PortalRequests {
  readonly origin: string
  readonly #parts: PortalClientParts

  /** @throws ShoalError `bad-usage` when `baseUrl` is no http(s) URL. */
  constructor(parts: PortalClientParts) {
    this.origin = portalOrigin(parts.baseUrl)
    this.#parts = parts
  }

  async json<T>(
    path: string,
    call: Call,
    schemaOf: (api: Schemas) => z.ZodType<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const reply = await this.send(`/api/v1${path}`, call, signal)
    const schemas = { ...(await import('../wire/api.ts')), ...(await import('../wire/device-api.ts')) }
    return valueOf(reply, schemaOf(schemas), this.origin)
  }

  /** The one place that asks: an answer of success, or a ShoalError. */
  async send(path: string, call: Call, signal?: AbortSignal): Promise<HttpReply> {
    const { token, code, grant, localAddress, clock } = this.#parts
    const body =
      call.torrent ??
      call.jpeg ??
      (call.json === undefined ? undefined : Buffer.from(JSON.stringify(call.json)))
    const request: HttpRequest = {
      method: call.method ?? 'GET',
      headers: {
        accept: 'application/json',
        ...(code === undefined ? {} : { authorization: `Code ${code}` }),
        ...(grant === undefined ? {} : { authorization: `Grant ${grant}` }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': typeOf(call) }),
      },
      replyBytesMax: call.replyBytesMax ?? limits.apiReplyBytesMax,
      timeout: call.timeout ?? CALL_TIMEOUT,
      ...(body === undefined ? {} : { body }),
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(clock === undefined ? {} : { clock }),
    }
    const reply = await requestHttp(this.#urlOf(path, call.query ?? {}), request, signal)
    if (reply.status < 200 || reply.status > 299) throw refusalOf(reply, this.origin, token !== undefined)
    return reply
  }

  #urlOf(path: string, query: Query): URL {
    const url = new URL(path, this.origin)
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value))
    return url
  }
}

const typeOf = ({ torrent, jpeg }: Call): string =>
  torrent !== undefined ? 'application/x-bittorrent' : jpeg !== undefined ? 'image/jpeg' : 'application/json'

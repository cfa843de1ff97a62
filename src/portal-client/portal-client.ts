/**
 * The portal's REST API from outside, one small method a route. Every answer is read by the schema that the
 * portal writes by, loaded when the first answer is there: `shoal get` of a link never pays for it.
 */
import type { z } from 'zod'
import type { IpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import type { DeviceId, GrantId, ReleaseName, Slug } from '../core/ids.ts'
import { millis, seconds, type Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type * as Api from '../wire/api.ts'
import type * as DeviceApi from '../wire/device-api.ts'
import type { Jwks } from '../wire/keys.ts'
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
  /** The local address to ask from; without it the system chooses. */
  readonly localAddress?: IpAddress
  /** For time-outs; the system's when absent. */
  readonly clock?: Clock
}

export interface BundleQuery {
  /** Words to look for. */
  readonly q?: string
  readonly tag?: string
  /** Bundles a page. */
  readonly limit?: number
  /** `nextCursor` of the page before. */
  readonly cursor?: string
}
type Query = Readonly<Record<string, string | number | undefined>>
type Schemas = typeof Api & typeof DeviceApi

/** What a call is, beside its path. */
interface Call {
  readonly method?: HttpRequest['method']
  readonly query?: Query
  readonly json?: unknown
  /** The bytes of a .torrent. */
  readonly torrent?: Uint8Array
  readonly replyBytesMax?: number
  readonly timeout?: Millis
}

/** A portal answers at once or is in trouble; a slow line needs its time for 4 MiB of torrent. */
const CALL_TIMEOUT = seconds(30)
const TORRENT_TIMEOUT = seconds(120)
const CONTROL_TIMEOUT = millis(limits.controlPollWait + CALL_TIMEOUT)

/**
 * Every method throws ShoalError: `unavailable` when the portal does not answer or answers what we do not
 * understand, `not-authenticated` for a bad or missing token, else the portal's own code and sentence.
 */
export class PortalClient {
  /** The portal's origin, as it was given: `https://media.example.com`. */
  readonly origin: string
  readonly hasToken: boolean
  readonly #parts: PortalClientParts

  /** @throws ShoalError `bad-usage` when `baseUrl` is no http(s) URL. */
  constructor(parts: PortalClientParts) {
    this.origin = portalOrigin(parts.baseUrl)
    this.hasToken = parts.token !== undefined
    this.#parts = parts
  }

  /** Whom the token stands for. */
  me(signal?: AbortSignal): Promise<Api.Me> {
    return this.#json('/me', {}, (api) => api.zMe, signal)
  }

  /** One page; `nextCursor` is null on the last. */
  bundles(query: BundleQuery = {}, signal?: AbortSignal): Promise<z.infer<typeof Api.zBundlePage>> {
    return this.#json('/bundles', { query: { ...query } }, (api) => api.zBundlePage, signal)
  }

  /** All that match, page by page as they are asked for. */
  async *allBundles(
    query: Omit<BundleQuery, 'cursor'> = {},
    signal?: AbortSignal,
  ): AsyncGenerator<Api.Bundle> {
    let cursor: string | undefined
    do {
      const page = await this.bundles({ ...query, ...(cursor === undefined ? {} : { cursor }) }, signal)
      yield* page.items
      cursor = page.nextCursor ?? undefined
    } while (cursor !== undefined)
  }

  bundle(slug: Slug, signal?: AbortSignal): Promise<Api.BundleDetail> {
    return this.#json(`/bundles/${slug}`, {}, (api) => api.zBundleDetail, signal)
  }

  createBundle(bundle: Api.NewBundle, signal?: AbortSignal): Promise<Api.Bundle> {
    return this.#json('/bundles', { method: 'POST', json: bundle }, (api) => api.zBundle, signal)
  }

  /** `torrent`: a private .torrent; the portal keeps its info bytes only. `conflict` when the infohash is taken. */
  addRelease(
    slug: Slug,
    torrent: Uint8Array,
    query: Api.NewReleaseQuery,
    signal?: AbortSignal,
  ): Promise<Api.Release> {
    const call: Call = { method: 'POST', query: { ...query }, torrent, timeout: TORRENT_TIMEOUT }
    return this.#json(`/bundles/${slug}/releases`, call, (api) => api.zRelease, signal)
  }

  release(slug: Slug, name: ReleaseName, signal?: AbortSignal): Promise<Api.Release> {
    return this.#json(`/bundles/${slug}/releases/${name}`, {}, (api) => api.zRelease, signal)
  }

  /** The bytes of the release's .torrent, without any tracker. */
  async torrentOf(slug: Slug, name: ReleaseName, signal?: AbortSignal): Promise<Uint8Array> {
    const call: Call = { replyBytesMax: limits.torrentBytesMax, timeout: TORRENT_TIMEOUT }
    return (await this.#send(`/api/v1/bundles/${slug}/releases/${name}/torrent`, call, signal)).body
  }

  /** `name` may be `latest`. */
  createLink(
    slug: Slug,
    name: ReleaseName | 'latest',
    request: Api.LinkRequest = {},
    signal?: AbortSignal,
  ): Promise<Api.Link> {
    const call: Call = { method: 'POST', json: request }
    return this.#json(`/bundles/${slug}/releases/${name}/links`, call, (api) => api.zLink, signal)
  }

  /** Ends every grant of the release; all seeders stop serving it. */
  async recallRelease(slug: Slug, name: ReleaseName, signal?: AbortSignal): Promise<void> {
    await this.#send(`/api/v1/bundles/${slug}/releases/${name}/recall`, { method: 'POST', json: {} }, signal)
  }

  grants(query: { cursor?: string } = {}, signal?: AbortSignal): Promise<z.infer<typeof Api.zGrantPage>> {
    return this.#json('/grants', { query }, (api) => api.zGrantPage, signal)
  }

  async revokeGrant(id: GrantId, signal?: AbortSignal): Promise<void> {
    await this.#send(`/api/v1/grants/${id}`, { method: 'DELETE' }, signal)
  }

  /** How many live grants the person had; all are revoked. */
  async revokeUser(user: string, signal?: AbortSignal): Promise<number> {
    const path = `/users/${segment(user)}/grants`
    return (await this.#json(path, { method: 'DELETE' }, (api) => api.zRevoked, signal)).revoked
  }

  renewGrant(id: GrantId, signal?: AbortSignal): Promise<Api.Renewal> {
    return this.#json(`/grants/${id}/renew`, { method: 'POST', json: {} }, (api) => api.zRenewal, signal)
  }

  /** A certificate for this machine's key; the same key again gets a fresh one. */
  enrol(enrolment: DeviceApi.Enrolment, signal?: AbortSignal): Promise<DeviceApi.Enrolled> {
    return this.#json('/devices', { method: 'POST', json: enrolment }, (api) => api.zEnrolled, signal)
  }

  devices(signal?: AbortSignal): Promise<z.infer<typeof DeviceApi.zDeviceList>> {
    return this.#json('/devices', {}, (api) => api.zDeviceList, signal)
  }

  /** The answer holds the code itself: the only time it is shown. */
  createDeviceCode(
    wanted: DeviceApi.NewDeviceCode,
    signal?: AbortSignal,
  ): Promise<z.infer<typeof DeviceApi.zDeviceCode>> {
    const call: Call = { method: 'POST', json: wanted }
    return this.#json('/devices/codes', call, (api) => api.zDeviceCode, signal)
  }

  async revokeDevice(id: DeviceId, signal?: AbortSignal): Promise<void> {
    await this.#send(`/api/v1/devices/${id}`, { method: 'DELETE' }, signal)
  }

  permit(grant: GrantId, device: DeviceId, signal?: AbortSignal): Promise<DeviceApi.PermitReply> {
    const call: Call = { method: 'POST', json: { grant, device } }
    return this.#json('/permits', call, (api) => api.zPermit, signal)
  }

  /** Of one release, or of all; the release stays. */
  refuseBefore(order: Api.RefuseBefore, signal?: AbortSignal): Promise<z.infer<typeof Api.zRefusedBefore>> {
    const call: Call = { method: 'POST', json: order }
    return this.#json('/grants/refuse-before', call, (api) => api.zRefusedBefore, signal)
  }

  /** For trackers: the portal keeps a row of each. */
  async reportSharedGrants(items: Api.SharedGrant[], signal?: AbortSignal): Promise<void> {
    await this.#send('/api/v1/grants/shared', { method: 'POST', json: { items } }, signal)
  }

  grantKeys(signal?: AbortSignal): Promise<readonly Api.GrantKeyInfo[]> {
    return this.#keys('/keys', 'GET', signal)
  }

  rotateGrantKeys(signal?: AbortSignal): Promise<readonly Api.GrantKeyInfo[]> {
    return this.#keys('/keys/rotate', 'POST', signal)
  }

  /** Every grant that this key signed is refused from now on. */
  retireGrantKey(kid: string, signal?: AbortSignal): Promise<readonly Api.GrantKeyInfo[]> {
    return this.#keys(`/keys/${segment(kid)}/retire`, 'POST', signal)
  }

  reportPresence(presence: Api.Presence, signal?: AbortSignal): Promise<Api.PresenceAnswer> {
    const call: Call = { method: 'POST', json: presence }
    return this.#json('/presence', call, (api) => api.zPresenceAnswer, signal)
  }

  /** What waits for an origin to fetch it. */
  wanted(signal?: AbortSignal): Promise<z.infer<typeof Api.zWanted>> {
    return this.#json('/origin/wanted', {}, (api) => api.zWanted, signal)
  }

  /** The answer holds the token itself: the only time it is shown. */
  createToken(token: Api.NewToken, signal?: AbortSignal): Promise<z.infer<typeof Api.zCreatedToken>> {
    return this.#json('/tokens', { method: 'POST', json: token }, (api) => api.zCreatedToken, signal)
  }

  tokens(signal?: AbortSignal): Promise<z.infer<typeof Api.zTokenList>> {
    return this.#json('/tokens', {}, (api) => api.zTokenList, signal)
  }

  async deleteToken(id: string, signal?: AbortSignal): Promise<void> {
    await this.#send(`/api/v1/tokens/${segment(id)}`, { method: 'DELETE' }, signal)
  }

  sites(signal?: AbortSignal): Promise<z.infer<typeof Api.zSiteList>> {
    return this.#json('/sites', {}, (api) => api.zSiteList, signal)
  }

  /** Replaces the whole site map. */
  async setSites(sites: z.input<typeof Api.zSiteList>, signal?: AbortSignal): Promise<void> {
    await this.#send('/api/v1/sites', { method: 'PUT', json: sites }, signal)
  }

  audit(query: { cursor?: string } = {}, signal?: AbortSignal): Promise<z.infer<typeof Api.zAuditPage>> {
    return this.#json('/audit', { query }, (api) => api.zAuditPage, signal)
  }

  /** One long poll of the control feed: the compact JWS, not yet verified. 0 asks for everything. */
  async control(after: number, signal?: AbortSignal): Promise<string> {
    const call: Call = {
      query: { after },
      timeout: CONTROL_TIMEOUT,
      replyBytesMax: limits.controlReplyBytesMax,
    }
    const { body } = await this.#send('/api/v1/control', call, signal)
    return Buffer.from(body).toString('latin1').trim()
  }

  /** The portal's keys, not yet verified: `wire/key-document.ts` opens them. */
  async jwks(signal?: AbortSignal): Promise<Jwks> {
    const reply = await this.#send('/.well-known/jwks.json', {}, signal)
    const { zJwks } = await import('../wire/keys.ts')
    return valueOf(reply, zJwks, this.origin)
  }

  async #keys(
    path: string,
    method: 'GET' | 'POST',
    signal?: AbortSignal,
  ): Promise<readonly Api.GrantKeyInfo[]> {
    const call: Call = method === 'GET' ? {} : { method, json: {} }
    return (await this.#json(path, call, (api) => api.zGrantKeyList, signal)).items
  }

  async #json<T>(
    path: string,
    call: Call,
    schemaOf: (api: Schemas) => z.ZodType<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const reply = await this.#send(`/api/v1${path}`, call, signal)
    const schemas = { ...(await import('../wire/api.ts')), ...(await import('../wire/device-api.ts')) }
    return valueOf(reply, schemaOf(schemas), this.origin)
  }

  /** The one place that asks: an answer of success, or a ShoalError. */
  async #send(path: string, call: Call, signal?: AbortSignal): Promise<HttpReply> {
    const { token, code, localAddress, clock } = this.#parts
    const body =
      call.torrent ?? (call.json === undefined ? undefined : Buffer.from(JSON.stringify(call.json)))
    const request: HttpRequest = {
      method: call.method ?? 'GET',
      headers: {
        accept: 'application/json',
        ...(code === undefined ? {} : { authorization: `Code ${code}` }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined
          ? {}
          : { 'content-type': call.torrent ? 'application/x-bittorrent' : 'application/json' }),
      },
      replyBytesMax: call.replyBytesMax ?? limits.apiReplyBytesMax,
      timeout: call.timeout ?? CALL_TIMEOUT,
      ...(body === undefined ? {} : { body }),
      ...(localAddress === undefined ? {} : { localAddress }),
      ...(clock === undefined ? {} : { clock }),
    }
    const reply = await requestHttp(this.#urlOf(path, call.query ?? {}), request, signal)
    if (reply.status < 200 || reply.status > 299) throw refusalOf(reply, this.origin, this.hasToken)
    return reply
  }

  #urlOf(path: string, query: Query): URL {
    const url = new URL(path, this.origin)
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) url.searchParams.set(name, String(value))
    return url
  }
}

/** One segment of a path. URLs take `.` and `..` for steps, however they are spelt. */
function segment(text: string): string {
  if (text === '' || text === '.' || text === '..')
    throw new ShoalError('bad-usage', `${JSON.stringify(text)} is no name`)
  return encodeURIComponent(text)
}

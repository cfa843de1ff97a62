/**
 * The portal's REST API from outside, one small method a route. Every answer is read by the schema that the
 * portal writes by, loaded when the first answer is there: `shoal get` of a link never pays for it.
 */
import type { z } from 'zod'
import type { Kind } from '../core/kinds.ts'
import type { DeviceId, GrantId, ReleaseName, Slug } from '../core/ids.ts'
import type * as Api from '../wire/api.ts'
import type * as DeviceApi from '../wire/device-api.ts'
import type { Jwks } from '../wire/keys.ts'
import { limits } from '../wire/limits.ts'
import { segment } from './path-segment.ts'
import { PeopleClient } from './people-client.ts'
import {
  CONTROL_TIMEOUT,
  PortalRequests,
  REPORT_TIMEOUT,
  TORRENT_TIMEOUT,
  type Call,
  type PortalClientParts,
} from './portal-requests.ts'
import { valueOf } from './reply.ts'

export interface BundleQuery {
  /** Words to look for. */
  readonly q?: string
  readonly tag?: string
  readonly kind?: Kind
  /** Bundles a page. */
  readonly limit?: number
  /** `nextCursor` of the page before. */
  readonly cursor?: string
}

/**
 * Every method throws ShoalError: `unavailable` when the portal does not answer or answers what we do not
 * understand, `not-authenticated` for a bad or missing token, else the portal's own code and sentence.
 */
export class PortalClient {
  /** The portal's origin, as it was given: `https://media.example.com`. */
  readonly origin: string
  readonly hasToken: boolean
  readonly people: PeopleClient
  readonly #ask: PortalRequests

  /** @throws ShoalError `bad-usage` when `baseUrl` is no http(s) URL. */
  constructor(parts: PortalClientParts) {
    this.#ask = new PortalRequests(parts)
    this.origin = this.#ask.origin
    this.people = new PeopleClient(this.#ask)
    this.hasToken = parts.token !== undefined
  }

  /** Whom the token stands for. */
  me(signal?: AbortSignal): Promise<Api.Me> {
    return this.#ask.json('/me', {}, (api) => api.zMe, signal)
  }

  /** A code for a person to allow, and one to ask with; needs no token. */
  startLogin(name: string, signal?: AbortSignal): Promise<Api.LoginStarted> {
    const call: Call = { method: 'POST', json: { client: name } }
    return this.#ask.json('/logins', call, (api) => api.zLoginStarted, signal)
  }

  pollLogin(deviceCode: string, signal?: AbortSignal): Promise<Api.LoginPolled> {
    const call: Call = { method: 'POST', json: { deviceCode } }
    return this.#ask.json('/logins/poll', call, (api) => api.zLoginPolled, signal)
  }

  /** One page; `nextCursor` is null on the last. */
  bundles(query: BundleQuery = {}, signal?: AbortSignal): Promise<z.infer<typeof Api.zBundlePage>> {
    return this.#ask.json('/bundles', { query: { ...query } }, (api) => api.zBundlePage, signal)
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
    return this.#ask.json(`/bundles/${slug}`, {}, (api) => api.zBundleDetail, signal)
  }

  createBundle(bundle: Api.NewBundle, signal?: AbortSignal): Promise<Api.Bundle> {
    return this.#ask.json('/bundles', { method: 'POST', json: bundle }, (api) => api.zBundle, signal)
  }

  /** `torrent`: a private .torrent; the portal keeps its info bytes only. `conflict` when the infohash is taken. */
  addRelease(
    slug: Slug,
    torrent: Uint8Array,
    query: Api.NewReleaseQuery,
    signal?: AbortSignal,
  ): Promise<Api.Release> {
    const call: Call = { method: 'POST', query: { ...query }, torrent, timeout: TORRENT_TIMEOUT }
    return this.#ask.json(`/bundles/${slug}/releases`, call, (api) => api.zRelease, signal)
  }

  release(slug: Slug, name: ReleaseName, signal?: AbortSignal): Promise<Api.Release> {
    return this.#ask.json(`/bundles/${slug}/releases/${name}`, {}, (api) => api.zRelease, signal)
  }

  /** What it has as media; for its publisher, and for origins. */
  async describeRelease(
    slug: Slug,
    name: ReleaseName,
    media: Api.MediaDescription,
    signal?: AbortSignal,
  ): Promise<void> {
    const call: Call = { method: 'PUT', json: media }
    await this.#ask.send(`/api/v1/bundles/${slug}/releases/${name}/media`, call, signal)
  }

  async setPoster(slug: Slug, name: ReleaseName, jpeg: Uint8Array, signal?: AbortSignal): Promise<void> {
    const call: Call = { method: 'PUT', jpeg }
    await this.#ask.send(`/api/v1/bundles/${slug}/releases/${name}/poster`, call, signal)
  }

  /** The bytes of the release's .torrent, without any tracker. */
  async torrentOf(slug: Slug, name: ReleaseName, signal?: AbortSignal): Promise<Uint8Array> {
    const call: Call = { replyBytesMax: limits.torrentBytesMax, timeout: TORRENT_TIMEOUT }
    return (await this.#ask.send(`/api/v1/bundles/${slug}/releases/${name}/torrent`, call, signal)).body
  }

  /** `name` may be `latest`. */
  createLink(
    slug: Slug,
    name: ReleaseName | 'latest',
    request: Api.LinkRequest = {},
    signal?: AbortSignal,
  ): Promise<Api.Link> {
    const call: Call = { method: 'POST', json: request }
    return this.#ask.json(`/bundles/${slug}/releases/${name}/links`, call, (api) => api.zLink, signal)
  }

  /** Ends every grant of the release; all seeders stop serving it. */
  async recallRelease(slug: Slug, name: ReleaseName, signal?: AbortSignal): Promise<void> {
    await this.#ask.send(
      `/api/v1/bundles/${slug}/releases/${name}/recall`,
      { method: 'POST', json: {} },
      signal,
    )
  }

  grants(query: { cursor?: string } = {}, signal?: AbortSignal): Promise<z.infer<typeof Api.zGrantPage>> {
    return this.#ask.json('/grants', { query }, (api) => api.zGrantPage, signal)
  }

  async revokeGrant(id: GrantId, signal?: AbortSignal): Promise<void> {
    await this.#ask.send(`/api/v1/grants/${id}`, { method: 'DELETE' }, signal)
  }

  /** How many live grants the person had; all are revoked. */
  async revokeUser(user: string, signal?: AbortSignal): Promise<number> {
    const path = `/users/${segment(user)}/grants`
    return (await this.#ask.json(path, { method: 'DELETE' }, (api) => api.zRevoked, signal)).revoked
  }

  renewGrant(id: GrantId, signal?: AbortSignal): Promise<Api.Renewal> {
    return this.#ask.json(`/grants/${id}/renew`, { method: 'POST', json: {} }, (api) => api.zRenewal, signal)
  }

  /** A certificate for this machine's key; the same key again gets a fresh one. */
  enrol(enrolment: DeviceApi.Enrolment, signal?: AbortSignal): Promise<DeviceApi.Enrolled> {
    return this.#ask.json('/devices', { method: 'POST', json: enrolment }, (api) => api.zEnrolled, signal)
  }

  devices(signal?: AbortSignal): Promise<z.infer<typeof DeviceApi.zDeviceList>> {
    return this.#ask.json('/devices', {}, (api) => api.zDeviceList, signal)
  }

  /** The answer holds the code itself: the only time it is shown. */
  createDeviceCode(
    wanted: DeviceApi.NewDeviceCode,
    signal?: AbortSignal,
  ): Promise<z.infer<typeof DeviceApi.zDeviceCode>> {
    const call: Call = { method: 'POST', json: wanted }
    return this.#ask.json('/devices/codes', call, (api) => api.zDeviceCode, signal)
  }

  async revokeDevice(id: DeviceId, signal?: AbortSignal): Promise<void> {
    await this.#ask.send(`/api/v1/devices/${id}`, { method: 'DELETE' }, signal)
  }

  permit(grant: GrantId, device: DeviceId, signal?: AbortSignal): Promise<DeviceApi.PermitReply> {
    const call: Call = { method: 'POST', json: { grant, device } }
    return this.#ask.json('/permits', call, (api) => api.zPermit, signal)
  }

  /** Of one release, or of all; the release stays. */
  refuseBefore(order: Api.RefuseBefore, signal?: AbortSignal): Promise<z.infer<typeof Api.zRefusedBefore>> {
    const call: Call = { method: 'POST', json: order }
    return this.#ask.json('/grants/refuse-before', call, (api) => api.zRefusedBefore, signal)
  }

  /** For trackers: the portal keeps a row of each. */
  async reportSharedGrants(items: Api.SharedGrant[], signal?: AbortSignal): Promise<void> {
    await this.#ask.send('/api/v1/grants/shared', { method: 'POST', json: { items } }, signal)
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
    return this.#ask.json('/presence', call, (api) => api.zPresenceAnswer, signal)
  }

  /** What was exchanged with whom. Nobody waits for it, so it is given up soon. */
  reportTransfers(report: Api.TransferReport, signal?: AbortSignal): Promise<Api.TransfersTaken> {
    const call: Call = { method: 'POST', json: report, timeout: REPORT_TIMEOUT }
    return this.#ask.json('/transfers', call, (api) => api.zTransfersTaken, signal)
  }

  /** What waits for an origin to fetch it. */
  wanted(signal?: AbortSignal): Promise<z.infer<typeof Api.zWanted>> {
    return this.#ask.json('/origin/wanted', {}, (api) => api.zWanted, signal)
  }

  /** What browsers play: for who serves them. */
  watching(signal?: AbortSignal): Promise<Api.Watching> {
    return this.#ask.json('/watching', {}, (api) => api.zWatching, signal)
  }

  /** The answer holds the token itself: the only time it is shown. */
  createToken(token: Api.NewToken, signal?: AbortSignal): Promise<z.infer<typeof Api.zCreatedToken>> {
    return this.#ask.json('/tokens', { method: 'POST', json: token }, (api) => api.zCreatedToken, signal)
  }

  tokens(signal?: AbortSignal): Promise<z.infer<typeof Api.zTokenList>> {
    return this.#ask.json('/tokens', {}, (api) => api.zTokenList, signal)
  }

  async deleteToken(id: string, signal?: AbortSignal): Promise<void> {
    await this.#ask.send(`/api/v1/tokens/${segment(id)}`, { method: 'DELETE' }, signal)
  }

  sites(signal?: AbortSignal): Promise<z.infer<typeof Api.zSiteList>> {
    return this.#ask.json('/sites', {}, (api) => api.zSiteList, signal)
  }

  /** Replaces the whole site map. */
  async setSites(sites: z.input<typeof Api.zSiteList>, signal?: AbortSignal): Promise<void> {
    await this.#ask.send('/api/v1/sites', { method: 'PUT', json: sites }, signal)
  }

  audit(query: { cursor?: string } = {}, signal?: AbortSignal): Promise<z.infer<typeof Api.zAuditPage>> {
    return this.#ask.json('/audit', { query }, (api) => api.zAuditPage, signal)
  }

  /** One long poll of the control feed: the compact JWS, not yet verified. 0 asks for everything. */
  async control(after: number, signal?: AbortSignal): Promise<string> {
    const call: Call = {
      query: { after },
      timeout: CONTROL_TIMEOUT,
      replyBytesMax: limits.controlReplyBytesMax,
    }
    const { body } = await this.#ask.send('/api/v1/control', call, signal)
    return Buffer.from(body).toString('latin1').trim()
  }

  /** The portal's keys, not yet verified: `wire/key-document.ts` opens them. */
  async jwks(signal?: AbortSignal): Promise<Jwks> {
    const reply = await this.#ask.send('/.well-known/jwks.json', {}, signal)
    const { zJwks } = await import('../wire/keys.ts')
    return valueOf(reply, zJwks, this.origin)
  }

  async #keys(
    path: string,
    method: 'GET' | 'POST',
    signal?: AbortSignal,
  ): Promise<readonly Api.GrantKeyInfo[]> {
    const call: Call = method === 'GET' ? {} : { method, json: {} }
    return (await this.#ask.json(path, call, (api) => api.zGrantKeyList, signal)).items
  }
}

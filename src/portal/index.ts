/** The portal: catalogue, people, grants; REST API and pages as one request handler. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { ShoalError } from '../core/errors.ts'
import type { SiteMap } from '../core/site.ts'
import { type Millis, millis, minutes, seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { IceServer } from '../wire/ice-servers.ts'
import type { PublicKey } from '../wire/keys.ts'
import type { CompanyLoginSettings } from './company-login/settings.ts'
import { createApp } from './http/app.ts'
import { forgetFigures } from './figures/upkeep.ts'
import type { LearningSettings } from './learning/settings.ts'
import type { LiveSource } from './live.ts'
import { openServices } from './open-services.ts'
import { pages } from './pages/pages.ts'
import { endReleases } from './publishing/end-releases.ts'
import { endGuests } from './requests/end-guests.ts'
import type { PagesFactory } from './pages-host.ts'
import type { PortalSettings } from './settings.ts'
import type { ReleaseMaker } from './publishing/release-maker.ts'
import type { WebSeedContent } from './web-seed/content.ts'

export type { LiveFigures, LiveSource } from './live.ts'
export type { MakerPlace, ReleaseMaker, ServerLibrary } from './publishing/release-maker.ts'
export type { WebSeedContent } from './web-seed/content.ts'
export { companyLoginSettings } from './company-login/settings.ts'
export { learningSettings } from './learning/settings.ts'
export { portalSettings, type PortalSettings } from './settings.ts'

export interface PortalParts {
  readonly clock: Clock
  readonly log: Logger
  readonly dataDir: string
  /** Where people and programs reach the portal, e.g. `https://media.example.com`; never taken from a request. */
  readonly publicUrl: string
  /** Base of the tracker's URLs: `/announce` is added. */
  readonly trackerUrl: string
  /** From a sites file: replaces the map that is kept. */
  readonly sites?: SiteMap | undefined
  /** Other pages than our own. */
  readonly pages?: PagesFactory | undefined
  /** What `/metrics` shows beside the portal's own figures: those of other roles of the process. */
  readonly metrics?: Metrics | undefined
  /** Figures of the tracker of the same process, for the page of operators; asked every five seconds. */
  readonly live?: LiveSource | undefined
  /** Absent, or without an issuer: people have accounts of the portal's own only. */
  readonly companyLogin?: CompanyLoginSettings | undefined
  /** Absent: nothing is recorded of who has watched what. */
  readonly learning?: LearningSettings | undefined
  /** What the web seed gives; without it there is none. */
  readonly content?: WebSeedContent | undefined
  /** STUN and TURN servers of the company, for pages that watch. */
  readonly iceServers?: readonly IceServer[] | undefined
  /** Who makes releases of what is uploaded; undefined while there is nobody. */
  readonly publishing?: (() => ReleaseMaker | undefined) | undefined
}

export interface Portal extends AsyncDisposable {
  readonly handler: (req: IncomingMessage, res: ServerResponse) => void
  readonly adminTokenFile: string
  /** For the seeder and the tracker of the same process; also in DATA/origin.token. */
  readonly originToken: string
  /** Signs an admin in, once; only at the first start. */
  readonly setupUrl?: string
  /** A one-time link that signs an admin in, good for a quarter of an hour. */
  loginUrl(): string
  readonly portalKey: PublicKey
  /** The site map as it is now. */
  sites(): SiteMap
  /** The next grant key signs from now on. */
  rotateGrantKeys(): Promise<void>
  /** A leaked grant key: all its grants are refused from now on. */
  retireGrantKey(kid: string): Promise<void>
}

/** Leases are three minutes, so they end a quarter of a minute late at most. */
const SWEEP_EVERY = seconds(15)
/** So exact is when a token or a session was last used. */
const USES_EVERY = minutes(1)
const UPKEEP_EVERY = minutes(10)
/** Nobody waits for what the learning system is told. */
const XAPI_EVERY = seconds(5)

/**
 * Resolves when the portal can answer. One portal a data folder: the caller holds its lock.
 * @throws ShoalError when the database or a key cannot be used, with what to do.
 */
export async function openPortal(given: PortalParts, settings: PortalSettings): Promise<Portal> {
  const publicUrl = originOf(given.publicUrl)
  const parts = { ...given, publicUrl, trackerUrl: originOf(given.trackerUrl) }
  await using stack = new AsyncDisposableStack()
  const opened = await openServices(parts, settings, stack)
  const { services, tokenFiles, inFlight, xapi } = opened
  const {
    log,
    keys,
    tokens,
    presence,
    feed,
    sessions,
    invitations,
    loginCodes,
    requests,
    sealedLinks,
    publishing,
    transfers,
  } = services
  const app = createApp({ ...opened, pages: parts.pages ?? pages }, settings)
  stack.defer(() =>
    tokens
      .noteUses()
      .catch((error: unknown) => log.error({ err: error }, 'the last uses of tokens were not written')),
  )
  stack.defer(() =>
    sessions
      .noteUses()
      .catch((error: unknown) => log.error({ err: error }, 'the last uses of sessions were not written')),
  )
  stack.use(repeat(parts, USES_EVERY, () => tokens.noteUses()))
  stack.use(repeat(parts, USES_EVERY, () => sessions.noteUses()))
  stack.defer(() =>
    transfers
      .writeWebSeeds()
      .catch((error: unknown) => log.error({ err: error }, 'what the web seed sent last was not written')),
  )
  stack.use(repeat(parts, USES_EVERY, () => transfers.writeWebSeeds()))
  stack.use(repeat(parts, UPKEEP_EVERY, () => forgetFigures(services)))
  stack.use(repeat(parts, UPKEEP_EVERY, () => services.learning.sweep()))
  if (xapi !== undefined) {
    stack.use(repeat(parts, XAPI_EVERY, () => xapi.work()))
    stack.defer(() => {
      xapi.stop()
    })
  }
  stack.use(repeat(parts, SWEEP_EVERY, () => presence.sweep()))
  stack.use(repeat(parts, SWEEP_EVERY, () => endGuests(services)))
  stack.use(repeat(parts, SWEEP_EVERY, () => endReleases(services)))
  stack.use(repeat(parts, keysEvery(settings), () => keys.maintain(settings.grantKeyLifeMs)))
  stack.use(
    repeat(parts, UPKEEP_EVERY, async () => {
      await feed.sweep()
      await sessions.sweep()
      await invitations.sweep()
      await requests.sweep()
      await sealedLinks.sweep()
      await publishing.sweep()
    }),
  )
  const owned = stack.move()
  const admin = { user: 'admin', role: 'admin', groups: [] } as const
  const loginUrl = (isSetUp = false): string => `${publicUrl}/login/${loginCodes.create(admin, { isSetUp })}`
  return {
    handler: inFlight.counted(app),
    adminTokenFile: tokenFiles.adminTokenFile,
    originToken: tokenFiles.originToken,
    ...(tokenFiles.isFirstStart ? { setupUrl: loginUrl(true) } : {}),
    loginUrl: () => loginUrl(),
    portalKey: keys.portal.publicKey,
    sites: () => services.sites.map,
    rotateGrantKeys: () => keys.rotate('operator'),
    retireGrantKey: (kid) => keys.retire(kid, 'operator'),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

/** A key that lives for seconds is looked after each second. */
const keysEvery = ({ grantKeyLifeMs }: PortalSettings): Millis =>
  millis(Math.min(UPKEEP_EVERY, Math.max(1_000, grantKeyLifeMs / 10)))

/** @throws ShoalError `bad-usage` unless it is the http(s) origin of a host. */
function originOf(url: string): string {
  const parsed = URL.parse(url)
  if (
    parsed === null ||
    !/^https?:$/.test(parsed.protocol) ||
    parsed.pathname !== '/' ||
    parsed.search !== ''
  )
    throw new ShoalError('bad-usage', `an address such as https://media.example.com expected, got ${url}`)
  return parsed.origin
}

/** Runs `work` again and again, never twice at once; ended, it has ended. What it throws is logged. */
function repeat(
  { clock, log }: PortalParts,
  every: Parameters<Clock['every']>[0],
  work: () => Promise<void>,
): AsyncDisposable {
  let underWay: Promise<void> | undefined
  const timer = clock.every(every, () => {
    underWay ??= work()
      .catch((error: unknown) => log.error({ err: error }, 'upkeep of the portal failed'))
      .finally(() => (underWay = undefined))
  })
  return {
    async [Symbol.asyncDispose]() {
      timer.cancel()
      await underWay
    },
  }
}

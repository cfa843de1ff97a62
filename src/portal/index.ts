/** The portal: catalogue, people, grants; REST API and pages as one request handler. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ShoalError } from '../core/errors.ts'
import type { SiteMap } from '../core/site.ts'
import { type Millis, millis, minutes, seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { Metrics } from '../platform/metrics.ts'
import type { PublicKey } from '../wire/keys.ts'
import { SqliteCatalogue } from './catalogue/sqlite-catalogue.ts'
import { ControlFeed } from './control/control-feed.ts'
import { Presence } from './control/presence.ts'
import { DeviceCodes } from './devices/device-codes.ts'
import { Devices } from './devices/devices.ts'
import { openDatabase } from './database/open-database.ts'
import { GrantReader } from './grants/grant-reader.ts'
import { Links } from './grants/links.ts'
import { Permits } from './grants/permits.ts'
import { RefusedBefore } from './grants/refused-before.ts'
import { ServingGrants } from './grants/serving-grants.ts'
import { WorkerLedger } from './grants/worker-ledger.ts'
import { createApp } from './http/app.ts'
import { InFlight } from './http/in-flight.ts'
import { Journal } from './journal.ts'
import { openDeviceCa } from './keys/device-ca.ts'
import { KeyFiles } from './keys/key-files.ts'
import { KeyRing } from './keys/key-ring.ts'
import { LiveRates, type LiveSource } from './live.ts'
import { pages } from './pages/pages.ts'
import type { PagesFactory } from './pages-host.ts'
import { Groups } from './people/groups.ts'
import { Invitations } from './people/invitations.ts'
import { finishLeaving } from './people/leaving.ts'
import { LoginCodes } from './people/login-codes.ts'
import { Passwords } from './people/passwords.ts'
import { People } from './people/people.ts'
import { SessionStore } from './people/session-store.ts'
import { ensureTokenFiles } from './people/token-files.ts'
import { Tokens } from './people/tokens.ts'
import type { PortalSettings } from './settings.ts'
import { Sites } from './sites.ts'
import { TrackerProbe } from './tracker-probe.ts'
import type { WebSeedContent } from './web-seed/content.ts'
import { WebSeed } from './web-seed/web-seed.ts'

export type { LiveFigures, LiveSource } from './live.ts'
export type { WebSeedContent } from './web-seed/content.ts'
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
  /** What the web seed gives; without it there is none. */
  readonly content?: WebSeedContent | undefined
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
/** So exact is when a token was last used. */
const USES_EVERY = minutes(1)
const UPKEEP_EVERY = minutes(10)

/**
 * Resolves when the portal can answer. One portal a data folder: the caller holds its lock.
 * @throws ShoalError when the database or a key cannot be used, with what to do.
 */
export async function openPortal(parts: PortalParts, settings: PortalSettings): Promise<Portal> {
  const { clock, log, dataDir } = parts
  const publicUrl = originOf(parts.publicUrl)
  const trackerUrl = originOf(parts.trackerUrl)
  await mkdir(dataDir, { recursive: true })
  const file = join(dataDir, 'portal.sqlite')

  await using stack = new AsyncDisposableStack()
  const db = stack.adopt(await openDatabase(file), (opened) => opened.destroy())
  const journal = new Journal({ db, clock })
  const files = new KeyFiles(dataDir)
  const hosts = [new URL(trackerUrl).host].filter((host) => host !== new URL(publicUrl).host)
  const ca = await openDeviceCa({ db, clock, files, portal: publicUrl })
  const deviceCa = ca.certificate
  const keys = await KeyRing.open({ db, journal, clock, files, portal: publicUrl, hosts, deviceCa })
  const tokens = new Tokens({ db, journal, clock })
  const tokenFiles = await ensureTokenFiles(tokens, dataDir)
  const sites = await Sites.open({ db, journal, given: parts.sites })
  const catalogue = new SqliteCatalogue({ db, journal, clock })
  const presence = await Presence.open({ db, clock, journal, catalogue })
  const ledger = stack.use(await WorkerLedger.start({ clock, log, journal, file }))
  const inFlight = stack.use(new InFlight(clock))
  const grants = new GrantReader({ db, journal })
  const refused = await RefusedBefore.open({ db, clock, journal })
  const serving = new ServingGrants({ db, clock, journal, keys, refused, trackerUrl })
  const { udpTrackerUrl } = settings
  const links = new Links({
    clock,
    catalogue,
    ledger,
    grants,
    keys,
    refused,
    publicUrl,
    trackerUrl,
    udpTrackerUrl,
    hasWebSeed: parts.content !== undefined,
  })
  const metrics = parts.metrics ?? new Metrics()
  const { content } = parts
  const webSeed =
    content === undefined
      ? undefined
      : new WebSeed({ clock, catalogue, grants, keys, refused, presence, content, metrics })
  const permits = new Permits({ clock, keys })
  const devices = new Devices({ db, journal, clock, ca })
  const deviceCodes = new DeviceCodes({ clock, journal })
  const loginCodes = new LoginCodes(clock)
  const people = new People({ db, journal, clock })
  const groups = new Groups({ db, journal, clock })
  const passwords = new Passwords()
  const invitations = new Invitations({ db, journal, clock, people, passwords, publicUrl })
  await finishLeaving({ db, clock, ledger })
  const sessionStore = new SessionStore({ db, clock })
  const feed = stack.use(new ControlFeed({ db, clock, journal, portalKey: keys.portal, portal: publicUrl }))
  const live = parts.live === undefined ? undefined : stack.use(new LiveRates({ clock, source: parts.live }))
  const services = {
    clock, log, db, catalogue, ledger, grants, links, serving, refused, permits, devices, deviceCodes, keys, tokens, loginCodes,
    people, groups, invitations, passwords, sessions: sessionStore, journal, sites, presence, feed, publicUrl,
    live, webSeed, trackerProbe: new TrackerProbe({ clock }, trackerUrl), trackers: [trackerUrl, ...(udpTrackerUrl === undefined ? [] : [udpTrackerUrl])],
  } // prettier-ignore
  const app = createApp(
    {
      services,
      sessionStore,
      sessionSecret: await files.sessionSecret(),
      metrics,
      pages: parts.pages ?? pages,
    },
    settings,
  )
  stack.defer(() =>
    tokens
      .noteUses()
      .catch((error: unknown) => log.error({ err: error }, 'the last uses of tokens were not written')),
  )
  stack.use(repeat(parts, USES_EVERY, () => tokens.noteUses()))
  stack.use(repeat(parts, SWEEP_EVERY, () => presence.sweep()))
  stack.use(repeat(parts, keysEvery(settings), () => keys.maintain(settings.grantKeyLifeMs)))
  stack.use(
    repeat(parts, UPKEEP_EVERY, async () => {
      await feed.sweep()
      await sessionStore.sweep()
      await invitations.sweep()
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
    sites: () => sites.map,
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

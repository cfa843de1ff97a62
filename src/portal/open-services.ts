/** The portal's parts, opened in their order; what must be closed is on the stack. */
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { Metrics } from '../platform/metrics.ts'
import { Media } from './catalogue/media.ts'
import { SqliteCatalogue } from './catalogue/sqlite-catalogue.ts'
import { ControlFeed } from './control/control-feed.ts'
import { Presence } from './control/presence.ts'
import { DeviceCodes } from './devices/device-codes.ts'
import { Devices } from './devices/devices.ts'
import { openDatabase } from './database/open-database.ts'
import { FigureReader } from './figures/figures.ts'
import { ReportRate } from './figures/report-rate.ts'
import { Transfers } from './figures/transfers.ts'
import { WhoHas } from './figures/who-has-it.ts'
import { Feeds } from './feeds/feeds.ts'
import { GrantReader } from './grants/grant-reader.ts'
import { Links } from './grants/links.ts'
import { Permits } from './grants/permits.ts'
import { RefusedBefore } from './grants/refused-before.ts'
import { SealedLinks } from './grants/sealed-links.ts'
import { ServingGrants } from './grants/serving-grants.ts'
import { WorkerLedger } from './grants/worker-ledger.ts'
import { InFlight } from './http/in-flight.ts'
import type { PortalParts } from './index.ts'
import { Journal } from './journal.ts'
import { openDeviceCa } from './keys/device-ca.ts'
import { KeyFiles } from './keys/key-files.ts'
import { KeyRing } from './keys/key-ring.ts'
import { openLearning } from './learning/open-learning.ts'
import type { XapiSender } from './learning/xapi-sender.ts'
import { LiveRates } from './live.ts'
import { finishLeaving } from './people/leaving.ts'
import { openPeople } from './people/open-people.ts'
import { ensureTokenFiles, type TokenFiles } from './people/token-files.ts'
import { Tokens } from './people/tokens.ts'
import { Publishing } from './publishing/publishing.ts'
import { Guests } from './requests/guests.ts'
import { Requests } from './requests/requests.ts'
import type { Services } from './services.ts'
import type { PortalSettings } from './settings.ts'
import { Sites } from './sites.ts'
import { StorageWatch } from './storage-watch.ts'
import { TrackerProbe } from './tracker-probe.ts'
import { WatchContent } from './watching/content.ts'
import { PieceHashes } from './watching/piece-hashes.ts'
import { WatchRoster } from './watching/roster.ts'
import { Watching } from './watching/watch.ts'
import { WebBundle } from './watching/web-bundle.ts'
import { WebSeed } from './web-seed/web-seed.ts'

export interface OpenedServices {
  readonly services: Services
  /** Tells the company's learning system; absent where there is none. */
  readonly xapi: XapiSender | undefined
  readonly metrics: Metrics
  readonly sessionSecret: string
  readonly tokenFiles: TokenFiles
  /** Closed before what its requests use. */
  readonly inFlight: InFlight
}

/** `publicUrl` and `trackerUrl` are origins. */
export async function openServices(
  parts: PortalParts,
  settings: PortalSettings,
  stack: AsyncDisposableStack,
): Promise<OpenedServices> {
  const { clock, log, dataDir, publicUrl, trackerUrl } = parts
  await mkdir(dataDir, { recursive: true })
  const file = join(dataDir, 'portal.sqlite')

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
  const media = new Media({ db, journal, clock })
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
  const transfers = new Transfers({ db, journal, clock, sites, presence, metrics })
  const webSeed =
    content === undefined
      ? undefined
      : new WebSeed({ clock, catalogue, grants, keys, refused, presence, content, metrics, transfers })
  const watchContent =
    content === undefined ? undefined : new WatchContent({ clock, catalogue, content, transfers })
  const roster = new WatchRoster({ clock })
  const watching = new Watching({
    content: watchContent,
    links,
    roster,
    sites,
    pieceHashes: new PieceHashes({ catalogue }),
    iceServers: parts.iceServers ?? [],
  })
  const permits = new Permits({ clock, keys })
  const devices = new Devices({ db, journal, clock, ca })
  const deviceCodes = new DeviceCodes({ clock, journal })
  const { companyLogin } = parts
  const { sessionIdleMs: sessionIdle } = settings
  const people = openPeople({ db, journal, clock, log, tokens, publicUrl, companyLogin, sessionIdle })
  const { passwords } = people
  const sealedLinks = new SealedLinks({ db, journal, clock, passwords, grants, publicUrl })
  const feeds = new Feeds({ db, journal, clock, people: people.people, publicUrl })
  const guests = new Guests({ db, journal, clock })
  const requests = new Requests({ db, journal, clock })
  const publishing = stack.use(
    await Publishing.open({
      db,
      journal,
      clock,
      log,
      dataDir,
      catalogue,
      media,
      room: { quotaBytes: settings.uploadQuota, keepFreeBytes: settings.uploadKeepFree },
      maker: parts.publishing ?? (() => undefined),
    }),
  )
  await finishLeaving({ db, clock, ledger })
  const feed = stack.use(new ControlFeed({ db, clock, journal, portalKey: keys.portal, portal: publicUrl }))
  const live = parts.live === undefined ? undefined : stack.use(new LiveRates({ clock, source: parts.live }))
  const figures = new FigureReader({ db, clock })
  const whoHas = new WhoHas({ db, clock, live })
  const { xapi, ...learning } = openLearning({ db, journal, clock, log, publicUrl, settings: parts.learning })
  const trackerProbe = new TrackerProbe({ clock }, trackerUrl)
  const trackers = [trackerUrl, ...(udpTrackerUrl === undefined ? [] : [udpTrackerUrl])]
  const services = {
    ...people, clock, log, db, catalogue, media, ledger, grants, links, sealedLinks, serving, refused, permits, devices, deviceCodes, keys, tokens,
    journal, publishing, feeds, guests, requests, sites, presence, feed, publicUrl, live, webSeed, trackerProbe, trackers,
    storage: new StorageWatch({ clock }, file), grantKeyLifeMs: settings.grantKeyLifeMs,
    transfers, reportRate: new ReportRate(), figures, whoHas, watchContent, watching, roster, webBundle: new WebBundle({ log }), ...learning,
  } // prettier-ignore
  return { services, xapi, metrics, sessionSecret: await files.sessionSecret(), tokenFiles, inFlight }
}

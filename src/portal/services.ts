/** What the routes and the pages work with: the portal's parts, opened. */
import type { Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { Catalogue } from './catalogue/catalogue.ts'
import type { Media } from './catalogue/media.ts'
import type { ControlFeed } from './control/control-feed.ts'
import type { Presence } from './control/presence.ts'
import type { DeviceCodes } from './devices/device-codes.ts'
import type { Devices } from './devices/devices.ts'
import type { Database } from './database/tables.ts'
import type { FigureReader } from './figures/figures.ts'
import type { ReportRate } from './figures/report-rate.ts'
import type { Transfers } from './figures/transfers.ts'
import type { WhoHas } from './figures/who-has-it.ts'
import type { Feeds } from './feeds/feeds.ts'
import type { GrantLedger } from './grants/ledger.ts'
import type { GrantReader } from './grants/grant-reader.ts'
import type { Links } from './grants/links.ts'
import type { Permits } from './grants/permits.ts'
import type { RefusedBefore } from './grants/refused-before.ts'
import type { SealedLinks } from './grants/sealed-links.ts'
import type { ServingGrants } from './grants/serving-grants.ts'
import type { Journal } from './journal.ts'
import type { KeyRing } from './keys/key-ring.ts'
import type { Learning } from './learning/learning.ts'
import type { LearningReport } from './learning/report.ts'
import type { LiveRates } from './live.ts'
import type { PeopleServices } from './people/open-people.ts'
import type { Publishing } from './publishing/publishing.ts'
import type { Tokens } from './people/tokens.ts'
import type { Guests } from './requests/guests.ts'
import type { Requests } from './requests/requests.ts'
import type { Sites } from './sites.ts'
import type { StorageWatch } from './storage-watch.ts'
import type { TrackerProbe } from './tracker-probe.ts'
import type { WatchContent } from './watching/content.ts'
import type { WatchRoster } from './watching/roster.ts'
import type { Watching } from './watching/watch.ts'
import type { WebBundle } from './watching/web-bundle.ts'
import type { WebSeed } from './web-seed/web-seed.ts'

export interface Services extends PeopleServices {
  readonly clock: Clock
  readonly log: Logger
  readonly db: Database
  readonly catalogue: Catalogue
  readonly media: Media
  readonly ledger: GrantLedger
  readonly grants: GrantReader
  readonly links: Links
  readonly sealedLinks: SealedLinks
  readonly serving: ServingGrants
  readonly refused: RefusedBefore
  readonly permits: Permits
  readonly devices: Devices
  readonly deviceCodes: DeviceCodes
  readonly keys: KeyRing
  readonly tokens: Tokens
  readonly feeds: Feeds
  readonly requests: Requests
  readonly guests: Guests
  readonly journal: Journal
  readonly publishing: Publishing
  readonly sites: Sites
  readonly transfers: Transfers
  readonly reportRate: ReportRate
  readonly figures: FigureReader
  readonly whoHas: WhoHas
  readonly learning: Learning
  readonly learningReport: LearningReport
  readonly presence: Presence
  readonly feed: ControlFeed
  /** Of the tracker, where it is in the same process. */
  readonly live: LiveRates | undefined
  readonly trackerProbe: TrackerProbe
  readonly storage: StorageWatch
  readonly grantKeyLifeMs: Millis
  /** Absent where the process has no content; so is the next. */
  readonly webSeed: WebSeed | undefined
  readonly watchContent: WatchContent | undefined
  readonly watching: Watching
  readonly webBundle: WebBundle
  readonly roster: WatchRoster
  /** Base URLs of what links name. */
  readonly trackers: readonly string[]
  /** The portal's origin, without a trailing slash. */
  readonly publicUrl: string
}

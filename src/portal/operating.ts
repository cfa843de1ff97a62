/** What the page for operators shows, gathered: the catalogue's, presence's and the tracker's figures, at one moment. */
import type { EpochMillis, Millis } from '../core/units.ts'
import type { KeyRing } from './keys/key-ring.ts'
import type { LiveNow, LiveRates } from './live.ts'
import type { TrackerProbe, TrackerState } from './tracker-probe.ts'
import type { StorageState, StorageWatch } from './storage-watch.ts'
import type { ServerNow } from './control/presence.ts'
import type { Database } from './database/tables.ts'

export interface Operating {
  readonly at: EpochMillis
  readonly publicUrl: string
  /** What links name. */
  readonly trackers: readonly string[]
  /** Undefined: the tracker runs elsewhere. */
  readonly live: LiveNow | undefined
  /** Of a tracker elsewhere. */
  readonly tracker: TrackerState | undefined
  readonly servers: readonly ServerNow[]
  /** Releases by state. */
  readonly releases: ReadonlyMap<string, number>
  /** Live ones that no origin serves at this moment; mirrors may. */
  readonly withoutOrigin: number
  /** Who waits at the control feed as a service: trackers, origins and mirrors. */
  readonly followers: number
  readonly canWriteGrants: boolean
  readonly storage: StorageState
  /** When the next grant key is to sign; undefined while none does. */
  readonly keyTurnsAt: number | undefined
}

export interface OperatingParts {
  readonly clock: { epoch(): EpochMillis }
  readonly db: Database
  readonly presence: { now(): readonly ServerNow[] }
  readonly feed: { readonly followers: number }
  readonly ledger: { readonly isReady: boolean }
  readonly publicUrl: string
  readonly trackers: readonly string[]
  readonly live: LiveRates | undefined
  readonly trackerProbe: TrackerProbe
  readonly storage: Pick<StorageWatch, 'state'>
  readonly keys: Pick<KeyRing, 'list'>
  readonly grantKeyLifeMs: Millis
}

export async function operatingNow(parts: OperatingParts): Promise<Operating> {
  const { clock, db, presence, feed, ledger, publicUrl, trackers, live, trackerProbe } = parts
  const states = await db
    .selectFrom('releases')
    .select(['state', (eb) => eb.fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute()
  const lost = await db
    .selectFrom('releases')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .where('state', '=', 'live')
    .where('infohash', 'not in', (eb) =>
      eb.selectFrom('serving').select('infohash').where('role', '=', 'origin'),
    )
    .executeTakeFirst()
  return {
    at: clock.epoch(),
    publicUrl,
    trackers,
    live: live?.now(),
    tracker: live === undefined ? await trackerProbe.state() : undefined,
    servers: presence.now(),
    releases: new Map(states.map(({ state, count }) => [state, count])),
    withoutOrigin: lost?.count ?? 0,
    followers: feed.followers,
    canWriteGrants: ledger.isReady,
    storage: await parts.storage.state(),
    keyTurnsAt: keyTurnsAt(parts),
  }
}

function keyTurnsAt({
  keys,
  grantKeyLifeMs,
}: Pick<OperatingParts, 'keys' | 'grantKeyLifeMs'>): number | undefined {
  const since = keys.list().find(({ state }) => state === 'signing')?.signingSince
  return typeof since === 'string' ? Date.parse(since) + grantKeyLifeMs : undefined
}

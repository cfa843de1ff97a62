/** The tracker as a part of a process: composed, swept, listening to the control feed; the HTTP port is its owner's. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Random } from '../core/random.ts'
import type { SiteMap } from '../core/site.ts'
import type { ControlView } from '../portal-client/index.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { AddressBook } from './address-book.ts'
import { FailureLimiter } from './failure-limiter.ts'
import { GrantGate } from './grant-gate.ts'
import { GrantUses } from './grant-uses.ts'
import { HttpFrontend } from './http-frontend.ts'
import { MemorySwarmStore } from './memory-swarm-store.ts'
import type { TrackerSettings } from './settings.ts'
import type { SwarmStore } from './swarm-store.ts'
import { SwarmKeys } from './swarm-keys.ts'
import { TrackerCore, type TrackerStats } from './tracker-core.ts'

export interface TrackerParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly control: ControlView
  /** Asked often; a new map is a new object. */
  readonly sites: () => SiteMap
  /** Without it: this process's memory. */
  readonly store?: SwarmStore
  /** Of the keys by which our own clients know each other; without it a fresh one. At least 32 bytes. */
  readonly swarmSecret?: Uint8Array
}

export interface Tracker extends AsyncDisposable {
  /**
   * Answers `GET /announce` and `GET /scrape`; at once, or when the grant's signature has been verified.
   * False, with nothing done, for every other path.
   */
  handle(req: IncomingMessage, res: ServerResponse): boolean
  stats(): TrackerStats
}

export function createTracker(parts: TrackerParts, settings: TrackerSettings): Tracker {
  const { clock, random, log, control, sites } = parts
  const addresses = new AddressBook({ sites }, { allowed: settings.allowedRanges })
  const failures = new FailureLimiter({ clock }, { failuresPerMinuteMax: settings.grantFailuresPerMinuteMax })
  const gate = new GrantGate(
    { clock, control, failures },
    {
      portalUrl: settings.portalUrl,
      verifiedMax: settings.verifiedGrantsMax,
      pendingMax: settings.pendingVerificationsMax,
    },
  )
  const uses = new GrantUses(
    { clock },
    {
      grantsMax: settings.verifiedGrantsMax,
      portsPerAddressMax: settings.peersPerAddressMax,
      hold: settings.grantAddressHoldMs,
    },
  )
  const store = parts.store ?? new MemorySwarmStore({ clock, random }, { peersMax: settings.peersMax })
  const startedAt = clock.epoch()
  const swarmKeys = new SwarmKeys({ clock, secret: parts.swarmSecret ?? randomBytes(32) })
  const core = new TrackerCore(
    { clock, random, control, addresses, uses, store, settings, startedAt, swarmKeys },
    gate,
  )
  const frontend = new HttpFrontend({ core, addresses, log }, { trustedProxies: settings.trustedProxies })

  let map = sites()
  const sweeping = clock.every(settings.sweepIntervalMs, () => {
    core.sweep()
    if (sites() === map) return
    map = sites()
    store.resite((host) => map.siteOf(host).name)
  })
  const stopListening = control.onChange((events) => {
    core.onControl(events)
  })
  return {
    handle: (req, res) => frontend.handle(req, res),
    stats: () => core.stats(),
    [Symbol.asyncDispose]: () => {
      sweeping.cancel()
      stopListening()
      return Promise.resolve()
    },
  }
}

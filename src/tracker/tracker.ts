/** The tracker as a part of a process: composed, swept, listening to the control feed; the HTTP port is its owner's. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Random } from '../core/random.ts'
import type { SiteMap } from '../core/site.ts'
import type { ControlView, PortalClient } from '../portal-client/index.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { AddressBook } from './address-book.ts'
import { FailureLimiter } from './failure-limiter.ts'
import { GrantGate } from './grant-gate.ts'
import { GrantUses } from './grant-uses.ts'
import { HttpFrontend } from './http-frontend.ts'
import { MemorySwarmStore } from './memory-swarm-store.ts'
import type { BridgeCheck } from './lease-answer.ts'
import { Leases } from './leases.ts'
import { SharedGrants } from './shared-grants.ts'
import type { TrackerSettings } from './settings.ts'
import type { SwarmStore } from './swarm-store.ts'
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
  /** Told of grants that are used from many addresses; without it nobody is. */
  readonly portal?: Pick<PortalClient, 'reportSharedGrants'>
  /** Which peers bring pieces from other sites into theirs; without it none is known to. */
  readonly isBridge?: BridgeCheck
}

export interface Tracker extends AsyncDisposable {
  /**
   * Answers `GET /announce`, `GET /scrape` and `GET /lease`; at once, or when the grant's signature has been verified.
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
  const sharing = new SharedGrants({ clock, log, portal: parts.portal })
  const leases = new Leases({ clock, random })
  const core = new TrackerCore(
    { clock, random, control, addresses, uses, sharing, store, leases, settings },
    gate,
    parts.isBridge,
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
      sharing[Symbol.dispose]()
      stopListening()
      return Promise.resolve()
    },
  }
}

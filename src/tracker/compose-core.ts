/** The tracker without its frontends: what an announce needs, put together by the settings. */
import { randomBytes } from 'node:crypto'
import { probeByDialling } from '../platform/dial-probe.ts'
import { AddressBook } from './address-book.ts'
import type { AnnounceParts } from './announce-hooks.ts'
import { Bridges } from './bridges.ts'
import { MinuteLimiter } from './minute-limiter.ts'
import { GrantGate } from './grant-gate.ts'
import { GrantUses } from './grant-uses.ts'
import { Leases } from './leases.ts'
import { MemorySwarmStore } from './memory-swarm-store.ts'
import { ReachTester } from './reach-tester.ts'
import type { TrackerSettings } from './settings.ts'
import { SharedGrants } from './shared-grants.ts'
import { SwarmKeys } from './swarm-keys.ts'
import type { TrackerParts } from './tracker.ts'
import { TrackerCore } from './tracker-core.ts'

export interface ComposedCore {
  readonly core: TrackerCore
  readonly addresses: AddressBook
  /** What the hooks of other frontends work with. */
  readonly hooked: AnnounceParts
  /** To be disposed of. */
  readonly sharing: SharedGrants
}

export function composeCore(parts: TrackerParts, settings: TrackerSettings): ComposedCore {
  const { clock, random, log, control, sites } = parts
  const addresses = new AddressBook({ sites }, { allowed: settings.allowedRanges })
  const failures = new MinuteLimiter({ clock }, { perMinuteMax: settings.grantFailuresPerMinuteMax })
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
  const reach = new ReachTester({ clock, dial: parts.dial ?? probeByDialling })
  const bridges = new Bridges({ clock, store, siteOf: (host) => addresses.lookUp(host)?.site })
  const sharing = new SharedGrants({ clock, log, portal: parts.portal })
  const leases = new Leases({ store })
  const startedAt = clock.epoch()
  const swarmKeys = new SwarmKeys({ clock, secret: parts.swarmSecret ?? randomBytes(32) })
  const hooked: AnnounceParts = {
    clock,
    random,
    control,
    addresses,
    uses,
    sharing,
    store,
    bridges,
    leases,
    settings,
  }
  const core = new TrackerCore({ ...hooked, startedAt, swarmKeys, reach }, gate)
  return { core, addresses, hooked, sharing }
}

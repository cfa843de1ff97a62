/** The gateway's settings; the table is its manual. */
import { ipAddress, type IpAddress } from '../core/address.ts'
import { parseSize } from '../core/quantity-text.ts'
import type { RateSchedule } from '../core/rate-schedule.ts'
import type { Setting, SettingsOf } from '../platform/config.ts'
import { readBoolean, readInteger } from '../platform/setting-readers.ts'
import { parseRateSchedule } from '../wire/rate-schedule.ts'

export const gatewaySettings = {
  enabled: {
    parse: readBoolean,
    fallback: true,
    help: 'Whether `shoal up` starts a gateway to browsers. Without one a page that plays takes from the server what no other page has, over HTTP.',
  } satisfies Setting<boolean>,
  udpPort: {
    parse: readInteger(0, 65_535),
    fallback: 16_881,
    help: 'The one UDP port on which browsers reach the gateway; taken: the next free one of twenty. 0 takes any. Open it in the firewall between viewers and the gateway.',
  } satisfies Setting<number>,
  bindAddress: {
    parse: ipAddress,
    fallback: undefined,
    help: 'The one address of this machine that browsers are told of; without it, all that it has.',
    fallbackText: 'all addresses of the machine',
  } satisfies Setting<IpAddress | undefined>,
  peersMax: {
    parse: readInteger(1, 2_000),
    fallback: 200,
    help: 'Browsers at a time. When it is full, one of the gateway’s own site takes the place of one of another site; others play on without it. Of one release it serves at most 200 at a time, whatever stands here.',
  } satisfies Setting<number>,
  limitUp: {
    parse: parseRateSchedule,
    fallback: undefined,
    help: 'What the gateway sends at most, to all sites but its own; written as seeder.limitUp.',
    fallbackText: 'no limit',
  } satisfies Setting<RateSchedule | undefined>,
  memoryMax: {
    parse: parseSize,
    fallback: 1_000_000_000,
    help: 'The gateway’s process is ended, and begun anew, when it takes more memory than this.',
    fallbackText: '1GB',
  } satisfies Setting<number>,
  cacheBytes: {
    parse: parseSize,
    fallback: 50e9,
    help: 'What `shoal gateway`, which has no library, keeps on its disk of what is watched; beyond it, what was watched longest ago goes.',
    fallbackText: '50GB',
  } satisfies Setting<number>,
} as const

export type GatewaySettings = SettingsOf<typeof gatewaySettings>

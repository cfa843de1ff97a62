/** What happens to a file that appears in the library folder, and to all that is served; the tables are its manual. */
import { MiB } from '../core/units.ts'
import type { RateSchedule } from '../core/rate-schedule.ts'
import type { Setting } from '../platform/config.ts'
import { readBoolean, readInteger, readList, readText } from '../platform/setting-readers.ts'
import { parseRateSchedule } from '../wire/rate-schedule.ts'

export const librarySettings = {
  automatic: {
    parse: readBoolean,
    fallback: true,
    help: 'Whether each file and folder directly in the library folder becomes a bundle by itself. With false none does: publishers choose from it on the page Publish, and see the names of everything in it.',
  } satisfies Setting<boolean>,
  audience: {
    parse: readList(readText(64)),
    fallback: ['everyone'],
    help: 'Which groups may see what appears in the library folder, separated by commas.',
  } satisfies Setting<readonly string[]>,
  rightsStatement: {
    parse: readText(400),
    fallback: 'Placed in the library by its operator, who vouches that it may be shared.',
    help: 'Who vouches that the content of the library folder may be shared, and why; kept with every release.',
  } satisfies Setting<string>,
}

const limit = (help: string): Setting<RateSchedule | undefined> => ({
  parse: parseRateSchedule,
  fallback: undefined,
  help,
  fallbackText: 'no limit',
})

export const seederSettings = {
  limitUp: limit(
    'What the origin sends at most, to all sites but its own: a rate (`2MB`, `20Mbit`), or rates by the hours of the ' +
      'week, on the clock of this machine: `20Mbit, mon-fri 8-18: 4Mbit, sat-sun: unlimited`.',
  ),
  limitDown: limit(
    'What the origin takes in at most, when it fetches what others publish; written as limitUp.',
  ),
  releaseLimitUp: limit(
    'What any one release may use of limitUp, so that one that everybody wants leaves room for the others.',
  ),
  releaseLimitDown: limit('What any one release may use of limitDown.'),
  limitLan: {
    parse: readBoolean,
    fallback: false,
    help: 'Whether the limits hold for machines of the same site as well. Without it they get all that the network there carries.',
  } satisfies Setting<boolean>,
  scrubBytesPerSecond: {
    parse: readInteger(0, 10_000 * MiB),
    fallback: 10_000_000,
    help:
      'How fast the origin reads what it serves, to find bytes that rotted on the disk before anybody asks for ' +
      'them: all of it in turn, once a day at most. 0 never does. The fallback reads 860 GB a day for about a ' +
      'hundredth of one core.',
  } satisfies Setting<number>,
  reveal: {
    parse: readBoolean,
    fallback: true,
    help:
      'Whether the origin shows each piece to one host of one site first, so that it leaves the origin once and ' +
      'the sites share it out. false shows everything to everybody, as other seeders do.',
  } satisfies Setting<boolean>,
}

/** What happens to a file that appears in the library folder, and to all that is served; the tables are its manual. */
import { MiB } from '../core/units.ts'
import type { Setting } from '../platform/config.ts'
import { readBoolean, readInteger, readList, readText } from '../platform/setting-readers.ts'

export const librarySettings = {
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

export const seederSettings = {
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

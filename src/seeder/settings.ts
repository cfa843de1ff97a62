/** What happens to a file that appears in the library folder; the table is its manual. */
import type { Setting } from '../platform/config.ts'
import { readList, readText } from '../platform/setting-readers.ts'

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

/** Patterns that choose files of a release: the same in a link that a portal makes and on our command line. */
import { posix } from 'node:path'

/**
 * True when `glob` (`*` within a folder, `**` across, `?`) matches the landing path as a whole, below the
 * release's own folder, or by file name alone when it has no "/".
 */
export function matchesFileGlob(landing: string, glob: string): boolean {
  return (
    posix.matchesGlob(landing, glob) ||
    posix.matchesGlob(landing.slice(landing.indexOf('/') + 1), glob) ||
    (!glob.includes('/') && posix.matchesGlob(posix.basename(landing), glob))
  )
}

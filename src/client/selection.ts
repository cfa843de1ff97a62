/** `--files GLOB`: which files of a release are wanted. */
import { posix } from 'node:path'
import { ShoalError } from '../core/errors.ts'
import { landingPath, type Metainfo } from '../core/metainfo.ts'
import { limits } from '../wire/limits.ts'

/**
 * True for landing paths that one of `globs` matches: as a whole, below the release's folder, or by file name
 * alone when the glob has no "/". No globs: every file.
 * @throws ShoalError `over-limit` for too many or too long ones.
 */
export function selectionOf(globs: readonly string[]): (landing: string) => boolean {
  if (globs.length > limits.fileGlobsMax || globs.some((g) => g.length > limits.fileGlobCharsMax)) {
    throw new ShoalError(
      'over-limit',
      `--files: at most ${limits.fileGlobsMax} globs of ${limits.fileGlobCharsMax} characters`,
    )
  }
  if (globs.length === 0) return () => true
  return (landing) => {
    const below = landing.slice(landing.indexOf('/') + 1)
    return globs.some(
      (glob) =>
        posix.matchesGlob(landing, glob) ||
        posix.matchesGlob(below, glob) ||
        (!glob.includes('/') && posix.matchesGlob(posix.basename(landing), glob)),
    )
  }
}

/** BEP 53: files by index ranges, both ends included. */
export function selectionOfRanges(
  metainfo: Metainfo,
  ranges: readonly (readonly [number, number])[],
): (landing: string) => boolean {
  const wanted = new Set(
    metainfo.files
      .filter((_, i) => ranges.some(([first, last]) => i >= first && i <= last))
      .map((file) => landingPath(metainfo, file)),
  )
  return (landing) => wanted.has(landing)
}

/** @throws ShoalError `not-found` when nothing is wanted: a glob that matches nothing is a mistake. */
export function mustSelectSome(metainfo: Metainfo, wants: (landing: string) => boolean): void {
  if (!metainfo.files.some((file) => wants(landingPath(metainfo, file)))) {
    throw new ShoalError(
      'not-found',
      `--files matches none of the ${metainfo.files.length} files of this release`,
    )
  }
}

/** `--files GLOB`: which files of a release are wanted. */
import { ShoalError } from '../core/errors.ts'
import { landingPath, type Metainfo } from '../core/metainfo.ts'
import { matchesFileGlob } from '../platform/file-glob.ts'
import { limits } from '../wire/limits.ts'

/**
 * True for landing paths that one of `globs` matches ({@link matchesFileGlob}). No globs: every file.
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
  return (landing) => globs.some((glob) => matchesFileGlob(landing, glob))
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

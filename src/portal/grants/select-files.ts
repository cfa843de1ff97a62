/** Which files of a release a link selects (BEP 53), by globs over the paths where they land. */
import { ShoalError } from '../../core/errors.ts'
import { Breath } from '../../platform/breath.ts'
import { matchesFileGlob } from '../../platform/file-glob.ts'
import { limits } from '../../wire/limits.ts'

/** More stars in one part of a path make matching slow, and mean nothing that fewer do not. */
const STARS_PER_PART_MAX = 3
const DEEP_STARS_MAX = 2

/**
 * Inclusive ranges of indices into `landingPaths`. A hundred thousand files and 32 globs take seconds, during
 * which the event loop goes on.
 * @throws ShoalError `bad-input` when a glob is not plain or nothing matches; `over-limit` for too many ranges,
 *   and when it takes too long.
 */
export async function selectFiles(
  landingPaths: readonly string[],
  globs: readonly string[],
): Promise<[number, number][]> {
  for (const glob of globs) mustBePlain(glob)
  const breath = new Breath()
  const ranges: [number, number][] = []
  for (const [i, path] of landingPaths.entries()) {
    if (!(await isSelected(path, globs, breath))) continue
    const last = ranges.at(-1)
    if (last?.[1] === i - 1) last[1] = i
    else ranges.push([i, i])
  }
  if (ranges.length === 0) throw new ShoalError('bad-input', 'no file of this release matches')
  if (ranges.length > limits.magnetFileRangesMax)
    throw new ShoalError('over-limit', 'these files do not fit in a link: choose neighbours, or all')
  return ranges
}

async function isSelected(path: string, globs: readonly string[], breath: Breath): Promise<boolean> {
  for (const glob of globs) {
    if (breath.isDue) await breath.take()
    if (matchesFileGlob(path, glob)) return true
  }
  return false
}

/** Groups and braces can make a short pattern take for ever to match; nobody needs them here. */
function mustBePlain(glob: string): void {
  const parts = glob.split('/')
  const isPlain =
    !/[(){}]/.test(glob) &&
    parts.filter((part) => part === '**').length <= DEEP_STARS_MAX &&
    parts.every((part) => part.split('*').length - 1 <= STARS_PER_PART_MAX)
  if (!isPlain)
    throw new ShoalError(
      'bad-input',
      'a file pattern has *, ** and ? only, and no more than three * in a row',
    )
}

/** Which file of a release is played, and what a player is told that it is. */
import { quote } from '../core/file-name.ts'
import { ShoalError } from '../core/errors.ts'
import { BROWSER_AUDIO_TYPES, BROWSER_VIDEO_TYPES, type MediaTypes, typeByName } from '../core/media-type.ts'
import { landingPath, type Metainfo } from '../core/metainfo.ts'
import { selectionOf } from './selection.ts'

/** By the end of the name, in lower case: what mpv, VLC and browsers play. Video before audio. */
const VIDEO_TYPES: MediaTypes = {
  ...BROWSER_VIDEO_TYPES,
  mov: 'video/quicktime',
  mkv: 'video/matroska',
  avi: 'video/x-msvideo',
  wmv: 'video/x-ms-wmv',
  mpg: 'video/mpeg',
  mpeg: 'video/mpeg',
  ts: 'video/mp2t',
  m2ts: 'video/mp2t',
  flv: 'video/x-flv',
  '3gp': 'video/3gpp',
}
const AUDIO_TYPES: MediaTypes = {
  ...BROWSER_AUDIO_TYPES,
  m4b: 'audio/mp4',
  aac: 'audio/aac',
  wma: 'audio/x-ms-wma',
}

/** Named in the sentence that asks which one. */
const NAMED_MAX = 10

/** Nothing that a browser would run, whatever the file is called. */
export function contentTypeOf(path: string): string {
  return typeByName(VIDEO_TYPES, path) ?? typeByName(AUDIO_TYPES, path) ?? 'application/octet-stream'
}

/**
 * The index of the one file to play: the only video; where there is none, the only sound. `glob` says which.
 * @throws ShoalError `not-found` when there is none, `bad-usage` with a list when there are several.
 */
export function choosePlayed(metainfo: Metainfo, glob?: string): number {
  const matches = selectionOf(glob === undefined ? [] : [glob])
  const files = metainfo.files
    .map((file, index) => ({ index, path: landingPath(metainfo, file), sizeBytes: file.sizeBytes }))
    .filter(({ path, sizeBytes }) => sizeBytes > 0 && matches(path))
  const ofType = (types: MediaTypes): typeof files =>
    files.filter(({ path }) => typeByName(types, path) !== undefined)
  const [candidates = []] = [
    ofType(VIDEO_TYPES),
    ofType(AUDIO_TYPES),
    glob === undefined ? [] : files,
  ].filter((list) => list.length > 0)
  const [first] = candidates
  if (first === undefined)
    throw new ShoalError(
      'not-found',
      glob === undefined
        ? 'this release holds nothing to play: fetch it with "shoal get", or say with --file which one it is'
        : `--file matches none of the ${metainfo.files.length} files of this release`,
    )
  if (candidates.length === 1) return first.index
  throw new ShoalError('bad-usage', `which one? Say it with --file: ${listOf(candidates)}`)
}

function listOf(files: readonly { readonly path: string; readonly sizeBytes: number }[]): string {
  const bySize = files.toSorted((a, b) => b.sizeBytes - a.sizeBytes)
  const named = bySize.slice(0, NAMED_MAX).map(({ path }) => quote(path))
  const more = files.length - named.length
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

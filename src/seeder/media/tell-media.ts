/** Reads the media of a listed release and tells the portal what it does not know yet. May be done again at any time. */
import type { ReleaseName, Slug } from '../../core/ids.ts'
import type { MediaDescription } from '../../wire/api.ts'
import type { SeederPortal } from '../portal.ts'
import { postersOf } from './posters.ts'
import { hasMediaNames, mediaOfRelease, type LaidOut, type ReleaseMedia } from './release-media.ts'

export interface TellParts {
  readonly portal: Pick<SeederPortal, 'release' | 'describeRelease' | 'setPoster'>
}

export interface ListedPlace {
  readonly bundle: Slug
  readonly release: ReleaseName
}

/**
 * `none`: there is no media in it that we can read. `no-picture`: all was told, but there is no poster of the video.
 * @throws ShoalError as the portal does; the signal's reason when it is aborted.
 */
export async function tellMedia(
  { portal }: TellParts,
  { bundle, release }: ListedPlace,
  files: LaidOut,
  signal?: AbortSignal,
): Promise<'told' | 'no-picture' | 'none'> {
  if (!hasMediaNames(files)) return 'none'
  const known = await portal.release(bundle, release, signal)
  const needsPoster = known.hasPoster !== true && known.media?.kind !== 'audio'
  if (known.media !== undefined && !needsPoster) return 'told'
  const media = await mediaOfRelease(files, signal)
  if (media === undefined) return 'none'
  if (known.media === undefined) await portal.describeRelease(bundle, release, descriptionOf(media), signal)
  if (!needsPoster) return 'told'
  const { path, facts } = media.main
  const [poster] = await postersOf(path, facts, { count: 1 }, signal)
  if (poster === undefined) return media.kind === 'video' ? 'no-picture' : 'told'
  await portal.setPoster(bundle, release, poster, signal)
  return 'told'
}

/** As the portal is told. */
export function descriptionOf(media: ReleaseMedia): MediaDescription {
  const { kind, durationSeconds, playsInBrowsers, warnings, main } = media
  const { widthPx, heightPx } = main.facts
  return {
    kind,
    ...(durationSeconds === undefined
      ? {}
      : { durationSeconds: Math.round(1_000 * durationSeconds) / 1_000 }),
    ...(widthPx === undefined ? {} : { widthPx }),
    ...(heightPx === undefined ? {} : { heightPx }),
    playsInBrowsers,
    warnings: [...warnings],
  }
}

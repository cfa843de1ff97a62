/** What is recorded of who has watched what, in the REST API: only where the company wants it. */
import { z } from 'zod'
import { zReleaseName, zTime } from './api-scalars.ts'
import { learningLimits } from './limits-learning.ts'
import { mediaLimits } from './limits-media.ts'

const zSeconds = z.number().min(0).max(mediaLimits.mediaSecondsMax)

/** What a page played since its last post. */
export const zPlayed = z.strictObject({
  /** Of the release, as in its .torrent. */
  file: z.number().int().min(0).max(1_000_000),
  /** As the player says. */
  durationSeconds: z.number().min(0.1).max(mediaLimits.mediaSecondsMax),
  /** From and to, in seconds of the media. */
  ranges: z
    .array(z.tuple([zSeconds, zSeconds]).refine(([from, to]) => to > from, 'from before to expected'))
    .min(1)
    .max(learningLimits.watchedRangesMax),
})
export type Played = z.infer<typeof zPlayed>

/** How far somebody has come with one file. */
const progress = {
  file: z.number().int(),
  durationSeconds: z.number(),
  /** Seconds that were played at least once. */
  seenSeconds: z.number(),
  /** The same as a part of the whole. */
  share: z.number().min(0).max(1),
  firstAt: zTime,
  lastAt: zTime,
  completedAt: zTime.nullable(),
}
export const zProgress = z.object(progress)
export type Progress = z.infer<typeof zProgress>

/** `recorded` false: the company does not want it, and nothing was kept. */
export const zPlayedTaken = z.object({ recorded: z.boolean(), progress: zProgress.nullable() })
export type PlayedTaken = z.infer<typeof zPlayedTaken>

/** One's own. */
export const zOwnWatched = z.object({ recorded: z.boolean(), items: z.array(zProgress) })
export type OwnWatched = z.infer<typeof zOwnWatched>

export const zLearningRow = z.object({
  person: z.string(),
  /** Empty for who has no account of the portal's own. */
  displayName: z.string(),
  release: zReleaseName,
  /** The file's path in the release. */
  path: z.string(),
  ...progress,
})
export type LearningRow = z.infer<typeof zLearningRow>

/** The newest release first, then by person. */
export const zLearningPage = z.object({
  recorded: z.boolean(),
  items: z.array(zLearningRow),
  nextCursor: z.string().nullable(),
})
export type LearningPage = z.infer<typeof zLearningPage>

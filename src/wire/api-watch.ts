/** Watching in the browser, in the portal's REST API. */
import { z } from 'zod'
import { zInfoHash, zReleaseName, zSlug, zTime } from './api-scalars.ts'
import { limits } from './limits.ts'

/** A release for which somebody's page got a grant, or renewed one, within the last ten minutes. */
export const zWatched = z.object({
  infohash: zInfoHash,
  bundle: zSlug,
  release: zReleaseName,
  /** Grants, of whatever person. */
  viewers: z.number().int().min(0),
  lastAt: zTime,
})
export type Watched = z.infer<typeof zWatched>

/** For those who serve browsers: what is watched now, the one asked for last first. */
export const zWatching = z.object({ items: z.array(zWatched).max(limits.watchedReleasesMax) })
export type Watching = z.infer<typeof zWatching>

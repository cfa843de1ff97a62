/** Watching in the browser, in the portal's REST API. */
import { z } from 'zod'
import { zGrantId, zInfoHash, zReleaseName, zSlug, zTime } from './api-scalars.ts'
import { zIceServers } from './ice-servers.ts'
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

export const zWatchRequest = z.strictObject({
  /** Which of the release's files, by its place among them. */
  file: z.number().int().min(0).max(limits.torrentFilesMax),
})

/** Why colleagues give nothing to this page: the release is for our clients only, or the policy of the site says so. */
export const zPeering = z.enum(['on', 'ours-only', 'off-by-site'])

const zBytes = z.number().int().min(0)

/** What a page needs to play one file of a release, and to get it from colleagues. */
export const zWatch = z.object({
  infohash: zInfoHash,
  sizeBytes: zBytes,
  pieceLengthBytes: zBytes,
  file: z.object({
    index: zBytes,
    sizeBytes: zBytes,
    /** Where it begins among all files of the release, one after the other. */
    startBytes: zBytes,
    type: z.string(),
  }),
  /** The first piece that has bytes of the file; SHA-1 of it and those that follow, base64. */
  firstPiece: zBytes,
  pieceHashes: z.string(),
  /** Where all files of the release are, one after the other, for ranges. */
  contentUrl: z.string(),
  /** As far as somebody has said. */
  durationSeconds: z.number().min(0).optional(),
  peering: zPeering,
  /** With {@link peering} on: for the tracker, and for what is reported. */
  grant: z.object({ id: zGrantId, expiresAt: zTime, token: z.string(), trackerUrl: z.string() }).optional(),
  iceServers: zIceServers,
})
export type Watch = z.infer<typeof zWatch>

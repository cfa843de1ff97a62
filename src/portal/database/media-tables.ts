/** Rows of what is said and shown of media. */

/** At most one for a release, from whoever has its files. */
export interface ReleaseMediaRow {
  release_id: number
  kind: 'video' | 'audio'
  duration_seconds: number | null
  width_px: number | null
  height_px: number | null
  /** 0 or 1. */
  plays_in_browsers: number
  /** JSON list of sentences. */
  warnings: string
}

/** Apart from `release_media`, so that a list never reads pictures. */
export interface PosterRow {
  release_id: number
  /** Of its bytes, short: for caches. */
  tag: string
  jpeg: Uint8Array
}

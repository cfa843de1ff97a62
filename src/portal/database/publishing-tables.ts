/** The tables of publishing through the portal, as Kysely sees them. */
import type { InfoHash, ReleaseName, Slug } from '../../core/ids.ts'

/** See `publishing/drafts.ts`. */
export interface DraftRow {
  id: string
  owner: string
  /** Null: one will be made. */
  bundle: Slug | null
  /** Null: its files are uploaded. */
  library_path: string | null
  title: string
  description: string
  tags: string
  audience: string
  release_name: ReleaseName | null
  notes: string
  admit: 'any' | 'ours'
  rights: string
  /** Which of the frames that were shown stands for it: 0, 1 or 2. */
  poster: number
  publish_at: number | null
  expires_at: number | null
  state: DraftStep
  /** How often it was handed in: what was begun for an earlier time is not carried on. */
  round: number
  reason: string | null
  /** What its uploads lie in, where that is not `files` any more. */
  folder: string | null
  infohash: InfoHash | null
  created_at: number
  updated_at: number
}

/**
 * `open`: its owner works on it. `submitted`: to be hashed. `hashed`: to be listed, at its time. `listed`: the origin is to
 * take it over. `published`: done. `failed`: its owner may mend it and hand it in again.
 */
export type DraftStep = 'open' | 'submitted' | 'hashed' | 'listed' | 'published' | 'failed'

export interface DraftFileRow {
  draft_id: string
  path: string
  size_bytes: number
  modified_ms: number
  upload_id: string | null
  /** 0 or 1: all of it has come. With an upload it is one that takes the place of what is there. */
  is_there: number
  /** See `publishing/mended-files.ts`. */
  mended: string | null
}

/**
 * What is said and shown of the media of releases: length, size, whether browsers play it, what its publisher should
 * know, and a poster. Said by whoever has the files, so it may come long after the release; saying it again replaces it.
 * Saying the same again changes nothing and leaves no trace.
 */
import { createHash } from 'node:crypto'
import { ShoalError } from '../../core/errors.ts'
import type { InfoHash } from '../../core/ids.ts'
import type { zMediaDescription } from '../../wire/api.ts'
import { cleanJpeg } from '../../wire/jpeg.ts'
import type { z } from 'zod'
import type { ReleaseMediaRow } from '../database/media-tables.ts'
import type { Database, Tx } from '../database/tables.ts'
import type { RecordParts } from '../journal.ts'
import { textList } from './rows.ts'

export interface Poster {
  readonly tag: string
  readonly jpeg: Uint8Array
}

/** Enough of a hash to tell one poster of a release from the next. */
const TAG_CHARS = 16

interface Found {
  readonly id: number
  /** For the audit trail. */
  readonly subject: string
}

export class Media {
  readonly #parts: RecordParts

  constructor(parts: RecordParts) {
    this.#parts = parts
  }

  /** @throws ShoalError `not-found` without the release, `conflict` for a recalled one. */
  async describe(infohash: InfoHash, media: z.output<typeof zMediaDescription>, by: string): Promise<void> {
    await this.#parts.journal.change(async (tx, notes) => {
      const { id, subject } = await mustFind(tx, infohash)
      const row: ReleaseMediaRow = {
        release_id: id,
        kind: media.kind,
        duration_seconds: media.durationSeconds ?? null,
        width_px: media.widthPx ?? null,
        height_px: media.heightPx ?? null,
        plays_in_browsers: media.playsInBrowsers ? 1 : 0,
        warnings: JSON.stringify(media.warnings),
      }
      const before = await tx
        .selectFrom('release_media')
        .selectAll()
        .where('release_id', '=', id)
        .executeTakeFirst()
      if (before !== undefined && isSame(before, row)) return
      await tx.replaceInto('release_media').values(row).execute()
      notes.audit({ actor: by, action: 'media-described', subject, detail: media.kind })
    })
  }

  /** Kept as `cleanJpeg` makes it. @throws ShoalError as {@link describe}; `bad-input`, `over-limit` as that. */
  async setPoster(infohash: InfoHash, given: Uint8Array, by: string): Promise<Poster> {
    const { bytes: jpeg, widthPx, heightPx } = cleanJpeg(given)
    const tag = createHash('sha256').update(jpeg).digest('base64url').slice(0, TAG_CHARS)
    await this.#parts.journal.change(async (tx, notes) => {
      const { id, subject } = await mustFind(tx, infohash)
      const before = await tx
        .selectFrom('posters')
        .select('tag')
        .where('release_id', '=', id)
        .executeTakeFirst()
      if (before?.tag === tag) return
      await tx.replaceInto('posters').values({ release_id: id, tag, jpeg }).execute()
      notes.audit({ actor: by, action: 'poster-set', subject, detail: `${widthPx} by ${heightPx} pixels` })
    })
    return { tag, jpeg }
  }

  async poster(infohash: InfoHash): Promise<Poster | undefined> {
    const { db } = this.#parts
    return await ofRelease(db, infohash)
      .innerJoin('posters', 'posters.release_id', 'releases.id')
      .select(['posters.tag', 'posters.jpeg'])
      .executeTakeFirst()
  }

  /** For who may change the bundle. */
  async warnings(infohash: InfoHash): Promise<readonly string[]> {
    const row = await ofRelease(this.#parts.db, infohash)
      .innerJoin('release_media', 'release_media.release_id', 'releases.id')
      .select('release_media.warnings')
      .executeTakeFirst()
    return row === undefined ? [] : textList(row.warnings)
  }
}

const ofRelease = (db: Database, infohash: InfoHash) =>
  db.selectFrom('releases').where('releases.infohash', '=', infohash)

async function mustFind(tx: Tx, infohash: InfoHash): Promise<Found> {
  const row = await tx
    .selectFrom('releases')
    .innerJoin('bundles', 'bundles.id', 'releases.bundle_id')
    .select(['releases.id', 'releases.state', 'releases.name', 'bundles.slug'])
    .where('releases.infohash', '=', infohash)
    .executeTakeFirst()
  if (row === undefined) throw new ShoalError('not-found', 'no such release')
  if (row.state === 'recalled') throw new ShoalError('conflict', 'this release was recalled')
  return { id: row.id, subject: `${row.slug}@${row.name}` }
}

const isSame = (a: ReleaseMediaRow, b: ReleaseMediaRow): boolean =>
  (Object.keys(b) as (keyof ReleaseMediaRow)[]).every((column) => a[column] === b[column])

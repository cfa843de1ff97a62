/** Queries that several parts of the catalogue begin with. */
import type { Database, Tx } from '../database/tables.ts'
import type { StoredRelease } from './catalogue.ts'
import { releaseOfRow } from './rows.ts'

/** Releases with the names of their bundles, what is said of their media, and the tags of their posters. */
export function selectReleases(db: Database | Tx) {
  return db
    .selectFrom('releases')
    .innerJoin('bundles', 'bundles.id', 'releases.bundle_id')
    .leftJoin('release_media', 'release_media.release_id', 'releases.id')
    .leftJoin('posters', 'posters.release_id', 'releases.id')
    .selectAll('releases')
    .select('bundles.slug')
    .select([
      'release_media.kind as media_kind',
      'release_media.duration_seconds',
      'release_media.width_px',
      'release_media.height_px',
      'release_media.plays_in_browsers',
      'posters.tag as poster_tag',
    ])
}

/** The newest live release of each of these bundles; absent for those without. */
export async function latestOf(
  db: Database,
  bundleIds: readonly number[],
): Promise<ReadonlyMap<number, StoredRelease>> {
  if (bundleIds.length === 0) return new Map()
  const newest = db
    .selectFrom('releases')
    .select(({ fn }) => fn.max('id').as('id'))
    .where('bundle_id', 'in', bundleIds)
    .where('state', '=', 'live')
    .groupBy('bundle_id')
  const rows = await selectReleases(db).where('releases.id', 'in', newest).execute()
  return new Map(rows.map((row) => [row.bundle_id, releaseOfRow(row)]))
}

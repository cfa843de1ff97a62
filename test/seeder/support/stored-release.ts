/** A release in a store, made of real files. */
import { join } from 'node:path'
import type { ReleaseName, Slug } from '../../../src/core/ids.ts'
import { epochMillis } from '../../../src/core/units.ts'
import { silentLogger } from '../../../src/platform/log.ts'
import { HashPool } from '../../../src/seeder/hash-pool.ts'
import { makeRelease, type MadeRelease } from '../../../src/seeder/make-release.ts'
import { planRelease } from '../../../src/seeder/plan-release.ts'
import { ReleaseStore } from '../../../src/seeder/release-store.ts'
import { ManualClock } from '../../support/manual-clock.ts'

export interface Place {
  readonly bundle: Slug
  readonly release: ReleaseName
}

/** Hashes `path` into the store of `dataDir`; registered when it gets a place. */
export async function storeRelease(
  dataDir: string,
  path: string,
  options: { readonly place?: Place; readonly atMs?: number } = {},
): Promise<MadeRelease> {
  const folder = join(dataDir, 'seeder')
  const store = await ReleaseStore.open({ log: silentLogger, folder })
  await using pool = new HashPool({ workers: 1 })
  const clock = new ManualClock(epochMillis(options.atMs ?? 1_790_000_000_000))
  const parts = { clock, pool, store, journalFolder: join(folder, 'journal') }
  const made = await makeRelease(parts, await planRelease(path), { origin: 'publish' })
  if (options.place !== undefined)
    await store.update({ ...made.record, ...options.place, state: 'registered' })
  return made
}

/** Media become releases, and stay available: publishing, and the origin's seeder. */
export { planRelease, refusalOfPlan, type ReleasePlan } from './plan-release.ts'
export { walk, type FileStamp, type Refusal, type Walked } from './walk.ts'
export { hashRelease, type HashedRelease, type HashOptions, type HashParts } from './hash-files.ts'
export { HashPool } from './hash-pool.ts'
export { ReleaseStore } from './release-store.ts'
export type { ReleaseRecord } from './release-record.ts'
export {
  publish,
  type Published,
  type PublishOptions,
  type PublishParts,
  type PublishProgress,
} from './publish.ts'
export {
  startSeeder,
  type Seeder,
  type SeederOptions,
  type SeederParts,
  type ServedContent,
} from './start-seeder.ts'
export { readMedia } from './media/media-facts.ts'
export { mendFile } from './media/mend/mend-file.ts'
export type { EntryProblem } from './library.ts'
export type { SeederPortal } from './portal.ts'
export { librarySettings, seederSettings } from './settings.ts'

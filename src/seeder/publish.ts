/**
 * `shoal publish`: a path becomes a live release. Hashed and stored first, then listed, then waited for until
 * an origin has it in full. Killed at any point it leaves a release absent or complete, and run again it goes
 * on where it was, hashing nothing twice.
 */
import { messageOf, ShoalError } from '../core/errors.ts'
import { quote } from '../core/file-name.ts'
import type { InfoHash, ReleaseName, Slug } from '../core/ids.ts'
import type { Torrent } from '../core/metainfo.ts'
import { seconds } from '../core/units.ts'
import { sleep, type Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { PortalClient } from '../portal-client/index.ts'
import type { Engine } from '../swarm/index.ts'
import type { Release } from '../wire/api.ts'
import { pruneJournals } from './hash-journal.ts'
import { HashPool } from './hash-pool.ts'
import type { OwnDevice } from './link-urls.ts'
import { makeRelease } from './make-release.ts'
import { assertPublishable, planRelease } from './plan-release.ts'
import { register, type Registered } from './register.ts'
import type { ReleaseRecord } from './release-record.ts'
import { ReleaseStore } from './release-store.ts'
import { startTelling } from './media/start-telling.ts'
import { seedFromHere, type SeedingFromHere } from './seed-from-here.ts'
import { seederFolders } from './start-seeder.ts'

export interface PublishParts {
  readonly clock: Clock
  readonly log: Logger
  /** The data folder: an origin's when `isLocalOrigin`, else this machine's own. */
  readonly dataDir: string
  /** With the token of a publisher or admin. */
  readonly client: Pick<
    PortalClient,
    | 'origin'
    | 'me'
    | 'bundle'
    | 'createBundle'
    | 'addRelease'
    | 'createLink'
    | 'release'
    | 'describeRelease'
    | 'setPoster'
  >
  /** Started only when we must seed ourselves; disposed of when an origin has it all. */
  readonly engine: () => Promise<Engine>
  /** This machine as a device of the portal; asked for only where we must seed a release of our clients only. */
  readonly device?: () => Promise<OwnDevice>
}

export interface PublishOptions {
  readonly path: string
  readonly title: string
  /** The bundle to add a release to; made when it is missing. Without it: a new bundle of the title. */
  readonly bundle?: Slug
  readonly release?: ReleaseName
  readonly audience: readonly string[]
  readonly tags: readonly string[]
  readonly description?: string
  readonly notes?: string
  readonly admit: 'any' | 'ours'
  readonly rights: string
  /** True when the running origin has the same data folder: it then serves from where the files are. */
  readonly isLocalOrigin: boolean
  readonly onProgress?: (progress: PublishProgress) => void
}

export type PublishProgress =
  | { readonly stage: 'looking' }
  | { readonly stage: 'hashing'; readonly bytes: number; readonly total: number }
  | { readonly stage: 'listing' }
  /** Waiting for a full copy at an origin; `sentBytes` left this machine. `note`: why it is not there yet. */
  | {
      readonly stage: 'replicating'
      readonly sentBytes: number
      readonly total: number
      readonly note?: string
    }

export interface Published extends Registered {
  readonly infohash: InfoHash
  readonly sizeBytes: number
  /** The portal's public origin. */
  readonly portal: string
  /** `here`: this machine sent it to an origin. `origin`: an origin found the files where they are. */
  readonly seededFrom: 'origin' | 'here'
  /** Read and hashed in this run; 0 when it had been hashed before. */
  readonly hashedBytes: number
}

const POLL = seconds(1)

/**
 * Resolves when the release is live. What `--dry-run` shows is {@link planRelease}.
 *
 * @throws ShoalError `bad-input` naming what cannot be published, `conflict` when the content is published
 *   already elsewhere, `not-granted`, `unavailable`, and `interrupted` when aborted: run again to go on.
 */
export async function publish(
  parts: PublishParts,
  options: PublishOptions,
  signal: AbortSignal,
): Promise<Published> {
  const { clock, log, client } = parts
  const { folder, journal: journalFolder } = seederFolders(parts.dataDir)
  options.onProgress?.({ stage: 'looking' })
  await using pool = new HashPool()
  pool.warm()
  const plan = await planRelease(options.path, pool, signal)
  assertPublishable(plan)
  await pruneJournals(journalFolder, clock.epoch())
  const store = await ReleaseStore.open({ log, folder })

  const onProgress = (bytes: number, total: number): void =>
    options.onProgress?.({ stage: 'hashing', bytes, total })
  const makeParts = { clock, pool, store, journalFolder }
  const made = await makeRelease(makeParts, plan, { origin: 'publish' }, { onProgress }, signal)
  assertSamePlace(made.record, options.bundle)

  options.onProgress?.({ stage: 'listing' })
  const listing = { ...options, ...(made.record.bundle === undefined ? {} : { bundle: made.record.bundle }) }
  const place = await register(client, made.torrent, listing, signal)
  await store.update({ ...made.record, ...place, state: 'registered' })
  assertSameAdmit(place, options.admit)

  await using _telling = options.isLocalOrigin ? undefined : startTelling(parts, place, made.record)
  const seededFrom = await waitUntilLive(parts, options, place, made.torrent, made.record, signal)
  const { infohash, sizeBytes } = made.record
  return { ...place, infohash, sizeBytes, portal: client.origin, seededFrom, hashedBytes: made.hashedBytes }
}

function assertSamePlace(record: ReleaseRecord, wanted: Slug | undefined): void {
  if (record.bundle === undefined || wanted === undefined || record.bundle === wanted) return
  throw new ShoalError(
    'conflict',
    `exactly these files are published already, as ${record.bundle}@${record.release ?? '?'}: content belongs to one release`,
  )
}

/** What was published for every client stays so: links for it are about. */
function assertSameAdmit(place: Registered, wanted: 'any' | 'ours'): void {
  if (place.admit === wanted) return
  const whom = place.admit === 'any' ? 'any client' : 'our own clients only'
  throw new ShoalError(
    'conflict',
    `exactly these files are published already, as ${place.bundle}@${place.release}, for ${whom}: say --admit ${place.admit}`,
  )
}

async function waitUntilLive(
  parts: PublishParts,
  options: PublishOptions,
  place: Registered,
  torrent: Torrent,
  record: ReleaseRecord,
  signal: AbortSignal,
): Promise<Published['seededFrom']> {
  if ((await releaseOf(parts, place, signal)).state === 'live') return 'origin'
  await using seeding = options.isLocalOrigin
    ? undefined
    : await seedHere(parts, place, torrent, record.contentFolder, signal)
  for (;;) {
    const now = await stateOf(parts, place, signal)
    if (now?.state === 'live') return seeding === undefined ? 'origin' : 'here'
    if (now?.state === 'failed' || now?.state === 'recalled')
      throw new ShoalError(
        'not-granted',
        `${place.bundle}@${place.release} is ${now.state}: ${now.reason ?? 'no reason given'}`,
      )
    const note = now?.state === 'missing' ? now.reason : undefined
    options.onProgress?.({
      stage: 'replicating',
      sentBytes: seeding?.sentBytes() ?? 0,
      total: record.sizeBytes,
      ...(note === undefined ? {} : { note }),
    })
    await pause(parts.clock, signal)
  }
}

async function seedHere(
  parts: PublishParts,
  place: Registered,
  torrent: Torrent,
  folder: string,
  signal: AbortSignal,
): Promise<SeedingFromHere> {
  const device = place.admit === 'ours' ? await parts.device?.() : undefined
  return await seedFromHere({ ...parts, device }, place, torrent, folder, signal)
}

function releaseOf(parts: PublishParts, place: Registered, signal: AbortSignal): Promise<Release> {
  return parts.client.release(place.bundle, place.release, signal)
}

/** Undefined while the portal does not answer: what is listed stays listed, so we wait. */
async function stateOf(
  parts: PublishParts,
  place: Registered,
  signal: AbortSignal,
): Promise<Release | undefined> {
  try {
    return await releaseOf(parts, place, signal)
  } catch (error) {
    if (signal.aborted) throw interrupted()
    if (!(error instanceof ShoalError) || error.code !== 'unavailable') throw error
    parts.log.warn({ reason: messageOf(error) }, `waiting for the portal to tell of ${quote(place.bundle)}`)
    return undefined
  }
}

async function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  try {
    await sleep(clock, POLL, signal)
  } catch (error) {
    throw signal.aborted ? interrupted() : error
  }
}

function interrupted(): ShoalError {
  return new ShoalError(
    'interrupted',
    'the release is listed but no origin has all of it yet: run the same command again',
  )
}

/** From a plan to a release in the store: hashed, or found there. What `publish` and the library share. */
import { ShoalError } from '../core/errors.ts'
import type { Torrent } from '../core/metainfo.ts'
import type { Clock } from '../platform/clock.ts'
import { encodeInfo, hashOf } from '../wire/torrent.ts'
import { hashRelease, type HashOptions } from './hash-files.ts'
import type { HashPool } from './hash-pool.ts'
import type { ReleasePlan } from './plan-release.ts'
import { missingReason } from './missing-reason.ts'
import { isRecordOf, type ReleaseRecord } from './release-record.ts'
import type { ReleaseStore } from './release-store.ts'
import type { HashedFiles } from './reuse.ts'

export interface MakeParts {
  readonly clock: Clock
  readonly pool: HashPool
  readonly store: ReleaseStore
  readonly journalFolder: string
}

export interface MadeRelease {
  readonly record: ReleaseRecord
  readonly torrent: Torrent
  /** 0 when it was found. */
  readonly hashedBytes: number
}

/** Older releases of a folder whose hashes are looked through. */
const PREVIOUS_MAX = 2

/** The release of exactly this plan that is stored already; damaged ones do not count. */
export function storedReleaseOf(store: ReleaseStore, plan: ReleasePlan): ReleaseRecord | undefined {
  return releasesOfPath(store, plan).findLast((record) => isRecordOf(record, plan.files))
}

/**
 * Resolves when the release is in the store. One that the portal knows already keeps its place there.
 *
 * @throws ShoalError as {@link hashRelease}.
 */
export async function makeRelease(
  parts: MakeParts,
  plan: ReleasePlan,
  from: Pick<ReleaseRecord, 'origin' | 'entry'>,
  options: HashOptions = {},
  signal?: AbortSignal,
): Promise<MadeRelease> {
  const stored = storedReleaseOf(parts.store, plan)
  const found = stored === undefined ? undefined : await torrentOrNone(parts.store, stored)
  if (stored !== undefined && found !== undefined) return { record: stored, torrent: found, hashedBytes: 0 }

  const hashed = await hashRelease(
    { ...parts, previous: await previousOf(parts.store, plan) },
    plan,
    options,
    signal,
  )
  const infoBytes = encodeInfo(hashed.metainfo)
  const infoHash = hashOf(infoBytes)
  const before = parts.store.get(infoHash)
  const torrent = { infoHash, metainfo: hashed.metainfo, infoBytes, announce: [], urlList: [] }
  if (before !== undefined && (await isServedElsewhere(before, plan))) {
    await hashed.forgetJournal()
    return { record: before, torrent, hashedBytes: hashed.hashedBytes }
  }
  const record: ReleaseRecord = {
    version: 1,
    infohash: infoHash,
    contentFolder: plan.contentFolder,
    name: plan.name,
    isSingleFile: plan.isSingleFile,
    sizeBytes: plan.sizeBytes,
    pieceLengthBytes: plan.pieceLengthBytes,
    files: [...plan.files],
    ...from,
    ...(before?.bundle === undefined ? {} : { bundle: before.bundle }),
    ...(before?.release === undefined ? {} : { release: before.release }),
    ...(before?.admit === undefined ? {} : { admit: before.admit }),
    state: before?.release === undefined ? 'hashed' : 'registered',
    storedAtMs: parts.clock.epoch(),
  }
  await parts.store.put(record, infoBytes)
  await hashed.forgetJournal()
  return { record, torrent, hashedBytes: hashed.hashedBytes }
}

/** A second copy does not take the place of one that is listed and whole: whoever deletes the copy would take the release along. */
async function isServedElsewhere(record: ReleaseRecord, plan: ReleasePlan): Promise<boolean> {
  return (
    record.state === 'registered' &&
    record.contentFolder !== plan.contentFolder &&
    (await missingReason(record)) === undefined
  )
}

/** Newest last. */
function releasesOfPath(store: ReleaseStore, plan: ReleasePlan): ReleaseRecord[] {
  return store
    .ofPath(plan.contentFolder, plan.name)
    .filter((record) => record.isSingleFile === plan.isSingleFile && record.state !== 'damaged')
}

async function previousOf(store: ReleaseStore, plan: ReleasePlan): Promise<HashedFiles[]> {
  const known: HashedFiles[] = []
  for (const record of releasesOfPath(store, plan).slice(-PREVIOUS_MAX)) {
    const torrent = await torrentOrNone(store, record)
    if (torrent === undefined) continue
    const { files, pieceLengthBytes } = record
    known.push({ files, pieceLengthBytes, pieces: torrent.metainfo.pieces })
  }
  return known
}

/** A stored torrent that cannot be read is as good as none: the release is made again. */
async function torrentOrNone(store: ReleaseStore, record: ReleaseRecord): Promise<Torrent | undefined> {
  try {
    return await store.torrentOf(record.infohash)
  } catch (error) {
    if (error instanceof ShoalError) return undefined
    throw error
  }
}

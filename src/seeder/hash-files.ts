/**
 * A plan becomes a torrent's metainfo. Nothing is hashed twice: pieces known from the bundle's last release
 * or from a journal of a run that was killed are taken over. A file that changes meanwhile ends it, by name.
 */
import { join } from 'node:path'
import { ShoalError } from '../core/errors.ts'
import { quote } from '../core/file-name.ts'
import type { Metainfo } from '../core/metainfo.ts'
import { PieceLayout, type PieceIndex } from '../core/piece-layout.ts'
import { lookAtFiles } from './file-look.ts'
import { HashJournal, journalKey } from './hash-journal.ts'
import type { HashPool } from './hash-pool.ts'
import { pieceRuns, type PieceRun } from './piece-runs.ts'
import { assertPublishable, type ReleasePlan } from './plan-release.ts'
import { reusableHashes, type HashedFiles } from './reuse.ts'
import { isUnchanged, type FileStamp } from './walk.ts'

/** Files in one message to a worker. */
const LOOKS_AT_ONCE = 1_000

export interface HashParts {
  readonly pool: HashPool
  /** Where journals are; without it a killed run begins again. */
  readonly journalFolder?: string
  /** Releases whose hashes may be taken over. */
  readonly previous?: readonly HashedFiles[]
}

export interface HashOptions {
  /** Called after each portion: bytes that need no more work, of all. */
  readonly onProgress?: (bytes: number, total: number) => void
}

export interface HashedRelease {
  readonly metainfo: Metainfo
  /** Read and hashed in this run. */
  readonly hashedBytes: number
  /** Taken over from the journal or an older release. */
  readonly reusedBytes: number
  /** Ends the journal; to be called when the release is stored. */
  readonly forgetJournal: () => Promise<void>
}

/**
 * @throws ShoalError `bad-input` when the plan is refused, `unavailable` naming a file that changed meanwhile
 *   (plan again and retry), `interrupted` when aborted: the journal then has what was done.
 */
export async function hashRelease(
  parts: HashParts,
  plan: ReleasePlan,
  options: HashOptions = {},
  signal?: AbortSignal,
): Promise<HashedRelease> {
  assertPublishable(plan)
  const layout = new PieceLayout(plan.sizeBytes, plan.pieceLengthBytes)
  const known = new Map<PieceIndex, Uint8Array>()
  for (const old of parts.previous ?? [])
    for (const [piece, digest] of reusableHashes(plan.files, layout, old)) known.set(piece, digest)

  await using closing = new AsyncDisposableStack()
  const journal = await openJournal(parts, plan, layout, known)
  if (journal !== undefined) closing.use(journal)

  const pieces = new Uint8Array(20 * layout.count)
  let doneBytes = 0
  for (const [piece, digest] of known) {
    pieces.set(digest, 20 * piece)
    doneBytes += layout.pieceBytes(piece)
  }
  const reusedBytes = doneBytes
  options.onProgress?.(doneBytes, plan.sizeBytes)

  const hashRun = async (run: PieceRun): Promise<void> => {
    const answer = await parts.pool.run({ pieceLengthBytes: layout.pieceLength, stretches: run.stretches })
    if (answer.kind === 'changed') throw changed(plan, answer.absolute, answer.reason)
    pieces.set(answer.hashes, 20 * run.firstPiece)
    await journal?.append(run.firstPiece, answer.hashes)
    doneBytes += run.sizeBytes
    options.onProgress?.(doneBytes, plan.sizeBytes)
  }
  const runs = pieceRuns(
    plan.files,
    layout,
    (piece) => !known.has(piece),
    (file) => absoluteOf(plan, file),
  )
  try {
    // One portion more than there are workers, so that none waits for the next.
    await inParallel(runs, parts.pool.size + 1, hashRun, signal)
    await assertUnchanged(plan, parts.pool)
  } catch (error) {
    // Hashes of a file that moved under us must not be found by the next run.
    if (error instanceof ShoalError && error.code === 'unavailable') await journal?.remove()
    throw error
  }
  const { name, isSingleFile, files, pieceLengthBytes: pieceLength } = plan
  return {
    metainfo: {
      name,
      pieceLength,
      pieces,
      isSingleFile,
      files: files.map(({ path, sizeBytes }) => ({ path, sizeBytes })),
      isPrivate: true,
    },
    hashedBytes: doneBytes - reusedBytes,
    reusedBytes,
    forgetJournal: async () => journal?.remove(),
  }
}

/** Where a file of the plan is on this machine. */
export function absoluteOf(plan: Pick<ReleasePlan, 'root'>, file: FileStamp): string {
  return file.path === '' ? plan.root : join(plan.root, file.path)
}

/** Adds to `known`. */
async function openJournal(
  parts: HashParts,
  plan: ReleasePlan,
  layout: PieceLayout,
  known: Map<PieceIndex, Uint8Array>,
): Promise<HashJournal | undefined> {
  if (parts.journalFolder === undefined || known.size === layout.count) return undefined
  const key = journalKey(plan.root, plan.files, plan.pieceLengthBytes)
  const opened = await HashJournal.open(parts.journalFolder, key, layout)
  for (const [piece, digest] of opened.known) known.set(piece, digest)
  return opened.journal
}

/** Rejects with the first failure, when no run is under way any more. */
async function inParallel(
  runs: Iterable<PieceRun>,
  width: number,
  work: (run: PieceRun) => Promise<void>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const iterator = runs[Symbol.iterator]()
  let failure: { readonly error: unknown } | undefined
  const lane = async (): Promise<void> => {
    while (failure === undefined) {
      if (signal?.aborted === true)
        throw new ShoalError('interrupted', 'hashing was interrupted; it goes on from here')
      const next = iterator.next()
      if (next.done === true) return
      await work(next.value)
    }
  }
  const guarded = async (): Promise<void> => {
    try {
      await lane()
    } catch (error) {
      failure ??= { error }
    }
  }
  await Promise.all(Array.from({ length: width }, guarded))
  if (failure !== undefined) throw failure.error
}

async function assertUnchanged(plan: ReleasePlan, pool: HashPool): Promise<void> {
  const check = async (files: readonly FileStamp[]): Promise<void> => {
    const batch = { folder: plan.root, names: files.map(({ path }) => path), asksReadable: false }
    const looks = await lookAtFiles(batch, pool.looker)
    for (const [n, file] of files.entries()) {
      const look = looks[n]
      if (look?.kind === 'failed') throw changed(plan, absoluteOf(plan, file), `is gone (${look.code})`)
      if (look?.kind !== 'file' || !isUnchanged({ ...look, path: file.path }, file))
        throw changed(plan, absoluteOf(plan, file), 'changed while it was hashed')
    }
  }
  const parts: Promise<void>[] = []
  for (let i = 0; i < plan.files.length; i += LOOKS_AT_ONCE)
    parts.push(check(plan.files.slice(i, i + LOOKS_AT_ONCE)))
  await Promise.all(parts)
}

function changed(plan: ReleasePlan, absolute: string, reason: string): ShoalError {
  const shown = absolute.slice(plan.contentFolder.length).replace(/^\//, '')
  return new ShoalError('unavailable', `${quote(shown)} ${reason}: publish it when it has come to rest`)
}

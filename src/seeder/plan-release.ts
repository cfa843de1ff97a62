/**
 * What publishing a path would ship: decided before a byte is hashed. `shoal publish --dry-run` prints it.
 */
import type { BigIntStats } from 'node:fs'
import { lstat, realpath } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { ShoalError, systemCode } from '../core/errors.ts'
import { collisionKey, quote, refusalOfName } from '../core/file-name.ts'
import { PieceLayout, pieceLengthFor } from '../core/piece-layout.ts'
import { minutes } from '../core/units.ts'
import { Breath } from '../platform/breath.ts'
import { limits } from '../wire/limits.ts'
import { encodeInfo } from '../wire/torrent.ts'
import { BoundedList } from './bounded-list.ts'
import { refusalOfKind } from './file-look.ts'
import { stampOf, walk, type FileStamp, type Refusal, type WalkParts } from './walk.ts'

/** A hundred thousand files take 0.15 s; the names of a tree as deep as it may be, more. */
const COLLISIONS_TIME_MAX = minutes(1)

export interface ReleasePlan {
  /** The real path of what is published. */
  readonly root: string
  /** The folder that it lies in: content is at `contentFolder/name` or `contentFolder/name/path`. */
  readonly contentFolder: string
  readonly name: string
  readonly isSingleFile: boolean
  /** Sorted by the bytes of their paths. */
  readonly files: readonly FileStamp[]
  readonly sizeBytes: number
  readonly pieceLengthBytes: number
  /** Each of these keeps the release from being published. */
  readonly refused: BoundedList<Refusal>
  readonly ignored: BoundedList<string>
}

/**
 * Looks at `path`, which may itself be a link. Never throws for what it finds inside: see {@link refusalOfPlan}.
 *
 * @throws ShoalError `not-found` when there is nothing, `bad-input` when it is neither file nor folder,
 *   `over-limit` for too many files.
 */
export async function planRelease(
  path: string,
  parts: WalkParts = {},
  signal?: AbortSignal,
): Promise<ReleasePlan> {
  const { root, stat } = await resolved(path)
  const name = basename(root)
  const badName = refusalOfName(name)
  if (badName !== undefined)
    throw new ShoalError('bad-input', `${quote(name)} cannot be published: it ${badName}`)
  const isSingleFile = !stat.isDirectory()
  const walked = isSingleFile ? await onlyFile(root) : await walk(root, parts, signal)
  await addCollisions(walked.files, walked.refused)
  const sizeBytes = walked.files.reduce((sum, file) => sum + file.sizeBytes, 0)
  const pieceLengthBytes = pieceLengthFor(sizeBytes)
  return { root, contentFolder: dirname(root), name, isSingleFile, sizeBytes, pieceLengthBytes, ...walked }
}

/** Why the plan cannot be published, in a sentence that names what is wrong; `undefined` when it can. */
export function refusalOfPlan(plan: ReleasePlan): string | undefined {
  if (plan.refused.count > 0) {
    const shown = plan.refused.items.slice(0, 20).map(({ path, reason }) => `${quote(path)} ${reason}`)
    const rest = plan.refused.count - shown.length
    const more = rest > 0 ? `; and ${rest} more` : ''
    return `${quote(plan.name)} cannot be published: ${shown.join('; ')}${more}. Remove them or name them in a .shoalignore file.`
  }
  if (plan.files.length === 0) return `${quote(plan.name)} cannot be published: there is no file in it`
  if (plan.sizeBytes === 0)
    return `${quote(plan.name)} cannot be published: ${plan.files.length === 1 ? 'it is empty' : 'all its files are empty'}`
  const infoBytes = infoBytesMax(plan) > limits.torrentBytesMax ? infoBytesOf(plan) : 0
  if (infoBytes > limits.torrentBytesMax)
    return `${quote(plan.name)} cannot be published: the list of its ${plan.files.length} files takes ${infoBytes} bytes, over the ${limits.torrentBytesMax} that clients take; publish an archive of them, or parts of the folder`
  return undefined
}

/** @throws ShoalError `bad-input` with the sentence of {@link refusalOfPlan}. */
export function assertPublishable(plan: ReleasePlan): void {
  const refusal = refusalOfPlan(plan)
  if (refusal !== undefined) throw new ShoalError('bad-input', refusal)
}

async function resolved(path: string): Promise<{ root: string; stat: BigIntStats }> {
  let root: string
  let stat: BigIntStats
  try {
    root = await realpath(path)
    stat = await lstat(root, { bigint: true })
  } catch (error) {
    const code = systemCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new ShoalError('not-found', `there is no file or folder ${quote(path)}`, { cause: error })
    throw new ShoalError('bad-input', `${quote(path)} cannot be read (${code ?? 'error'})`, { cause: error })
  }
  const reason = refusalOfKind(stat)
  if (reason !== undefined)
    throw new ShoalError('bad-input', `${quote(path)} ${reason}: only files and folders can be published`)
  return { root, stat }
}

async function onlyFile(root: string): Promise<Pick<ReleasePlan, 'files' | 'refused' | 'ignored'>> {
  return {
    files: [await stampOf(root, '')],
    refused: new BoundedList<Refusal>(0),
    ignored: new BoundedList<string>(0),
  }
}

/** Paths that are one file on some systems, and paths that are a file here and a folder there. */
async function addCollisions(files: readonly FileStamp[], refused: BoundedList<Refusal>): Promise<void> {
  const breath = new Breath(COLLISIONS_TIME_MAX)
  const byKey = new Map<string, string>()
  const keys: string[] = []
  for (const { path } of files) {
    if (breath.isDue) await breath.take()
    const key = collisionKey(path)
    keys.push(key)
    const other = byKey.get(key)
    if (other === undefined) byKey.set(key, path)
    else refused.add({ path, reason: `is the same file as ${quote(other)} on some systems` })
  }
  for (const [i, key] of keys.entries()) {
    if (breath.isDue) await breath.take()
    for (let cut = key.indexOf('/'); cut !== -1; cut = key.indexOf('/', cut + 1)) {
      const other = byKey.get(key.slice(0, cut))
      if (other !== undefined)
        refused.add({
          path: files[i]?.path ?? '',
          reason: `lies in a folder that is the file ${quote(other)} on some systems`,
        })
    }
  }
}

/** A length that the info value surely does not exceed: to make it takes a tenth of a second for 20,000 files. */
function infoBytesMax(plan: ReleasePlan): number {
  const { count } = new PieceLayout(plan.sizeBytes, plan.pieceLengthBytes)
  const around = 1_024 + 20 * count + Buffer.byteLength(plan.name)
  // `d6:lengthi…e4:pathl…ee` around at most 16 digits, and a length of at most 4 digits before each name in the path
  return plan.files.reduce((sum, { path }) => sum + 64 + 6 * path.split('/').length + 3 * path.length, around)
}

/** How long the info value will be: it is one with any hashes. */
function infoBytesOf(plan: ReleasePlan): number {
  const { count } = new PieceLayout(plan.sizeBytes, plan.pieceLengthBytes)
  return encodeInfo({
    name: plan.name,
    pieceLength: plan.pieceLengthBytes,
    pieces: new Uint8Array(20 * count),
    isSingleFile: plan.isSingleFile,
    files: plan.files,
    isPrivate: true,
  }).length
}

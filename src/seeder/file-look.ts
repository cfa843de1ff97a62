/**
 * How files look, one or many at once. A call to the system by way of Node's own threads costs five times what
 * it does in a worker that makes it synchronously: whoever has a folder full of files asks a worker.
 */
import { accessSync, constants, lstatSync, type BigIntStats } from 'node:fs'
import { access, lstat } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../core/errors.ts'

export type FileLook =
  | {
      readonly kind: 'file'
      readonly sizeBytes: number
      /** Nanoseconds since 1970 in decimal: more than a double holds. */
      readonly mtimeNs: string
      readonly ino: string
      /** The system's code for why it cannot be read; when that was asked. */
      readonly unreadable?: string
    }
  | { readonly kind: 'folder' }
  /** Neither file nor folder. */
  | { readonly kind: 'other'; readonly reason: string }
  /** There is nothing, or it cannot be looked at. */
  | { readonly kind: 'failed'; readonly code: string }

export interface LookBatch {
  readonly folder: string
  /** Paths below the folder. */
  readonly names: readonly string[]
  /** Is it asked whether each file can be read, too? */
  readonly asksReadable: boolean
}

/** Answers in the order of the names. */
export type Looker = (batch: LookBatch) => Promise<readonly FileLook[]>

/** Fewer than these are looked at from here: not worth a message to a worker, or the start of one. */
export const FEW = 16

/** By a worker when there are many and there is one to ask. */
export async function lookAtFiles(batch: LookBatch, looker?: Looker): Promise<readonly FileLook[]> {
  if (looker !== undefined && batch.names.length >= FEW) return looker(batch)
  return Promise.all(batch.names.map((name) => lookAt(join(batch.folder, name), batch.asksReadable)))
}

/** Synchronous: for a worker. */
export function lookAtFilesNow({ folder, names, asksReadable }: LookBatch): FileLook[] {
  return names.map((name) => lookNow(join(folder, name), asksReadable))
}

/** Synchronous: for a worker. */
export function lookNow(absolute: string, asksReadable: boolean): FileLook {
  try {
    const stat = lstatSync(absolute, { bigint: true })
    const look = lookOf(stat)
    if (look.kind !== 'file' || !asksReadable || isSurelyReadable(stat)) return look
    try {
      accessSync(absolute, constants.R_OK)
      return look
    } catch (error) {
      return { ...look, unreadable: codeOf(error) }
    }
  } catch (error) {
    return { kind: 'failed', code: codeOf(error) }
  }
}

/** What an entry is that is neither file nor folder, or `undefined` for a file or folder. */
export function refusalOfKind(
  stat: Pick<BigIntStats, 'isSymbolicLink' | 'isFIFO' | 'isSocket' | 'isBlockDevice' | 'isCharacterDevice'>,
): string | undefined {
  if (stat.isSymbolicLink()) return 'is a link'
  if (stat.isFIFO()) return 'is a named pipe'
  if (stat.isSocket()) return 'is a socket'
  return stat.isBlockDevice() || stat.isCharacterDevice() ? 'is a device' : undefined
}

async function lookAt(absolute: string, asksReadable: boolean): Promise<FileLook> {
  try {
    const stat = await lstat(absolute, { bigint: true })
    const look = lookOf(stat)
    if (look.kind !== 'file' || !asksReadable || isSurelyReadable(stat)) return look
    try {
      await access(absolute, constants.R_OK)
      return look
    } catch (error) {
      return { ...look, unreadable: codeOf(error) }
    }
  } catch (error) {
    return { kind: 'failed', code: codeOf(error) }
  }
}

function lookOf(stat: BigIntStats): FileLook {
  const reason = refusalOfKind(stat)
  if (reason !== undefined) return { kind: 'other', reason }
  if (stat.isDirectory()) return { kind: 'folder' }
  return {
    kind: 'file',
    sizeBytes: Number(stat.size),
    mtimeNs: stat.mtimeNs.toString(),
    ino: stat.ino.toString(),
  }
}

const ownUser = process.geteuid?.()

/** Ours, and its owner may read it: no need to ask the system. */
function isSurelyReadable({ uid, mode }: BigIntStats): boolean {
  return ownUser !== undefined && uid === BigInt(ownUser) && (Number(mode) & constants.S_IRUSR) !== 0
}

/** @throws what is no answer of the system. */
function codeOf(error: unknown): string {
  const code = systemCode(error)
  if (code === undefined) throw error
  return code
}

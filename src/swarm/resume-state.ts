/**
 * What is remembered of a download across restarts, as JSON. A piece it claims is believed only while its
 * files have the size and the time of change that they had when it was written, and while the machine has not
 * been started anew without a sync in between; everything else is hashed again.
 */
import { Bitfield } from '../core/bitfield.ts'
import type { InfoHash } from '../core/ids.ts'
import type { FileStamp } from './content.ts'

export interface ResumeState {
  readonly infoHash: InfoHash
  /** Where the content lies: a state says nothing about another folder. */
  readonly folder: string
  /** Pieces whose wanted parts are in place. */
  readonly done: Bitfield
  /** One for each file of the torrent; undefined where nothing is vouched for: not there, or not wanted then. */
  readonly stamps: readonly (FileStamp | undefined)[]
  /** By file: it was made by us, or found equal. Everything else is somebody's, and not to be written over. */
  readonly ours: readonly boolean[]
  readonly bootId: string
  /** All of it had reached the disk. */
  readonly isSynced: boolean
}

/** 1 also vouched for files that were not wanted, and so for bytes that nobody had fetched. */
const VERSION = 2
/** In the place of a stamp: ours, but nothing is vouched for. */
const UNVOUCHED = 0

export function encodeState(state: ResumeState): Uint8Array {
  return Buffer.from(
    JSON.stringify({
      version: VERSION,
      infoHash: state.infoHash,
      folder: state.folder,
      done: Buffer.from(state.done.toBytes()).toString('base64'),
      files: state.ours.map((isOurs, i) => {
        const stamp = state.stamps[i]
        if (!isOurs) return null
        return stamp === undefined ? UNVOUCHED : [stamp.sizeBytes, stamp.mtimeNs]
      }),
      bootId: state.bootId,
      isSynced: state.isSynced,
    }),
  )
}

export interface StateExpectation {
  readonly infoHash: InfoHash
  readonly folder: string
  readonly pieces: number
  readonly files: number
}

/** Undefined when it is not the state of this torrent in this folder, or cannot be read: then all is hashed. */
export function decodeState(bytes: Uint8Array, expected: StateExpectation): ResumeState | undefined {
  const json = parseJson(bytes)
  if (json?.['version'] !== VERSION || json['infoHash'] !== expected.infoHash) return undefined
  const { folder, bootId, isSynced, done, files } = json
  if (folder !== expected.folder || typeof bootId !== 'string' || typeof done !== 'string') return undefined
  if (!Array.isArray(files) || files.length !== expected.files) return undefined
  const bits = Bitfield.parse(new Uint8Array(Buffer.from(done, 'base64')), expected.pieces)
  if (bits === undefined) return undefined
  return {
    infoHash: expected.infoHash,
    folder: expected.folder,
    done: bits,
    stamps: files.map(stampOf),
    ours: files.map((file) => file !== null),
    bootId,
    isSynced: isSynced === true,
  }
}

function parseJson(bytes: Uint8Array): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString())
    return typeof value === 'object' && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}

function stampOf(value: unknown): FileStamp | undefined {
  if (!Array.isArray(value)) return undefined
  const [sizeBytes, mtimeNs] = value as unknown[]
  return isSize(sizeBytes) && typeof mtimeNs === 'string' ? { sizeBytes, mtimeNs } : undefined
}

const isSize = (value: unknown): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && !Object.is(value, -0)

export function sameStamp(a: FileStamp | undefined, b: FileStamp | undefined): boolean {
  return a !== undefined && b !== undefined && a.sizeBytes === b.sizeBytes && a.mtimeNs === b.mtimeNs
}

/**
 * A torrent's files as the engine sees them. Files on a disk are one implementation (`disk-content.ts`), the
 * tests' memory another. What is written was verified by the caller; what is read was not.
 */
import { ShoalError } from '../core/errors.ts'
import { quote } from '../core/file-name.ts'
import { landingPath, type Metainfo } from '../core/metainfo.ts'
import type { PieceIndex } from '../core/piece-layout.ts'

/** What tells that a file was touched by somebody else. */
export interface FileStamp {
  readonly sizeBytes: number
  /** Nanoseconds since 1970, decimal: more than a number holds. */
  readonly mtimeNs: string
}

export interface Content {
  /**
   * Makes the folders of what is wanted, in each a first file, so that a disk that refuses says so at once, empty files, and
   * gives those that are there their length; the others are made when first written to, each at its full length.
   * Never follows a link. @throws ShoalError `conflict` for what is no regular file, and for what was not there when
   * it was stamped first.
   */
  prepare(): Promise<void>
  /**
   * One for each file of the torrent; undefined for what is not there: as it was when this was first asked, or
   * after we wrote to it last. What somebody else does to a file meanwhile is so never vouched for.
   * @throws ShoalError `conflict` for what is no regular file.
   */
  stamps(): Promise<(FileStamp | undefined)[]>
  /** From now on `write` compares with what is in these files in place of writing to them. */
  protect(files: ReadonlySet<number>): void
  /** Fills `into`, as long as the piece. False when bytes are missing: no such file, or too short. */
  read(piece: PieceIndex, into: Uint8Array): Promise<boolean>
  /** Writes the parts of the piece that lie in wanted files. @throws ShoalError `conflict` when a protected one differs. */
  write(piece: PieceIndex, bytes: Uint8Array): Promise<void>
  /** All that was written is on the disk when it resolves. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface ContentSpec {
  readonly metainfo: Metainfo
  readonly folder: string
  /** By index of the file. */
  readonly isWanted: (file: number) => boolean
  readonly isWritable: boolean
}

/** Where contents and states live. */
export interface Storage extends AsyncDisposable {
  open(spec: ContentSpec): Content
  /** Undefined when there is none. */
  loadState(path: string): Promise<Uint8Array | undefined>
  /** Whole or not at all; `isPrivate`: for this user only. */
  saveState(path: string, bytes: Uint8Array, options?: { readonly isPrivate?: boolean }): Promise<void>
  /** Changes when the machine was started anew: what was not synced before may be lost. */
  readonly bootId: string
}

/** Somebody's file is where one of the torrent belongs. */
export function isDifferent(metainfo: Metainfo, index: number): ShoalError {
  const file = metainfo.files[index]
  const path = file === undefined ? metainfo.name : landingPath(metainfo, file)
  return new ShoalError('conflict', `${quote(path)} exists and is different; move it or use --overwrite`)
}

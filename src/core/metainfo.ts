/** What a torrent describes, once parsed: values only, no bytes of the wire but the piece hashes. */
import type { InfoHash } from './ids.ts'
import { FileLayout, PieceLayout, type PieceIndex } from './piece-layout.ts'

export interface MetainfoFile {
  /** Below the release's name, `/`-separated, never absolute, every part safe (`core/file-name.ts`). Empty
   *  for the one file of a single-file torrent. */
  readonly path: string
  readonly sizeBytes: number
}

export interface Metainfo {
  /** The file's name, or the folder's. One safe path part. */
  readonly name: string
  readonly pieceLength: number
  /** SHA-1 of each piece, 20 bytes each, one after the other. */
  readonly pieces: Uint8Array
  /** True for BEP 3's single-file form: `files` then holds one entry whose path is empty. */
  readonly isSingleFile: boolean
  /** In the order of the torrent. At least one; their sizes add up to more than 0. */
  readonly files: readonly MetainfoFile[]
  /** BEP 27. */
  readonly isPrivate: boolean
}

/** A torrent as it was read: what it says, its name for ever, and the bytes that hash to it. */
export interface Torrent {
  readonly infoHash: InfoHash
  readonly metainfo: Metainfo
  /** The raw bencoded `info` value: what BEP 9 serves and the infohash is of. */
  readonly infoBytes: Uint8Array
  /** Tiers of tracker URLs (BEP 12), in the order given; empty when there are none. */
  readonly announce: readonly (readonly string[])[]
  /** Web seeds (BEP 19). */
  readonly urlList: readonly string[]
}

export function sizeOf(metainfo: Metainfo): number {
  return metainfo.files.reduce((sum, file) => sum + file.sizeBytes, 0)
}

export function pieceLayoutOf(metainfo: Metainfo): PieceLayout {
  return new PieceLayout(sizeOf(metainfo), metainfo.pieceLength)
}

export function fileLayoutOf(metainfo: Metainfo): FileLayout {
  return new FileLayout(
    pieceLayoutOf(metainfo),
    metainfo.files.map((file) => file.sizeBytes),
  )
}

/** The SHA-1 that the piece must have. A view, not a copy. */
export function pieceHashOf(metainfo: Metainfo, piece: PieceIndex): Uint8Array {
  return metainfo.pieces.subarray(20 * piece, 20 * piece + 20)
}

/** Where a file lands below the download folder: `name` or `name/path`, `/`-separated. */
export function landingPath(metainfo: Pick<Metainfo, 'name' | 'isSingleFile'>, file: MetainfoFile): string {
  return metainfo.isSingleFile ? metainfo.name : `${metainfo.name}/${file.path}`
}

/**
 * What publishing through the portal needs of the rest of the process: somebody who makes torrents of files and serves
 * them from where they lie. The portal knows no seeder: whoever puts the process together says who that is.
 */
import type { InfoHash, ReleaseName, Slug } from '../../core/ids.ts'
import type { Torrent } from '../../core/metainfo.ts'
import type { LibraryListing, Review } from '../../wire/api.ts'

export interface MakerPlace {
  readonly bundle: Slug
  readonly release: ReleaseName
  readonly admit: 'any' | 'ours'
}

/** Written anew with its description in front. */
export interface MendedFile {
  readonly sizeBytes: number
  /** Hex. */
  readonly sha256: string
}

export interface ReleaseMaker {
  /** What a release of this file or folder would be. @throws ShoalError `not-found`, `bad-input`. */
  look(path: string): Promise<Review>
  /** Up to three frames of its video, as JPEG; none where none can be made. */
  frames(path: string, signal?: AbortSignal): Promise<readonly Uint8Array[]>
  /**
   * The torrent of it. Once it resolves its hashes are kept: another time they are found.
   * @throws ShoalError `bad-input` with the reason for what cannot be published, `interrupted` when aborted.
   */
  make(path: string, onProgress: (hashedBytes: number) => void, signal: AbortSignal): Promise<Torrent>
  /**
   * A film whose description stands at its end, with it in front, in a new file; all else is as it was.
   * @throws ShoalError `bad-input` with why not, `unavailable` for a full disk, `interrupted`: then there is none.
   */
  mend(
    from: string,
    to: string,
    onProgress: (doneBytes: number) => void,
    signal: AbortSignal,
  ): Promise<MendedFile>
  /** It is listed there: served from now on. May be repeated. */
  adopt(infohash: InfoHash, place: MakerPlace): Promise<void>
  /** Absent where there is none to choose from. */
  readonly library?: ServerLibrary
}

/** Files of the server that publishers may choose from. */
export interface ServerLibrary {
  /** What is in a folder below it; `''` is the library itself. @throws ShoalError `not-found`. */
  list(path: string): Promise<LibraryListing>
  /** Where on the disk it is; never outside of the library. @throws ShoalError `not-found`. */
  resolve(path: string): Promise<string>
}

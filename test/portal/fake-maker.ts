/** Whoever makes releases for the portal, without a seeder: torrents of nothing, one for each path. */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { ShoalError } from '../../src/core/errors.ts'
import type { InfoHash } from '../../src/core/ids.ts'
import type { Torrent } from '../../src/core/metainfo.ts'
import type { MakerPlace, ReleaseMaker, ServerLibrary } from '../../src/portal/index.ts'
import type { Review } from '../../src/wire/api.ts'
import { parseTorrent } from '../../src/wire/torrent.ts'
import { jpegOfSize } from '../support/jpegs.ts'
import { torrentNamed } from './torrents.ts'

export class FakeMaker implements ReleaseMaker {
  readonly made: string[] = []
  readonly adopted: { readonly infohash: InfoHash; readonly place: MakerPlace }[] = []
  /** What {@link look} says could be mended. */
  mendable: string[] = []
  /** What {@link make} waits for. */
  before: (signal: AbortSignal) => Promise<void> = () => Promise.resolve()
  readonly library: ServerLibrary = {
    list: (path) =>
      Promise.resolve({
        path,
        isCut: false,
        items: [{ name: 'film.mp4', path: 'film.mp4', isFolder: false, sizeBytes: 9 }],
      }),
    resolve: (path) =>
      path === 'film.mp4'
        ? Promise.resolve('/library/film.mp4')
        : Promise.reject(new ShoalError('not-found', 'there is no such thing in the library')),
  }

  look(path: string): Promise<Review> {
    return Promise.resolve({
      name: basename(path),
      isSingleFile: true,
      fileCount: 1,
      sizeBytes: 1_000,
      pieceLengthBytes: 16_384,
      pieceCount: 1,
      files: [{ path: basename(path), sizeBytes: 1_000 }],
      ignoredCount: 0,
      ignored: [],
      mendable: this.mendable,
      warnings: ['It has not been scanned.'],
    })
  }

  /** Three, of which the second can be told from the others. */
  frames(): Promise<readonly Uint8Array[]> {
    return Promise.resolve([jpegOfSize(16, 16), jpegOfSize(16, 8), jpegOfSize(8, 16)])
  }

  async make(path: string, onProgress: (bytes: number) => void, signal: AbortSignal): Promise<Torrent> {
    signal.throwIfAborted() // stopped before it began
    onProgress(1)
    await this.before(signal)
    signal.throwIfAborted()
    this.made.push(path)
    return parseTorrent(torrentNamed(path.replace(/^\/.*\/media\/[^/]+\//, '').replaceAll('/', '-')))
  }

  async mend(
    from: string,
    to: string,
    onProgress: (bytes: number) => void,
    signal: AbortSignal,
  ): Promise<{ sizeBytes: number; sha256: string }> {
    onProgress(1)
    await this.before(signal)
    const bytes = Buffer.concat([Buffer.from('moov '), await readFile(from)])
    await writeFile(to, bytes, { flag: 'wx' })
    signal.throwIfAborted()
    return { sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') }
  }

  adopt(infohash: InfoHash, place: MakerPlace): Promise<void> {
    this.adopted.push({ infohash, place })
    return Promise.resolve()
  }
}

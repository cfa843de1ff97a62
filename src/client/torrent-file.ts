/** A .torrent that a person names. */
import { quote } from '../core/file-name.ts'
import { messageOf, ShoalError } from '../core/errors.ts'
import type { Torrent } from '../core/metainfo.ts'
import { readFileBounded } from '../platform/files.ts'
import { limits } from '../wire/limits.ts'
import { parseTorrent } from '../wire/torrent.ts'

/** @throws ShoalError `not-found`, `over-limit`, or `bad-input` that says what is wrong with the file. */
export async function readTorrentFile(path: string): Promise<Torrent> {
  const bytes = await readFileBounded(path, limits.torrentBytesMax)
  try {
    return parseTorrent(bytes)
  } catch (error) {
    if (!(error instanceof ShoalError)) throw error
    throw new ShoalError(
      error.code,
      `${quote(path)} is no .torrent, or a damaged one (${messageOf(error)}): take a fresh one from the portal`,
      { cause: error },
    )
  }
}

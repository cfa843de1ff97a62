/** Reading a stranger's .torrent without holding the event loop. */
import type { Torrent } from '../../core/metainfo.ts'
import { runAside } from '../../platform/aside.ts'
import { limits } from '../../wire/limits.ts'
import { type PackedTorrent, unpackTorrent } from '../../wire/packed-torrent.ts'
import { parseTorrent } from '../../wire/torrent.ts'

const WORKER = new URL('./torrent-worker.ts', import.meta.url)

/** As {@link parseTorrent}; a large one is read on a thread of its own. */
export async function readTorrent(bytes: Uint8Array): Promise<Torrent> {
  if (bytes.length <= limits.torrentBytesAtOnceMax) return parseTorrent(bytes)
  return unpackTorrent((await runAside(WORKER, bytes)) as PackedTorrent)
}

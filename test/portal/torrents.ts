/** Small torrents for tests: well-formed, of nothing. */
import { createHash } from 'node:crypto'
import type { Metainfo } from '../../src/core/metainfo.ts'
import { encodeInfo, encodeTorrent } from '../../src/wire/torrent.ts'

const PIECE = 16_384

export function torrentNamed(name: string, more: Partial<Metainfo> = {}): Uint8Array {
  const files = more.files ?? [{ path: '', sizeBytes: 1_000 }]
  const size = files.reduce((sum, file) => sum + file.sizeBytes, 0)
  const hash = createHash('sha1').update(name).digest()
  const infoBytes = encodeInfo({
    name,
    pieceLength: PIECE,
    pieces: Buffer.concat(Array.from({ length: Math.ceil(size / PIECE) }, () => hash)),
    isSingleFile: more.files === undefined,
    files,
    isPrivate: true,
    ...more,
  })
  return encodeTorrent({ infoBytes, announce: [['http://elsewhere.example.net/announce']] })
}

/** A folder of files with these paths, a thousand bytes each. */
export function torrentOfFolder(name: string, paths: readonly string[]): Uint8Array {
  return torrentNamed(name, { files: paths.map((path) => ({ path, sizeBytes: 1_000 })) })
}

/**
 * What the client remembers of a download, in DATA/client/KEY/: the torrent, where it goes, and the engine's
 * state file. KEY names the release and the folder, so that two folders are two downloads.
 */
import { createHash } from 'node:crypto'
import { mkdir, readdir } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { systemCode } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import type { Torrent } from '../core/metainfo.ts'
import { readFileBounded, writeFileAtomic } from '../platform/files.ts'
import { limits } from '../wire/limits.ts'
import { encodeTorrent, parseTorrent } from '../wire/torrent.ts'

/** `files`: landing paths, when not all were wanted. */
export interface DownloadRecord {
  readonly dir: string
  readonly folder: string
  readonly torrent: Torrent
  readonly files?: readonly string[]
}

export function recordDir(dataDir: string, infoHash: InfoHash, folder: string): string {
  const place = createHash('sha256').update(resolve(folder)).digest('hex').slice(0, 12)
  return join(dataDir, 'client', `${infoHash}-${place}`)
}

export const statePathOf = (dir: string): string => join(dir, 'state')
export const peersPathOf = (dir: string): string => join(dir, 'peers')

/** Writes what `shoal verify` needs later. */
export async function saveRecord(record: DownloadRecord): Promise<void> {
  await mkdir(record.dir, { recursive: true, mode: 0o700 })
  // Without announce URLs: grants have no place in a file that stays.
  await writeFileAtomic(
    join(record.dir, 'release.torrent'),
    encodeTorrent({ infoBytes: record.torrent.infoBytes, announce: [] }),
  )
  const json = { infohash: record.torrent.infoHash, folder: resolve(record.folder), files: record.files }
  await writeFileAtomic(join(record.dir, 'record.json'), Buffer.from(JSON.stringify(json)))
}

/** The downloads that went into `folder`, in no order. A record that cannot be read is passed over. */
export async function recordsOf(dataDir: string, folder: string): Promise<DownloadRecord[]> {
  const root = join(dataDir, 'client')
  const records: DownloadRecord[] = []
  for (const name of await namesIn(root)) {
    const record = await readRecord(join(root, name))
    if (record !== undefined && record.folder === resolve(folder)) records.push(record)
  }
  return records
}

async function readRecord(dir: string): Promise<DownloadRecord | undefined> {
  try {
    const text = Buffer.from(
      await readFileBounded(join(dir, 'record.json'), limits.apiReplyBytesMax),
    ).toString('utf8')
    const { parseRecord } = await import('./record-schema.ts')
    const { folder, files } = parseRecord(text)
    const torrent = parseTorrent(
      await readFileBounded(join(dir, 'release.torrent'), limits.torrentBytesMax + 1_024),
    )
    return { dir, folder, torrent, ...(files === undefined ? {} : { files }) }
  } catch {
    // Half a record of a download that never began, or of another version: it verifies nothing.
    return undefined
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return []
    throw error
  }
}

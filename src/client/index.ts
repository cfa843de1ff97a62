/** The client: what fetches a release to this machine. */
export { fetchRelease, type Fetched, type GetListener, type GetOptions, type GetParts } from './get.ts'
export { resolve, type Resolved, type ResolveOptions, type ResolveParts } from './resolve.ts'
export { parseTarget, type Target } from './target.ts'
export { recordDir, recordsOf, type DownloadRecord } from './record.ts'
export { readTorrentFile } from './torrent-file.ts'
export { verifyFolder, type FileVerdict, type VerifiedFile } from './verify.ts'
export { selectionOf } from './selection.ts'

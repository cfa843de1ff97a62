/** The client: what fetches a release to this machine. */
export { fetchRelease, type Fetched, type GetListener, type GetOptions, type GetParts } from './get.ts'
export { playRelease, type Playing, type PlayOptions } from './play.ts'
export { resolve, type Resolved, type ResolveOptions, type ResolveParts } from './resolve.ts'
export { parseTarget, type Target } from './target.ts'
export { recordDir, recordsOf, type DownloadRecord } from './record.ts'
export { readTorrentFile } from './torrent-file.ts'
export { verifyFolder, type FileVerdict, type VerifiedFile } from './verify.ts'
export { selectionOf } from './selection.ts'
export { diagnose, type Check, type Finding } from './doctor/diagnose.ts'
export { examinePortal } from './doctor/examine-portal.ts'
export {
  examinePeers,
  examinePort,
  examineTracker,
  grantExpiryOf,
  leaveSwarm,
  type Place,
  type SwarmExamParts,
} from './doctor/examine-swarm.ts'
export { examineTransfer } from './doctor/examine-transfer.ts'
export type { Facts } from './doctor/facts.ts'

/** What happens to pieces: verified ones go to the disk, then to others; loaded ones to who asked; bad ones nowhere. */
import { messageOf, ShoalError, systemCode } from '../core/errors.ts'
import { landingPath } from '../core/metainfo.ts'
import { BLOCK_BYTES, type PieceIndex } from '../core/piece-layout.ts'
import { seconds } from '../core/units.ts'
import { UNWRITTEN_BYTES_MAX } from './begun-pieces.ts'
import { tellLost, tellPiece } from './greeting.ts'
import { updateInterest } from './interest.ts'
import type { Peer } from './peer.ts'
import type { LoadOutcome } from './piece-loader.ts'
import { cacheKey, type SwarmState } from './swarm-state.ts'
import { finishIfWhole, syncSoon, wantedBytesOf } from './torrent-life.ts'

const RETRY_EVERY = seconds(3)

export function onVerified(
  s: SwarmState,
  piece: PieceIndex,
  bytes: Uint8Array,
  givers: readonly Peer[],
): void {
  for (const [block, giver] of givers.entries()) {
    const length = Math.min(BLOCK_BYTES, bytes.length - block * BLOCK_BYTES)
    s.from[giver.source] += length
    s.traffic.received(giver.address, giver.source, length)
  }
  s.writing++
  store(s, piece, bytes)
  mindTheDisk(s)
}

function store(s: SwarmState, piece: PieceIndex, bytes: Uint8Array): void {
  const write = s.loaded?.content.write(piece, bytes).then(
    () => s.post({ kind: 'piece-stored', piece, bytes }),
    (error: unknown) => s.post({ kind: 'piece-not-stored', piece, bytes, error }),
  )
  if (write === undefined) return
  s.writes.add(write)
  void write.finally(() => s.writes.delete(write))
}

/** No piece is begun while the disk is behind; all requests stop while it refuses, or when what is urgent has brought it further behind. */
function mindTheDisk(s: SwarmState): void {
  const { loaded } = s
  if (loaded?.downloader === undefined) return
  const isBehind = s.writing * loaded.layout.pieceLength > UNWRITTEN_BYTES_MAX && s.writing > 1
  loaded.downloader.setOpen(!isBehind && !s.isStorageFailing)
  if (!isBehind) s.needsFill = true
}

export function onStored(s: SwarmState, piece: PieceIndex, bytes: Uint8Array): void {
  const { loaded } = s
  s.writing--
  if (loaded === undefined) return
  loaded.done.add(piece)
  loaded.closed.add(piece)
  loaded.haveBytes += wantedBytesOf(loaded.files, loaded.isWanted, piece)
  s.isStateDirty = true
  syncSoon(s, bytes.length)
  const isWhole = loaded.files.spansOf(piece).every((span) => loaded.isWanted(span.file))
  const isRead = s.readers.deadlines.isAhead(piece, loaded.layout)
  const isOfUse = isWhole && s.phase !== 'stopped' && (isRead || othersLack(s, piece))
  const isKept = !isWhole && s.spec.isRead === true && s.readers.keep(piece, bytes)
  if (isOfUse) s.shared.cache.put(cacheKey(s, piece), bytes)
  else if (!isKept) s.shared.pool.release(bytes)
  if (isWhole) {
    loaded.have.add(piece)
    tellPiece(s, piece)
  }
  s.readers.wake()
  if (s.isStorageFailing) afterRefusal(s)
  mindTheDisk(s)
  finishIfWhole(s)
}

/** Somebody here will want it soon: spare the way to the disk. */
function othersLack(s: SwarmState, piece: PieceIndex): boolean {
  for (const peer of s.peers.values()) if (!peer.has.has(piece)) return true
  return false
}

export function onNotStored(s: SwarmState, piece: PieceIndex, bytes: Uint8Array, error: unknown): void {
  if (error instanceof ShoalError) {
    s.post({ kind: 'failed', error })
    return
  }
  s.refused.push({ piece, bytes })
  if (!s.isStorageFailing) {
    s.isStorageFailing = true
    s.emit({ kind: 'storage-failed', reason: reasonOf(error) })
  }
  mindTheDisk(s)
  s.retryTimer?.cancel()
  s.retryTimer = s.shared.clock.after(RETRY_EVERY, () => retryOne(s))
}

const DISK_REASON: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full, it goes on when there is room',
  EDQUOT: "this user's share of the disk is used up, it goes on when there is room",
  EROFS: 'the disk has become read-only',
  EIO: 'the disk fails to write',
}

/** For a person to read, with the system's own word where we have no better one. */
const reasonOf = (error: unknown): string => DISK_REASON[systemCode(error) ?? ''] ?? messageOf(error)

/** One piece tells whether the disk takes bytes again; the rest follows it. */
function retryOne(s: SwarmState): void {
  const next = s.refused.shift()
  if (next !== undefined) store(s, next.piece, next.bytes)
}

function afterRefusal(s: SwarmState): void {
  if (s.refused.length > 0) {
    retryOne(s)
    return
  }
  s.retryTimer?.cancel()
  s.isStorageFailing = false
  s.emit({ kind: 'storage-resumed' })
}

export function onLoaded(s: SwarmState, piece: PieceIndex, outcome: LoadOutcome): void {
  if (s.phase === 'stopped') return
  if (outcome.kind === 'bad') losePiece(s, piece, outcome.reason)
  else if (outcome.kind === 'unreadable') refuseForNow(s, piece, outcome.reason)
  s.readers.wake()
  for (const peer of [...s.peers.values()]) if (peer.up.queue.length > 0) s.loaded?.uploader.pump(peer)
}

/** Who asked is told no and may ask again; the piece stays ours, for the next look may succeed. */
function refuseForNow(s: SwarmState, piece: PieceIndex, reason: string): void {
  s.shared.log.warn({ infoHash: s.spec.infoHash, piece, reason }, 'a piece could not be read')
  for (const peer of [...s.peers.values()]) s.loaded?.uploader.withdraw(peer, piece)
}

/** What lies on the disk is not what it was: it is not sent, others hear of it, and if we are fetching, it is fetched again. */
function losePiece(s: SwarmState, piece: PieceIndex, reason: string): void {
  const { loaded } = s
  if (loaded === undefined || !loaded.have.delete(piece)) return
  const file = loaded.torrent.metainfo.files[loaded.files.spansOf(piece)[0]?.file ?? 0]
  const path = file === undefined ? '' : landingPath(loaded.torrent.metainfo, file)
  s.emit({ kind: 'content-changed', landingPath: path, reason })
  tellLost(s, piece)
  s.reveal?.gone(piece)
  if (s.phase !== 'active' || loaded.downloader === undefined) return
  if (loaded.done.delete(piece)) loaded.haveBytes -= wantedBytesOf(loaded.files, loaded.isWanted, piece)
  loaded.closed.delete(piece)
  loaded.downloader.want(piece)
  for (const peer of s.peers.values()) updateInterest(s, peer)
  s.needsFill = true
}

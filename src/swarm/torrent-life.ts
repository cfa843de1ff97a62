/** From an infohash to a complete download: metadata, check of what is there, writing, the state file, the end. */
import { Bitfield } from '../core/bitfield.ts'
import { ShoalError } from '../core/errors.ts'
import { fileLayoutOf, landingPath, pieceLayoutOf, type Torrent } from '../core/metainfo.ts'
import type { FileLayout, PieceIndex, PieceLayout } from '../core/piece-layout.ts'
import { MiB, type Millis, seconds } from '../core/units.ts'
import { parseInfo } from '../wire/torrent.ts'
import { checkContent, type CheckResult } from './content-check.ts'
import { makeDownloader, makeUploader } from './traffic-parts.ts'
import { decodeState, encodeState, type ResumeState } from './resume-state.ts'
import { sendHandshakeAgain, tellOfWhole, tellPieces } from './greeting.ts'
import { considerMember, endSiteWork } from './site-talk.ts'
import type { Loaded, SwarmState } from './swarm-state.ts'

/** The metadata is here: the content can be opened, and checked unless it is ours to seed. */
export function open(s: SwarmState, torrent: Torrent): void {
  s.torrent = torrent
  s.metadata = undefined
  const loaded = load(s, torrent)
  s.loaded = loaded
  for (const peer of [...s.peers.values()]) if (!peer.has.setSize(loaded.layout.count)) peer.close()
  if (s.spec.mode === 'seed') {
    s.phase = 'complete'
    return
  }
  s.phase = 'checking'
  check(s, loaded).then(
    (result) => s.post({ kind: 'content-checked', result }),
    (error: unknown) => s.post({ kind: 'failed', error }),
  )
}

export function onMetadata(s: SwarmState, infoBytes: Uint8Array): void {
  if (s.phase !== 'metadata') return
  let torrent: Torrent
  try {
    const { infoHash, metainfo } = parseInfo(infoBytes)
    torrent = { infoHash, metainfo, infoBytes, announce: [], urlList: [] }
  } catch (error) {
    // They are the bytes that the infohash stands for: nobody can send better ones.
    s.post({ kind: 'failed', error })
    return
  }
  // Told first: whoever listens may choose files only now, and `open` asks which ones.
  s.emit({ kind: 'metadata', torrent })
  open(s, torrent)
  for (const peer of s.peers.values()) sendHandshakeAgain(s, peer)
}

function load(s: SwarmState, torrent: Torrent): Loaded {
  const { metainfo } = torrent
  const layout = pieceLayoutOf(metainfo)
  const files = fileLayoutOf(metainfo)
  const wants = s.spec.wants
  const wanted = metainfo.files.map((file) => wants === undefined || wants(landingPath(metainfo, file)))
  const isWanted = (file: number): boolean => wanted[file] === true
  const isSeed = s.spec.mode === 'seed'
  const content = s.shared.storage.open({ metainfo, folder: s.spec.folder, isWanted, isWritable: !isSeed })
  const wantedBytes = metainfo.files.reduce((sum, f, i) => sum + (isWanted(i) ? f.sizeBytes : 0), 0)
  const bits = isSeed ? Bitfield.full(layout.count) : new Bitfield(layout.count)
  return {
    torrent,
    layout,
    files,
    isWanted,
    wantedBytes,
    content,
    done: bits,
    have: bits.clone(),
    closed: bits.clone(),
    haveBytes: isSeed ? wantedBytes : 0,
    ours: [],
    uploader: makeUploader(s, layout),
    downloader: undefined,
  }
}

async function check(s: SwarmState, loaded: Loaded): Promise<CheckResult> {
  const { content, torrent, isWanted } = loaded
  const { storage, pool, clock } = s.shared
  let toldAt: Millis | undefined
  const { state, isOurs } = await readState(s, loaded)
  const result = await checkContent(
    { content, metainfo: torrent.metainfo, pool, state, bootId: storage.bootId },
    {
      isWanted,
      mayReplace: (file) => s.spec.overwrite === true || isOurs(file),
      signal: s.aborter.signal,
      onProgress(bytes, total) {
        if (toldAt !== undefined && clock.now() - toldAt < 100 && bytes < total) return
        toldAt = clock.now()
        s.emit({ kind: 'checking', bytes, total })
      },
    },
  )
  content.protect(result.foreign)
  loaded.ours = torrent.metainfo.files.map((_, i) => isOurs(i) || (isWanted(i) && !result.foreign.has(i)))
  // The state comes first: files that are there without one would be taken for somebody else's.
  await writeState(s, loaded, result.done, false)
  await content.prepare()
  return result
}

interface Remembered {
  readonly state: ResumeState | undefined
  /** By file: a state that cannot be read tells at least that we were here. */
  readonly isOurs: (file: number) => boolean
}

async function readState(s: SwarmState, loaded: Loaded): Promise<Remembered> {
  const bytes =
    s.spec.statePath === undefined ? undefined : await s.shared.storage.loadState(s.spec.statePath)
  if (bytes === undefined) return { state: undefined, isOurs: () => false }
  const state = decodeState(bytes, {
    infoHash: s.spec.infoHash,
    folder: s.spec.folder,
    pieces: loaded.layout.count,
    files: loaded.torrent.metainfo.files.length,
  })
  return { state, isOurs: (file) => state?.ours[file] ?? true }
}

async function writeState(s: SwarmState, loaded: Loaded, done: Bitfield, isSynced: boolean): Promise<void> {
  if (s.spec.statePath === undefined) return
  const claimed = done.clone() // before the stamps: what is written meanwhile makes them differ
  const { ours, content, isWanted } = loaded
  // What is not wanted is not looked after: pieces that it shares are claimed without its part of them.
  const stamps = (await content.stamps()).map((stamp, i) => (isWanted(i) ? stamp : undefined))
  const { infoHash, folder, statePath } = s.spec
  const { bootId } = s.shared.storage
  const bytes = encodeState({ infoHash, folder, done: claimed, stamps, ours, bootId, isSynced })
  await s.shared.storage.saveState(statePath, bytes)
}

export function onChecked(s: SwarmState, result: CheckResult): void {
  const { loaded } = s
  if (loaded === undefined || s.phase !== 'checking') return
  // What cannot be hashed cannot be read either: it is fetched again.
  if (s.spec.isRead === true)
    for (const piece of [...result.done]) if (!result.have.has(piece)) result.done.delete(piece)
  loaded.done = result.done
  loaded.have = result.have
  loaded.closed = result.done.clone()
  for (const piece of loaded.layout.indices())
    if (wantedBytesOf(loaded.files, loaded.isWanted, piece) === 0) loaded.closed.add(piece)
  for (const piece of loaded.done) loaded.haveBytes += wantedBytesOf(loaded.files, loaded.isWanted, piece)
  loaded.downloader = makeDownloader(s, loaded.layout, openPieces(loaded.layout, loaded.closed))
  s.phase = 'active'
  for (const peer of s.peers.values()) {
    // Who has not said yet what it has is counted when it does.
    if (peer.hasToldPieces || peer.has.count > 0) loaded.downloader.sources.came(peer)
    considerMember(s, peer)
  }
  tellPieces(s, loaded.have)
  s.needsFill = true // who unchoked us while we were checking does not do so again
  s.emit({ kind: 'checked', haveBytes: loaded.haveBytes })
  s.readers.wake()
  finishIfWhole(s)
}

function* openPieces(layout: PieceLayout, closed: Bitfield): Generator<PieceIndex> {
  for (const piece of layout.indices()) if (!closed.has(piece)) yield piece
}

/** Bytes of the piece that lie in wanted files. */
export function wantedBytesOf(
  files: FileLayout,
  isWanted: (file: number) => boolean,
  piece: PieceIndex,
): number {
  return files.spansOf(piece).reduce((sum, span) => sum + (isWanted(span.file) ? span.length : 0), 0)
}

/** All wanted pieces are written: bring them to the disk, then say so. */
export function finishIfWhole(s: SwarmState): void {
  const { loaded } = s
  if (loaded === undefined || s.phase !== 'active' || !loaded.closed.isFull || s.writing > 0) return
  s.phase = 'finishing'
  sync(s, loaded).then(
    () => s.post({ kind: 'all-synced' }),
    (error: unknown) => s.post({ kind: 'failed', error }),
  )
}

/** So that little is left to do when the last piece is here: a gigabyte takes the disk seconds. */
const SYNC_EVERY_BYTES = 64 * MiB

/** Begins to bring what was written to the disk, while pieces go on arriving; one sync at a time. */
export function syncSoon(s: SwarmState, bytes: number): void {
  const { loaded } = s
  s.unsyncedBytes += bytes
  if (loaded === undefined || s.syncing !== undefined || s.phase !== 'active') return
  if (s.unsyncedBytes < SYNC_EVERY_BYTES) return
  s.unsyncedBytes = 0
  // The system tells of a write that failed once only: whoever hears of it must act on it.
  s.syncing = syncContent(s, loaded)
    .catch((error: unknown) => s.post({ kind: 'failed', error }))
    .finally(() => (s.syncing = undefined))
}

async function sync(s: SwarmState, loaded: Loaded): Promise<void> {
  await s.syncing
  await s.isSavingState
  await syncContent(s, loaded)
  // Every piece was written, or found equal: nothing of it is somebody else's any more.
  loaded.ours = loaded.ours.map((isOurs, i) => isOurs || loaded.isWanted(i))
  await writeState(s, loaded, loaded.done, true)
}

async function syncContent(s: SwarmState, loaded: Loaded): Promise<void> {
  try {
    await loaded.content.sync()
  } catch (error) {
    // What the disk holds is unknown now: claim nothing, so that the next start believes nothing.
    s.isStorageLost = true
    await s.isSavingState
    await writeState(s, loaded, new Bitfield(loaded.layout.count), false).catch(() => undefined)
    throw new ShoalError('unavailable', 'the disk failed while bytes were being written to it', {
      cause: error,
    })
  }
}

export function onSynced(s: SwarmState): void {
  if (s.phase !== 'finishing') return
  s.phase = 'complete'
  endSiteWork(s)
  tellOfWhole(s)
  s.isStateDirty = false
  s.emit({ kind: 'complete' })
  s.announcer?.complete()
}

const SAVE_EVERY = seconds(4)

/** Saves the state if it is behind; one save at a time. */
export function saveStateSoon(s: SwarmState): void {
  const { loaded } = s
  if (loaded === undefined || !s.isStateDirty || s.isSavingState !== undefined || s.phase !== 'active') return
  if (s.isStorageLost) return
  if (s.shared.clock.now() - s.stateSavedAt < SAVE_EVERY) return
  s.isStateDirty = false
  s.stateSavedAt = s.shared.clock.now()
  s.isSavingState = writeState(s, loaded, loaded.done, false)
    .catch((error: unknown) => {
      s.isStateDirty = true
      s.shared.log.warn({ err: error, infoHash: s.spec.infoHash }, 'the state of a download was not saved')
    })
    .finally(() => (s.isSavingState = undefined))
}

/** The last save, when the torrent is stopped before it is complete. */
export async function saveStateNow(s: SwarmState): Promise<void> {
  await s.syncing
  await s.isSavingState
  if (s.isStorageLost) return
  if (s.loaded === undefined || s.spec.mode === 'seed' || s.loaded.downloader === undefined) return
  await s.loaded.content.sync()
  await writeState(s, s.loaded, s.loaded.done, true)
}

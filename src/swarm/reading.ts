/**
 * A file of a torrent, read while it comes. Bytes are given out only from memory whose hash was checked; what is not
 * there yet is waited for, and asked of peers before everything else.
 */
import { ShoalError } from '../core/errors.ts'
import type { PieceIndex } from '../core/piece-layout.ts'
import { KiB, type Millis, millis } from '../core/units.ts'
import { canHelp, READ_BPS_MIN, type ReadNeed } from './deadlines.ts'
import type { FileRange } from './engine-types.ts'
import { updateInterest } from './interest.ts'
import { RateMeter } from './rate-meter.ts'
import { cacheKey, type Loaded, type SwarmState } from './swarm-state.ts'
import { pieceSource } from './traffic-parts.ts'

/** Given out at a time, a copy each: all that a slow taker holds of ours. */
const CHUNK_BYTES = 64 * KiB
/** A disk that cannot be read now may be read in a moment; a reader does not wait for ever. */
const READS_MAX = 3

/** @throws ShoalError `not-found` for what is no part of a file, `unavailable` when it cannot go on. */
export async function* readFile(
  s: SwarmState,
  range: FileRange,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, void> {
  const loaded = loadedOf(s)
  const { at, end } = wholeRangeOf(loaded, range)
  const meter = new RateMeter()
  const need = begin(s, { at, end })
  try {
    while (need.at < end) {
      const piece = pieceAt(loaded, need.at)
      await untilHere(s, need, piece, signal)
      const chunk = await chunkOf(s, loaded, piece, need)
      if (chunk === undefined) continue
      yield chunk
      signal.throwIfAborted()
      need.at += chunk.length
      meter.add(chunk.length, s.shared.clock.now())
      need.rateBps = Math.max(READ_BPS_MIN, meter.rate(s.shared.clock.now()))
    }
  } finally {
    finish(s, need)
  }
}

/** Has the range fetched as if a reader came to it `dueIn` from now, until it is here or the result is disposed of. */
export function hurry(s: SwarmState, range: FileRange, dueIn: Millis): Disposable {
  const loaded = loadedOf(s)
  const need = begin(s, wholeRangeOf(loaded, range))
  need.waitingSince = millis(s.shared.clock.now() + dueIn)
  const aborter = new AbortController()
  void finishWhenHere(s, loaded, need, aborter.signal)
  return {
    [Symbol.dispose]() {
      aborter.abort()
    },
  }
}

/** Never rejects. While anything is urgent nobody is asked for as much as without. */
async function finishWhenHere(
  s: SwarmState,
  loaded: Loaded,
  need: ReadNeed,
  signal: AbortSignal,
): Promise<void> {
  try {
    for (const piece of loaded.layout.touching(need.at, need.end))
      while (s.phase !== 'stopped' && !loaded.done.has(piece)) await s.readers.change(signal)
  } catch {
    // it is wished for no more
  } finally {
    finish(s, need)
  }
}

/** A reader came, or went: what else a peer was asked for gives way, if it can help with what is urgent now. */
export function onReadersChanged(s: SwarmState): void {
  const downloader = s.phase === 'active' ? s.loaded?.downloader : undefined
  if (s.loaded === undefined || downloader === undefined) return
  const { closed, layout } = s.loaded
  const plan = s.readers.deadlines.plan(layout, s.shared.clock.now()).map(({ piece }) => piece)
  const urgent = new Set(plan)
  const open = plan.filter((piece) => !closed.has(piece))
  for (const peer of [...s.peers.values()]) {
    updateInterest(s, peer)
    if (open.some((piece) => canHelp(peer, piece))) downloader.takeBack(peer, (piece) => !urgent.has(piece))
  }
  s.needsFill = true
}

function begin(s: SwarmState, range: { readonly at: number; readonly end: number }): ReadNeed {
  const need = s.readers.begin(range, s.shared.clock.now())
  s.post({ kind: 'readers-changed' })
  return need
}

function finish(s: SwarmState, need: ReadNeed): void {
  s.readers.end(need)
  s.post({ kind: 'readers-changed' })
}

function loadedOf(s: SwarmState): Loaded {
  if (s.loaded === undefined)
    throw new ShoalError('unavailable', 'nobody has told yet what the torrent holds')
  return s.loaded
}

function wholeRangeOf(
  { torrent, files, isWanted }: Loaded,
  { file, start, end }: FileRange,
): { at: number; end: number } {
  const size = torrent.metainfo.files[file]?.sizeBytes
  if (size === undefined || !isWanted(file) || start < 0 || start > end || end > size)
    throw new ShoalError('not-found', 'that is no part of a file that is being fetched')
  return { at: files.startOf(file) + start, end: files.startOf(file) + end }
}

function pieceAt({ layout }: Loaded, at: number): PieceIndex {
  for (const piece of layout.touching(at, at + 1)) return piece
  throw new RangeError(`no piece holds byte ${at}`)
}

async function untilHere(
  s: SwarmState,
  need: ReadNeed,
  piece: PieceIndex,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted()
  while (s.phase !== 'stopped') {
    if (s.loaded?.have.has(piece) === true || s.readers.kept(piece) !== undefined) {
      need.waitingSince = undefined
      return
    }
    if (s.phase === 'finishing' || s.phase === 'complete')
      throw new ShoalError('unavailable', 'the file on the disk is not what was fetched')
    if (need.waitingSince === undefined) {
      need.waitingSince = s.shared.clock.now()
      s.readers.deadlines.changed()
    }
    await s.readers.change(signal)
  }
  throw new ShoalError('unavailable', 'the torrent was stopped')
}

/**
 * A copy of what comes next of the piece. Undefined: what lies on the disk is not the piece, look again. The copy is
 * made where the memory is found: after the next `await` it may serve for something else.
 */
async function chunkOf(
  s: SwarmState,
  loaded: Loaded,
  piece: PieceIndex,
  need: ReadNeed,
): Promise<Uint8Array | undefined> {
  const from = need.at - loaded.layout.pieceStart(piece)
  const left = Math.min(need.end - need.at, loaded.layout.pieceBytes(piece) - from)
  // Not `slice`: of a Buffer, as the pool gives them, that is a view.
  const copy = (bytes: Uint8Array): Uint8Array =>
    new Uint8Array(bytes.subarray(from, from + Math.min(CHUNK_BYTES, left)))
  const kept = s.readers.kept(piece)
  if (kept !== undefined) return copy(kept)
  const key = cacheKey(s, piece)
  let reason = ''
  for (let reads = 0; reads < READS_MAX; reads++) {
    const cached = s.shared.cache.get(key)
    if (cached !== undefined) return copy(cached.bytes)
    const isFirst = !s.shared.loader.isLoading(key)
    const outcome = await s.shared.loader.load(pieceSource(s, loaded, piece))
    if (outcome.kind !== 'loaded') {
      if (isFirst) s.post({ kind: 'piece-loaded', piece, outcome })
      if (outcome.kind === 'bad') return undefined
      ;({ reason } = outcome)
    } else if (!outcome.cached.isEvicted) return copy(outcome.cached.bytes)
  }
  throw new ShoalError('unavailable', reason === '' ? 'there is too little memory to read it' : reason)
}

/** A torrent's web seeds: which is asked for what, and what becomes of the pieces that they bring. */
import { messageOf } from '../core/errors.ts'
import { landingPath } from '../core/metainfo.ts'
import type { PieceIndex } from '../core/piece-layout.ts'
import { type Millis, millis, seconds } from '../core/units.ts'
import { limits } from '../wire/limits.ts'
import { webSeedUrlOf } from '../wire/web-seed-path.ts'
import { UNWRITTEN_BYTES_MAX } from './begun-pieces.ts'
import type { UrgentPiece } from './deadlines.ts'
import type { WebSeedAt } from './engine-types.ts'
import { Spender } from './spending.ts'
import type { Loaded, SwarmState } from './swarm-state.ts'
import { WebSeedFailure } from './web-seed-failure.ts'
import { chooseRun, partsOf, turnOf } from './web-seed-policy.ts'
import {
  giveUpSlow,
  makeRoom,
  type Moment,
  momentOf,
  untilDue,
  type WebSeedRun,
  type WebSeedSource,
} from './web-seed-runs.ts'

/** What comes of a request, as it comes. */
export type WebSeedNews =
  | {
      readonly kind: 'piece'
      readonly source: WebSeedSource
      readonly piece: PieceIndex
      readonly bytes: Uint8Array
    }
  | {
      readonly kind: 'over'
      readonly source: WebSeedSource
      readonly run: WebSeedRun
      readonly failure?: WebSeedFailure
    }

const BACK_OFF = seconds(10)
/**
 * Before the disk is behind by so much, more is asked for: half of what a process that dies may lose, since as much is on its way
 * here. What peers have begun meanwhile is not counted, so that with both at work it may be half as much again.
 */
const BEHIND_BYTES_MAX = UNWRITTEN_BYTES_MAX / 2

export class WebSeeding {
  readonly sources: readonly WebSeedSource[]
  /** Good pieces of theirs. */
  keptBytes = 0
  /** All that came from them. */
  receivedBytes = 0
  startedAt: Millis | undefined
  /** What peers had given, and when they last gave something. */
  peers: { readonly bytes: number; readonly at: Millis } = { bytes: 0, at: millis(0) }

  constructor(seeds: readonly WebSeedAt[]) {
    this.sources = seeds.slice(0, limits.webSeedsMax).map((at) => ({
      at,
      aborter: new AbortController(),
      runs: new Set(),
      notBefore: millis(0),
      failures: 0,
      strikes: 0,
      isDropped: false,
    }))
  }
}

/** Asks those that may be asked. At each tick, and when a request is over. */
export function mindWebSeeds(s: SwarmState): void {
  const { webSeeding, loaded } = s
  if (webSeeding === undefined || loaded?.downloader === undefined || s.phase !== 'active') return
  const now = s.shared.clock.now()
  const startedAt = (webSeeding.startedAt ??= now)
  const bytes = s.meterDown.totalBytes - webSeeding.receivedBytes
  if (bytes !== webSeeding.peers.bytes) webSeeding.peers = { bytes, at: now }
  const sinceGiven = millis(now - Math.max(startedAt, webSeeding.peers.at))
  const soFar = { sinceStart: millis(now - startedAt), sinceGiven }
  const moment = momentOf(s, loaded, soFar)
  giveUpSlow(s, loaded, moment)
  if (s.isStorageFailing || s.writing * loaded.layout.pieceLength > BEHIND_BYTES_MAX) return
  for (const source of webSeeding.sources)
    while (isReady(source, now)) {
      const pieces = piecesNow(s, loaded, moment)
      if (pieces.length === 0) return
      begin(s, loaded, source, pieces)
    }
  if (webSeeding.sources.some((source) => isUsable(source, now)) && firstUrgent(loaded, moment) !== undefined)
    makeRoom(s, moment)
}

const isUsable = (source: WebSeedSource, now: Millis): boolean => !source.isDropped && source.notBefore <= now

const isReady = (source: WebSeedSource, now: Millis): boolean =>
  isUsable(source, now) && source.runs.size < limits.webSeedRequestsMax

/** Whether a web seed may be asked for a piece that is needed so soon. */
function suitsAt(
  { downloader }: Loaded,
  { soFar, isLacking }: Moment,
  deadlineIn: Millis | undefined,
): (piece: PieceIndex) => boolean {
  const turn = turnOf(soFar, deadlineIn)
  if (turn === 'nothing') return () => false
  return (piece) => downloader?.whole.isFree(piece) === true && (turn === 'anything' || isLacking(piece))
}

function firstUrgent(loaded: Loaded, moment: Moment): UrgentPiece | undefined {
  return moment.urgent.find(({ piece, dueAt }) => suitsAt(loaded, moment, untilDue(moment, dueAt))(piece))
}

function piecesNow(s: SwarmState, loaded: Loaded, moment: Moment): PieceIndex[] {
  const wish = { layout: loaded.layout, bytesMax: limits.webSeedRequestBytesMax }
  const first = firstUrgent(loaded, moment)
  if (first !== undefined) {
    const suits = suitsAt(loaded, moment, untilDue(moment, first.dueAt))
    return chooseRun({ ...wish, suits, first: first.piece }, s.shared.random)
  }
  if (turnOf(moment.soFar, undefined) === 'nothing') return []
  return chooseRun({ ...wish, suits: suitsAt(loaded, moment, undefined) }, s.shared.random)
}

function begin(s: SwarmState, loaded: Loaded, source: WebSeedSource, pieces: readonly PieceIndex[]): void {
  for (const piece of pieces) loaded.downloader?.whole.claim(piece)
  const run: WebSeedRun = {
    left: [...pieces],
    startedAt: s.shared.clock.now(),
    aborter: new AbortController(),
    bytes: 0,
    filledBytes: 0,
    failure: undefined,
  }
  source.runs.add(run)
  const over = (failure?: WebSeedFailure): void =>
    s.post({
      kind: 'web-seed',
      news: { kind: 'over', source, run, ...(failure === undefined ? {} : { failure }) },
    })
  fetchRun(s, loaded, source, run).then(
    () => over(),
    (error: unknown) => over(run.aborter.signal.aborted ? run.failure : failureOf(s, source, error)),
  )
}

function failureOf(s: SwarmState, source: WebSeedSource, error: unknown): WebSeedFailure {
  if (error instanceof WebSeedFailure) return error
  if (!s.aborter.signal.aborted && !source.isDropped)
    s.shared.log.error({ err: error, infoHash: s.spec.infoHash }, 'asking a web seed failed')
  return new WebSeedFailure(messageOf(error), { isFinal: false })
}

/** Takes from `run.left` each piece that has come. */
async function fetchRun(
  s: SwarmState,
  loaded: Loaded,
  source: WebSeedSource,
  run: WebSeedRun,
): Promise<void> {
  const { left } = run
  const { pool, clock, bindAddress: localAddress } = s.shared
  using spender = new Spender(s.limits, 'down')
  const { metainfo } = loaded.torrent
  const signal = AbortSignal.any([s.aborter.signal, source.aborter.signal, run.aborter.signal])
  let piece: Uint8Array | undefined
  const keep = (bytes: Uint8Array): void => {
    run.bytes += bytes.length
    s.meterDown.add(bytes.length, clock.now())
    if (s.webSeeding !== undefined) s.webSeeding.receivedBytes += bytes.length
    for (let at = 0; at < bytes.length;) {
      const [index] = left
      if (index === undefined) return
      piece ??= pool.acquire(loaded.layout.pieceBytes(index))
      const part = bytes.subarray(at, at + piece.length - run.filledBytes)
      piece.set(part, run.filledBytes)
      at += part.length
      run.filledBytes += part.length
      if (run.filledBytes < piece.length) return
      left.shift()
      s.post({ kind: 'web-seed', news: { kind: 'piece', source, piece: index, bytes: piece } })
      piece = undefined
      run.filledBytes = 0
    }
  }
  const take = (bytes: Uint8Array): Promise<void> | undefined => {
    if (!spender.take(bytes.length)) return spender.spend(bytes.length, signal).then(() => keep(bytes))
    keep(bytes)
    return undefined
  }
  try {
    for (const { file, from, end } of partsOf(loaded.files, left, limits.webSeedRequestBytesMax)) {
      const { path, sizeBytes } = metainfo.files[file] ?? { path: '', sizeBytes: 0 }
      const url = webSeedUrlOf(
        source.at.url,
        landingPath(metainfo, { path, sizeBytes }),
        metainfo.isSingleFile,
      )
      const { hosts } = source.at
      await s.shared.fetchRange({ url, hosts, from, end, sizeBytes, take, localAddress, clock }, signal)
    }
  } finally {
    if (piece !== undefined) pool.release(piece)
  }
}

export function onWebSeed(s: SwarmState, news: WebSeedNews): void {
  const whole = s.loaded?.downloader?.whole
  if (whole === undefined || s.webSeeding === undefined || s.phase === 'stopped') return
  const { source } = news
  if (news.kind === 'piece') {
    const { piece, bytes } = news
    const { length } = bytes // before somebody else has it
    if (whole.brought(piece, bytes)) {
      s.webSeeding.keptBytes += length
      source.failures = 0
    } else if (++source.strikes >= limits.hashStrikesMax)
      drop(s, source, 'sent pieces that failed their hash')
    return
  }
  source.runs.delete(news.run)
  for (const piece of news.run.left) whole.giveBack(piece)
  if (news.failure === undefined) source.failures = 0
  else onFailure(s, source, news.failure)
  mindWebSeeds(s)
}

function onFailure(s: SwarmState, source: WebSeedSource, failure: WebSeedFailure): void {
  if (failure.isFinal) {
    drop(s, source, failure.message)
    return
  }
  const backOff = Math.min(BACK_OFF * 2 ** source.failures, limits.webSeedRetryMax)
  source.failures++
  source.notBefore = millis(s.shared.clock.now() + (failure.retryIn ?? backOff))
}

function drop(s: SwarmState, source: WebSeedSource, reason: string): void {
  if (source.isDropped) return
  source.isDropped = true
  source.aborter.abort()
  s.emit({ kind: 'web-seed-dropped', origin: new URL(source.at.url).origin, reason })
}

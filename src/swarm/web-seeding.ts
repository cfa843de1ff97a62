/** A torrent's web seeds: which is asked for what, and what becomes of the pieces that they bring. */
import { messageOf } from '../core/errors.ts'
import { landingPath } from '../core/metainfo.ts'
import type { PieceIndex } from '../core/piece-layout.ts'
import { MiB, type Millis, millis, seconds } from '../core/units.ts'
import { limits } from '../wire/limits.ts'
import { webSeedUrlOf } from '../wire/web-seed-path.ts'
import type { WebSeedAt } from './engine-types.ts'
import { Spender } from './spending.ts'
import type { Loaded, SwarmState } from './swarm-state.ts'
import { WebSeedFailure } from './web-seed-failure.ts'
import { chooseRun, partsOf, turnOf } from './web-seed-policy.ts'

/** A piece that somebody waits for. */
export interface Urgency {
  readonly piece: PieceIndex
  readonly deadlineIn: Millis
}

interface Source {
  readonly at: WebSeedAt
  /** Ends its requests. */
  readonly aborter: AbortController
  requests: number
  notBefore: Millis
  /** In a row. */
  failures: number
  /** Pieces that failed their hash. */
  strikes: number
  isDropped: boolean
}

/** What comes of a request, as it comes. */
export type WebSeedNews =
  | {
      readonly kind: 'piece'
      readonly source: Source
      readonly piece: PieceIndex
      readonly bytes: Uint8Array
    }
  /** `left`: what was not brought. */
  | {
      readonly kind: 'over'
      readonly source: Source
      readonly left: readonly PieceIndex[]
      readonly failure?: WebSeedFailure
    }

const BACK_OFF = seconds(10)
/** Verified bytes that the disk may be behind before we ask for more. */
const UNWRITTEN_BYTES_MAX = 32 * MiB

export class WebSeeding {
  readonly sources: readonly Source[]
  /** Good pieces of theirs. */
  keptBytes = 0
  /** All that came from them. */
  receivedBytes = 0
  startedAt: Millis | undefined
  /** What peers had given, and when they last gave something. */
  peers: { readonly bytes: number; readonly at: Millis } = { bytes: 0, at: millis(0) }
  /** The piece that a player needs first; set by whoever plays. */
  urgency: () => Urgency | undefined = () => undefined

  constructor(seeds: readonly WebSeedAt[]) {
    this.sources = seeds.slice(0, limits.webSeedsMax).map((at) => ({
      at,
      aborter: new AbortController(),
      requests: 0,
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
  if (s.isStorageFailing || s.writing * loaded.layout.pieceLength > UNWRITTEN_BYTES_MAX) return
  for (const source of webSeeding.sources)
    while (isReady(source, now)) {
      const run = runNow(s, loaded, soFar)
      if (run.length === 0) return
      begin(s, loaded, source, run)
    }
}

const isReady = (source: Source, now: Millis): boolean =>
  !source.isDropped && source.notBefore <= now && source.requests < limits.webSeedRequestsMax

function runNow(s: SwarmState, loaded: Loaded, soFar: Parameters<typeof turnOf>[0]): PieceIndex[] {
  const whole = loaded.downloader?.whole
  if (whole === undefined) return []
  const urgency = s.webSeeding?.urgency()
  const hasFull = [...s.peers.values()].some((peer) => peer.has.isFull || peer.source === 'origin')
  const isLacking = (piece: PieceIndex): boolean => !hasFull && whole.copiesOf(piece) === 0
  const suitsAt =
    (deadlineIn: Millis | undefined) =>
    (piece: PieceIndex): boolean => {
      const turn = turnOf(soFar, deadlineIn)
      return turn !== 'nothing' && whole.isFree(piece) && (turn === 'anything' || isLacking(piece))
    }
  const wish = { layout: loaded.layout, bytesMax: limits.webSeedRequestBytesMax }
  const suits = suitsAt(urgency?.deadlineIn)
  if (urgency !== undefined && suits(urgency.piece))
    return chooseRun({ ...wish, suits, first: urgency.piece }, s.shared.random)
  if (turnOf(soFar, undefined) === 'nothing') return []
  return chooseRun({ ...wish, suits: suitsAt(undefined) }, s.shared.random)
}

function begin(s: SwarmState, loaded: Loaded, source: Source, run: readonly PieceIndex[]): void {
  for (const piece of run) loaded.downloader?.whole.claim(piece)
  source.requests++
  const left = [...run]
  fetchRun(s, loaded, source, left).then(
    () => s.post({ kind: 'web-seed', news: { kind: 'over', source, left } }),
    (error: unknown) =>
      s.post({
        kind: 'web-seed',
        news: { kind: 'over', source, left, failure: failureOf(s, source, error) },
      }),
  )
}

function failureOf(s: SwarmState, source: Source, error: unknown): WebSeedFailure {
  if (error instanceof WebSeedFailure) return error
  if (!s.aborter.signal.aborted && !source.isDropped)
    s.shared.log.error({ err: error, infoHash: s.spec.infoHash }, 'asking a web seed failed')
  return new WebSeedFailure(messageOf(error), { isFinal: false })
}

/** Takes from `left` each piece that has come. */
async function fetchRun(s: SwarmState, loaded: Loaded, source: Source, left: PieceIndex[]): Promise<void> {
  const { pool, clock, bindAddress: localAddress } = s.shared
  using spender = new Spender(s.limits, 'down')
  const { metainfo } = loaded.torrent
  const signal = AbortSignal.any([s.aborter.signal, source.aborter.signal])
  let piece: Uint8Array | undefined
  let filled = 0
  const keep = (bytes: Uint8Array): void => {
    s.meterDown.add(bytes.length, clock.now())
    if (s.webSeeding !== undefined) s.webSeeding.receivedBytes += bytes.length
    for (let at = 0; at < bytes.length;) {
      const [index] = left
      if (index === undefined) return
      piece ??= pool.acquire(loaded.layout.pieceBytes(index))
      const part = bytes.subarray(at, at + piece.length - filled)
      piece.set(part, filled)
      at += part.length
      filled += part.length
      if (filled < piece.length) return
      left.shift()
      s.post({ kind: 'web-seed', news: { kind: 'piece', source, piece: index, bytes: piece } })
      piece = undefined
      filled = 0
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
    if (whole.brought(piece, bytes)) s.webSeeding.keptBytes += length
    else if (++source.strikes >= limits.hashStrikesMax) drop(s, source, 'sent pieces that failed their hash')
    return
  }
  source.requests--
  for (const piece of news.left) whole.giveBack(piece)
  if (news.failure === undefined) source.failures = 0
  else onFailure(s, source, news.failure)
  mindWebSeeds(s)
}

function onFailure(s: SwarmState, source: Source, failure: WebSeedFailure): void {
  if (failure.isFinal) {
    drop(s, source, failure.message)
    return
  }
  const backOff = Math.min(BACK_OFF * 2 ** source.failures, limits.webSeedRetryMax)
  source.failures++
  source.notBefore = millis(s.shared.clock.now() + (failure.retryIn ?? backOff))
}

function drop(s: SwarmState, source: Source, reason: string): void {
  if (source.isDropped) return
  source.isDropped = true
  source.aborter.abort()
  s.emit({ kind: 'web-seed-dropped', origin: new URL(source.at.url).origin, reason })
}

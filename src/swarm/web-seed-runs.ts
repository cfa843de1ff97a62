/**
 * Requests to web seeds that are under way. While one is, nobody else is asked for its pieces: it is given up when
 * peers would bring them sooner, or when it is in the way of what somebody waits for.
 */
import type { PieceIndex } from '../core/piece-layout.ts'
import { type Millis, millis } from '../core/units.ts'
import { canHelp, type UrgentPiece } from './deadlines.ts'
import type { WebSeedAt } from './engine-types.ts'
import type { Loaded, SwarmState } from './swarm-state.ts'
import { notNow, type WebSeedFailure } from './web-seed-failure.ts'
import { isDripping, isTooLate, type PeersSoFar } from './web-seed-policy.ts'

/** One request for pieces that are neighbours. */
export interface WebSeedRun {
  /** What it has not brought yet, in order. */
  readonly left: PieceIndex[]
  readonly startedAt: Millis
  readonly aborter: AbortController
  /** All that came of it. */
  bytes: number
  /** What came of the first that is left. */
  filledBytes: number
  /** Why we ended it, when it was the web seed's fault. */
  failure: WebSeedFailure | undefined
}

export interface WebSeedSource {
  readonly at: WebSeedAt
  /** Ends its requests. */
  readonly aborter: AbortController
  readonly runs: Set<WebSeedRun>
  notBefore: Millis
  /** In a row. */
  failures: number
  /** Pieces that failed their hash. */
  strikes: number
  isDropped: boolean
}

/** What is decided by, at one look. */
export interface Moment {
  readonly now: Millis
  readonly soFar: PeersSoFar
  /** What readers wait for, in the order in which it is due. */
  readonly urgent: readonly UrgentPiece[]
  /** No connected peer has it. */
  readonly isLacking: (piece: PieceIndex) => boolean
}

export function momentOf(s: SwarmState, { layout, downloader }: Loaded, soFar: PeersSoFar): Moment {
  const now = s.shared.clock.now()
  const { deadlines } = s.readers
  deadlines.changed() // a plan that peers have worked with lacks what web seeds are at
  const urgent = deadlines.isActive ? deadlines.plan(layout, now) : []
  const hasFull = [...s.peers.values()].some((peer) => peer.has.isFull || peer.source === 'origin')
  const isLacking = (piece: PieceIndex): boolean => !hasFull && downloader?.whole.copiesOf(piece) === 0
  return { now, soFar, urgent, isLacking }
}

/** From now; nothing when it is late. */
export const untilDue = ({ now }: Moment, dueAt: Millis): Millis => millis(Math.max(0, dueAt - now))

/** Ends those that peers would do better than. */
export function giveUpSlow(s: SwarmState, { layout }: Loaded, moment: Moment): void {
  for (const run of runsOf(s)) {
    if (!isOutdone(s, run, layout.pieceLength, moment)) continue
    run.failure = notNow('is slower than peers')
    run.aborter.abort()
  }
}

/** Ends one of which nothing is urgent, where that makes room for what is. */
export function makeRoom(s: SwarmState, { urgent }: Moment): void {
  const pieces = new Set(urgent.map(({ piece }) => piece))
  runsOf(s)
    .find(({ left }) => !left.some((piece) => pieces.has(piece)))
    ?.aborter.abort()
}

const runsOf = ({ webSeeding }: SwarmState): WebSeedRun[] =>
  (webSeeding?.sources ?? [])
    .flatMap(({ runs }) => [...runs])
    .filter(({ aborter }) => !aborter.signal.aborted)

function isOutdone(s: SwarmState, run: WebSeedRun, pieceLength: number, moment: Moment): boolean {
  const { now, urgent } = moment
  const pace = { time: millis(now - run.startedAt), bytes: run.bytes }
  if (isDripping(pace) && run.left.some((piece) => isGivenByPeer(s, piece))) return true
  return urgent.some(({ piece, dueAt }) => {
    const at = run.left.indexOf(piece)
    const aheadBytes = (at + 1) * pieceLength - run.filledBytes
    return at >= 0 && isTooLate(pace, aheadBytes, untilDue(moment, dueAt)) && isGivenByPeer(s, piece)
  })
}

const isGivenByPeer = ({ peers }: SwarmState, piece: PieceIndex): boolean =>
  [...peers.values()].some((peer) => !peer.isChokingUs && !peer.down.isSnubbing && canHelp(peer, piece))

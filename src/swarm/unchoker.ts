/**
 * Whom to send to. Pure: the same standings and the same chance give the same answer; acting on it is the
 * caller's job. BEP 3's tit for tat while we download; turns, longest unserved first, when we have it all.
 */
import { type Random, pick } from '../core/random.ts'
import { type Millis, seconds } from '../core/units.ts'

export interface PeerStanding<P> {
  readonly peer: P
  /** It passes on what it gets, or is served by nobody else: first of all. */
  readonly isFed: boolean
  /** It wants something that we have. */
  readonly isInterested: boolean
  readonly isUnchoked: boolean
  /** Bytes a second that it sends us. */
  readonly rateBps: number
  /** When its present turn began, or its last one ended; before any turn, when it connected. */
  readonly turnChangedAt: Millis
  /** It is the newcomer that was let in by chance. */
  readonly isNewcomer: boolean
  /** It has not sent what we asked for. */
  readonly isSnubbing: boolean
}

export interface UnchokeOptions {
  readonly now: Millis
  /** Peers served at once, besides the newcomer. */
  readonly slots: number
  /** We have everything: nobody can be paid back. */
  readonly isSeeding: boolean
  /** Choose another newcomer now. */
  readonly rotateNewcomer: boolean
}

export interface Unchoked<P> {
  readonly peers: ReadonlySet<P>
  readonly newcomer: P | undefined
}

/** A turn this long moves some megabytes even on slow lines; shorter ones only cost round trips. */
const TURN = seconds(20)

export function chooseUnchoked<P>(
  standings: readonly PeerStanding<P>[],
  options: UnchokeOptions,
  random: Random,
): Unchoked<P> {
  const waiting = standings.filter((s) => s.isInterested)
  const ranked = waiting.toSorted((a, b) =>
    options.isSeeding
      ? byNeed(a, b) || byTurn(a, b, options.now)
      : byReturn(a, b) || byTurn(a, b, options.now),
  )
  const chosen = ranked.slice(0, options.slots)
  const rest = ranked.slice(options.slots)
  const held = options.rotateNewcomer ? undefined : rest.find((s) => s.isNewcomer)
  const newcomer = held ?? pick(rest, random)
  return {
    peers: new Set([...chosen, ...(newcomer === undefined ? [] : [newcomer])].map((s) => s.peer)),
    newcomer: newcomer?.peer,
  }
}

function byNeed<P>(a: PeerStanding<P>, b: PeerStanding<P>): number {
  return Number(b.isFed) - Number(a.isFed)
}

/** Who sends us most comes first; who owes us comes last. */
function byReturn<P>(a: PeerStanding<P>, b: PeerStanding<P>): number {
  if (a.isSnubbing !== b.isSnubbing) return a.isSnubbing ? 1 : -1
  return b.rateBps - a.rateBps
}

/** Whoever is in the middle of its turn keeps it; then who has waited longest; who has just had a turn last. */
function byTurn<P>(a: PeerStanding<P>, b: PeerStanding<P>, now: Millis): number {
  const rank = (s: PeerStanding<P>): number => (!s.isUnchoked ? 1 : now - s.turnChangedAt < TURN ? 0 : 2)
  return rank(a) - rank(b) || a.turnChangedAt - b.turnChangedAt
}

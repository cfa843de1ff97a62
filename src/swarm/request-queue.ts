/** How much to ask of a peer at once, and when to give up on what was asked. Pure. */
import { BLOCK_BYTES } from '../core/piece-layout.ts'
import { type Millis, millis, seconds } from '../core/units.ts'
import { limits } from '../wire/limits.ts'

const BLOCKS_MIN = 20
/** While somebody plays: what was asked for before a seek stands before all that is asked for after it. */
const BLOCKS_MIN_PLAYED = 4
/** What the other side may take beyond the round trip: its disk, its other peers, its event loop. */
const SLACK = millis(100)
/**
 * A packet that is lost holds up all that was sent after it for two round trips, then all comes at once: what is to come after
 * that must have been asked for by then. And who is asked for no more than he has sent so far cannot find out that the line takes
 * more: TCP triples what it sends in a round trip, and our rate is an average that follows later (bench/lossy.ts).
 */
const CROSSINGS = 8
const SILENCE_MIN = seconds(5)
const SILENCE_MAX = seconds(30)
/** How many times the usual gap between two blocks is a silence. */
const GAPS = 20

export interface PeerSpeed {
  /** Bytes a second from this peer over the last few seconds. */
  readonly rateBps: number
  /** The shortest time from request to block seen lately; undefined before the first block. */
  readonly roundTrip: Millis | undefined
  /** The shortest ever: without what waits in queues. */
  readonly roundTripLeast?: Millis | undefined
  /** Requests that the peer says it keeps at once (BEP 10 `reqq`). */
  readonly requestsInMax: number
  /** It has let us wait too long: one block at a time, until it sends again. */
  readonly isSnubbing: boolean
  /** A player waits for what is asked for. */
  readonly isPlayed?: boolean
}

/** Rate times delay in blocks: less leaves the line idle, more only grows queues. */
export function queueBlocks(speed: PeerSpeed): number {
  if (speed.isSnubbing) return 1
  const crossings = speed.isPlayed === true ? 1 : CROSSINGS
  const delay = Math.max(speed.roundTrip ?? 0, crossings * (speed.roundTripLeast ?? 0)) + SLACK
  const inFlight = Math.ceil((speed.rateBps * delay) / 1_000 / BLOCK_BYTES)
  const least = speed.isPlayed === true ? BLOCKS_MIN_PLAYED : BLOCKS_MIN
  const most = Math.min(limits.requestsOutMax, speed.requestsInMax)
  return Math.max(1, Math.min(most, Math.max(least, inFlight)))
}

/** A peer that owes us blocks and stays silent for longer loses its requests to others. */
export function silenceAllowed(rateBps: number): Millis {
  if (rateBps <= 0) return SILENCE_MAX
  const usualGap = (BLOCK_BYTES / rateBps) * 1_000
  return millis(Math.min(SILENCE_MAX, Math.max(SILENCE_MIN, GAPS * usualGap)))
}

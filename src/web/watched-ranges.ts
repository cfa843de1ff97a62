/**
 * What a player has really played, from what it says of itself: fed with where it is, again and again, it gives the stretches
 * since the last time it was asked. A jump is no playing, and neither is a time that stands still. Pure: knows no player.
 */
import { type TimeRange, unionOf } from '../core/time-ranges.ts'

export interface PlayerState {
  /** Where the player is: `currentTime`. */
  readonly atSeconds: number
  /** Not paused, not ended, and not waiting for bytes. */
  readonly isPlaying: boolean
  /** Between `seeking` and `seeked`. */
  readonly isSeeking: boolean
  /** `playbackRate`. */
  readonly rate: number
  /** When this was so: milliseconds of a clock that never goes back (`performance.now()`). */
  readonly nowMs: number
}

export interface WatchedRangesOptions {
  /** Stretches kept until they are taken: what one post may hold. */
  readonly countMax: number
}

/** A player's clock and ours are not read at the same moment. */
const SLACK_SECONDS = 0.75

export class WatchedRanges {
  readonly #countMax: number
  #ranges: TimeRange[] = []
  #last: PlayerState | undefined

  constructor({ countMax }: WatchedRangesOptions) {
    this.#countMax = countMax
  }

  /** To be called at `timeupdate`, `play`, `pause`, `seeking`, `seeked`, `ratechange`, `waiting`, `ended`, and before {@link take}. */
  observe(state: PlayerState): void {
    if (!isState(state)) return
    const before = this.#last
    this.#last = state
    if (before === undefined || !before.isPlaying || before.isSeeking || state.isSeeking) return
    const played = state.atSeconds - before.atSeconds
    const rate = Math.max(before.rate, state.rate)
    const possible = rate * ((state.nowMs - before.nowMs) / 1_000 + SLACK_SECONDS)
    if (played <= 0 || played > possible) return // a jump whose events are yet to come
    this.#add([[before.atSeconds, state.atSeconds]])
  }

  /** All since the last time, joined; empty when nothing was played. */
  take(): TimeRange[] {
    const taken = this.#ranges
    this.#ranges = []
    return taken
  }

  /** What was taken and could not be told. */
  giveBack(ranges: readonly TimeRange[]): void {
    this.#add(ranges)
  }

  #add(ranges: readonly TimeRange[]): void {
    this.#ranges = unionOf([...this.#ranges, ...ranges], this.#countMax)
  }
}

/** Before it knows its media a player may say NaN. */
const isState = ({ atSeconds, rate, nowMs }: PlayerState): boolean =>
  Number.isFinite(atSeconds) && Number.isFinite(rate) && Number.isFinite(nowMs) && atSeconds >= 0

/**
 * When what was played is told: not before the media's length is known, since without it nothing can be made of the stretches, and once
 * more after a post that did not arrive. Knows no page.
 */
import type { Played } from '../wire/api-learning.ts'
import type { WatchedRanges } from './watched-ranges.ts'

export interface WatchedTellerParts {
  readonly watched: WatchedRanges
  readonly file: number
  /** As the portal knows it; 0 where it does not. */
  readonly durationSeconds: number
  /** False: it may be told once more. `isLast`: the page may be gone before the answer. */
  readonly post: (played: Played, isLast: boolean) => Promise<boolean>
}

export class WatchedTeller {
  readonly #parts: WatchedTellerParts

  constructor(parts: WatchedTellerParts) {
    this.#parts = parts
  }

  /** `playerSeconds`: the length as the player has it, which is NaN before it knows, and endless for a recording of a browser. */
  async tell(playerSeconds: number, options: { readonly isLast: boolean }): Promise<void> {
    const { watched, file, post } = this.#parts
    const isKnown = Number.isFinite(playerSeconds) && playerSeconds > 0
    const durationSeconds = isKnown ? playerSeconds : this.#parts.durationSeconds
    if (!(durationSeconds > 0)) return
    const ranges = watched.take().map(([from, to]): [number, number] => [from, to])
    if (ranges.length === 0) return
    if (!(await post({ file, durationSeconds, ranges }, options.isLast))) watched.giveBack(ranges)
  }
}

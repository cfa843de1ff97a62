/** What a post of a page adds to what is known of one person and one file. Pure. */
import { ShoalError } from '../../core/errors.ts'
import { secondsIn, unionOf, type TimeRange } from '../../core/time-ranges.ts'
import type { Played } from '../../wire/api.ts'
import { learningLimits } from '../../wire/limits-learning.ts'

export interface Known {
  readonly durationSeconds: number
  readonly ranges: readonly TimeRange[]
  readonly lastAt: number
  readonly completedAt: number | null
}

export interface PostContext {
  /** Milliseconds since 1970. */
  readonly now: number
  /** Of this file, or of all files of the release together where it has several; undefined when nobody has said. */
  readonly media: { readonly seconds: number; readonly isOfFile: boolean } | undefined
  readonly sizeBytes: number
  /** The longest that those who have watched some of it have said; 0 when nobody has. */
  readonly saidSeconds: number
  readonly completedShare: number
}

export interface Added extends Known {
  readonly seenSeconds: number
}

/** The last moments of what a file says are not always played. */
const END_SECONDS = 1
const END_SHARE = 0.01

/** @throws ShoalError `bad-input` for more than there is, or more than can have been played since. */
export function progressWith(known: Known | undefined, post: Played, context: PostContext): Added {
  const { now, completedShare } = context
  const durationSeconds = lengthOf(known, post, context)
  const fresh = unionOf(
    post.ranges
      .filter(([from]) => from < durationSeconds)
      .map(([from, to]): TimeRange => [from, Math.min(to, durationSeconds)]),
    learningLimits.watchedRangesMax,
  )
  if (secondsIn(fresh) > secondsPossible(known, now))
    throw new ShoalError('bad-input', 'more than can have been played since the last post')
  const ranges = unionOf([...(known?.ranges ?? []), ...fresh], learningLimits.watchedRangesKeptMax)
  const seenSeconds = secondsIn(ranges)
  const isCompleted =
    seenSeconds + Math.min(END_SECONDS, END_SHARE * durationSeconds) >= completedShare * durationSeconds
  return {
    durationSeconds,
    ranges,
    seenSeconds,
    lastAt: now,
    completedAt: known?.completedAt ?? (isCompleted ? now : null),
  }
}

/**
 * Who says that a file is shorter than it is has not completed it sooner. Where the portal knows its length that counts, and players,
 * which are not exact, may say what they like.
 */
function lengthOf(known: Known | undefined, post: Played, context: PostContext): number {
  const { media, sizeBytes, saidSeconds } = context
  if (media?.isOfFile === true) return media.seconds
  const overlong = 1 + learningLimits.watchedOverlongShare
  const most = media === undefined ? Infinity : overlong * media.seconds
  if (post.durationSeconds > most) throw new ShoalError('bad-input', 'these media are not as long as that')
  const least = Math.min(most, (8 * sizeBytes) / learningLimits.watchedBitsPerSecondMax)
  const seconds = Math.max(known?.durationSeconds ?? 0, post.durationSeconds, saidSeconds, least)
  if (post.ranges.some(([, to]) => to > overlong * seconds))
    throw new ShoalError('bad-input', 'these media have no such part')
  return seconds
}

/** Of words about a length, which count: of who has watched so much of what they say that it is. */
export const WORD_SHARE = 0.1

function secondsPossible(known: Known | undefined, now: number): number {
  const { watchedBurst, watchedSlack, watchedSpeedMax } = learningLimits
  const span = known === undefined ? watchedBurst : Math.max(0, now - known.lastAt) + watchedSlack
  return (watchedSpeedMax * span) / 1_000
}

export const shareOf = ({
  seenSeconds,
  durationSeconds,
}: Pick<Added, 'seenSeconds' | 'durationSeconds'>): number =>
  Math.min(1, Math.round((1_000 * seenSeconds) / durationSeconds) / 1_000)

/** Bounds on what is recorded of watching; as `limits.ts`, of which it is a part of its own. */
import { minutes, seconds } from '../core/units.ts'

export const learningLimits = {
  // --- learning ---
  /** Stretches in one post: who jumps every second for three minutes. */
  watchedRangesMax: 200,
  /** Stretches kept of one person and file: some 3 kB. With more the shortest are left out. */
  watchedRangesKeptMax: 200,
  /** Faster nobody listens; browsers offer twice as fast. */
  watchedSpeedMax: 4,
  /** What the first post may tell, four times as fast: of a page that could not reach the portal for a while, and not a short film. */
  watchedBurst: minutes(2),
  /** Clocks and the network are not exact: so much more than the time since the last post allows. */
  watchedSlack: seconds(15),
  /** How much longer a player may say that media are than their file says. */
  watchedOverlongShare: 0.05,
  /** Nothing that browsers play takes more: a file whose length only viewers know is at least so long for its size. */
  watchedBitsPerSecondMax: 100_000_000,
  /** Posts of one person in a minute, whatever they watch: a page sends two, and one when it is left. */
  watchedPostsPerMinuteMax: 30,
  /** Statements that wait for the company's learning system, some 1.5 kB each: a week of a large company. What comes beyond is not sent. */
  xapiWaitingMax: 100_000,
  /** Statements in one request. */
  xapiBatchMax: 25,
  /** For an answer of the learning system. */
  xapiTimeout: seconds(20),
  /** Between tries, at most, while it does not take them. */
  xapiRetryMax: minutes(60),
} as const

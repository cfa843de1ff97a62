/** Numbers with units. A type for each, so that a duration is never taken for a date. */

declare const unit: unique symbol
type Quantity<U extends string> = number & { readonly [unit]: U }

/** A duration, or a reading of the monotonic clock. */
export type Millis = Quantity<'ms'>
/** A point in time that was promised to others: milliseconds since 1970, UTC. */
export type EpochMillis = Quantity<'ms since 1970'>
/** Bytes a second. */
export type BytesPerSecond = Quantity<'B/s'>

/** @throws RangeError unless `n` is finite and >= 0. */
export function millis(n: number): Millis {
  if (!Number.isFinite(n) || n < 0) throw new RangeError(`millis: want a number >= 0, got ${n}`)
  return n as Millis
}

export const seconds = (n: number): Millis => millis(n * 1_000)
export const minutes = (n: number): Millis => millis(n * 60_000)
export const hours = (n: number): Millis => millis(n * 3_600_000)

/** @throws RangeError unless `n` is finite and >= 0. */
export function epochMillis(n: number): EpochMillis {
  if (!Number.isFinite(n) || n < 0) throw new RangeError(`epochMillis: want a number >= 0, got ${n}`)
  return n as EpochMillis
}

/** Whole seconds since 1970, as JWT's `exp` wants them (RFC 7519, NumericDate). */
export const epochSeconds = (t: EpochMillis): number => Math.floor(t / 1_000)

export const addMillis = (t: EpochMillis, d: Millis): EpochMillis => epochMillis(t + d)

/** @throws RangeError unless `n` is finite and > 0. */
export function bytesPerSecond(n: number): BytesPerSecond {
  if (!Number.isFinite(n) || n <= 0) throw new RangeError(`bytesPerSecond: want a number > 0, got ${n}`)
  return n as BytesPerSecond
}

export const KiB = 1_024
export const MiB = 1_024 * KiB
export const GiB = 1_024 * MiB

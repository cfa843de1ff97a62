/** What every property test of a codec here does. */
import assert from 'node:assert/strict'
import { ShoalError } from '../../src/core/errors.ts'

/** More in the long run, by the environment. */
export const FUZZ_RUNS = Number(process.env['FUZZ_RUNS'] ?? 200)

/** Reads the bytes so that writing gives them back, or refuses them with a ShoalError; anything else is a bug. */
export function readsExactlyOrRefuses<T>(
  bytes: Uint8Array,
  decode: (bytes: Uint8Array) => T,
  encode: (value: T) => Uint8Array,
): void {
  const value = orRefused(() => decode(bytes))
  if (value !== undefined) assert.deepEqual(Uint8Array.from(encode(value)), Uint8Array.from(bytes))
}

/**
 * For formats that have many spellings of one value: what was read, written and read again is the same.
 * True when it was read.
 */
export function readsStablyOrRefuses<In, T>(
  input: In,
  decode: (input: In) => T,
  encode: (value: T) => In,
): boolean {
  const value = orRefused(() => decode(input))
  if (value === undefined) return false
  assert.deepEqual(decode(encode(value)), value)
  return true
}

/** What `read` gives, or undefined when it throws a ShoalError. */
export function orRefused<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    assert.ok(error instanceof ShoalError, error instanceof Error ? error.stack : String(error))
    return undefined
  }
}

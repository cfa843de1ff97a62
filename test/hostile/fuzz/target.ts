/** What a fuzz target is: a parser, valid inputs to begin from, and what "passes the framing" means for it. */
import { ShoalError } from '../../../src/core/errors.ts'
import type { Dialect } from './mutate.ts'

export interface Target {
  readonly name: string
  /** Files below `src/` whose branches are this parser. */
  readonly files: readonly string[]
  /** Functions in these files that are no part of reading: encoders, and what other targets reach. */
  readonly beside?: readonly string[]
  readonly dialect: Dialect
  /** Valid inputs. */
  readonly seeds: readonly Uint8Array[]
  /** Folder of `test/hostile/corpus` whose inputs are begun from as well. */
  readonly corpus?: string
  /** Words of this format: keys, names, units, addresses. */
  readonly words?: readonly string[]
  /** True when an input gets past the outermost check, so that the parser itself is what judges it. */
  readonly frame: (bytes: Uint8Array) => boolean
  /**
   * Reads the input; throws ShoalError or returns. Where it has an encoder too, it also checks here that what
   * was read, written and read again is the same.
   */
  readonly read: (bytes: Uint8Array) => unknown
}

export const textOf = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
export const utf8Of = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()
export const bytesOfText = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))
export const bytesOfJson = (value: unknown): Uint8Array => new Uint8Array(Buffer.from(JSON.stringify(value)))

/** Reads in each way; throws what one of them threw only when none could read it, or when it is no refusal. */
export function eachWay(...reads: readonly (() => unknown)[]): void {
  let refusal: ShoalError | undefined
  let wasRead = false
  for (const read of reads) {
    try {
      read()
      wasRead = true
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      refusal = error
    }
  }
  if (!wasRead && refusal !== undefined) throw refusal
}

/** True when it does not throw. */
export function passes(check: () => unknown): boolean {
  try {
    check()
    return true
  } catch {
    return false
  }
}

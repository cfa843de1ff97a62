/** Why a web seed did not give what it was asked for. The sentence names no more of its URL than the origin. */
import type { Millis } from '../core/units.ts'

export class WebSeedFailure extends Error {
  override readonly name = 'WebSeedFailure'
  /** It is of no use and is asked no more; else it may be later. */
  readonly isFinal: boolean
  /** As it said itself, within bounds. */
  readonly retryIn: Millis | undefined

  constructor(
    message: string,
    options: { readonly isFinal: boolean; readonly retryIn?: Millis | undefined } & ErrorOptions,
  ) {
    super(message, options)
    this.isFinal = options.isFinal
    this.retryIn = options.retryIn
  }
}

export const useless = (message: string): WebSeedFailure => new WebSeedFailure(message, { isFinal: true })
export const notNow = (message: string, cause?: unknown): WebSeedFailure =>
  new WebSeedFailure(message, { isFinal: false, cause })

/**
 * The one error class for what is expected to go wrong.
 *
 * A {@link ShoalError}'s message is safe to show to whoever asked: it names no secret and no path of the
 * server. Everything else that is thrown is a bug and is shown as "internal error".
 */

export type ErrorCode =
  | 'bad-input' // what arrived cannot be read or breaks a rule of its format
  | 'bad-usage' // the command line or the settings are wrong
  | 'not-authenticated' // no token, or one that nobody knows
  | 'not-granted' // known, but not allowed
  | 'not-found'
  | 'conflict' // it exists already, or another process holds it
  | 'over-limit' // more than a bound allows
  | 'unavailable' // the other side does not answer, or the disk is full: try again
  | 'interrupted' // stopped by a person; what was done is kept

export class ShoalError extends Error {
  override readonly name = 'ShoalError'
  readonly code: ErrorCode

  constructor(code: ErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}

/** For the `default` of a switch over a closed union: adding a member then fails to compile. */
export function unreachable(value: never): never {
  throw new TypeError(`unreachable: ${JSON.stringify(value)}`)
}

/** The text of whatever was thrown, for a log line or as the tail of a sentence. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** The `code` of a Node system error (`ENOENT`, `ENOSPC`, ...), if it is one. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

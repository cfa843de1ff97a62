/** Why a port could not be had, in words that a person understands. */
import { formatEndpoint } from '../core/address.ts'
import { ShoalError, systemCode } from '../core/errors.ts'

/** What was asked for: `flag` chooses another port. */
export interface ListenAttempt {
  readonly host: string
  readonly port: number
  /** In front of the address, such as `UDP `. */
  readonly protocol?: string
  readonly flag: string
}

/** `conflict` for a port that is taken, `bad-usage` for one that cannot be; what is neither is given back. */
export function explainListenError<T>(error: T, at: ListenAttempt): T | ShoalError {
  const where = `${at.protocol ?? ''}${formatEndpoint(at)}`
  const explained = (code: 'conflict' | 'bad-usage', sentence: string): ShoalError =>
    new ShoalError(code, sentence, { cause: error })
  switch (systemCode(error)) {
    case 'EADDRINUSE':
      return explained(
        'conflict',
        `port ${at.port} is in use (${where}): stop the other program, or choose another port with ${at.flag}`,
      )
    case 'EACCES':
      return explained(
        'bad-usage',
        `not allowed to listen on ${where}: ports under 1024 need root, choose a higher one with ${at.flag}`,
      )
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return explained('bad-usage', `${at.host} is no address of this machine: choose another with --listen`)
    case undefined:
    default:
      return error
  }
}

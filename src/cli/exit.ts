/** Errors -> exit codes and the sentence that a person reads. The codes are a promise to scripts. */
import { messageOf, ShoalError, systemCode, type ErrorCode } from '../core/errors.ts'
import { withoutSecrets } from '../platform/secrets.ts'
import { systemSentence } from '../platform/system-sentence.ts'

const EXIT_CODE = {
  'bad-input': 1,
  'bad-usage': 2,
  'not-authenticated': 3,
  'not-granted': 3,
  'not-found': 4,
  conflict: 1,
  'over-limit': 1,
  unavailable: 1,
  interrupted: 5,
} as const satisfies Record<ErrorCode, number>

/** 1 failed; 2 wrong usage; 3 not allowed; 4 not found; 5 interrupted, resumable. */
export function exitCodeOf(error: unknown): number {
  return error instanceof ShoalError ? EXIT_CODE[error.code] : 1
}

/** What to do about what the system refuses, where we know it. */
const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: ': make room and run the same command again',
  EDQUOT: ': make room and run the same command again',
  SQLITE_FULL: ': make room and run the same command again',
  SQLITE_IOERR_SHMSIZE: ': make room and run the same command again',
  EMFILE: ': raise the limit (ulimit -n)',
}

/** One sentence: what happened and, where we know it, what to do. No stack, no secret. */
export function explain(error: unknown): string {
  if (error instanceof ShoalError) return withoutSecrets(error.message)
  const sentence = systemSentence(error)
  const message = withoutSecrets(messageOf(error))
  return sentence === undefined
    ? `an error that we did not expect: ${message} (run it again with --verbose for the details)`
    : `${sentence}${ADVICE[systemCode(error) ?? ''] ?? ''} (${message})`
}

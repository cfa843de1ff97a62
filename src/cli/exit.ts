/** Errors -> exit codes and the sentence that a person reads. The codes are a promise to scripts. */
import { messageOf, ShoalError, systemCode, type ErrorCode } from '../core/errors.ts'
import { withoutSecrets } from '../platform/log.ts'

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

const SYSTEM_SENTENCE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full: make room and run the same command again',
  EACCES: 'the system does not allow it',
  EROFS: 'the disk is read-only',
  EMFILE: 'this process may open no more files: raise the limit (ulimit -n)',
}

/** One sentence: what happened and, where we know it, what to do. No stack, no secret. */
export function explain(error: unknown): string {
  if (error instanceof ShoalError) return withoutSecrets(error.message)
  const sentence = SYSTEM_SENTENCE[systemCode(error) ?? '']
  const message = withoutSecrets(messageOf(error))
  return sentence === undefined
    ? `an error that we did not expect: ${message} (run it again with --verbose for the details)`
    : `${sentence} (${message})`
}

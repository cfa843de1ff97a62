/** What the operating system refuses, in words that a person understands. */
import { systemCode } from '../core/errors.ts'

const SENTENCE: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: "the user's share of the disk is used up",
  EROFS: 'the disk is read-only',
  EIO: 'the disk reports an error',
  EACCES: 'the system does not allow it',
  EPERM: 'the system does not allow it',
  EMFILE: 'this process may open no more files',
  SQLITE_FULL: 'the disk is full',
  SQLITE_IOERR: 'the disk reports an error',
}

/** A clause without a full stop; undefined for what is not the system's refusal. */
export function systemSentence(error: unknown): string | undefined {
  const code = systemCode(error) ?? ''
  return SENTENCE[code] ?? (code.startsWith('SQLITE_IOERR') ? SENTENCE['SQLITE_IOERR'] : undefined)
}

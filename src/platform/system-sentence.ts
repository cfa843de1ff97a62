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
  ENOTDIR: 'a file lies where a folder belongs',
  EEXIST: 'a file lies where a folder belongs', // folders are all that we make without looking
  EISDIR: 'a folder lies where a file belongs',
  SQLITE_FULL: 'the disk is full',
  SQLITE_IOERR_SHMSIZE: 'the disk is full', // its shared memory, a file beside the database, cannot grow
  SQLITE_IOERR: 'the disk reports an error',
  SQLITE_CORRUPT: 'the database is damaged',
  SQLITE_NOTADB: 'the database is damaged',
}

/** A clause without a full stop; undefined for what is not the system's refusal. */
export function systemSentence(error: unknown): string | undefined {
  const code = systemCode(error) ?? ''
  // SQLite says more precisely what it was doing: SQLITE_IOERR_WRITE, SQLITE_CORRUPT_INDEX.
  return SENTENCE[code] ?? SENTENCE[/^SQLITE_[A-Z]+/.exec(code)?.[0] ?? '']
}

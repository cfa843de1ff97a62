import assert from 'node:assert/strict'
import { exitCodeOf, explain } from '../../src/cli/exit.ts'
import { ShoalError } from '../../src/core/errors.ts'

describe('a command that fails', () => {
  it('ends with the code that scripts rely on', () => {
    assert.equal(exitCodeOf(new ShoalError('bad-usage', '')), 2)
    assert.equal(exitCodeOf(new ShoalError('not-granted', '')), 3)
    assert.equal(exitCodeOf(new ShoalError('not-authenticated', '')), 3)
    assert.equal(exitCodeOf(new ShoalError('not-found', '')), 4)
    assert.equal(exitCodeOf(new ShoalError('interrupted', '')), 5)
    assert.equal(exitCodeOf(new ShoalError('unavailable', '')), 1)
    assert.equal(exitCodeOf(new TypeError('a bug')), 1)
  })

  it('never shows a grant or an API token', () => {
    const grant = `eyJhbGciOiJFZERTQSJ9.${'a'.repeat(40)}.${'b'.repeat(86)}`
    const said = explain(
      new ShoalError('unavailable', `http://x/announce?g=${grant} and shoal_${'c'.repeat(43)}`),
    )
    assert.equal(said, 'http://x/announce?g=[redacted] and [redacted]')
  })

  it('explains a full disk in words', () => {
    const error = Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' })
    assert.match(explain(error), /^the disk is full: make room/)
  })

  it('explains what SQLite refuses, however precisely it says so, and what lies in the way', () => {
    const said = (code: string): string => explain(Object.assign(new Error('why'), { code }))
    assert.equal(said('SQLITE_FULL'), 'the disk is full: make room and run the same command again (why)')
    assert.match(said('SQLITE_IOERR_SHMSIZE'), /^the disk is full: make room/)
    assert.equal(said('SQLITE_IOERR_WRITE'), 'the disk reports an error (why)')
    assert.equal(said('SQLITE_CORRUPT_INDEX'), 'the database is damaged (why)')
    assert.equal(said('ENOTDIR'), 'a file lies where a folder belongs (why)')
  })

  it('says how to see more of what nobody expected', () => {
    assert.match(explain(new TypeError('x is undefined')), /did not expect: x is undefined .*--verbose/)
  })
})

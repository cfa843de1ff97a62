import assert from 'node:assert/strict'
import { matchesFileGlob } from '../../src/platform/file-glob.ts'

describe('a file pattern', () => {
  it('matches a whole landing path', () => {
    assert.equal(matchesFileGlob('Course/text/two.md', 'Course/*/two.md'), true)
  })
  it("matches below the release's folder", () => {
    assert.equal(matchesFileGlob('Course/text/two.md', 'text/*'), true)
  })
  it('matches a file name in any folder when it has no slash', () => {
    assert.equal(matchesFileGlob('Course/text/deep/two.md', '*.md'), true)
    assert.equal(matchesFileGlob('single.md', '*.md'), true)
  })
  it('does not reach across folders with one star', () => {
    assert.equal(matchesFileGlob('Course/text/deep/two.md', 'text/*'), false)
    assert.equal(matchesFileGlob('Course/text/deep/two.md', 'text/**'), true)
  })
  it('takes "#", "%", "[" in names as they are, where the pattern does not use them', () => {
    assert.equal(matchesFileGlob('Course #1/100% [old].txt', '*.txt'), true)
  })
})

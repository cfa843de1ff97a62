import assert from 'node:assert/strict'
import { mustSelectSome, selectionOf, selectionOfRanges } from '../../src/client/selection.ts'
import type { Metainfo } from '../../src/core/metainfo.ts'

const course: Metainfo = {
  name: 'Course',
  pieceLength: 16_384,
  pieces: new Uint8Array(20),
  isSingleFile: false,
  isPrivate: true,
  files: [
    { path: 'video.mp4', sizeBytes: 1 },
    { path: 'text/one.txt', sizeBytes: 1 },
    { path: 'text/two.md', sizeBytes: 1 },
  ],
}

describe('--files', () => {
  it('takes every file when it is not given', () => {
    assert.equal(selectionOf([])('Course/video.mp4'), true)
  })

  it('matches file names anywhere when the glob has no slash', () => {
    const wants = selectionOf(['*.txt'])
    assert.equal(wants('Course/text/one.txt'), true)
    assert.equal(wants('Course/text/two.md'), false)
  })

  it('matches paths below the folder of the release, and whole ones', () => {
    assert.equal(selectionOf(['text/*'])('Course/text/two.md'), true)
    assert.equal(selectionOf(['Course/text/*'])('Course/text/two.md'), true)
    assert.equal(selectionOf(['text/*'])('Course/video.mp4'), false)
  })

  it('is a mistake when it matches nothing', () => {
    assert.throws(() => {
      mustSelectSome(course, selectionOf(['*.pdf']))
    }, /none of the 3 files/)
  })

  it('is bounded in number and length', () => {
    assert.throws(() => selectionOf(Array.from({ length: 100 }, () => '*')), /at most/)
    assert.throws(() => selectionOf(['*'.repeat(1_000)]), /at most/)
  })
})

describe('the selection of a magnet (BEP 53)', () => {
  it('names files by index, both ends included', () => {
    const wants = selectionOfRanges(course, [[1, 2]])
    assert.deepEqual(
      course.files.map((file) => wants(`Course/${file.path}`)),
      [false, true, true],
    )
  })
})

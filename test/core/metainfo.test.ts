import assert from 'node:assert/strict'
import {
  fileLayoutOf,
  landingPath,
  type Metainfo,
  pieceHashOf,
  pieceLayoutOf,
  sizeOf,
} from '../../src/core/metainfo.ts'
import { KiB } from '../../src/core/units.ts'

const folder: Metainfo = {
  name: 'course',
  pieceLength: 16 * KiB,
  pieces: Uint8Array.from({ length: 40 }, (_, i) => i),
  isSingleFile: false,
  files: [
    { path: 'a/one.mp4', sizeBytes: 20 * KiB },
    { path: 'empty', sizeBytes: 0 },
  ],
  isPrivate: true,
}

describe('a metainfo', () => {
  it('knows its size, its pieces and their hashes', () => {
    assert.equal(sizeOf(folder), 20 * KiB)
    const layout = pieceLayoutOf(folder)
    assert.equal(layout.count, 2)
    const second = layout.index(1)
    assert.ok(second !== undefined)
    assert.deepEqual(
      pieceHashOf(folder, second),
      Uint8Array.from({ length: 20 }, (_, i) => 20 + i),
    )
    assert.deepEqual(fileLayoutOf(folder).spansOf(second), [
      { file: 0, fileOffset: 16 * KiB, pieceOffset: 0, length: 4 * KiB },
    ])
  })

  it('lands a folder in a folder and a single file beside others', () => {
    assert.deepEqual(
      folder.files.map((file) => landingPath(folder, file)),
      ['course/a/one.mp4', 'course/empty'],
    )
    const single = { ...folder, name: 'film.mp4', isSingleFile: true, files: [{ path: '', sizeBytes: 1 }] }
    assert.equal(landingPath(single, single.files[0] ?? { path: 'x', sizeBytes: 0 }), 'film.mp4')
  })
})

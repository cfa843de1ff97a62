import assert from 'node:assert/strict'
import { ENDINGS, kindOfFiles, kindOfName } from '../../src/core/kinds.ts'

describe('the kind of a file', () => {
  it('is told by the ending of its name, in capitals or not', () => {
    for (const [name, kind] of [
      ['film.mp4', 'video'],
      ['lessons/01.final.MKV', 'video'],
      ['talk.mp3', 'audio'],
      ['plan.png', 'image'],
      ['Rules.PDF', 'document'],
      ['archive.tar.gz', 'archive'],
      ['setup.msi', 'software'],
      ['debian.iso', 'software'],
      ['README', 'other'],
      ['folder.mp4/README', 'other'],
      ['a.constructor', 'other'],
      ['.mp4x', 'other'],
      ['', 'other'],
    ] as const)
      assert.equal(kindOfName(name), kind, name)
  })

  it('of several files is that of most of their bytes, and of equals the first of the list', () => {
    assert.equal(kindOfFiles([]), 'other')
    assert.equal(kindOfFiles([{ path: 'a.mp4', sizeBytes: 0 }]), 'other')
    const files = [
      { path: 'a.pdf', sizeBytes: 6 },
      { path: 'b.pdf', sizeBytes: 6 },
      { path: 'c.mp4', sizeBytes: 10 },
    ]
    assert.equal(kindOfFiles(files), 'document')
    assert.equal(kindOfFiles([...files, { path: 'd.mov', sizeBytes: 2 }]), 'video')
  })

  it('is one for each ending', () => {
    const all = Object.values(ENDINGS).flatMap((endings) => endings.split(' '))
    assert.ok(all.length > 150)
    assert.deepEqual(
      all.filter((ending, at) => all.indexOf(ending) !== at),
      [],
    )
    for (const ending of all) assert.notEqual(kindOfName(`x.${ending}`), 'other', ending)
  })
})

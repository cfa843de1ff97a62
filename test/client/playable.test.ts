import assert from 'node:assert/strict'
import { choosePlayed, contentTypeOf } from '../../src/client/playable.ts'
import type { Metainfo } from '../../src/core/metainfo.ts'

const of = (files: Readonly<Record<string, number>>): Metainfo => ({
  name: 'course',
  pieceLength: 16_384,
  pieces: new Uint8Array(20),
  isSingleFile: false,
  files: Object.entries(files).map(([path, sizeBytes]) => ({ path, sizeBytes })),
  isPrivate: true,
})

describe('the file to play', () => {
  it('is the only video, whatever lies beside it', () => {
    assert.equal(choosePlayed(of({ 'a.txt': 9_999, 'b/Film.MP4': 5, 'c.mp3': 99, 'd.jpg': 7 })), 1)
  })

  it('is the only sound where there is no video', () => {
    assert.equal(choosePlayed(of({ 'a.pdf': 9, 'talk.mp3': 5 })), 1)
  })

  it('is the one that is named, also when its name says nothing', () => {
    const files = of({ 'a.mp4': 9, 'b/b.mp4': 5, recording: 3 })
    assert.equal(choosePlayed(files, 'b.mp4'), 1)
    assert.equal(choosePlayed(files, 'b/*'), 1)
    assert.equal(choosePlayed(files, 'recording'), 2)
  })

  it('is asked for, with the largest first, when several could be meant', () => {
    const many = Object.fromEntries(Array.from({ length: 14 }, (_, i) => [`${i}.mkv`, i + 1]))
    assert.throws(() => choosePlayed(of({ 'a.mp4': 9, 'b.mp4': 50 })), {
      code: 'bad-usage',
      message: 'which one? Say it with --file: "course/b.mp4", "course/a.mp4"',
    })
    assert.throws(() => choosePlayed(of(many)), { code: 'bad-usage', message: /13\.mkv.* and 4 more$/ })
    assert.throws(() => choosePlayed(of(many), '1?.mkv'), {
      code: 'bad-usage',
      message: /"course\/10\.mkv"$/,
    })
  })

  it('is not there when nothing plays, when it is empty, or when nothing has that name', () => {
    assert.throws(() => choosePlayed(of({ 'a.txt': 9 })), { code: 'not-found', message: /shoal get/ })
    assert.throws(() => choosePlayed(of({ 'a.mp4': 0 })), { code: 'not-found' })
    assert.throws(() => choosePlayed(of({ 'a.mp4': 1 }), 'x*'), { code: 'not-found', message: /--file/ })
  })

  it('is called what players know, and never what a browser would run', () => {
    assert.equal(contentTypeOf('a/b.MKV'), 'video/matroska')
    assert.equal(contentTypeOf('x.flac'), 'audio/flac')
    for (const path of ['x.html', 'x.svg', 'x.js', 'mp4', 'x.constructor', 'x.'])
      assert.equal(contentTypeOf(path), 'application/octet-stream')
  })
})

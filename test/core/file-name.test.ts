import assert from 'node:assert/strict'
import fc from 'fast-check'
import { collisionKey, quote, refusalOfName, refusalOfPaths } from '../../src/core/file-name.ts'

describe('a file name', () => {
  for (const name of [
    'a',
    'Fire safety 2026.mp4',
    '#1 100%',
    'été',
    '日本語.txt',
    '.shoalignore',
    'a.b.c',
    'x'.repeat(255),
  ])
    it(`may be ${quote(name.slice(0, 24))}`, () => {
      assert.equal(refusalOfName(name), undefined)
    })

  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /empty/],
    ['.', /outside/],
    ['..', /outside/],
    ['a/b', /character/],
    ['/etc', /character/],
    ['a\\b', /character/],
    ['C:', /character/],
    ['C:\\x', /character/],
    ['a\u0000b', /NUL/],
    ['a\nb', /character/],
    ['\u001b[31m', /character/],
    ['a*', /character/],
    ['CON', /device/],
    ['con.txt', /device/],
    ['lpt1', /device/],
    ['a.', /dot or a space/],
    ['a ', /dot or a space/],
    ['invoice\u202egnp.exe', /reverse/],
    ['\ud800', /Unicode/],
    ['é'.repeat(128), /255 bytes/],
  ]
  for (const [name, why] of refused)
    it(`is refused when it is ${quote(name.slice(0, 24))}`, () => {
      assert.match(refusalOfName(name) ?? '', why)
    })

  it('may begin like a device without being one', () => {
    for (const name of ['console', 'com', 'com10', 'null.txt', 'auxiliary'])
      assert.equal(refusalOfName(name), undefined)
  })
})

describe('paths in one folder', () => {
  it('may be all different', () => {
    assert.equal(refusalOfPaths(['a', 'b/a', 'b/c', 'B2/c', 'a.txt']), undefined)
  })

  it('are refused when they differ only by case', () => {
    assert.match(refusalOfPaths(['docs/Readme', 'docs/README']) ?? '', /same file/)
  })

  it('are refused when they differ only by composition', () => {
    assert.match(refusalOfPaths(['\u00e9', 'e\u0301']) ?? '', /same file/)
    assert.equal(collisionKey('E\u0301'), collisionKey('\u00e9'))
  })

  it('are refused when one is a file and a folder', () => {
    assert.match(refusalOfPaths(['a/b/c', 'A']) ?? '', /both a file and the folder/)
    assert.match(refusalOfPaths(['a/b', 'a/b/c']) ?? '', /both a file and the folder/)
  })
})

describe('a quoted name', () => {
  it('carries no control character and no mark that reverses, whatever it was', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (name) => {
        // eslint-disable-next-line no-control-regex -- that there are none is the claim
        assert.doesNotMatch(quote(name), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
      }),
    )
    assert.equal(quote('a\u001b[31m"b'), String.raw`"a\u001b[31m\"b"`)
    assert.equal(quote('\u202e'), String.raw`"\u202e"`)
  })

  it('is cut when it is long', () => {
    assert.ok(quote('x'.repeat(10_000)).length < 130)
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ShoalError } from '../../src/core/errors.ts'
import {
  bytesOf,
  grantId,
  infoHash,
  infoHashOfBytes,
  peerId,
  peerIdOfBytes,
  releaseName,
  slug,
  SLUG_CHARS_MAX,
  slugOfTitle,
} from '../../src/core/ids.ts'

const HEX = 'ab'.repeat(20)

describe('an infohash', () => {
  it('is 40 hex digits, in lower case whatever it came in', () => {
    assert.equal(infoHash(HEX), HEX)
    assert.equal(infoHash(HEX.toUpperCase()), HEX)
  })

  it('is refused otherwise', () => {
    for (const text of ['', HEX.slice(1), `${HEX}0`, `${HEX.slice(1)}g`, `${HEX}\n`, 'İ'.repeat(40)])
      assert.throws(() => infoHash(text), ShoalError)
  })

  it('goes to 20 bytes and back, also from a view', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 25, maxLength: 25 }), (bytes) => {
        const view = bytes.subarray(3, 23)
        assert.deepEqual(Uint8Array.from(bytesOf(infoHashOfBytes(view))), Uint8Array.from(view))
      }),
    )
    assert.throws(() => infoHashOfBytes(new Uint8Array(19)), ShoalError)
  })
})

describe('a peer id', () => {
  it('is 20 bytes, written in lower-case hex only', () => {
    assert.equal(
      peerIdOfBytes(Buffer.from('-SH0100-abcdefghijkl')),
      '2d5348303130302d6162636465666768696a6b6c',
    )
    assert.throws(() => peerId(HEX.toUpperCase()), ShoalError)
    assert.throws(() => peerIdOfBytes(new Uint8Array(21)), ShoalError)
  })
})

describe('a grant id', () => {
  it('is 16 characters of base64url', () => {
    assert.equal(grantId('abcDEF012345-_xy'), 'abcDEF012345-_xy')
    for (const text of ['', 'a'.repeat(15), 'a'.repeat(17), 'a'.repeat(15) + '=', 'a'.repeat(15) + '+'])
      assert.throws(() => grantId(text), ShoalError)
  })
})

describe('a slug', () => {
  it('is lower-case letters and digits with single inner hyphens', () => {
    for (const text of ['a', 'fire-safety-2026', '7']) assert.equal(slug(text), text)
    for (const text of ['', '-a', 'a-', 'a--b', 'A', 'a_b', 'a/b', 'a'.repeat(SLUG_CHARS_MAX + 1)])
      assert.throws(() => slug(text), ShoalError)
  })

  it('is made of a title as the command line promises', () => {
    assert.equal(slugOfTitle('content.bin'), 'content-bin')
    assert.equal(slugOfTitle('  Fire safety (2026)! '), 'fire-safety-2026')
    assert.equal(slugOfTitle('日本語'), 'bundle')
  })

  it('is made of every title, with room for a number behind it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 500 }), (title) => {
        assert.equal(slug(`${slugOfTitle(title)}-999`), `${slugOfTitle(title)}-999`)
      }),
    )
  })
})

describe('a release name', () => {
  it('is letters, digits, dots, hyphens and underscores', () => {
    for (const text of ['1', '2026.1', 'v1_b-2', 'a'.repeat(64)]) assert.equal(releaseName(text), text)
    for (const text of ['', '.', '..', '-1', 'a b', 'a/b', 'a'.repeat(65), 'é'])
      assert.throws(() => releaseName(text), ShoalError)
  })
})

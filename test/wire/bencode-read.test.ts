import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type BencodeDict, decodeBencode } from '../../src/wire/bencode.ts'
import {
  asDict,
  asList,
  bytesAt,
  dictAt,
  displayText,
  intAt,
  listAt,
  present,
  textAt,
  withoutControls,
} from '../../src/wire/bencode-read.ts'

const dict: BencodeDict = asDict(
  decodeBencode(Buffer.from('d1:di1e1:ii7e1:lli1ee1:mde1:s2:hi1:u1:\xffe', 'latin1')),
  'it',
)

describe('a reader of bencode', () => {
  it('gives what is there with its type', () => {
    assert.equal(intAt(dict, 'i', 'it'), 7)
    assert.equal(textAt(dict, 's', 'it'), 'hi')
    assert.deepEqual(bytesAt(dict, 'u', 'it'), Uint8Array.of(0xff))
    assert.deepEqual(listAt(dict, 'l', 'it'), [1])
    assert.deepEqual(dictAt(dict, 'm', 'it'), new Map())
  })

  it('gives undefined for what is absent, and says so when it must be there', () => {
    for (const read of [intAt, textAt, bytesAt, listAt, dictAt])
      assert.equal(read(dict, 'none', 'it'), undefined)
    assert.equal(present(0, 'x', 'it'), 0)
    assert.throws(() => present(undefined, 'x', 'torrent'), {
      code: 'bad-input',
      message: 'torrent: "x" is missing',
    })
  })

  it('refuses what is there with another type, naming it', () => {
    assert.throws(() => intAt(dict, 's', 'it'), { code: 'bad-input', message: 'it: "s": a number expected' })
    assert.throws(() => textAt(dict, 'i', 'it'), { message: 'it: "i": a string expected' })
    assert.throws(() => bytesAt(dict, 'l', 'it'), { message: /"l": a string expected/ })
    assert.throws(() => listAt(dict, 'm', 'it'), { message: /"m": a list expected/ })
    assert.throws(() => dictAt(dict, 'l', 'it'), { message: /"l": a dictionary expected/ })
    assert.throws(() => asDict(1, 'it'), { message: 'it: a dictionary expected' })
    assert.throws(() => asList(new Map(), 'it'), { message: 'it: a list expected' })
  })

  it('refuses text that is no UTF-8', () => {
    assert.throws(() => textAt(dict, 'u', 'it'), {
      code: 'bad-input',
      message: 'it: "u": the text is no UTF-8',
    })
  })

  it('reads a byte order mark as the character it is', () => {
    const value = asDict(decodeBencode(Buffer.from('d1:s3:\u00ef\u00bb\u00bfe', 'latin1')), 'it')
    assert.equal(textAt(value, 's', 'it'), '\ufeff')
  })
})

describe("a stranger's text for people", () => {
  it('has no control characters and no more characters than asked, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 50 }), (bytes, charsMax) => {
        const text = displayText(bytes, charsMax)
        assert.ok(text.length <= charsMax && text.isWellFormed())
        // eslint-disable-next-line no-control-regex -- that there are none is the claim
        assert.doesNotMatch(text, /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/)
      }),
    )
  })

  it('keeps what is harmless', () => {
    assert.equal(withoutControls('a\u001b[31m "é" <b>\u202e\n'), 'a[31m "é" <b>')
  })
})

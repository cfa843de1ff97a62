import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ShoalError } from '../../src/core/errors.ts'
import {
  type BencodeInput,
  type BencodeValue,
  bytesOfKey,
  decodeBencode,
  decodeBencodeParts,
  decodeBencodePrefix,
  dictOf,
  encodeBencode,
  Encoded,
  keyOfBytes,
} from '../../src/wire/bencode.ts'
import { limits } from '../../src/wire/limits.ts'
import { hostileInputs } from '../support/corpus.ts'
import { mutated } from '../support/mutations.ts'
import { FUZZ_RUNS, readsExactlyOrRefuses } from './fuzz.ts'

const ascii = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'))

const { value: anyValue } = fc.letrec<{ value: BencodeInput }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.integer({ min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER }),
    fc.uint8Array({ maxLength: 20 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc
      .array(fc.tuple(fc.uint8Array({ maxLength: 6 }).map(keyOfBytes), tie('value')), { maxLength: 5 })
      .map((entries) => new Map(entries)),
  ),
}))

describe('bencode', () => {
  const examples: readonly (readonly [string, BencodeValue])[] = [
    ['4:spam', ascii('spam')],
    ['0:', ascii('')],
    ['i3e', 3],
    ['i-3e', -3],
    ['i0e', 0],
    ['i9007199254740991e', Number.MAX_SAFE_INTEGER],
    ['le', []],
    ['l4:spam4:eggse', [ascii('spam'), ascii('eggs')]],
    ['de', new Map()],
    [
      'd3:cow3:moo4:spam4:eggse',
      new Map([
        ['cow', ascii('moo')],
        ['spam', ascii('eggs')],
      ]),
    ],
    ['d4:spaml1:a1:bee', new Map([['spam', [ascii('a'), ascii('b')]]])],
  ]
  for (const [text, value] of examples) {
    it(`reads and writes BEP 3's ${text}`, () => {
      assert.deepEqual(decodeBencode(ascii(text)), value)
      assert.deepEqual(encodeBencode(value), ascii(text))
    })
  }

  it('is read back as it was written', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(anyValue, (value) => {
        seen.add(typeof value === 'number' ? 'number' : (value.constructor as { name: string }).name)
        assert.deepEqual(decodeBencode(encodeBencode(value)), value)
      }),
      { numRuns: Math.max(200, FUZZ_RUNS) },
    )
    assert.deepEqual(seen, new Set(['number', 'Uint8Array', 'Array', 'Map']))
  })

  it('is refused, never misread, when the bytes are noise or nearly right', () => {
    const input = fc.oneof(fc.uint8Array({ maxLength: 64 }), mutated(anyValue.map(encodeBencode)))
    fc.assert(
      fc.property(input, (bytes) => {
        readsExactlyOrRefuses(bytes, decodeBencode, encodeBencode)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  for (const { name, bytes, mustBeRead } of hostileInputs('bencode')) {
    it(`${mustBeRead ? 'reads' : 'refuses'} the hostile input ${name}`, () => {
      if (mustBeRead) assert.deepEqual(encodeBencode(decodeBencode(bytes)), bytes)
      else assert.throws(() => decodeBencode(bytes), { name: 'ShoalError', code: 'bad-input' })
    })
  }

  it('says at which byte it was broken', () => {
    assert.throws(() => decodeBencode(ascii('d1:ai1e1:ai2ee')), { message: 'bencode: a key twice at byte 7' })
  })

  it('keeps __proto__ a plain key', () => {
    const dict = decodeBencode(ascii('d9:__proto__i1ee'))
    assert.ok(dict instanceof Map)
    assert.equal(dict.get('__proto__'), 1)
  })

  it('stops at its bound on the number of values', () => {
    const tooMany = ascii(`l${'i0e'.repeat(limits.bencodeValuesMax)}e`)
    assert.throws(() => decodeBencode(tooMany), ShoalError)
    assert.throws(() => decodeBencode(ascii('de'.repeat(3))), ShoalError)
  })

  it('reads a value in front of other bytes, as BEP 9 sends them', () => {
    const { value, length } = decodeBencodePrefix(ascii('d8:msg_typei1eexxxx'))
    assert.deepEqual(value, new Map([['msg_type', 1]]))
    assert.equal(length, 15)
  })

  it('gives the raw bytes of each value of a dictionary', () => {
    const parts = decodeBencodeParts(ascii('d1:ali1ee1:b2:hie'))
    assert.deepEqual(parts.get('a')?.raw, ascii('li1ee'))
    assert.deepEqual(parts.get('b')?.raw, ascii('2:hi'))
    for (const text of ['le', 'de1', '', 'd1:ai1e'])
      assert.throws(() => decodeBencodeParts(ascii(text)), ShoalError, text)
  })

  it('gives views of the input, also of a view', () => {
    const whole = Buffer.from('xx4:spam')
    const value = decodeBencode(whole.subarray(2))
    assert.ok(value instanceof Uint8Array)
    assert.equal(value.buffer, whole.buffer)
    assert.deepEqual(value, ascii('spam'))
  })
})

describe('writing bencode', () => {
  it('sorts keys by their bytes', () => {
    const dict = new Map([
      ['b', 1],
      ['a', 2],
      ['B', 3],
      ['ab', 4],
      ['\u00ff', 5],
    ])
    assert.deepEqual(encodeBencode(dict), ascii('d1:Bi3e1:ai2e2:abi4e1:bi1e1:\u00ffi5ee'))
  })

  it('takes text as UTF-8 and encoded bytes as they are', () => {
    assert.deepEqual(encodeBencode(['é', new Encoded(ascii('i7e'))]), ascii('l2:Ã©i7ee'))
  })

  it('leaves out what is undefined', () => {
    assert.deepEqual(encodeBencode(dictOf({ b: undefined, a: 0 })), ascii('d1:ai0ee'))
  })

  it('grows to any size', () => {
    const long = new Uint8Array(5_000).fill(7)
    assert.deepEqual(decodeBencode(encodeBencode([long, 'x'.repeat(9_000), long])), [
      long,
      ascii('x'.repeat(9_000)),
      long,
    ])
  })

  it('throws at what bencode cannot hold', () => {
    for (const value of [1.5, NaN, 2 ** 53, Infinity]) assert.throws(() => encodeBencode(value), RangeError)
    assert.throws(() => encodeBencode(new Map([['日', 1]])), RangeError)
  })

  it('makes keys of bytes and bytes of keys', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        assert.deepEqual(bytesOfKey(keyOfBytes(bytes)), bytes)
      }),
    )
  })
})

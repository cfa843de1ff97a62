import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  type ByteRange,
  contentRangeOf,
  parseByteRange,
  unsatisfiedRangeOf,
} from '../../src/wire/byte-range.ts'
import { limits } from '../../src/wire/limits.ts'
import { hostileInputs } from '../support/corpus.ts'
import { FUZZ_RUNS, orRefused } from './fuzz.ts'

const SIZE = 1_000

/** A size, and a range that lies in it. */
const inSize: fc.Arbitrary<{ sizeBytes: number; range: ByteRange }> = fc
  .tuple(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), fc.maxSafeNat(), fc.maxSafeNat())
  .map(([sizeBytes, a, b]) => {
    const start = a % sizeBytes
    return { sizeBytes, range: { start, end: start + 1 + (b % (sizeBytes - start)) } }
  })

describe('a range of bytes', () => {
  it('is read as it was written, in each of its three spellings', () => {
    fc.assert(
      fc.property(inSize, ({ sizeBytes, range: { start, end } }) => {
        const read = (text: string): unknown => parseByteRange(text, sizeBytes)
        assert.deepEqual(read(`bytes=${start}-${end - 1}`), { start, end })
        assert.deepEqual(read(`bytes=${start}-`), { start, end: sizeBytes })
        assert.deepEqual(read(`bytes=-${sizeBytes - start}`), { start, end: sizeBytes })
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('ends where the file ends, however far it reaches', () => {
    assert.deepEqual(parseByteRange('bytes=999-1000', SIZE), { start: 999, end: SIZE })
    assert.deepEqual(parseByteRange('bytes=0-18446744073709551616', SIZE), { start: 0, end: SIZE })
    assert.deepEqual(parseByteRange('bytes=-1001', SIZE), { start: 0, end: SIZE })
  })

  it('cannot be satisfied when it begins past the end, or is the last 0 bytes', () => {
    for (const text of ['bytes=1000-', 'bytes=1000-2000', 'bytes=18446744073709551616-', 'bytes=-0'])
      assert.equal(parseByteRange(text, SIZE), 'unsatisfiable', text)
  })

  it('is all of it when there is none, or one of another unit', () => {
    for (const text of [undefined, 'seconds=1-2', 'byte=0-1', 'bytes2=0-5'])
      assert.equal(parseByteRange(text, SIZE), 'whole', text)
  })

  it('of an empty file is all of it by its end, and none of it by its beginning', () => {
    assert.equal(parseByteRange('bytes=-5', 0), 'whole')
    assert.equal(parseByteRange('bytes=0-', 0), 'unsatisfiable')
  })

  it('is refused when it is one of several', () => {
    assert.throws(() => parseByteRange('bytes=0-1,5-6', SIZE), { code: 'bad-input' })
  })

  it('is refused when it is longer than a range can be', () => {
    const longest = `bytes=0-${'9'.repeat(limits.rangeHeaderCharsMax - 8)}`
    assert.deepEqual(parseByteRange(longest, SIZE), { start: 0, end: SIZE })
    assert.throws(() => parseByteRange(`${longest}9`, SIZE), { code: 'over-limit' })
  })

  it('lies in the file, or is refused, when it is noise', () => {
    const words = fc.constantFrom(
      'bytes=', 'Bytes=', 'bytes', '=', '-', ',', ' ', '\t', '0', '5', '999', '1000', '9'.repeat(20), 'x', 'é', '\0',
    ) // prettier-ignore
    let ranges = 0
    const text = fc.tuple(fc.constantFrom('bytes=', ''), fc.array(words, { maxLength: 6 }))
    fc.assert(
      fc.property(text, fc.nat(2_000), ([head, parts], sizeBytes) => {
        const read = orRefused(() => parseByteRange(head + parts.join(''), sizeBytes))
        if (typeof read !== 'object') return
        ranges++
        assert.ok(read.start >= 0 && read.start < read.end && read.end <= sizeBytes)
        assert.deepEqual(parseByteRange(`bytes=${read.start}-${read.end - 1}`, sizeBytes), read)
      }),
      { numRuns: 5 * FUZZ_RUNS },
    )
    assert.ok(ranges > 0, 'no noise was a range')
  })

  it('is told with its size in the answer', () => {
    assert.equal(contentRangeOf({ start: 0, end: 500 }, SIZE), 'bytes 0-499/1000')
    assert.equal(unsatisfiedRangeOf(SIZE), 'bytes */1000')
  })

  for (const { name, text, mustBeRead } of hostileInputs('byte-range'))
    it(`${mustBeRead ? 'is read from' : 'is refused for'} the hostile input ${name}`, () => {
      if (mustBeRead) assert.doesNotThrow(() => parseByteRange(text, SIZE))
      else assert.throws(() => parseByteRange(text, SIZE), { name: 'ShoalError' })
    })
})

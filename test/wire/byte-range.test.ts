import assert from 'node:assert/strict'
import fc from 'fast-check'
import { formatContentRange, formatRange, parseContentRange, parseRange } from '../../src/wire/byte-range.ts'
import { hostileInputs } from '../support/corpus.ts'
import { mutatedText } from '../support/mutations.ts'
import { FUZZ_RUNS, orRefused, readsStablyOrRefuses } from './fuzz.ts'

const ranges = fc
  .tuple(fc.nat(10_000_000), fc.integer({ min: 1, max: 10_000_000 }), fc.nat(1_000_000))
  .map(([from, length, more]) => ({ from, end: from + length, sizeBytes: from + length + more }))

describe('a range of bytes', () => {
  it('is read back as it was written, asked for and answered', () => {
    fc.assert(
      fc.property(ranges, ({ from, end, sizeBytes }) => {
        assert.deepEqual(parseRange(formatRange({ from, end }), sizeBytes), { from, end })
        assert.deepEqual(parseContentRange(formatContentRange({ from, end, sizeBytes })), {
          from,
          end,
          sizeBytes,
        })
        assert.deepEqual(parseContentRange(formatContentRange({ from, end })), { from, end })
      }),
    )
  })

  it('may leave out its end, or its beginning, and is cut where the file ends', () => {
    assert.deepEqual(parseRange('bytes=3-', 10), { from: 3, end: 10 })
    assert.deepEqual(parseRange('bytes=-3', 10), { from: 7, end: 10 })
    assert.deepEqual(parseRange('bytes=-30', 10), { from: 0, end: 10 })
    assert.deepEqual(parseRange('Bytes= 3-99 ', 10), { from: 3, end: 10 })
    assert.deepEqual(parseRange('bytes=0-0', 10), { from: 0, end: 1 })
  })

  it('is all of the file when none was asked for, or one of something else than bytes', () => {
    assert.equal(parseRange(undefined, 10), undefined)
    assert.equal(parseRange('lines=1-2', 10), undefined)
    assert.equal(parseRange('', 10), undefined)
  })

  it('is refused when it lies outside of the file, is one of several, or is none', () => {
    const refused = [
      ...['10-', '10-12', '5-4', '-0', '-', '', '0-1,3-4', '0-1, 3-4', '1', 'a-b', '0x1-2', '1-2-3', '--1'],
      ...['+1-2', '1.5-2', `${'9'.repeat(17)}-`, `${'0-1,'.repeat(1_000)}2-3`, '0-\u00b2'],
    ]
    for (const range of refused)
      assert.throws(() => parseRange(`bytes=${range}`, 10), { code: 'bad-input' }, range)
    assert.throws(() => parseRange('bytes=0-', 0), { code: 'bad-input' })
    assert.throws(() => parseRange('bytes=-1', 0), { code: 'bad-input' })
  })

  it('in an answer is refused when it is none, or longer than the whole', () => {
    for (const header of hostileInputs('content-range'))
      assert.throws(() => parseContentRange(header.text), { code: 'bad-input' }, header.name)
  })

  it('of a stranger is within the file, or refused', () => {
    for (const { name, text } of hostileInputs('range'))
      assert.throws(() => parseRange(text, 1_000), { code: 'bad-input' }, name)
    fc.assert(
      fc.property(mutatedText(ranges.map(formatRange)), fc.nat(20_000_000), (header, sizeBytes) => {
        const range = orRefused(() => parseRange(header, sizeBytes))
        if (range === undefined) return
        assert.ok(range.from >= 0 && range.from < range.end && range.end <= sizeBytes)
      }),
      { numRuns: FUZZ_RUNS },
    )
    fc.assert(
      fc.property(mutatedText(ranges.map(formatContentRange)), (header) => {
        readsStablyOrRefuses(header, parseContentRange, formatContentRange)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })
})

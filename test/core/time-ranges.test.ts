import assert from 'node:assert/strict'
import fc from 'fast-check'
import { secondsIn, unionOf, type TimeRange } from '../../src/core/time-ranges.ts'

const someRanges = fc.array(
  fc
    .tuple(fc.integer({ min: 0, max: 900 }), fc.integer({ min: 1, max: 60 }))
    .map(([from, long]): TimeRange => [from, from + long]),
  { maxLength: 40 },
)

/** The second that begins there was played. */
const covers = (ranges: readonly TimeRange[], second: number): boolean =>
  ranges.some(([from, to]) => from <= second && second + 1 <= to)

describe('Ranges of time', () => {
  it('are joined where they touch or overlap, and sorted', () => {
    assert.deepEqual(unionOf([[30, 40], [0, 10], [10.2, 20], [5, 12]], 10), [[0, 20], [30, 40]]) // prettier-ignore
    assert.deepEqual(unionOf([[0, 10.04], [11, 12]], 10), [[0, 10], [11, 12]]) // prettier-ignore
    assert.deepEqual(unionOf([[3, 3.02]], 10), [])
  })

  it('hold every second that was played and no other, in whatever order they come', () => {
    fc.assert(
      fc.property(someRanges, someRanges, (a, b) => {
        const both = unionOf([...unionOf(a, 1_000), ...b], 1_000)
        assert.deepEqual(both, unionOf([...b, ...a], 1_000))
        for (let second = 0; second < 960; second++)
          assert.equal(covers(both, second), covers(a, second) || covers(b, second))
        assert.ok(secondsIn(both) <= 960)
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 50) },
    )
  })

  it('are never more than the bound: the shortest are left out, and nothing is made up', () => {
    fc.assert(
      fc.property(someRanges, fc.integer({ min: 1, max: 5 }), (ranges, countMax) => {
        const all = unionOf(ranges, 1_000)
        const few = unionOf(ranges, countMax)
        assert.ok(few.length <= countMax)
        for (const range of few) assert.ok(all.some(([from, to]) => from === range[0] && to === range[1]))
      }),
    )
    assert.deepEqual(unionOf([[0, 1], [10, 20], [30, 35]], 2), [[10, 20], [30, 35]]) // prettier-ignore
  })
})

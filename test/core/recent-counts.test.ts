import assert from 'node:assert/strict'
import { RecentCounts } from '../../src/core/recent-counts.ts'

describe('Counts by key', () => {
  it('forget what happened longest ago, not what happened first', () => {
    const counts = new RecentCounts<string>(2)
    assert.equal(counts.add('a'), 1)
    assert.equal(counts.add('b'), 1)
    assert.equal(counts.add('a'), 2)
    assert.equal(counts.add('c'), 1)
    assert.deepEqual(
      ['a', 'b', 'c'].map((key) => counts.of(key)),
      [2, 0, 1],
    )
  })
})

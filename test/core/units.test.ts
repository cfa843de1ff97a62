import assert from 'node:assert/strict'
import {
  addMillis,
  bytesPerSecond,
  epochMillis,
  epochSeconds,
  hours,
  millis,
  minutes,
  seconds,
} from '../../src/core/units.ts'

describe('a number with a unit', () => {
  it('is refused when it is no number or negative', () => {
    for (const n of [-1, NaN, Infinity]) {
      assert.throws(() => millis(n), RangeError)
      assert.throws(() => epochMillis(n), RangeError)
      assert.throws(() => bytesPerSecond(n), RangeError)
    }
    assert.throws(() => bytesPerSecond(0), RangeError)
    assert.equal(millis(0), 0)
  })

  it('converts', () => {
    assert.equal(seconds(1.5), 1_500)
    assert.equal(minutes(2), 120_000)
    assert.equal(hours(1), 3_600_000)
    assert.equal(epochSeconds(epochMillis(1_999)), 1)
    assert.equal(addMillis(epochMillis(5), millis(6)), 11)
  })
})

import assert from 'node:assert/strict'
import { exchangeAfter, longestStall } from '../../bench/lab/stalls.ts'

const KIB = 1_024
const stretches = (...kib: readonly number[]) => ({ everySeconds: 2, bytes: kib.map((n) => n * KIB) })

describe('the longest stall', () => {
  it('is the longest time in which less than a block came', () => {
    assert.equal(longestStall(stretches(100, 0, 3, 100, 15, 0, 0, 100), 0, 16), 6)
    assert.equal(longestStall(stretches(100, 16, 100), 0, 6), 0)
  })

  it('is looked for between arrival and end only', () => {
    assert.equal(longestStall(stretches(0, 0, 100, 100, 0, 0), 4, 8), 0)
    assert.equal(longestStall(stretches(0, 0, 100, 100, 0, 0), 3, 11), 2)
  })
})

describe('the exchange after a cut', () => {
  const link = (...bytes: readonly number[]) => ({ everySeconds: 1, bytes, fullBytes: 100 })

  it('is there when all links carry content again', () => {
    assert.equal(exchangeAfter([link(90, 0, 0, 2, 50), link(90, 0, 40, 40, 40)], 2), 3)
  })

  it('may never be', () => {
    assert.equal(exchangeAfter([link(90, 0, 0, 0), link(90, 0, 40, 40)], 2), undefined)
  })
})

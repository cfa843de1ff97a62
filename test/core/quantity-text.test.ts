import assert from 'node:assert/strict'
import { lengthText } from '../../src/core/length-text.ts'
import { parseDuration, parseRate, parseSize } from '../../src/core/quantity-text.ts'

const REFUSED = { name: 'ShoalError', code: 'bad-usage' }

describe('a length', () => {
  it('is told as people read it', () => {
    for (const [seconds, text] of [
      [0, '1 s'],
      [45.4, '45 s'],
      [59.6, '1 min'],
      [725, '12 min'],
      [3_569, '59 min'],
      [3_599, '1 h 00 min'],
      [3_900, '1 h 05 min'],
      [360_000, '100 h 00 min'],
    ] as const)
      assert.equal(lengthText(seconds), text)
  })
})

describe('a duration as people type it', () => {
  it('is a number and a unit', () => {
    assert.equal(parseDuration('500ms'), 500)
    assert.equal(parseDuration('90s'), 90_000)
    assert.equal(parseDuration('15m'), 900_000)
    assert.equal(parseDuration('24h'), 86_400_000)
    assert.equal(parseDuration('7d'), 604_800_000)
  })

  it('is refused without a unit, with a sign, a fraction or anything else', () => {
    for (const text of ['', '5', '-5s', '1.5h', '5 s', '5w', 'constructor', '9'.repeat(20) + 's', '5S'])
      assert.throws(() => parseDuration(text), REFUSED, text)
  })
})

describe('a size as people type it', () => {
  it('counts decimal units by thousands and binary ones by 1,024', () => {
    assert.equal(parseSize('16777216'), 16_777_216)
    assert.equal(parseSize('64k'), 64_000)
    assert.equal(parseSize('20MB'), 20_000_000)
    assert.equal(parseSize('20 mb'), 20_000_000)
    assert.equal(parseSize('1.5GiB'), 1.5 * 1024 ** 3)
    assert.equal(parseSize('1b'), 1)
  })

  it('is refused otherwise', () => {
    for (const text of ['', 'k', '-1k', '1..5k', '1 TBx', '1e9', '0x10', 'toString', '1'.repeat(40)])
      assert.throws(() => parseSize(text), REFUSED, text)
  })
})

describe('a rate as people type it', () => {
  it('is bytes a second, or bits when it says so', () => {
    assert.equal(parseRate('2MB'), 2_000_000)
    assert.equal(parseRate('2MB/s'), 2_000_000)
    assert.equal(parseRate('20Mbit'), 2_500_000)
    assert.equal(parseRate('20Mbit/s'), 2_500_000)
    assert.equal(parseRate('1Gbit'), 125_000_000)
  })

  it('is refused when it is none or nothing', () => {
    for (const text of ['', '0', '0Mbit', 'fast', '20 mbits', '2MB/m'])
      assert.throws(() => parseRate(text), REFUSED, text)
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  DAYS_A_WEEK,
  MINUTES_A_DAY,
  type Rate,
  type RateRule,
  type RateSchedule,
} from '../../src/core/rate-schedule.ts'
import { bytesPerSecond } from '../../src/core/units.ts'
import { limits } from '../../src/wire/limits.ts'
import { formatRateSchedule, parseRateSchedule } from '../../src/wire/rate-schedule.ts'
import { hostileInputs } from '../support/corpus.ts'
import { readsStablyOrRefuses } from './fuzz.ts'

describe('a rate schedule', () => {
  it('may be one rate, in bytes or bits, as it always was', () => {
    const usual = ['2MB', '2 MB', '2MB/s', '16Mbit', '2000000'].map((text) => parseRateSchedule(text))
    for (const schedule of usual) assert.deepEqual(schedule, { usual: 2_000_000, rules: [] })
    assert.deepEqual(parseRateSchedule('unlimited'), { usual: undefined, rules: [] })
  })

  it('may say days, hours, or both, before a rate', () => {
    assert.deepEqual(
      parseRateSchedule('2MB, mon-fri 8-18: 500kB, Sat-Sun unlimited,22:30-6:   10 MB,fri 12-24 1kbit'),
      {
        usual: 2_000_000,
        rules: [
          { days: [0, 4], minutes: [480, 1_080], rate: 500_000 },
          { days: [5, 6], minutes: [0, 1_440], rate: undefined },
          { days: [0, 6], minutes: [1_350, 360], rate: 10_000_000 },
          { days: [4, 4], minutes: [720, 1_440], rate: 125 },
        ],
      },
    )
  })

  it('has no usual rate when none is said', () => {
    assert.deepEqual(parseRateSchedule('8-18: 1MB').usual, undefined)
  })

  it('is read back as it was written', () => {
    const rate: fc.Arbitrary<Rate> = fc.option(
      fc.integer({ min: 1, max: limits.siteWanBytesPerSecondMax }).map(bytesPerSecond),
      { nil: undefined },
    )
    const day = fc.integer({ min: 0, max: DAYS_A_WEEK - 1 })
    const minutes = fc
      .tuple(fc.integer({ min: 0, max: MINUTES_A_DAY - 1 }), fc.integer({ min: 0, max: MINUTES_A_DAY }))
      .filter(([from, to]) => from !== to)
    const rule = fc
      .tuple(fc.tuple(day, day), minutes, rate)
      .map(([days, span, of]): RateRule => ({ days, minutes: span, rate: of }))
    const schedule = fc
      .tuple(rate, fc.array(rule, { maxLength: 8 }))
      .map(([usual, rules]): RateSchedule => ({ usual, rules }))
    fc.assert(
      fc.property(schedule, (value) => assert.deepEqual(parseRateSchedule(formatRateSchedule(value)), value)),
    )
  })

  it('is refused, or read as what it can be written as again, when it is noise', () => {
    const words = fc.constantFrom(
      ...['mon', 'fri', 'SUN', 'may', '-', ' ', ':', ',', '8', '18', '24', '6:30', '2MB', '500kB', '1Mbit'],
      ...['unlimited', '0', 'é', '\0', '9999999999999999', '\n'],
    )
    let read = 0
    fc.assert(
      fc.property(fc.array(words, { maxLength: 12 }), (parts) => {
        if (readsStablyOrRefuses(parts.join(''), parseRateSchedule, formatRateSchedule)) read++
      }),
      { numRuns: 2_000 },
    )
    assert.ok(read > 0)
  })

  const wrong: readonly (readonly [string, RegExp])[] = [
    ['', /"" is no size/],
    ['2MB, 3MB', /"3MB": a rate without days or hours is there already/],
    ['mon-fri 8-18', /no rate|no size/],
    ['xyz: 2MB', /"xyz: 2MB": a day is one of mon, tue/],
    ['mon-xyz 8-18: 2MB', /a day is one of/],
    ['8-25: 2MB', /"25" is no time of the day/],
    ['8:60-9: 2MB', /"8:60" is no time of the day/],
    ['24:01-3: 2MB', /no time of the day/],
    ['8-8: 2MB', /hours are from-to/],
    ['24-6: 2MB', /hours are from-to/],
    ['8-18: 0', /no rate/],
    ['8-18: 9999999999GB', /a rate is at most/],
    ['2MB,', /no size/],
  ]
  for (const [text, message] of wrong)
    it(`names what is wrong with ${JSON.stringify(text)}`, () => {
      assert.throws(() => parseRateSchedule(text), { code: 'bad-usage', message })
    })

  it('is refused when it is longer than its bound', () => {
    assert.throws(() => parseRateSchedule('1'.repeat(limits.rateScheduleCharsMax + 1)), {
      code: 'over-limit',
    })
  })

  it('is refused or read as each hostile input of the corpus must be', () => {
    for (const { name, text, mustBeRead } of hostileInputs('rate-schedule'))
      if (mustBeRead) assert.doesNotThrow(() => parseRateSchedule(text), name)
      else assert.throws(() => parseRateSchedule(text), { name: 'ShoalError' }, name)
  })
})

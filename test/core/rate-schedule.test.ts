import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  DAYS_A_WEEK,
  MINUTES_A_DAY,
  type Rate,
  type RateRule,
  scheduleRate,
} from '../../src/core/rate-schedule.ts'
import { bytesPerSecond } from '../../src/core/units.ts'

const usual = bytesPerSecond(2_000_000)
const less = bytesPerSecond(500_000)
const least = bytesPerSecond(1_000)
const at = (day: number, hour: number, minute = 0) => ({ day, minute: 60 * hour + minute })
const [MON, FRI, SAT, SUN] = [0, 4, 5, 6] as const

describe('the rate of a schedule', () => {
  const office: RateRule = { days: [MON, FRI], minutes: [8 * 60, 18 * 60], rate: less }

  it('is the usual one where no rule holds', () => {
    assert.equal(scheduleRate({ usual, rules: [] }, at(MON, 9)), usual)
    assert.equal(scheduleRate({ usual: undefined, rules: [office] }, at(SAT, 9)), undefined)
  })

  it('is that of the rule from its first minute to before its last', () => {
    const rates = [at(MON, 7, 59), at(MON, 8), at(FRI, 17, 59), at(FRI, 18), at(SUN, 12)].map((time) =>
      scheduleRate({ usual, rules: [office] }, time),
    )
    assert.deepEqual(rates, [usual, less, less, usual, usual])
  })

  it('is that of the day on which the hours began, past midnight', () => {
    const night: RateRule = { days: [SUN, SUN], minutes: [22 * 60, 6 * 60], rate: less }
    const rates = [at(SUN, 5), at(SUN, 22), at(MON, 5, 59), at(MON, 6), at(MON, 23)].map((time) =>
      scheduleRate({ usual, rules: [night] }, time),
    )
    assert.deepEqual(rates, [usual, less, less, usual, usual])
  })

  it('knows days that go round the end of the week', () => {
    const rule: RateRule = { days: [SAT, MON], minutes: [0, MINUTES_A_DAY], rate: less }
    const held = Array.from({ length: DAYS_A_WEEK }, (_, day) =>
      scheduleRate({ usual, rules: [rule] }, at(day, 12)),
    )
    assert.deepEqual(held, [less, usual, usual, usual, usual, less, less])
  })

  it('is that of the last rule that holds', () => {
    const rules: RateRule[] = [
      office,
      { days: [MON, SUN], minutes: [12 * 60, 13 * 60], rate: undefined },
      { days: [FRI, FRI], minutes: [0, MINUTES_A_DAY], rate: least },
    ]
    const rates = [at(MON, 11), at(MON, 12, 30), at(FRI, 12, 30), at(SUN, 12, 30)].map((time) =>
      scheduleRate({ usual, rules }, time),
    )
    assert.deepEqual(rates, [less, undefined, least, undefined])
  })

  it('changes only at the minutes and the midnights that its rules name', () => {
    const minute = fc.integer({ min: 0, max: MINUTES_A_DAY })
    const day = fc.integer({ min: 0, max: DAYS_A_WEEK - 1 })
    const rule = fc
      .tuple(day, day, minute, minute, fc.constantFrom<Rate>(undefined, less, least))
      .filter(([, , from, to]) => from !== to && from !== MINUTES_A_DAY)
      .map(([first, last, from, to, rate]): RateRule => ({ days: [first, last], minutes: [from, to], rate }))
    fc.assert(
      fc.property(fc.array(rule, { maxLength: 4 }), day, (rules, onDay) => {
        const edges = new Set([0, ...rules.flatMap(({ minutes }) => minutes)])
        let before = scheduleRate({ usual, rules }, { day: onDay, minute: 0 })
        for (let m = 1; m < MINUTES_A_DAY; m++) {
          const now = scheduleRate({ usual, rules }, { day: onDay, minute: m })
          if (now !== before) assert.ok(edges.has(m), `a change at minute ${m}`)
          before = now
        }
      }),
    )
  })
})

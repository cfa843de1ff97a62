import assert from 'node:assert/strict'
import { clientLimits, originLimits } from '../../src/cli/limit-flags.ts'
import { scheduleOf } from '../../src/core/rate-schedule.ts'
import { bytesPerSecond } from '../../src/core/units.ts'
import { readConfig } from '../../src/platform/config.ts'
import { seederSettings } from '../../src/seeder/index.ts'

const MB = bytesPerSecond(1_000_000)

describe("an origin's limits", () => {
  it('are those of its settings, without any when none are set', () => {
    assert.deepEqual(originLimits({}, readConfig(seederSettings, {})), {
      limitDown: undefined,
      limitUp: undefined,
      limitLan: false,
      releaseLimitDown: undefined,
      releaseLimitUp: undefined,
    })
    const set = readConfig(seederSettings, {
      limitUp: '20Mbit, mon-fri 8-18: 4Mbit',
      releaseLimitUp: '8Mbit',
      limitLan: 'true',
    })
    const limits = originLimits({}, set)
    assert.equal(scheduleOf(limits.limitUp).rules.length, 1)
    assert.deepEqual(limits.releaseLimitUp, { usual: 1_000_000, rules: [] })
    assert.equal(limits.limitLan, true)
  })

  it('are those of the flags where a flag is given', () => {
    const set = readConfig(seederSettings, { limitUp: '5MB', limitDown: '5MB' })
    const limits = originLimits({ limitUp: MB, limitLan: true }, set)
    assert.deepEqual([limits.limitUp, scheduleOf(limits.limitDown).usual], [MB, 5_000_000])
    assert.equal(limits.limitLan, true)
  })

  it('are refused by the name of the setting when they cannot be read', () => {
    assert.throws(() => readConfig(seederSettings, { limitUp: 'mon 8-25: 1MB' }), {
      code: 'bad-usage',
      message: /limitUp: .*"25" is no time of the day/,
    })
  })
})

describe("a client's limits", () => {
  it('are those of its flags', () => {
    const none = { limitDown: undefined, limitUp: undefined, limitLan: undefined }
    assert.deepEqual(clientLimits({}), none)
    assert.deepEqual(clientLimits({ limitDown: MB }), { ...none, limitDown: MB })
  })
})

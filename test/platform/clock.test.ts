import assert from 'node:assert/strict'
import { millis, seconds } from '../../src/core/units.ts'
import { sleep, systemClock } from '../../src/platform/clock.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { withoutSecrets } from '../../src/platform/secrets.ts'
import { ManualClock } from '../support/manual-clock.ts'

describe('sleep', () => {
  it('ends when its time is over, not before', async () => {
    const clock = new ManualClock()
    let done = false
    const slept = sleep(clock, seconds(2)).then(() => (done = true))
    clock.advance(millis(1_999))
    await Promise.resolve()
    assert.equal(done, false)
    clock.advance(millis(1))
    await slept
    assert.equal(clock.timers, 0)
  })

  it('ends with the reason of its signal, and leaves no timer', async () => {
    const clock = new ManualClock()
    const stop = new AbortController()
    const slept = sleep(clock, seconds(2), stop.signal)
    stop.abort(new Error('enough'))
    await assert.rejects(slept, /enough/)
    await assert.rejects(sleep(clock, seconds(2), stop.signal), /enough/)
    assert.equal(clock.timers, 0)
  })
})

describe('the system clock', () => {
  it('runs an action after its delay, and not when cancelled', async () => {
    let cancelled = true
    const timer = systemClock.after(millis(0), () => (cancelled = false))
    timer.cancel()
    timer.cancel()
    await new Promise<void>((resolve) => systemClock.after(millis(1), resolve))
    assert.ok(cancelled)
    await new Promise<void>((resolve) => {
      const every = systemClock.every(millis(1), () => {
        every.cancel()
        resolve()
      })
    })
    assert.ok(systemClock.epoch() > 1_700_000_000_000)
    assert.ok(systemClock.now() >= 0)
  })
})

describe('log lines', () => {
  it('hold no grant and no API token', () => {
    const grant = `eyJhbGciOiJFZERTQSJ9.${'a'.repeat(80)}.${'b'.repeat(86)}`
    const line = withoutSecrets(`GET /announce?g=${grant}&x=1 shoal_${'t'.repeat(32)}`)
    assert.equal(line, 'GET /announce?g=[redacted]&x=1 [redacted]')
    silentLogger.info('nothing')
  })
})

import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { KiB, millis, type Millis, seconds } from '../../src/core/units.ts'
import { ReaderPace } from '../../src/portal/http/reader-pace.ts'
import { limits } from '../../src/wire/limits.ts'
import { ManualClock } from '../support/manual-clock.ts'

describe('An answer of the web seed', () => {
  const STRETCH = new Uint8Array(256 * KiB)
  let clock: ManualClock
  let reader: Writable
  let pace: ReaderPace
  let take: (() => void) | undefined
  beforeEach(() => {
    clock = new ManualClock()
    take = undefined
    reader = new Writable({
      highWaterMark: 1,
      write(_chunk, _encoding, done) {
        take = done
      },
    })
    pace = new ReaderPace(clock, reader)
  })
  afterEach(() => {
    assert.equal(clock.timers, 0, 'no timer is left')
  })

  /** Whether it goes on, when each stretch is taken after so long. */
  async function sent(after: Millis): Promise<boolean> {
    const outcome = pace.send(STRETCH)
    clock.advance(after)
    take?.()
    return await outcome
  }

  it('waits for one who pauses, and not for ever', async () => {
    for (let i = 0; i < 3; i++) {
      assert.ok(await sent(millis(limits.webSeedReaderTimeout - 1)))
      for (let j = 0; j < 5; j++) assert.ok(await sent(millis(1)))
    }
    assert.ok(!(await sent(limits.webSeedReaderTimeout)))
  })

  it('goes on with one who reads at the least rate, and ends with one who crawls', async () => {
    const atLeastRate = seconds(STRETCH.length / limits.webSeedReaderBytesPerSecondMin)
    for (let i = 0; i < 50; i++) assert.ok(await sent(atLeastRate))
    assert.ok(await sent(seconds(29)))
    assert.ok(!(await sent(seconds(29))))
  })

  it('ends when who asked has gone', async () => {
    const outcome = pace.send(STRETCH)
    reader.destroy()
    assert.ok(!(await outcome))
    assert.ok(!(await pace.send(STRETCH)))
  })
})

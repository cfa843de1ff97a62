import assert from 'node:assert/strict'
import fc from 'fast-check'
import { millis, minutes, seconds } from '../../src/core/units.ts'
import { ConnectionIds } from '../../src/tracker/connection-ids.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { FUZZ_RUNS } from '../wire/fuzz.ts'

const HOST = '10.1.2.3'

describe('A connection id', () => {
  let clock: ManualClock
  let ids: ConnectionIds
  const given = (host: string): Buffer => {
    const id = Buffer.alloc(8)
    ids.write(id, 0, host)
    return id
  }
  beforeEach(() => {
    clock = new ManualClock()
    ids = new ConnectionIds({ clock })
  })

  it('works for ten minutes, and not for longer than ten seconds more, whenever it was given', () => {
    for (const wait of [0, 1, 4_000, 9_999, 60_000, 3_600_001]) {
      clock.advance(millis(wait))
      const id = given(HOST)
      assert.equal(ids.isGood(id, 0, HOST), true)
      clock.advance(millis(minutes(10) - 1))
      assert.equal(ids.isGood(id, 0, HOST), true, `given after ${wait} ms more`)
      clock.advance(millis(10_001))
      assert.equal(ids.isGood(id, 0, HOST), false, `given after ${wait} ms more`)
    }
  })

  it('never works again', () => {
    const id = given(HOST)
    for (let slot = 0; slot < 600; slot++) {
      clock.advance(seconds(10))
      assert.equal(ids.isGood(id, 0, HOST), slot < 60, `after ${slot + 1} slots`)
    }
  })

  it('works for the address that it was given to, and for no other', () => {
    const hosts = ['10.1.2.3', '10.1.2.4', '10.1.2.30', '1.2.3', 'fd00::1', 'fd00::10', 'fe80::1%eth0']
    for (const host of hosts) {
      const id = given(host)
      for (const other of hosts) assert.equal(ids.isGood(id, 0, other), other === host)
    }
  })

  it('works nowhere with a bit of it changed', () => {
    const id = given(HOST)
    for (let bit = 0; bit < 64; bit++) {
      const altered = Buffer.from(id)
      altered[bit >> 3] = (altered[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      assert.equal(ids.isGood(altered, 0, HOST), false, `bit ${bit}`)
    }
  })

  it('is not guessed', () => {
    clock.advance(minutes(60))
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 8, maxLength: 8 }), (guess) => {
        assert.equal(ids.isGood(Buffer.from(guess), 0, HOST), false)
      }),
      { numRuns: FUZZ_RUNS },
    )
    assert.equal(ids.isGood(Buffer.alloc(8), 0, HOST), false)
  })

  it('of another process does not work: each has a key of its own', () => {
    assert.equal(new ConnectionIds({ clock }).isGood(given(HOST), 0, HOST), false)
  })

  it('is for no text that is longer than any address', () => {
    assert.equal(ids.isGood(given(HOST), 0, 'x'.repeat(100)), false)
  })
})

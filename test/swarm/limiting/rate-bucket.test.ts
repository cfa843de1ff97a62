import assert from 'node:assert/strict'
import fc from 'fast-check'
import { bytesPerSecond, millis, seconds } from '../../../src/core/units.ts'
import { RateBucket, type Waiter } from '../../../src/swarm/limiting/rate-bucket.ts'
import { ManualClock } from '../../support/manual-clock.ts'

/** Takes blocks of one size for as long as it may, and again whenever it is its turn. */
class Greedy implements Waiter {
  taken = 0
  readonly #bucket: RateBucket
  readonly #blockBytes: number

  constructor(bucket: RateBucket, blockBytes: number) {
    this.#bucket = bucket
    this.#blockBytes = blockBytes
  }

  resume(): void {
    for (let i = 0; i < 10_000 && this.#bucket.take(this, this.#blockBytes); i++)
      this.taken += this.#blockBytes
  }
}

const BLOCK = 16_384

describe('a rate bucket', () => {
  let clock: ManualClock

  beforeEach(() => {
    clock = new ManualClock()
  })

  it('lets everything pass while it has no rate', () => {
    const bucket = new RateBucket(clock, undefined)
    assert.ok(bucket.take({ resume: () => assert.fail('nobody waits') }, 1e12))
    assert.equal(clock.timers, 0)
  })

  it('holds its rate within 5 % over any ten seconds, whatever the blocks', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 65_536, max: 50_000_000 }),
        fc.array(fc.integer({ min: 1, max: BLOCK }), { minLength: 1, maxLength: 8 }),
        (rate, sizes) => {
          const time = new ManualClock()
          const bucket = new RateBucket(time, bytesPerSecond(rate))
          const takers = sizes.map((size) => new Greedy(bucket, size + 1_024))
          for (const taker of takers) taker.resume()
          const totals = Array.from({ length: 150 }, () => {
            time.advance(millis(100))
            return takers.reduce((sum, { taken }) => sum + taken, 0)
          })
          for (let i = 100; i < totals.length; i++) {
            const measured = ((totals[i] ?? 0) - (totals[i - 100] ?? 0)) / 10
            assert.ok(Math.abs(measured - rate) <= 0.05 * rate, `${measured} at a limit of ${rate}`)
          }
        },
      ),
      { numRuns: 30 },
    )
  })

  it('saves up no more than a third of a second, and less where a single block is much', () => {
    const bucket = new RateBucket(clock, bytesPerSecond(1_000_000))
    clock.advance(seconds(60))
    const greedy = new Greedy(bucket, BLOCK)
    greedy.resume()
    assert.ok(greedy.taken <= 350_000 + BLOCK, `${greedy.taken}`)
    const narrow = new RateBucket(clock, bytesPerSecond(65_536))
    clock.advance(seconds(60))
    const slow = new Greedy(narrow, BLOCK)
    slow.resume()
    assert.ok(slow.taken <= 2 * BLOCK, `${slow.taken}`)
  })

  it('gives the same to small and large requests, however many there are of each', () => {
    const bucket = new RateBucket(clock, bytesPerSecond(1_000_000))
    const takers = [1_024, BLOCK, 1_024, 4_096, BLOCK].map((size) => new Greedy(bucket, size))
    for (const taker of takers) taker.resume()
    clock.advance(seconds(20))
    const taken = takers.map((taker) => taker.taken)
    assert.ok(Math.min(...taken) >= 0.9 * Math.max(...taken), taken.join(' '))
  })

  it('does not let who asks all the time overtake who waits', () => {
    const bucket = new RateBucket(clock, bytesPerSecond(200_000))
    const patient = new Greedy(bucket, BLOCK)
    const pushing = new Greedy(bucket, BLOCK)
    pushing.resume()
    patient.resume()
    for (let i = 0; i < 10_000; i++) {
      clock.advance(millis(1))
      pushing.resume()
    }
    assert.ok(patient.taken >= 0.9 * pushing.taken, `${patient.taken} beside ${pushing.taken}`)
  })

  it('gives to the others what one in the line does not want any more', () => {
    const bucket = new RateBucket(clock, bytesPerSecond(1_000_000))
    const idle: Waiter = { resume: () => undefined }
    const greedy = new Greedy(bucket, BLOCK)
    while (bucket.take(idle, BLOCK));
    greedy.resume()
    clock.advance(seconds(10))
    assert.ok(greedy.taken > 9_500_000, `${greedy.taken}`)
  })

  it('makes up for what passed without asking, and for what was taken in vain', () => {
    const bucket = new RateBucket(clock, bytesPerSecond(1_000_000))
    const greedy = new Greedy(bucket, BLOCK)
    greedy.resume()
    bucket.charge(3_000_000)
    clock.advance(seconds(10))
    assert.ok(Math.abs(greedy.taken - 7_000_000) < 100_000, `${greedy.taken}`)
    bucket.giveBack(100_000)
    const before = greedy.taken
    clock.advance(seconds(1))
    assert.ok(Math.abs(greedy.taken - before - 1_100_000) < 60_000, `${greedy.taken - before}`)
  })

  it('takes another rate at once, and lets all who wait pass when there is none any more', () => {
    const bucket = new RateBucket(clock, bytesPerSecond(1_000_000))
    const greedy = new Greedy(bucket, BLOCK)
    greedy.resume()
    clock.advance(seconds(5))
    bucket.setRate(bytesPerSecond(100_000))
    const before = greedy.taken
    clock.advance(seconds(10))
    assert.ok(Math.abs(greedy.taken - before - 1_000_000) < 50_000, `${greedy.taken - before}`)
    let isThrough = false
    const waiter: Waiter = { resume: () => (isThrough = bucket.take(waiter, 1e9)) }
    assert.ok(!bucket.take(waiter, BLOCK))
    bucket.leave(greedy)
    bucket.setRate(undefined)
    assert.ok(isThrough)
    assert.equal(clock.timers, 0)
  })

  it('resumes nobody after it was stopped, and who has left neither', () => {
    const bucket = new RateBucket(clock, bytesPerSecond(10_000))
    const never: Waiter = { resume: () => assert.fail('it has left') }
    while (bucket.take(never, BLOCK));
    bucket.leave(never)
    clock.advance(seconds(10))
    while (bucket.take(never, BLOCK));
    bucket.stop()
    clock.advance(seconds(10))
    assert.equal(clock.timers, 0)
  })
})

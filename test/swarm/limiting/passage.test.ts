import assert from 'node:assert/strict'
import { bytesPerSecond, seconds } from '../../../src/core/units.ts'
import { Passage } from '../../../src/swarm/limiting/passage.ts'
import { RateBucket } from '../../../src/swarm/limiting/rate-bucket.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const BLOCK = 16_384

/** A peer that always has more to move. */
function mover(buckets: readonly RateBucket[]): { readonly passage: Passage; moved: number; go: () => void } {
  const self = {
    passage: new Passage(() => self.go()),
    moved: 0,
    go() {
      for (let i = 0; i < 10_000 && self.passage.take(BLOCK); i++) self.moved += BLOCK
    },
  }
  self.passage.lead(buckets)
  return self
}

describe('a passage through several limits', () => {
  let clock: ManualClock
  const bucket = (rate: number): RateBucket => new RateBucket(clock, bytesPerSecond(rate))

  beforeEach(() => {
    clock = new ManualClock()
  })

  it('is as wide as the narrowest of them', () => {
    const peer = mover([bucket(500_000), bucket(2_000_000), bucket(900_000)])
    peer.go()
    clock.advance(seconds(10))
    assert.ok(Math.abs(peer.moved - 5_000_000) < 250_000, `${peer.moved}`)
  })

  it('holds up nobody who is under the wide one only', () => {
    const all = bucket(2_000_000)
    const narrow = bucket(100_000)
    const [limited, free] = [mover([narrow, all]), mover([all])]
    for (const peer of [limited, free]) peer.go()
    clock.advance(seconds(10))
    assert.ok(Math.abs(limited.moved - 1_000_000) < 50_000, `${limited.moved}`)
    assert.ok(Math.abs(free.moved - 19_000_000) < 950_000, `${free.moved}`)
  })

  it('lets each through in the end where several limits are all fought for', () => {
    const [a, b] = [bucket(1_000_000), bucket(1_000_000)]
    const atA = Array.from({ length: 5 }, () => mover([a]))
    const atB = Array.from({ length: 5 }, () => mover([b]))
    const atBoth = mover([a, b])
    for (const peer of [...atA, ...atB, atBoth]) peer.go()
    clock.advance(seconds(20))
    const least = Math.min(...[...atA, ...atB].map(({ moved }) => moved))
    assert.ok(atBoth.moved >= 0.4 * least, `${atBoth.moved} beside ${least}`)
    const total = [...atA, ...atB, atBoth, atBoth].reduce((sum, { moved }) => sum + moved, 0)
    assert.ok(Math.abs(total - 40_000_000) < 2_000_000, `${total}`)
  })

  it('gives back what it was granted and did not use, when it is led another way or closed', () => {
    const [a, b] = [bucket(1_000_000), bucket(1_000)]
    const stuck = mover([a, b])
    const other = mover([a])
    stuck.go() // has a block of `a`, and waits for `b` for sixteen seconds
    stuck.passage.lead([b])
    stuck.passage.close()
    other.go()
    clock.advance(seconds(10))
    assert.ok(other.moved > 9_800_000, `${other.moved}`)
  })
})

import assert from 'node:assert/strict'
import { seededRandom } from '../../src/core/random.ts'
import { millis, minutes } from '../../src/core/units.ts'
import { MemorySwarmStore } from '../../src/tracker/memory-swarm-store.ts'
import { describePackedDraws } from '../contract/packed-draws.contract.ts'
import { describeSwarmStore } from '../contract/swarm-store.contract.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { SWARM, swarmPeer } from './support.ts'

for (const describeStore of [describeSwarmStore, describePackedDraws])
  describeStore('MemorySwarmStore', (parts, options) => new MemorySwarmStore(parts, options))

describe('A memory of swarms', () => {
  it('keeps to leases after it has run for longer than 32 bits of milliseconds', () => {
    const clock = new ManualClock()
    const store = new MemorySwarmStore({ clock, random: seededRandom(1) }, { peersMax: 4 })
    for (const age of [0, 2 ** 31 - 1, 2 ** 32 - 60_000, 2 ** 32 + 5, 3 * 2 ** 32 - 59_999]) {
      clock.advance(millis(age - clock.now()))
      const peer = swarmPeer('10.0.0.1')
      store.put(SWARM, peer, minutes(1))
      clock.advance(millis(59_998))
      assert.ok(store.has(SWARM, peer), `at ${age}`)
      store.sweep()
      assert.equal(store.peerCount, 1)
      clock.advance(millis(3))
      assert.ok(!store.has(SWARM, peer), `after ${age}`)
      store.sweep()
      assert.equal(store.peerCount, 0)
    }
  })
})

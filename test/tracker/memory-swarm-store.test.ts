import assert from 'node:assert/strict'
import { seededRandom } from '../../src/core/random.ts'
import { minutes } from '../../src/core/units.ts'
import { MemorySwarmStore } from '../../src/tracker/memory-swarm-store.ts'
import { describeSwarmStore } from '../contract/swarm-store.contract.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ip, SWARM, swarmPeer } from './support.ts'

describeSwarmStore('MemorySwarmStore', (parts, options) => new MemorySwarmStore(parts, options))

describe('A reply of MemorySwarmStore', () => {
  /** How often chance was asked, which is once for each entry or site looked at. */
  function stepsOf(peers: number, sites: number): number {
    let steps = 0
    const random = seededRandom(5)
    const counting = (): number => {
      steps++
      return random()
    }
    const store = new MemorySwarmStore({ clock: new ManualClock(), random: counting }, { peersMax: peers })
    for (let i = 0; i < peers; i++) {
      const over = { isSeed: i % 2 === 0, site: `site ${i % sites}` }
      store.put(SWARM, swarmPeer(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, over), minutes(1))
    }
    const self = { host: ip('192.0.2.1'), port: 1 }
    store.draw(SWARM, { self, site: 'site 0', wantsSeeds: true, sameSiteMax: 50, otherSitesMax: 50 })
    return steps
  }

  it('costs as much in a swarm of 20,000 as in one of 500', () => {
    assert.ok(stepsOf(20_000, 4) <= 50 + 50 + 50)
    assert.ok(stepsOf(20_000, 4_000) <= 50 + 50 + 51)
    assert.ok(stepsOf(500, 4) <= 50 + 50 + 50)
  })
})

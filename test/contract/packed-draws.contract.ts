/** What every SwarmStore promises of packed draws, beside `swarm-store.contract.ts`. */
import assert from 'node:assert/strict'
import { seededRandom } from '../../src/core/random.ts'
import { millis, seconds } from '../../src/core/units.ts'
import type {
  PackedDrawRequest,
  SwarmStore,
  SwarmStoreOptions,
  SwarmStoreParts,
} from '../../src/tracker/swarm-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ip, OTHER_SWARM, SWARM, swarmPeer, unpacked } from '../tracker/support.ts'

const LEASE = seconds(60)
const PACKED_ALL = { site: 'lyon', wantsSeeds: true, max: 100, withLoopback: true }

export function describePackedDraws(
  name: string,
  make: (parts: SwarmStoreParts, options: SwarmStoreOptions) => SwarmStore,
): void {
  describe(`${name} asked for packed peers`, () => {
    let clock: ManualClock
    let store: SwarmStore

    beforeEach(() => {
      clock = new ManualClock()
      store = make({ clock, random: seededRandom(7) }, { peersMax: 10_000 })
    })

    /** The same, of the one site, packed. */
    function packed(over: Partial<PackedDrawRequest> = {}): string[] {
      const drawn = store.drawPacked(SWARM, {
        self: { host: ip('192.0.2.1'), port: 1 },
        site: 'lyon',
        wantsSeeds: true,
        max: 100,
        apart: [],
        withLoopback: true,
        ...over,
      })
      const peers = unpacked(drawn)
      assert.equal(peers.length, drawn.length)
      return peers.map(({ host, port }) => `${host} ${port}`).toSorted()
    }

    it('tells of the peers of one site packed, but for the asker, those whose lease ran out, and those told of already', () => {
      const hosts = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4', 'fd00::1', '127.0.0.1', '::1']
      const peers = hosts.map((host) => swarmPeer(host))
      const [self, apart, old, ...rest] = peers
      assert.ok(self !== undefined && apart !== undefined && old !== undefined)
      store.put(SWARM, old, millis(1))
      clock.advance(seconds(1))
      for (const peer of peers) if (peer !== old) store.put(SWARM, peer, LEASE)
      store.put(SWARM, swarmPeer('10.0.0.9', { site: 'oslo' }), LEASE)
      store.put(SWARM, swarmPeer('10.0.0.8', { isSeed: true }), LEASE)
      const told = rest.map(({ host, port }) => `${host} ${port}`).toSorted()
      const request = { self, apart: [apart, { host: ip('10.9.9.9'), port: 9 }] }
      for (let i = 0; i < 2; i++) assert.deepEqual(packed({ ...request, wantsSeeds: false }), told)
      assert.deepEqual(packed({ ...request, withLoopback: false }), [
        '10.0.0.4 6881',
        '10.0.0.8 6881',
        'fd00::1 6881',
      ])
      assert.deepEqual(packed({ ...request, family: 'v6' }), ['::1 6881', 'fd00::1 6881'])
      assert.deepEqual(packed({ ...request, family: 'v4', wantsSeeds: false }).length, 2)
      assert.deepEqual(packed({ site: 'nowhere' }), [])
      assert.equal(packed({ max: 3 }).length, 3)
      assert.deepEqual(store.drawPacked(OTHER_SWARM, { ...request, ...PACKED_ALL }).length, 0)
    })

    it('tells packed of everybody alike, and never of one twice', () => {
      const counts = new Map<string, number>()
      for (let i = 0; i < 60; i++) store.put(SWARM, swarmPeer(`10.0.1.${i}`, { isSeed: i % 3 === 0 }), LEASE)
      for (let i = 0; i < 2_000; i++) {
        const told = packed({ self: { host: ip('10.0.1.0'), port: 6_881 }, max: 20 })
        assert.equal(new Set(told).size, 20)
        for (const key of told) counts.set(key, (counts.get(key) ?? 0) + 1)
      }
      assert.equal(counts.size, 59)
      // In 2,000 draws of 20 of 59 each comes 678 times, give or take 21.
      for (const [key, count] of counts) assert.ok(count > 550 && count < 800, `${key}: ${count} times`)
    })

    it('gives up looking for a family that is rare before it has walked through the swarm', () => {
      for (let i = 0; i < 1_250; i++) store.put(SWARM, swarmPeer(`10.0.${i >> 8}.${i & 255}`), LEASE)
      store.put(SWARM, swarmPeer('fd00::1'), LEASE)
      let times = 0
      for (let i = 0; i < 300; i++) times += packed({ family: 'v6' }).length
      assert.ok(times > 10 && times < 150, `found in ${times} of 300 draws`)
    })

    it('names whom a draw of objects names, over a long random life', () => {
      const random = seededRandom(11)
      for (let step = 0; step < 1_000; step++) {
        const host = `10.2.0.${Math.floor(random() * 60)}`
        const lease = seconds(1 + Math.floor(random() * 20))
        if (random() < 0.7) store.put(SWARM, swarmPeer(host, { isSeed: random() < 0.5 }), lease)
        else if (random() < 0.5) store.remove(SWARM, { host: ip(host), port: 6_881 })
        else clock.advance(seconds(1))
        const request = { self: { host: ip('10.2.0.7'), port: 6_881 }, wantsSeeds: random() < 0.5 }
        const sizes = { site: 'lyon', sameSiteMax: 100, otherSitesMax: 0 }
        const { sameSite } = store.draw(SWARM, { ...request, ...sizes })
        assert.deepEqual(packed(request), sameSite.map((peer) => `${peer.host} ${peer.port}`).toSorted())
      }
    })
  })
}

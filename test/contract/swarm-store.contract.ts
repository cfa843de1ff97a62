/** What every SwarmStore promises; each implementation calls this with its maker. */
import assert from 'node:assert/strict'
import { seededRandom } from '../../src/core/random.ts'
import { millis, seconds } from '../../src/core/units.ts'
import {
  type DrawnPeer,
  type DrawRequest,
  type SwarmStore,
  type SwarmStoreOptions,
  type SwarmStoreParts,
} from '../../src/tracker/swarm-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { assertFound, ip, OTHER_SWARM, SWARM, swarmPeer } from '../tracker/support.ts'

const LEASE = seconds(60)

export function describeSwarmStore(
  name: string,
  make: (parts: SwarmStoreParts, options: SwarmStoreOptions) => SwarmStore,
): void {
  describe(`${name} as a SwarmStore`, () => {
    let clock: ManualClock
    let store: SwarmStore

    beforeEach(() => {
      clock = new ManualClock()
      store = make({ clock, random: seededRandom(7) }, { peersMax: 400 })
    })

    const alice = swarmPeer('10.0.0.1')
    const bob = swarmPeer('10.0.0.2')

    /** Everyone that a stranger from `site` may be told of. */
    function draw(over: Partial<DrawRequest> = {}): { sameSite: string[]; otherSites: string[] } {
      const drawn = store.draw(SWARM, {
        self: { host: ip('192.0.2.1'), port: 1 },
        site: 'lyon',
        wantsSeeds: true,
        sameSiteMax: 1_000,
        otherSitesMax: 1_000,
        ...over,
      })
      const hosts = (peers: readonly DrawnPeer[]): string[] => peers.map((peer) => peer.host).toSorted()
      return { sameSite: hosts(drawn.sameSite), otherSites: hosts(drawn.otherSites) }
    }

    it('tells of a peer that was put, in its own swarm only', () => {
      assert.equal(store.put(SWARM, alice, LEASE), true)
      assert.deepEqual(draw().sameSite, [alice.host])
      assertFound(store.find(SWARM, alice), alice)
      assert.equal(store.find(OTHER_SWARM, alice), undefined)
      assert.deepEqual(
        [store.has(SWARM, alice), store.has(SWARM, bob), store.has(OTHER_SWARM, alice)],
        [true, false, false],
      )
      assert.deepEqual(store.counts(OTHER_SWARM), { complete: 0, incomplete: 0, downloaded: 0 })
    })

    it('replaces a peer that is put again, and renews its lease', () => {
      store.put(SWARM, alice, LEASE)
      clock.advance(millis(LEASE - 1))
      store.put(SWARM, { ...alice, isSeed: true }, LEASE)
      clock.advance(millis(LEASE - 1))
      assert.deepEqual(store.counts(SWARM), { complete: 1, incomplete: 0, downloaded: 0 })
      assert.deepEqual(draw().sameSite, [alice.host])
      assert.equal(store.peerCount, 1)
    })

    it('knows a peer by its endpoint, whatever its peer id', () => {
      store.put(SWARM, alice, LEASE)
      store.put(SWARM, { ...alice, peerId: bob.peerId }, LEASE)
      store.put(SWARM, { ...alice, port: 7_000 }, LEASE)
      store.remove(SWARM, { host: bob.host, port: alice.port })
      assert.deepEqual(draw().sameSite, [alice.host, alice.host])
      assert.equal(store.find(SWARM, alice)?.peerId, bob.peerId)
    })

    it('never tells of a peer whose lease ran out, swept or not', () => {
      store.put(SWARM, alice, LEASE)
      store.put(SWARM, bob, millis(2 * LEASE))
      clock.advance(LEASE)
      assert.equal(store.find(SWARM, alice), undefined)
      assert.deepEqual([store.has(SWARM, alice), store.has(SWARM, bob)], [false, true])
      assert.deepEqual(draw().sameSite, [bob.host])
      assert.deepEqual(draw().sameSite, [bob.host])
    })

    it('never tells a peer of itself', () => {
      store.put(SWARM, alice, LEASE)
      store.put(SWARM, bob, LEASE)
      assert.deepEqual(draw({ self: alice }).sameSite, [bob.host])
      assert.deepEqual(draw({ self: alice, site: 'elsewhere' }).otherSites, [bob.host])
    })

    it('forgets a removed peer at once, and does not mind a second removal', () => {
      store.put(SWARM, alice, LEASE)
      store.remove(SWARM, alice)
      store.remove(SWARM, alice)
      store.remove(OTHER_SWARM, alice)
      assert.deepEqual(draw().sameSite, [])
      assert.equal(store.swarmCount, 0)
      assert.equal(store.peerCount, 0)
    })

    it('tells of one family only where that is asked for, of any site', () => {
      for (const site of ['lyon', 'oslo', 'rome'])
        for (let i = 0; i < 10; i++) {
          store.put(
            SWARM,
            swarmPeer(`10.0.${site.length}.${i}`, { site, port: 6_000 + site.charCodeAt(0) }),
            LEASE,
          )
          store.put(SWARM, swarmPeer(`fd00::${site.charCodeAt(0)}:${i}`, { site }), LEASE)
        }
      const isV6 = (host: string): boolean => host.includes(':')
      for (const family of ['v4', 'v6'] as const) {
        const { sameSite, otherSites } = draw({ family })
        assert.deepEqual([sameSite.length, otherSites.length], [10, 20])
        assert.ok([...sameSite, ...otherSites].every((host) => isV6(host) === (family === 'v6')))
        assert.equal(draw({ family, sameSiteMax: 3, otherSitesMax: 2 }).otherSites.length, 2)
      }
      assert.equal(draw().sameSite.length, 20)
    })

    it('gives up looking for a family that is rare before it has walked through the swarm', () => {
      store = make({ clock, random: seededRandom(3) }, { peersMax: 10_000 })
      for (let i = 0; i < 5_000; i++)
        store.put(SWARM, swarmPeer(`10.0.${i >> 8}.${i & 255}`, { site: `site ${i % 4}` }), LEASE)
      const rare = swarmPeer('fd00::1', { site: 'site 0' })
      store.put(SWARM, rare, LEASE)
      let times = 0
      for (let i = 0; i < 300; i++)
        times += draw({ site: 'site 0', family: 'v6', otherSitesMax: 0 }).sameSite.length
      assert.ok(times > 10 && times < 150, `found in ${times} of 300 draws`)
    })

    it('tells of leechers only where seeds are not wanted', () => {
      store.put(SWARM, { ...alice, isSeed: true }, LEASE)
      store.put(SWARM, bob, LEASE)
      assert.deepEqual(draw({ wantsSeeds: false }).sameSite, [bob.host])
      store.put(SWARM, { ...bob, isSeed: true }, LEASE)
      assert.deepEqual(draw({ wantsSeeds: false }).sameSite, [])
      store.put(SWARM, alice, LEASE)
      assert.deepEqual(draw({ wantsSeeds: false }).sameSite, [alice.host])
      assert.deepEqual(store.counts(SWARM), { complete: 1, incomplete: 1, downloaded: 0 })
    })

    it('keeps the sites apart, and moves a peer that announces from another', () => {
      store.put(SWARM, alice, LEASE)
      store.put(SWARM, { ...bob, site: 'oslo' }, LEASE)
      assert.deepEqual(draw(), { sameSite: [alice.host], otherSites: [bob.host] })
      store.put(SWARM, bob, LEASE)
      assert.deepEqual(draw(), { sameSite: [alice.host, bob.host], otherSites: [] })
    })

    it('moves all peers when the map of sites changes', () => {
      store.put(SWARM, alice, LEASE)
      store.put(SWARM, { ...bob, isSeed: true }, LEASE)
      store.resite((host) => (host === bob.host ? 'oslo' : 'lyon'))
      assert.deepEqual(draw(), { sameSite: [alice.host], otherSites: [bob.host] })
      assert.deepEqual(store.counts(SWARM), { complete: 1, incomplete: 1, downloaded: 0 })
    })

    it('gives at most what was asked for, each peer once, and by chance not always the same', () => {
      for (let i = 0; i < 100; i++) store.put(SWARM, swarmPeer(`10.0.1.${i}`), LEASE)
      const seen = new Set<string>()
      for (let i = 0; i < 100; i++) {
        const { sameSite } = draw({ sameSiteMax: 10 })
        assert.equal(new Set(sameSite).size, 10)
        for (const host of sameSite) seen.add(host)
      }
      assert.equal(seen.size, 100)
    })

    it('takes other sites in turn', () => {
      for (let i = 0; i < 100; i++) store.put(SWARM, swarmPeer(`10.0.1.${i}`, { site: 'big' }), LEASE)
      for (let i = 0; i < 5; i++) store.put(SWARM, swarmPeer(`10.0.2.${i}`, { site: `small ${i}` }), LEASE)
      const { otherSites } = store.draw(SWARM, {
        self: alice,
        site: 'lyon',
        wantsSeeds: true,
        sameSiteMax: 10,
        otherSitesMax: 20,
      })
      assert.equal(otherSites.length, 20)
      assert.equal(new Set(otherSites.slice(0, 6).map((peer) => peer.site)).size, 6)
    })

    it('removes whom a predicate names, in every swarm', () => {
      store.put(SWARM, alice, LEASE)
      store.put(SWARM, bob, LEASE)
      store.put(OTHER_SWARM, alice, LEASE)
      store.removeWhere((_, peer) => peer.host === alice.host)
      assert.equal(store.peerCount, 1)
      assert.deepEqual(draw().sameSite, [bob.host])
      assert.equal(store.swarmCount, 1)
    })

    it('frees what ran out, and swarms without peers, by a sweep', () => {
      store.put(SWARM, alice, LEASE)
      store.put(OTHER_SWARM, bob, millis(2 * LEASE))
      clock.advance(LEASE)
      for (let i = 0; i < 2; i++) {
        assert.equal(store.sweep(), undefined)
        assert.deepEqual([store.swarmCount, store.peerCount], [1, 1])
      }
    })

    it('frees by a sweep in parts as many as there are in a part, and in the end all', () => {
      for (let i = 0; i < 100; i++) store.put(SWARM, swarmPeer(`10.1.0.${i}`), LEASE)
      clock.advance(LEASE)
      let from: number | undefined = 0
      for (let parts = 0; from !== undefined && parts < 100; parts++) {
        const before = store.peerCount
        from = store.sweep({ from, most: 10 })
        assert.ok(before - store.peerCount <= 10)
      }
      assert.deepEqual([from, store.peerCount], [undefined, 0])
    })

    it('counts finished downloads for as long as the swarm exists', () => {
      store.addCompleted(SWARM)
      store.put(SWARM, alice, LEASE)
      store.addCompleted(SWARM)
      assert.equal(store.counts(SWARM).downloaded, 1)
      store.remove(SWARM, alice)
      assert.equal(store.counts(SWARM).downloaded, 0)
    })

    it('counts the peers of each site in all swarms together', () => {
      assert.deepEqual([...store.countBySite()], [])
      store.put(SWARM, alice, LEASE)
      store.put(SWARM, bob, LEASE)
      store.put(OTHER_SWARM, { ...bob, isSeed: true }, LEASE)
      store.put(OTHER_SWARM, swarmPeer('10.7.0.1', { site: 'oslo' }), LEASE)
      assert.deepEqual([...store.countBySite()].toSorted(), [
        ['lyon', 3],
        ['oslo', 1],
      ])
      store.remove(OTHER_SWARM, swarmPeer('10.7.0.1'))
      assert.deepEqual([...store.countBySite()], [['lyon', 3]])
    })

    it('counts the peers of one swarm at one site', () => {
      store.put(SWARM, alice, LEASE)
      store.put(SWARM, { ...bob, isSeed: true }, LEASE)
      store.put(OTHER_SWARM, bob, LEASE)
      store.put(SWARM, swarmPeer('10.7.0.1', { site: 'oslo' }), LEASE)
      const count = (site: string): number => store.countAt(SWARM, site)
      assert.deepEqual([count('lyon'), count('oslo'), count('kyoto')], [2, 1, 0])
      store.remove(SWARM, bob)
      assert.deepEqual([count('lyon'), store.countAt(OTHER_SWARM, 'lyon')], [1, 1])
    })

    it('tells whose the live seeds of a swarm are, and at which site, as many as are asked for', () => {
      store.put(SWARM, { ...alice, isSeed: true }, millis(2 * LEASE))
      store.put(SWARM, { ...bob, isSeed: true, site: 'oslo' }, LEASE)
      store.put(SWARM, swarmPeer('10.0.0.3'), LEASE)
      store.put(OTHER_SWARM, { ...swarmPeer('10.0.0.4'), isSeed: true }, LEASE)
      const { id } = alice.grant.claims
      const bySite = [...store.seedsOf(SWARM, 10)].sort((a, b) => (a.site < b.site ? -1 : 1))
      assert.deepEqual(bySite, [
        { grant: id, site: alice.site },
        { grant: bob.grant.claims.id, site: 'oslo' },
      ])
      assert.equal(store.seedsOf(SWARM, 1).length, 1)
      clock.advance(LEASE)
      assert.deepEqual(store.seedsOf(SWARM, 10), [{ grant: id, site: alice.site }])
      store.remove(SWARM, alice)
      assert.deepEqual(store.seedsOf(SWARM, 10), [])
    })

    it('says when it is full, and still renews those who are in', () => {
      for (let i = 0; i < 400; i++) store.put(SWARM, swarmPeer(`10.1.${i >> 8}.${i & 255}`), LEASE)
      assert.equal(store.put(OTHER_SWARM, alice, LEASE), false)
      assert.equal(store.swarmCount, 1)
      assert.equal(store.put(SWARM, swarmPeer('10.1.0.0', { isSeed: true }), LEASE), true)
      assert.deepEqual(store.counts(SWARM), { complete: 1, incomplete: 399, downloaded: 0 })
    })

    it('stays whole over a long random life', () => {
      const random = seededRandom(11)
      const model = new Map<string, { isSeed: boolean; until: number }>()
      for (let step = 0; step < 3_000; step++) {
        const host = `10.2.0.${Math.floor(random() * 60)}`
        const chance = random()
        if (chance < 0.6) {
          const isSeed = random() < 0.5
          const lease = seconds(1 + Math.floor(random() * 20))
          store.put(SWARM, swarmPeer(host, { isSeed, site: `site ${Math.floor(random() * 4)}` }), lease)
          model.set(host, { isSeed, until: clock.now() + lease })
        } else if (chance < 0.8) {
          store.remove(SWARM, { host: ip(host), port: 6_881 })
          model.delete(host)
        } else if (chance < 0.95) clock.advance(seconds(1))
        else store.sweep()
        const alive = [...model].filter(([, { until }]) => until > clock.now())
        const wantsSeeds = random() < 0.5
        const { sameSite, otherSites } = draw({ site: 'site 0', wantsSeeds })
        const wanted = alive.filter(([, { isSeed }]) => wantsSeeds || !isSeed).map(([key]) => key)
        assert.deepEqual([...sameSite, ...otherSites].toSorted(), wanted.toSorted())
      }
    })
  })
}

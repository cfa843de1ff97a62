import assert from 'node:assert/strict'
import fc from 'fast-check'
import { peerId } from '../../src/core/ids.ts'
import { seededRandom } from '../../src/core/random.ts'
import { SiteMap } from '../../src/core/site.ts'
import { millis, seconds } from '../../src/core/units.ts'
import { chooseIntroductions } from '../../src/tracker/choose-introductions.ts'
import { OffersOut } from '../../src/tracker/offers-out.ts'
import { type Reach, reachOf, SignalSwarms, type SignalPeer } from '../../src/tracker/signal-swarms.ts'
import { limits } from '../../src/wire/limits.ts'
import { offerIdOf } from '../../src/wire/signal.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ip, SWARM, swarmPeer } from './support.ts'

type Peer = SignalPeer<number>

class World {
  readonly clock = new ManualClock()
  readonly swarms: SignalSwarms<number>
  #count = 0

  constructor(seed = 1) {
    this.swarms = new SignalSwarms({ clock: this.clock, random: seededRandom(seed) })
  }

  join(
    site: string,
    over: { isSeed?: boolean; expiresAt?: number; reach?: Reach; host?: string } = {},
  ): Peer {
    const socket = ++this.#count
    const id = peerId(socket.toString(16).padStart(40, '0'))
    const { grant } = swarmPeer('10.0.0.1')
    const { host = '10.0.0.1', ...standing } = over
    const who = { infoHash: SWARM, peerId: id, host: ip(host), grant, socket }
    return this.swarms.join(who, {
      site,
      reach: 'everybody',
      isSeed: false,
      expiresAt: seconds(60),
      ...standing,
    })
  }
}

describe('Swarms of browsers', () => {
  it('hold after any coming and going exactly those who came and did not go', () => {
    const where = fc.constantFrom('lyon', 'oslo', 'rome', 'cabin', 'vpn')
    const step = fc.tuple(fc.constantFrom('join', 'leave', 'seed', 'move'), fc.nat(30), where)
    const reachAt = (site: string): Reach => (site === 'vpn' ? 'nobody' : site === 'cabin' ? 'site' : 'everybody')
    const mayMeet = (a: Peer, b: Peer): boolean =>
      a.site === b.site ? a.reach !== 'nobody' : a.reach === 'everybody' && b.reach === 'everybody'
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), fc.nat(), (steps, seed) => {
        const world = new World(seed)
        const present = new Set<Peer>()
        for (const [what, n, site] of steps) {
          const peer = [...present][n % Math.max(1, present.size)]
          if (what === 'join' || peer === undefined) present.add(world.join(site, { reach: reachAt(site) }))
          else if (what === 'leave') {
            world.swarms.leave(peer)
            world.swarms.leave(peer)
            present.delete(peer)
          } else
            world.swarms.renew(peer, {
              site: what === 'move' ? site : peer.site,
              reach: reachAt(what === 'move' ? site : peer.site),
              isSeed: what === 'seed' ? !peer.isSeed : peer.isSeed,
              expiresAt: peer.expiresAt,
            })
        }
        const all = [...present]
        assert.equal(world.swarms.peerCount, all.length)
        assert.deepEqual(new Set(world.swarms.peers()), present)
        const counts = world.swarms.counts(SWARM)
        assert.equal(counts.complete, all.filter(({ isSeed }) => isSeed).length)
        assert.equal(counts.incomplete, all.filter(({ isSeed }) => !isSeed).length)
        assert.equal(world.swarms.swarmCount, all.length === 0 ? 0 : 1)
        for (const self of all) {
          const met = world.swarms.peersToMeet(self, limits.signalOffersMax)
          const wanted = all.filter(
            (peer) => peer !== self && !(self.isSeed && peer.isSeed) && mayMeet(self, peer),
          )
          assert.equal(new Set(met).size, met.length, 'nobody twice')
          assert.ok(met.every((peer) => wanted.includes(peer)))
          assert.equal(met.length, Math.min(limits.signalOffersMax, wanted.length))
        }
      }),
    )
  }) // prettier-ignore

  it('give everybody a like chance to be met', () => {
    const world = new World()
    const self = world.join('lyon')
    const times = new Map<Peer, number>()
    for (let i = 0; i < 50; i++) times.set(world.join('lyon', { isSeed: i % 5 === 0 }), 0)
    for (let i = 0; i < 2_000; i++)
      for (const peer of world.swarms.peersToMeet(self, 5)) times.set(peer, (times.get(peer) ?? 0) + 1)
    const counts = [...times.values()]
    assert.ok(Math.min(...counts) > 80 && Math.max(...counts) < 700, String(counts))
  })

  it('never tell of a peer whose time is over, swept or not', () => {
    const world = new World()
    const self = world.join('lyon', { expiresAt: seconds(100) })
    for (let i = 0; i < 5; i++) world.join('lyon')
    world.clock.advance(seconds(60))
    assert.deepEqual(world.swarms.peersToMeet(self, 5), [])
  })

  it('look at few of many, whoever they are', () => {
    const world = new World()
    const self = world.join('lyon', { expiresAt: seconds(100) })
    for (let i = 0; i < 2_000; i++) world.join(`site ${i % 100}`)
    world.clock.advance(seconds(60))
    const some = Array.from({ length: 4 }, () => world.join('oslo', { expiresAt: seconds(100) }))
    assert.ok(world.swarms.peersToMeet(self, 5).every((peer) => some.includes(peer)))
  })

  it('meet those of open sites, however many others there are', () => {
    const world = new World()
    const self = world.join('lyon')
    for (let i = 0; i < 500; i++) world.join(`cabin ${i}`, { reach: i % 2 === 0 ? 'site' : 'nobody' })
    const oslo = world.join('oslo')
    assert.deepEqual(world.swarms.peersToMeet(self, 5), [oslo])
  })

  it('go by the map that the operator drew last', () => {
    const world = new World()
    const [ann, ben] = [world.join('lyon', { host: '10.1.0.1' }), world.join('oslo', { host: '10.2.0.1' })]
    assert.deepEqual(world.swarms.peersToMeet(ann, 5), [ben])
    for (const policy of [{ wanBytesPerSecond: 0 }, { peering: 'off' as const }]) {
      const map = new SiteMap([{ name: 'oslo', cidrs: ['10.2.0.0/16'], ...policy }])
      world.swarms.resite((host) => map.siteOf(host))
      assert.equal(ben.reach, reachOf(policy))
      for (const one of [ann, ben]) assert.deepEqual(world.swarms.peersToMeet(one, 5), [])
    }
    world.swarms.resite((host) => new SiteMap([]).siteOf(host))
    assert.deepEqual(world.swarms.peersToMeet(ben, 5), [ann])
  })

  it('let a peer that left not come back by renewing', () => {
    const world = new World()
    const peer = world.join('lyon')
    world.swarms.leave(peer)
    world.swarms.renew(peer, { site: 'lyon', reach: 'everybody', isSeed: true, expiresAt: seconds(99) })
    assert.equal(world.swarms.peerCount, 0)
    assert.deepEqual(world.swarms.counts(SWARM), { complete: 0, incomplete: 0, downloaded: 0 })
  })
})

describe('Introductions', () => {
  const lists = fc.tuple(fc.nat(limits.signalOffersMax), fc.nat(12), fc.nat(12)).map(([offers, near, far]) => ({
    offers,
    near: Array.from({ length: near }, (_, i) => `near ${i}`),
    far: Array.from({ length: far }, (_, i) => `far ${i}`),
  })) // prettier-ignore

  it('use every offer while there is somebody, and no offer twice', () => {
    fc.assert(
      fc.property(lists, ({ offers, near, far }) => {
        const chosen = chooseIntroductions(offers, near, far)
        assert.equal(chosen.length, Math.min(offers, near.length + far.length))
        assert.equal(new Set(chosen).size, chosen.length)
      }),
    )
  })

  it('stay in the site but for one in four, and for what the site lacks', () => {
    fc.assert(
      fc.property(lists, ({ offers, near, far }) => {
        const crossing = chooseIntroductions(offers, near, far).filter((peer) =>
          peer.startsWith('far'),
        ).length
        const lacking = Math.max(0, offers - near.length)
        assert.ok(crossing <= Math.max(lacking, Math.max(1, Math.floor(offers / 4))))
        if (offers >= 2 && far.length > 0) assert.ok(crossing >= 1, 'no site is alone')
      }),
    )
  })
})

describe('Offers that were handed out', () => {
  const id = (n: number): ReturnType<typeof offerIdOf> => offerIdOf(String(n).padStart(20, '0'))

  it('may be answered once, in time, and by whom they were handed to', () => {
    const out = new OffersOut<string>()
    out.add(id(1), 'ann', 0)
    assert.equal(out.take(id(1), 'ben', 1), false)
    assert.equal(out.take(id(2), 'ann', 1), false)
    assert.equal(out.take(id(1), 'ann', 1), true)
    assert.equal(out.take(id(1), 'ann', 1), false)
    out.add(id(1), 'ann', 0)
    assert.equal(out.take(id(1), 'ann', limits.signalOfferLife), false)
  })

  it('are forgotten when they are old or many', () => {
    const out = new OffersOut<string>()
    for (let i = 0; i < 1_000; i++) out.add(id(i), 'ann', i)
    assert.equal(out.size, limits.signalOffersOutMax)
    assert.equal(out.take(id(999), 'ann', 1_000), true)
    out.forgetOld(millis(limits.signalOfferLife + 980))
    assert.equal(out.size, 18)
  })
})

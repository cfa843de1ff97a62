import assert from 'node:assert/strict'
import { seededRandom } from '../../src/core/random.ts'
import { defaultSite, type Site } from '../../src/core/site.ts'
import { hours, millis, minutes, seconds } from '../../src/core/units.ts'
import { Bridges } from '../../src/tracker/bridges.ts'
import { MemorySwarmStore } from '../../src/tracker/memory-swarm-store.ts'
import { SLOTS_MAX } from '../../src/tracker/swarm-bridges.ts'
import type { SwarmPeer } from '../../src/tracker/swarm-store.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ip, OTHER_SWARM, SWARM, swarmPeer } from './support.ts'

const LEASE = hours(1)
const DUE = minutes(5)

describe('Bridges', () => {
  let clock: ManualClock
  let store: MemorySwarmStore
  let bridges: Bridges
  let policy: Partial<Site>
  const siteOverrides = new Map<string, Partial<Site>>()
  const siteOf = (host: string): Site => ({ ...defaultSite(ip(host)), ...policy, ...siteOverrides.get(host) })

  beforeEach(() => {
    clock = new ManualClock()
    store = new MemorySwarmStore({ clock, random: seededRandom(1) }, { peersMax: 1_000 })
    policy = {}
    siteOverrides.clear()
    bridges = new Bridges({ clock, store, siteOf })
  })

  /** `10.SITE.0.N` announces, and is in the swarm. */
  function announce(
    host: string,
    over: { lease?: typeof LEASE; swarm?: typeof SWARM; isOurs?: boolean } = {},
  ): SwarmPeer {
    const { swarm = SWARM, isOurs = false } = over
    const peer = swarmPeer(host, { site: siteOf(host).name, isOurs })
    store.put(swarm, peer, over.lease ?? LEASE)
    bridges.sit(swarm, peer, siteOf(host), DUE)
    return peer
  }

  function leave(peer: SwarmPeer): void {
    store.remove(SWARM, peer)
    bridges.leave(SWARM, peer, siteOf(peer.host))
  }

  const linksOf = (
    peer: SwarmPeer,
    max = 50,
    reaches: (host: string) => boolean = () => true,
    isServed = true,
  ): string[] =>
    bridges
      .linksOf(SWARM, peer, siteOf(peer.host), { max, reaches: ({ host }) => reaches(host), isServed })
      .map(({ host }) => host)
  const seatOf = (peer: SwarmPeer) => bridges.standing(SWARM, peer, siteOf(peer.host)).seat
  const isBridge = (host: string): boolean => bridges.isBridge(SWARM, ip(host))

  it('are the first two of a site that announced, for as long as they do', () => {
    const [a, b, c] = [announce('10.1.0.1'), announce('10.1.0.2'), announce('10.1.0.3')]
    for (let i = 0; i < 5; i++) {
      clock.advance(DUE)
      for (const peer of [c, b, a]) announce(peer.host)
      assert.deepEqual([a, b, c].map(seatOf), [0, 1, undefined])
    }
    assert.deepEqual(['10.1.0.1', '10.1.0.2', '10.1.0.3', '10.2.0.1'].map(isBridge), [
      true,
      true,
      false,
      false,
    ])
    assert.equal(bridges.isBridge(OTHER_SWARM, a.host), false)
  })

  it('stand to each other as hubs: each is the other’s, and both are everybody else’s', () => {
    const [a, b, c] = [announce('10.1.0.1'), announce('10.1.0.2'), announce('10.1.0.3')]
    const hubs = (peer: SwarmPeer): string[] =>
      bridges.standing(SWARM, peer, siteOf(peer.host)).hubs.map(({ host }) => host)
    assert.deepEqual([a, b, c].map(hubs), [[b.host], [a.host], [a.host, b.host]])
    store.remove(SWARM, b)
    assert.deepEqual(hubs(c), [a.host], 'the living')
  })

  it('take a vacant seat rather than that of one who is overdue, and that rather than none', () => {
    const [a, b] = [announce('10.1.0.1'), announce('10.1.0.2')]
    clock.advance(millis(DUE + seconds(1)))
    leave(b)
    const [c, d, e] = [announce('10.1.0.3'), announce('10.1.0.4'), announce('10.1.0.5')]
    assert.deepEqual([a, b, c, d, e].map(seatOf), [undefined, undefined, 1, 0, undefined])
  })

  it('are replaced by who announces next once they are dead, overdue or not', () => {
    const a = announce('10.1.0.1', { lease: seconds(10) })
    announce('10.1.0.2')
    clock.advance(seconds(10))
    assert.deepEqual([seatOf(announce('10.1.0.3')), seatOf(a)], [0, undefined])
  })

  it('hold no links beside one of ours, but where there is no other way out', () => {
    const [a, far] = [announce('10.1.0.1'), announce('10.2.0.1')]
    const ours = announce('10.1.0.9', { isOurs: true })
    assert.deepEqual(linksOf(a), [])
    assert.deepEqual(
      linksOf(a, 50, () => true, false),
      [far.host],
      'no origin and no mirror',
    )
    assert.deepEqual(
      bridges.oursOfOtherSites(SWARM, far, siteOf(far.host)).map(({ host }) => host),
      [ours.host],
    )
    clock.advance(millis(DUE + seconds(1)))
    assert.deepEqual(linksOf(a), [far.host], 'ours is overdue')
    announce(ours.host, { isOurs: true })
    assert.deepEqual(linksOf(a), [])
    leave(ours)
    assert.deepEqual(linksOf(a), [far.host])
  })

  it('leave their links to the other bridge of their site', () => {
    const [a, b] = [announce('10.1.0.1'), announce('10.1.0.2')]
    const far = announce('10.2.0.1')
    assert.deepEqual(linksOf(a), [far.host])
    assert.deepEqual(linksOf(b), [])
    leave(a)
    assert.deepEqual(linksOf(b), [far.host])
    assert.deepEqual(linksOf(far), [b.host])
  })

  it('make no link that there is no room to tell of, and tell of new ones before those that were told', () => {
    const a = announce('10.1.0.1')
    for (let site = 2; site < 6; site++) announce(`10.${site}.0.1`)
    assert.deepEqual(linksOf(a, 0), [])
    assert.deepEqual(linksOf(a, 2), ['10.2.0.1', '10.3.0.1'])
    assert.deepEqual(linksOf(a, 1), ['10.4.0.1'])
    assert.deepEqual(linksOf(a, 4), ['10.5.0.1', '10.2.0.1', '10.3.0.1', '10.4.0.1'])
  })

  it('are given the links that others make by who holds most, and have its links when it goes', () => {
    const pair = [announce('10.1.0.1'), announce('10.1.0.2')]
    const far = Array.from({ length: 8 }, (_, i) => announce(`10.${i + 2}.0.1`))
    const [joined, ...others] = far.map((peer) => linksOf(peer, 1))
    for (const other of others) assert.deepEqual(other, joined)
    const held = (peer: SwarmPeer): number => linksOf(peer).length
    const [hub, standIn] = pair.toSorted((a, b) => held(b) - held(a))
    assert.ok(hub !== undefined && standIn !== undefined)
    assert.deepEqual([joined, held(hub), held(standIn)], [[hub.host], 8, 0])
    leave(hub)
    const third = announce('10.1.0.3')
    assert.deepEqual([held(standIn), held(third)], [8, 0])
    assert.deepEqual(linksOf(announce('10.20.0.1'), 1), [standIn.host])
  })

  it('are chosen by chance where they hold as many, so that no machine has the links of every swarm', () => {
    const chosen = Array.from({ length: 40 }, (_, i) => {
      const swarm = i.toString(16).padStart(40, '0') as typeof SWARM
      for (const host of ['10.1.0.1', '10.1.0.2']) announce(host, { swarm })
      const asker = announce('10.2.0.1', { swarm })
      const options = { max: 1, reaches: () => true, isServed: true }
      return bridges.linksOf(swarm, asker, siteOf(asker.host), options)[0]?.host
    })
    for (const host of ['10.1.0.1', '10.1.0.2'])
      assert.ok(chosen.filter((one) => one === host).length > 10, String(chosen))
  })

  it('leave new links to the one of them that holds more, while it can take them and is not overdue', () => {
    const [a, b] = [announce('10.1.0.1'), announce('10.1.0.2')]
    announce('10.2.0.1')
    announce('10.3.0.1')
    assert.deepEqual(linksOf(a, 2), ['10.2.0.1', '10.3.0.1'])
    announce('10.4.0.1')
    assert.deepEqual([linksOf(b), linksOf(a, 1)], [[], ['10.4.0.1']])
    announce('10.5.0.1')
    assert.deepEqual(
      [linksOf(a, 0), linksOf(b)],
      [[], ['10.5.0.1']],
      'the first was told of fewer than there are',
    )
    assert.equal(linksOf(a).length, 3)
    announce('10.6.0.1')
    assert.deepEqual(linksOf(b), ['10.5.0.1'], 'it has room again')
    const isNot6 = (host: string): boolean => host !== '10.6.0.1'
    assert.equal(linksOf(a, 50, isNot6).length, 3)
    assert.deepEqual(linksOf(b), ['10.6.0.1', '10.5.0.1'], 'the first cannot reach it')
    announce('10.7.0.1')
    assert.equal(linksOf(announce(a.host), 0).length, 0)
    linksOf(a, 1)
    announce('10.8.0.1')
    assert.deepEqual(linksOf(b).length, 2)
    clock.advance(millis(DUE + seconds(1)))
    assert.equal(linksOf(announce(b.host))[0], '10.8.0.1', 'it should have come before')
  })

  it('of a site beyond the slots are joined to four sites, and to all once a slot is free', () => {
    const slotted = Array.from({ length: SLOTS_MAX }, (_, i) => announce(`10.${i + 1}.0.1`))
    const late = announce('10.200.0.1')
    const links = linksOf(late)
    assert.equal(links.length, 4)
    assert.deepEqual(linksOf(late), links)
    for (const peer of slotted.slice(0, 5)) assert.ok(!linksOf(peer).includes(late.host))
    const [left] = slotted.filter(({ host }) => !links.includes(host))
    assert.ok(left !== undefined)
    leave(left)
    announce(late.host)
    assert.equal(linksOf(late).length, SLOTS_MAX - 1)
  })

  it('are not joined to those that cannot be reached from there, until they can', () => {
    const [a, b] = [announce('10.1.0.1'), announce('10.2.0.1')]
    assert.deepEqual(
      linksOf(a, 50, (host) => host !== b.host),
      [],
    )
    assert.deepEqual(linksOf(b), [a.host])
    assert.deepEqual(linksOf(a), [b.host])
  })

  it('keep a link while its other end lives, and make another when it died', () => {
    const [a, b, c] = [announce('10.1.0.1'), announce('10.2.0.1'), announce('10.2.0.2')]
    const [first = ''] = linksOf(a)
    assert.deepEqual(linksOf(a), [first])
    store.remove(SWARM, swarmPeer(first))
    const second = first === b.host ? c : b
    assert.deepEqual(linksOf(a), [second.host])
    assert.deepEqual(linksOf(second), [a.host])
  })

  it('are found for a site whose bridges both died, among its others', () => {
    const [a, b, c] = [announce('10.2.0.1'), announce('10.2.0.2'), announce('10.2.0.3')]
    const asker = announce('10.1.0.1')
    for (const peer of [a, b]) store.remove(SWARM, peer)
    assert.deepEqual(linksOf(asker), [c.host])
    assert.equal(seatOf(c), 0)
    store.remove(SWARM, c)
    assert.deepEqual(linksOf(asker), [], 'nobody is left there')
  })

  it('free the other ends of their links when they leave, one by one', () => {
    const [a, b, c] = [announce('10.1.0.1'), announce('10.2.0.1'), announce('10.3.0.1')]
    assert.deepEqual(linksOf(a), [b.host, c.host])
    assert.deepEqual(linksOf(b), [c.host, a.host])
    leave(c)
    assert.deepEqual(linksOf(a), [b.host], 'the others stay')
    const again = announce('10.4.0.1')
    assert.deepEqual(linksOf(again), [a.host, b.host], 'in the slot of who left, joined to nobody yet')
    leave(a)
    const next = announce('10.5.0.1')
    assert.deepEqual(linksOf(b), [next.host, again.host])
    assert.deepEqual(linksOf(next), [again.host, b.host])
  })

  it('free the links of who was overdue with the seat', () => {
    const [a, far] = [announce('10.1.0.1'), announce('10.2.0.1')]
    announce('10.1.0.2')
    linksOf(a)
    clock.advance(millis(DUE + seconds(1)))
    const c = announce('10.1.0.3')
    assert.deepEqual([seatOf(a), seatOf(c)], [undefined, 0])
    assert.deepEqual(linksOf(far).length, 1)
    assert.ok(linksOf(far)[0] !== a.host)
  })

  it('stand to be asked who knows of how many other sites, and nothing of swarms that nobody is in', () => {
    const a = announce('10.1.0.1')
    const count = (peer: SwarmPeer, swarm = SWARM): number =>
      bridges.standing(swarm, peer, siteOf(peer.host)).otherSiteCount
    assert.equal(count(a), 0)
    for (const site of [2, 3]) announce(`10.${site}.0.1`)
    assert.deepEqual([count(a), count(a, OTHER_SWARM), count(swarmPeer('10.9.0.1'))], [2, 0, 3])
    const options = { max: 9, reaches: () => true, isServed: true }
    for (const [swarm, host] of [[OTHER_SWARM, '10.1.0.1'], [SWARM, '10.9.0.1'], [SWARM, '10.1.0.9']] as const)
      assert.deepEqual(bridges.linksOf(swarm, swarmPeer(host), siteOf(host), options), [])
    assert.deepEqual(bridges.ofOtherSites(OTHER_SWARM, a, siteOf(a.host), 9), [])
    leave(swarmPeer('10.1.0.9'))
    bridges.leave(OTHER_SWARM, a, siteOf(a.host))
    assert.equal(seatOf(a), 0)
  }) // prettier-ignore

  it('are found among who has not announced since the operator drew a new map, of open sites only', () => {
    const [a, b, c] = [announce('10.1.0.1'), announce('10.2.0.1'), announce('10.3.0.1')]
    const seed = swarmPeer('10.4.0.1', { site: siteOf('10.4.0.1').name, isSeed: true })
    store.put(SWARM, seed, LEASE)
    bridges.clear()
    assert.equal(bridges.swarmCount, 0)
    siteOverrides.set('10.3.0.1', { wanBytesPerSecond: 0 })
    announce(a.host)
    assert.deepEqual(linksOf(a, 0), [], 'nobody is looked for in vain')
    assert.deepEqual(linksOf(a).toSorted(), [b.host, seed.host])
    assert.deepEqual([seatOf(b), seatOf(c)], [0, undefined])
    const late = announce('10.2.0.2')
    assert.equal(seatOf(late), 1)
    clock.advance(minutes(59))
    assert.deepEqual([seatOf(announce('10.2.0.3')), seatOf(b)], [1, 0], 'for an hour unasked')
  })

  it('of a site beyond the slots are told of it from the moment that it has one', () => {
    const slotted = Array.from({ length: SLOTS_MAX }, (_, i) => announce(`10.${i + 1}.0.1`))
    const late = announce('10.200.0.1')
    const links = linksOf(late)
    const left = slotted.find(({ host }) => !links.includes(host))
    assert.ok(left !== undefined)
    leave(left)
    announce(late.host)
    for (const host of links) {
      const before = linksOf(swarmPeer(host), 0)
      assert.deepEqual(before, [])
      assert.equal(linksOf(swarmPeer(host), 99).filter((one) => one === late.host).length, 1)
    }
    assert.equal(new Set(linksOf(late)).size, SLOTS_MAX - 1)
    leave(late)
    assert.ok(slotted.every((peer) => !linksOf(peer, 99).includes(late.host)))
  })

  it('of a closed site hold no links, and are bridges to the origin all the same', () => {
    announce('10.2.0.1')
    policy = { wanBytesPerSecond: 0 }
    const a = announce('10.1.0.1')
    assert.deepEqual([seatOf(a), linksOf(a), isBridge(a.host)], [0, [], true])
    policy = {}
    assert.deepEqual(linksOf(announce('10.3.0.1')), ['10.2.0.1'])
    leave(swarmPeer('10.2.0.1'))
    leave(swarmPeer('10.3.0.1'))
    for (let i = 0; i < 3; i++) bridges.sweep()
    assert.deepEqual([bridges.swarmCount, isBridge(a.host)], [1, true])
  })

  it('are all machines, to the origin, where none may take from another', () => {
    policy = { peering: 'off' }
    for (const n of [1, 2, 3]) announce(`10.1.0.${n}`)
    assert.equal(bridges.swarmCount, 0)
    assert.deepEqual(['10.1.0.1', '10.1.0.3'].map(isBridge), [true, true])
    bridges = new Bridges({ clock, store, siteOf: () => undefined })
    assert.equal(isBridge('10.1.0.1'), false, 'nobody knows where it is')
  })

  it('name one of each other open site for our own clients', () => {
    const a = announce('10.1.0.1')
    for (const host of ['10.2.0.1', '10.2.0.2', '10.2.0.3', '10.3.0.1', '10.4.0.1']) announce(host)
    const others = (max: number): string[] =>
      bridges.ofOtherSites(SWARM, a, siteOf(a.host), max).map(({ host }) => host)
    assert.deepEqual(others(16), ['10.2.0.1', '10.3.0.1', '10.4.0.1'])
    assert.deepEqual(others(2), ['10.2.0.1', '10.3.0.1'])
    store.remove(SWARM, swarmPeer('10.2.0.1'))
    assert.equal(others(16)[0], '10.2.0.2')
  })

  it('know for how long a site has been in a swarm', () => {
    const site = siteOf('10.1.0.1')
    assert.equal(bridges.isNew(SWARM, site, minutes(1)), true)
    announce('10.1.0.1')
    clock.advance(millis(minutes(1) - 1))
    assert.equal(bridges.isNew(SWARM, site, minutes(1)), true)
    announce('10.1.0.2')
    clock.advance(millis(1))
    assert.equal(bridges.isNew(SWARM, site, minutes(1)), false)
    bridges.clear()
    assert.equal(bridges.isNew(SWARM, site, minutes(1)), true)
  })

  describe('are freed', () => {
    it('when the last peer of the swarm stops', () => {
      const [a, b] = [announce('10.1.0.1'), announce('10.2.0.1')]
      leave(a)
      leave(a)
      assert.equal(bridges.swarmCount, 1)
      leave(b)
      assert.equal(bridges.swarmCount, 0)
    })

    it('by three sweeps after the store has freed the swarm, however many there are', () => {
      const swarms = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(40) as typeof SWARM)
      for (const swarm of swarms) announce('10.1.0.1', { swarm, lease: seconds(1) })
      announce('10.1.0.1')
      clock.advance(seconds(1))
      store.sweep()
      for (let i = 0; i < 2; i++) bridges.sweep()
      assert.ok(bridges.swarmCount > 1, 'a part at a time')
      for (let i = 0; i < 3; i++) bridges.sweep()
      assert.equal(bridges.swarmCount, 1)
      for (let i = 0; i < 5; i++) bridges.sweep()
      assert.deepEqual([bridges.swarmCount, isBridge('10.1.0.1')], [1, true])
    })

    it('in parts of a sweep', () => {
      const swarms = Array.from({ length: 10 }, (_, i) => `${i}`.repeat(40) as typeof SWARM)
      for (const swarm of swarms) announce('10.1.0.1', { swarm, lease: seconds(1) })
      clock.advance(seconds(1))
      store.sweep()
      const left: number[] = []
      let from: number | undefined = 0
      for (let parts = 0; from !== undefined && parts < 9; parts++) {
        from = bridges.sweep({ from, most: 3 })
        left.push(bridges.swarmCount)
      }
      assert.deepEqual(left, [7, 6])
      assert.equal(bridges.sweep({ from: 0, most: 3 }), undefined)
      assert.equal(bridges.swarmCount, 4)
    })

    it('site by site, when their leases are over and nobody asks', () => {
      announce('10.1.0.1')
      announce('10.2.0.1', { lease: minutes(6) })
      clock.advance(minutes(6))
      announce('10.1.0.1')
      assert.equal(isBridge('10.2.0.1'), true)
      for (let i = 0; i < 3; i++) bridges.sweep()
      assert.equal(isBridge('10.2.0.1'), false)
      assert.equal(isBridge('10.1.0.1'), true)
    })
  })
})

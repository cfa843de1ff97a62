import assert from 'node:assert/strict'
import { Metrics } from '../../src/platform/metrics.ts'
import { millis, minutes } from '../../src/core/units.ts'
import { MinuteLimiter } from '../../src/tracker/minute-limiter.ts'
import { largestSites } from '../../src/tracker/largest-sites.ts'
import { addTrackerMetrics } from '../../src/tracker/index.ts'
import { Lru } from '../../src/tracker/lru.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { ip } from './support.ts'

describe('A bounded map', () => {
  it('never holds more than its capacity, and keeps what is used', () => {
    const map = new Lru<number, string>({ capacity: 10 })
    map.set(-1, 'used')
    for (let i = 0; i < 100; i++) {
      map.set(i, 'new')
      assert.equal(map.get(-1), 'used')
      assert.ok(map.size <= 10)
    }
    assert.equal(map.get(99), 'new')
    assert.equal(map.get(1), undefined)
  })

  it('holds one value a key, and none once deleted', () => {
    const map = new Lru<string, number>({ capacity: 4 })
    for (const value of [1, 2, 3]) map.set('a', value)
    assert.deepEqual([...map.entries()], [['a', 3]])
    map.delete('a')
    assert.equal(map.get('a'), undefined)
    map.set('b', 1)
    map.clear()
    assert.equal(map.size, 0)
  })
})

describe('The limit of failures', () => {
  it('counts an IPv6 network as one address, and forgives after a minute', () => {
    const clock = new ManualClock()
    const limiter = new MinuteLimiter({ clock }, { perMinuteMax: 2 })
    limiter.count(ip('fd00::1'))
    limiter.count(ip('fd00::2'))
    assert.equal(limiter.isLimited(ip('fd00::3')), true)
    assert.equal(limiter.isLimited(ip('fd00:0:0:1::3')), false)
    assert.equal(limiter.isLimited(ip('10.0.0.1')), false)
    clock.advance(minutes(1))
    assert.equal(limiter.isLimited(ip('fd00::3')), false)
  })

  it('is that of the whole /64 of an IPv6 host, and of nobody beside it', () => {
    const limiter = new MinuteLimiter({ clock: new ManualClock() }, { perMinuteMax: 1 })
    limiter.count(ip('fd00::1'))
    assert.equal(limiter.isLimited(ip('fd00::ffff:1:2:3')), true)
    assert.equal(limiter.isLimited(ip('2000::1')), false)
  })

  it('begins anew with the first failure after a minute', () => {
    const clock = new ManualClock()
    const limiter = new MinuteLimiter({ clock }, { perMinuteMax: 2 })
    const host = ip('10.0.0.1')
    for (let round = 0; round < 3; round++) {
      limiter.count(host)
      assert.equal(limiter.isLimited(host), false)
      clock.advance(millis(minutes(1) - 1))
      limiter.count(host)
      assert.equal(limiter.isLimited(host), true)
      clock.advance(millis(1))
      assert.equal(limiter.isLimited(host), false)
    }
  })
})

describe('Peers by site', () => {
  it('name the hundred largest sites, and all others together', () => {
    assert.deepEqual(largestSites(new Map()), [])
    const counts = new Map(
      Array.from({ length: 103 }, (_, i) => [`site ${String(i).padStart(3, '0')}`, 1 + (i % 50)]),
    )
    const sizes = largestSites(counts)
    assert.equal(sizes.length, 101)
    assert.deepEqual(sizes.slice(0, 3), [
      { site: 'site 049', peers: 50 },
      { site: 'site 099', peers: 50 },
      { site: 'site 048', peers: 49 },
    ])
    assert.deepEqual(sizes.at(-1), { site: 'all others', peers: 3 })
    assert.equal(largestSites(new Map([...counts].slice(0, 100))).length, 100)
  })
})

describe('The metrics of the tracker', () => {
  it('show its figures, without an address or a grant', async () => {
    const metrics = new Metrics()
    const stats = {
      swarms: 2,
      peers: 3,
      announces: 5,
      outcomes: { admitted: 4, full: 1 },
      crossSiteIntroductions: 4,
      scrapes: 0,
      refused: { full: 1, 'bad-request': 6 },
      verifiedGrants: 0,
      pendingVerifications: 0,
      sockets: 7,
      browserPeers: 4,
      offersPassedOn: 0,
      answersPassedOn: 0,
    }
    let sizes = [
      { site: 'lyon', peers: 2 },
      { site: 'oslo', peers: 1 },
    ]
    addTrackerMetrics(
      metrics,
      () => stats,
      () => sizes,
    )
    const { body } = await metrics.render()
    assert.match(body, /^shoal_tracker_cross_site_introductions 4$/m)
    assert.match(body, /^shoal_tracker_site_peers\{site="lyon"\} 2$/m)
    assert.match(body, /^shoal_tracker_site_peers\{site="oslo"\} 1$/m)
    sizes = sizes.slice(0, 1)
    assert.doesNotMatch((await metrics.render()).body, /oslo/, 'a site without peers')
    assert.match(body, /^shoal_tracker_peers 3$/m)
    assert.match(body, /^shoal_tracker_announce_outcomes\{outcome="admitted"\} 4$/m)
    assert.match(body, /^shoal_tracker_announce_outcomes\{outcome="full"\} 1$/m)
    assert.match(body, /^shoal_tracker_refused\{kind="bad-request"\} 6$/m)
    assert.match(body, /^shoal_tracker_websockets 7$/m)
    assert.match(body, /^shoal_tracker_browser_peers 4$/m)
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { PieceIndex } from '../../src/core/piece-layout.ts'
import { seededRandom } from '../../src/core/random.ts'
import { millis, seconds } from '../../src/core/units.ts'
import { Assist } from '../../src/swarm/reveal/assist.ts'
import { RecentMedian } from '../../src/swarm/recent-median.ts'
import { PieceLedger } from '../../src/swarm/reveal/piece-ledger.ts'
import { FadingMost } from '../../src/swarm/reveal/fading-most.ts'
import { Host } from '../../src/swarm/reveal/host.ts'
import { RecentLeast } from '../../src/swarm/reveal/recent-least.ts'
import { SiteFeed } from '../../src/swarm/reveal/site-feed.ts'
import { SimulatedHost } from '../support/reveal-world.ts'

const PIECES = 20
const piece = (n: number): PieceIndex => n as PieceIndex

describe('the ledger of an origin', () => {
  const take = (ledger: PieceLedger<string>): PieceIndex[] => {
    const taken: PieceIndex[] = []
    for (let next = ledger.takeFresh(); next !== undefined; next = ledger.takeFresh()) {
      taken.push(next)
      ledger.give(next, 'a')
    }
    return taken
  }

  it('gives every piece once, in an order of chance', () => {
    const taken = take(new PieceLedger<string>(PIECES, seededRandom(1)))
    assert.equal(new Set(taken).size, PIECES)
    assert.notDeepEqual(
      taken,
      taken.toSorted((a, b) => a - b),
    )
  })

  it('passes over what peers have, and gives it when the last of them is gone', () => {
    const ledger = new PieceLedger<string>(PIECES, seededRandom(1))
    ledger.seen(piece(3), 'b')
    assert.ok(!take(ledger).includes(piece(3)))
    ledger.lost(piece(3))
    assert.deepEqual(take(ledger), [3])
  })

  it('gives everything when the only seed goes, but what was taken off', () => {
    const ledger = new PieceLedger<string>(PIECES, seededRandom(1))
    ledger.seedCame()
    assert.deepEqual(take(ledger), [])
    ledger.goes(piece(4))
    ledger.seedLeft()
    assert.equal(take(ledger).length, PIECES - 1)
  })

  it('names the giver once, when the piece is first seen at somebody else', () => {
    const ledger = new PieceLedger<string>(PIECES, seededRandom(1))
    ledger.give(piece(5), 'a')
    assert.equal(ledger.seen(piece(5), 'a'), undefined)
    assert.equal(ledger.seen(piece(5), 'b'), 'a')
    assert.equal(ledger.seen(piece(5), 'c'), undefined)
  })

  it('puts what is free again before all others', () => {
    const ledger = new PieceLedger<string>(PIECES, seededRandom(1))
    const first = ledger.takeFresh() ?? piece(0)
    ledger.give(first, 'a')
    ledger.free(first)
    assert.equal(ledger.takeFresh(), first)
  })
})

describe('assistance to a site', () => {
  const PIECE_BYTES = 1_000_000

  /** Seconds of ten in which the site was assisted, if it takes in `helped` bytes a second then, and `plain` else. */
  function assisted(plain: number, helped: number): number {
    const assist = new Assist<SimulatedHost>(PIECE_BYTES)
    const site = new SiteFeed<SimulatedHost>('a', PIECES)
    let count = 0
    for (let s = 1; s <= 30; s++) {
      // It took in much while the origin still had something new.
      const isAllOut = s > 10
      const rate = !isAllOut ? 1_000_000 : assist.isOn(site) ? helped : plain
      site.intake.add(rate, seconds(s))
      assist.tick([site], isAllOut, seconds(s))
      if (s > 20 && assist.isOn(site)) count++
    }
    return count
  }

  it('is given to a site that it makes faster', () => {
    assert.ok(assisted(100_000, 1_000_000) > 0)
  })

  it('is not given to one that does as well as ever', () => {
    assert.equal(assisted(1_000_000, 1_000_000), 0)
  })

  it('is given to a slow one for the last second of its content, gain or none', () => {
    const assist = new Assist<SimulatedHost>(PIECE_BYTES)
    const site = new SiteFeed<SimulatedHost>('a', 4)
    const takes = (bytes: number, at: number): void => {
      site.intake.add(bytes, seconds(at))
      assist.tick([site], true, seconds(at))
    }
    for (let s = 1; s <= 10; s++) takes(1_000_000, s)
    for (const n of [0, 1, 2]) site.count(piece(n), 1)
    assert.equal(assist.isOn(site), false, 'as fast as ever')
    const isOn = Array.from({ length: 20 }, (_, i) => {
      takes(100_000, 20 + i)
      return assist.isOn(site)
    })
    assert.deepEqual(isOn, new Array(20).fill(true))
  })

  it('is withdrawn, mostly, where it makes no difference', () => {
    assert.ok(assisted(300_000, 300_000) <= 6, String(assisted(300_000, 300_000)))
  })
})

describe('what a site lacks', () => {
  it('is what no host of it has', () => {
    const site = new SiteFeed<SimulatedHost>('a', PIECES)
    assert.equal(site.missing, PIECES)
    for (const by of [1, 1, -1] as const) site.count(piece(0), by)
    assert.equal(site.missing, PIECES - 1)
    site.count(piece(0), -1)
    assert.equal(site.missing, PIECES)
    site.countSeed(1)
    assert.equal(site.missing, 0)
  })
})

describe('the least of late', () => {
  it('is forgotten after twenty seconds, and never the only one', () => {
    const least = new RecentLeast()
    assert.equal(least.value, 0)
    for (const [value, at] of [
      [30, 1],
      [50, 2],
      [40, 11],
    ] as const)
      least.add(value, seconds(at))
    assert.equal(least.value, 30)
    least.add(60, seconds(22))
    assert.equal(least.value, 40)
    least.add(70, seconds(99))
    assert.equal(least.value, 60)
  })
})

describe('the most of late', () => {
  it('halves in thirty seconds without more', () => {
    const most = new FadingMost()
    assert.equal(most.at(seconds(5)), 0)
    most.add(8_000, seconds(10))
    most.add(1_000, seconds(10))
    assert.equal(most.at(seconds(40)), 4_000)
    most.add(5_000, seconds(40))
    assert.equal(most.at(seconds(70)), 2_500)
  })
})

describe('how long a host needs to see what it is shown', () => {
  const after = (waitMs: number, { isOurs = false, waits = [] as PieceIndex[] } = {}): number => {
    const site = new SiteFeed<SimulatedHost>('a', PIECES)
    const peer = new SimulatedHost('a', 'a', 'honest', PIECES)
    peer.up.queue = waits
    const facts = { site: 'a', isBridge: true, isOurs }
    const host = new Host(peer, facts, { site, pieces: PIECES, now: seconds(1) })
    site.hosts.add(host)
    host.show(piece(1), 1, seconds(2))
    host.show(piece(2), 1, seconds(3))
    host.asked(millis(seconds(2) + waitMs))
    return site.reactionS(millis(seconds(2) + waitMs))
  }

  it('is what went by until it asked again, at most ten seconds', () => {
    assert.equal(after(3_000), 3)
    assert.equal(after(60_000), 10)
  })

  it('is nothing for our own client, and for one with requests that wait here', () => {
    assert.equal(after(3_000, { isOurs: true }), 0)
    assert.equal(after(3_000, { waits: [piece(0)] }), 0)
  })
})

describe('the median of the last durations', () => {
  it('is one of the last fifteen, and 0 before there was any', () => {
    assert.equal(new RecentMedian().value, millis(0))
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { minLength: 1, maxLength: 40 }), (durations) => {
        const median = new RecentMedian()
        for (const duration of durations) median.add(duration)
        const sorted = durations.slice(-15).toSorted((a, b) => a - b)
        assert.equal(median.value, sorted[Math.floor(sorted.length / 2)])
      }),
    )
  })
})

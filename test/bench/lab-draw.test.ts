/** Topologies by chance, and the same ones again. */
import assert from 'node:assert/strict'
import { boundsOf } from '../../bench/lab/bounds.ts'
import { drawPlan } from '../../bench/lab/draw.ts'
import { peersOf } from '../../bench/lab/plan.ts'

const SIZE = 64 * 1_048_576
const RATES = { wanMbit: 20, lanMbit: 100, originMbit: 20 }
const SEEDS = Array.from({ length: 200 }, (_, i) => i)
const draw = (seed: number) => drawPlan(seed, { rates: RATES, sizeBytes: SIZE, clients: ['shoal'] })
const all = SEEDS.map(draw)

describe('a topology drawn from a seed', () => {
  it('is the same each time, and another for another seed', () => {
    assert.deepEqual(draw(7), draw(7))
    assert.notDeepEqual(draw(7), draw(8))
  })

  it('has 2 to 8 sites of 1 to 12 hosts, each number at some seed', () => {
    const siteCounts = new Set(all.map(({ sites }) => sites.length))
    const hostCounts = new Set(all.flatMap(({ sites }) => sites.map(({ hosts }) => hosts.length)))
    assert.deepEqual(
      [...siteCounts].toSorted((a, b) => a - b),
      [2, 3, 4, 5, 6, 7, 8],
    )
    assert.deepEqual(
      [...hostCounts].toSorted((a, b) => a - b),
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    )
  })

  it('has one site with a tenth of the bandwidth and one host ten times slower', () => {
    for (const plan of all) {
      assert.equal(plan.sites.filter(({ wanMbit }) => wanMbit === 2).length, 1)
      assert.equal(plan.sites.filter(({ wanMbit }) => wanMbit === 20).length, plan.sites.length - 1)
      assert.equal(peersOf(plan).filter(({ lanMbit }) => lanMbit === 10).length, 1)
    }
  })

  it('has half of the hosts accept no connection', () => {
    for (const plan of all) {
      const hosts = peersOf(plan)
      const closed = hosts.filter(({ acceptsConnections }) => !acceptsConnections)
      assert.equal(closed.length, Math.floor(hosts.length / 2))
    }
  })

  it('has arrivals spread over what the transfer takes, the first at once', () => {
    for (const plan of all) {
      const times = peersOf(plan).map(({ arrivesAtSeconds }) => arrivesAtSeconds)
      assert.equal(Math.min(...times), 0)
      assert.ok(Math.max(...times) <= 26.9)
    }
    const latest = all.map((plan) => Math.max(...peersOf(plan).map((host) => host.arrivesAtSeconds)))
    assert.ok(Math.max(...latest) > 20)
  })

  it('has a bound for each host and for all', () => {
    for (const plan of all) {
      const { hostSeconds, wholeSeconds } = boundsOf(SIZE, plan)
      assert.equal(hostSeconds.length, peersOf(plan).length)
      assert.ok(hostSeconds.every((seconds) => seconds > 5 && seconds < wholeSeconds + 0.001))
      assert.ok(wholeSeconds > 268 && Number.isFinite(wholeSeconds))
    }
  })
})

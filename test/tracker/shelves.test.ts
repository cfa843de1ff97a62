import assert from 'node:assert/strict'
import { seededRandom } from '../../src/core/random.ts'
import { PeerTable, wordsOf, type Slot } from '../../src/tracker/peer-table.ts'
import { Shelf } from '../../src/tracker/shelf.ts'
import { SwarmShelves } from '../../src/tracker/swarm-shelves.ts'
import { ip, SWARM } from './support.ts'

/** A table of so many peers, of which each third is a seed. */
function tableOf(peers: number, sites = 1): { table: PeerTable; slots: readonly Slot[] } {
  const table = new PeerTable(peers)
  const slots = Array.from({ length: peers }, (_, i) => {
    const slot = table.take(wordsOf(ip('10.0.0.1'), i + 1)) ?? assert.fail('no room')
    table.setKind(slot, i % 3 === 0, false)
    table.site[slot] = i % sites
    return slot
  })
  return { table, slots }
}

function walked(shelf: Shelf, wantsSeeds: boolean, random: () => number, most = Infinity): Slot[] {
  const walk = shelf.walk(wantsSeeds, random)
  const found: Slot[] = []
  for (let slot = walk.next(); slot !== undefined && found.length < most; slot = walk.next()) found.push(slot)
  return found
}

/** Pearson's sum for counts that are to be alike, over its degrees of freedom: about 1. */
function unevenness(counts: readonly number[]): number {
  const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
  return counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0) / (counts.length - 1)
}

describe('A shelf', () => {
  it('gives everybody who is on it once, or every leecher once, over a long random life', () => {
    const random = seededRandom(3)
    const { table, slots } = tableOf(60)
    const shelf = new Shelf(0)
    const on = new Set<Slot>()
    for (let step = 0; step < 5_000; step++) {
      const slot = slots[Math.floor(random() * slots.length)] ?? 0
      if (on.delete(slot)) shelf.delete(slot, table)
      else {
        if (random() < 0.5) table.setKind(slot, !table.isSeed(slot), false)
        shelf.add(slot, table, random)
        on.add(slot)
      }
      const leechers = [...on].filter((one) => !table.isSeed(one))
      assert.deepEqual([shelf.size, shelf.leechers], [on.size, leechers.length])
      assert.deepEqual(walked(shelf, true, random).toSorted(), [...on].toSorted())
      assert.deepEqual(walked(shelf, false, random).toSorted(), leechers.toSorted())
    }
  })

  it('gives each as often as any other, whatever came and went before', () => {
    const random = seededRandom(4)
    const { table, slots } = tableOf(40)
    const shelf = new Shelf(0)
    for (const slot of slots) shelf.add(slot, table, random)
    for (const wantsSeeds of [true, false]) {
      const counts = new Map<Slot, number>()
      for (let draw = 0; draw < 20_000; draw++) {
        const guest = slots[draw % 7] ?? 0
        shelf.delete(guest, table)
        shelf.add(guest, table, random)
        for (const slot of walked(shelf, wantsSeeds, random, 5)) counts.set(slot, (counts.get(slot) ?? 0) + 1)
      }
      assert.equal(counts.size, wantsSeeds ? shelf.size : shelf.leechers)
      const value = unevenness([...counts.values()])
      assert.ok(value < 2, `${value}`)
    }
  })

  it('stands in each order as often as in any other, whatever came and went before', () => {
    const random = seededRandom(5)
    const { table, slots } = tableOf(9)
    const orders = new Map<string, number>()
    for (let life = 0; life < 12_000; life++) {
      const shelf = new Shelf(0)
      for (const slot of slots) shelf.add(slot, table, random)
      for (const slot of [slots[0], slots[1], slots[4]]) shelf.delete(slot ?? 0, table)
      shelf.add(slots[1] ?? 0, table, random)
      const order = shelf.slots.join()
      orders.set(order, (orders.get(order) ?? 0) + 1)
    }
    // five leechers and two seeds
    assert.equal(orders.size, 120 * 2)
    const value = unevenness([...orders.values()])
    assert.ok(value < 1.5, `${value}`)
  })

  it('gives leechers and seeds as they are on it, however early a walk ends', () => {
    const random = seededRandom(6)
    const { table, slots } = tableOf(300)
    const shelf = new Shelf(0)
    for (const slot of slots) shelf.add(slot, table, random)
    for (const most of [3, 30, 90])
      for (let draw = 0; draw < 100; draw++) {
        const seeds = walked(shelf, true, random, most).filter((slot) => table.isSeed(slot)).length
        assert.equal(seeds, most / 3)
      }
  })
})

describe('The shelves of a swarm', () => {
  /** How many are looked at for 50 of a site and 50 of others. */
  function looksOf(peers: number, sites: number): number {
    const random = seededRandom(7)
    const { table, slots } = tableOf(peers, sites)
    const swarm = new SwarmShelves(SWARM, table)
    for (const slot of slots) swarm.add(slot, random)
    let looks = 0
    const wanted = (): boolean => looks++ >= 0
    assert.equal(swarm.pickFrom(0, 50, true, random, wanted).length, Math.min(50, peers / sites))
    assert.equal(swarm.pickAround(0, 50, true, random, wanted).length, 50)
    return looks
  }

  it('look at as many for an answer in a swarm of 20,000 as in one of 500', () => {
    assert.equal(looksOf(500, 4), 100)
    assert.equal(looksOf(20_000, 4), 100)
    assert.equal(looksOf(20_000, 4_000), 55)
  })
})

import assert from 'node:assert/strict'
import { BlockQueue } from '../../bench/support/block-queue.ts'
import { fairnessOf } from '../../bench/support/fairness.ts'
import { manyPeers } from '../../bench/support/fetch-by-many.ts'
import { PieceLayout } from '../../src/core/piece-layout.ts'
import { seededRandom } from '../../src/core/random.ts'
import { KiB } from '../../src/core/units.ts'
import type { BlockRange } from '../../src/wire/peer-message.ts'

/** Four pieces of two blocks, and one of a block and a bit. */
const layout = new PieceLayout(4 * 32 * KiB + 16 * KiB + 1, 32 * KiB)
const queueOf = (seed = 1): BlockQueue => new BlockQueue(layout, seededRandom(seed))
const nameOf = ({ piece, offset }: BlockRange): string => `${piece}+${offset / KiB}`

function all(queue: BlockQueue, askedMax: number): BlockRange[] {
  const blocks: BlockRange[] = []
  for (let next = queue.next(askedMax); next !== undefined; next = queue.next(askedMax)) blocks.push(next)
  return blocks
}

describe('the blocks that a fetching peer asks for', () => {
  it('are those of pieces that it sees, each once, until it has all', () => {
    const queue = queueOf()
    queue.offered(2)
    queue.offered(2)
    queue.offered(99)
    assert.deepEqual(all(queue, 64).map(nameOf), ['2+0', '2+16'])
    assert.ok(!queue.isAnythingOpen)
    queue.offeredAll()
    const rest = all(queue, 64)
    assert.equal(new Set(rest.map(nameOf)).size, 8)
    for (const block of rest) queue.arrived(block)
    assert.ok(!queue.isDone)
    assert.equal(queue.arrived({ piece: 2, offset: 16 * KiB, length: 16 * KiB }), undefined)
    assert.equal(queue.arrived({ piece: 2, offset: 0, length: 16 * KiB }), 2)
    assert.ok(queue.isDone)
  })

  it('are no more at once than it was told, and more as they come', () => {
    const queue = queueOf()
    queue.offeredAll()
    const [first, ...others] = all(queue, 3)
    assert.equal(others.length, 2)
    assert.ok(first !== undefined)
    queue.arrived(first)
    assert.equal(all(queue, 3).length, 1)
  })

  it('are asked for again when they were refused', () => {
    const queue = queueOf()
    queue.offered(4)
    const [first, second] = all(queue, 64)
    assert.ok(first !== undefined && second !== undefined)
    assert.deepEqual(second, { piece: 4, offset: 16 * KiB, length: 1 })
    queue.refused(first)
    assert.deepEqual(all(queue, 64), [first])
  })

  it('are those of a bitfield, whose bits behind the last piece are nothing', () => {
    const queue = queueOf()
    queue.offeredBits(Uint8Array.of(0b10001111))
    assert.deepEqual(new Set(all(queue, 64).map(nameOf)), new Set(['0+0', '0+16', '4+0', '4+16']))
  })

  it('come in an order of its own for each peer', () => {
    const orders = [1, 2, 3].map((seed) => {
      const queue = queueOf(seed)
      queue.offeredAll()
      return all(queue, 64).map(nameOf).join()
    })
    assert.equal(new Set(orders).size, 3)
  })
})

describe('how evenly some were served', () => {
  it('is the rate of the slowest by that of the median', () => {
    assert.deepEqual(fairnessOf([1, 2, 4], 4_000_000), {
      peers: 3,
      slowestMBps: 1,
      medianMBps: 2,
      fastestMBps: 4,
      slowestByMedian: 0.5,
    })
    assert.equal(fairnessOf([1, 1, 2, 2], 6_000_000).medianMBps, 4.5)
    assert.equal(fairnessOf([3], 3_000_000).slowestByMedian, 1)
  })
})

describe('many peers', () => {
  it('have an address and an id each, in as many ranges as there are sites', () => {
    const peers = manyPeers(200, 4)
    assert.equal(new Set(peers.map(({ from }) => from)).size, 200)
    assert.equal(new Set(peers.map(({ id }) => id)).size, 200)
    assert.equal(new Set(peers.map(({ from }) => from.split('.')[2])).size, 4)
  })
})

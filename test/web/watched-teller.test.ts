import assert from 'node:assert/strict'
import { WatchedRanges } from '../../src/web/watched-ranges.ts'
import { WatchedTeller } from '../../src/web/watched-teller.ts'
import type { Played } from '../../src/wire/api-learning.ts'

describe('what a page tells of watching', () => {
  let told: Played[]
  let arrives: boolean
  let watched: WatchedRanges

  beforeEach(() => {
    told = []
    arrives = true
    watched = new WatchedRanges({ countMax: 20 })
    watched.giveBack([[0, 12]])
  })

  const teller = (durationSeconds: number): WatchedTeller =>
    new WatchedTeller({
      watched,
      file: 3,
      durationSeconds,
      post: (played) => {
        told.push(played)
        return Promise.resolve(arrives)
      },
    })

  it('waits until the length is known, and loses nothing meanwhile', async () => {
    const page = teller(0)
    for (const unknown of [NaN, Infinity, 0]) await page.tell(unknown, { isLast: false })
    assert.deepEqual(told, [])
    await page.tell(600, { isLast: false })
    assert.deepEqual(told, [{ file: 3, durationSeconds: 600, ranges: [[0, 12]] }])
  })

  it('has the length from the portal where the player has none, as for a recording of a browser', async () => {
    await teller(540).tell(Infinity, { isLast: true })
    assert.deepEqual(told, [{ file: 3, durationSeconds: 540, ranges: [[0, 12]] }])
  })

  it('is told once, and again when it did not arrive', async () => {
    const page = teller(0)
    arrives = false
    await page.tell(600, { isLast: false })
    arrives = true
    await page.tell(600, { isLast: false })
    await page.tell(600, { isLast: false })
    assert.equal(told.length, 2)
    assert.deepEqual(told[1], told[0])
  })
})

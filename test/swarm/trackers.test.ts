/** What the torrents of one engine know together of their trackers. */
import assert from 'node:assert/strict'
import { seededRandom } from '../../src/core/random.ts'
import { type Millis, minutes, seconds } from '../../src/core/units.ts'
import { TrackerSlots } from '../../src/swarm/tracker-slots.ts'
import { type Announcing, Trackers } from '../../src/swarm/trackers.ts'
import { limits } from '../../src/wire/limits.ts'
import { ManualClock } from '../support/manual-clock.ts'

const T = 'http://t/announce'
const never = new AbortController().signal
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** It remembers when it was told to announce. */
class Listener implements Announcing {
  tracker: string | undefined
  askedAt: Millis
  readonly spreads: number[] = []

  constructor(tracker: string, askedAt: Millis) {
    this.tracker = tracker
    this.askedAt = askedAt
  }

  announceWithin(spread: Millis): void {
    this.spreads.push(spread)
  }
}

function world(count: number, tracker = T) {
  const clock = new ManualClock()
  const trackers = new Trackers({ clock, random: seededRandom(1) })
  const all = Array.from({ length: count }, (_, i) => new Listener(tracker, seconds(i)))
  for (const one of all) trackers.join(one)
  const heard = (by: Listener | undefined, epoch: number | undefined, minInterval?: Millis): void => {
    assert.ok(by)
    trackers.heard(by, by.tracker ?? T, { epoch, minInterval })
  }
  return { clock, trackers, all, heard }
}

describe('the torrents of an engine', () => {
  it('all announce again, spread, when a reply shows another epoch, and not before', () => {
    const { all, heard } = world(3)
    heard(all[0], 7)
    heard(all[1], 7)
    assert.ok(all.every(({ spreads }) => spreads.length === 0))
    heard(all[1], 8)
    assert.deepEqual(
      all.map(({ spreads }) => spreads.length),
      [1, 0, 1],
    )
    assert.ok((all[0]?.spreads[0] ?? 0) >= seconds(20))
    heard(all[2], 8)
    assert.deepEqual(
      all.map(({ spreads }) => spreads.length),
      [1, 0, 1],
    )
  })

  it('are not driven to and fro by two processes that answer for one tracker', () => {
    const { all, heard } = world(3)
    for (let i = 0; i < 100; i++) heard(all[0], 7 + (i % 2))
    assert.deepEqual(
      all.map(({ spreads }) => spreads.length),
      [0, 1, 1],
    )
  })

  it('heed the epoch of their own tracker only, and none where there is none', () => {
    const { trackers, all, heard } = world(2)
    const foreign = new Listener('http://other/announce', seconds(0))
    trackers.join(foreign)
    heard(all[0], 1)
    heard(foreign, 5)
    heard(foreign, 6)
    heard(all[0], undefined)
    heard(all[0], 2)
    assert.deepEqual(
      [...all, foreign].map(({ spreads }) => spreads.length),
      [0, 1, 0],
    )
  })

  it('all announce within 45 s when the portal says so', () => {
    const { trackers, all } = world(3)
    trackers.reannounce()
    assert.ok(all.every(({ spreads }) => spreads[0] === seconds(45)))
  })

  it('see to it that one of them announces every 45 s: the one that was silent for longest', () => {
    const { clock, trackers, all, heard } = world(3)
    heard(all[2], 1)
    for (let i = 0; i < 30; i++) {
      clock.advance(seconds(1))
      trackers.tick()
    }
    assert.ok(all.every(({ spreads }) => spreads.length === 0))
    for (let i = 0; i < 16; i++) {
      clock.advance(seconds(1))
      trackers.tick()
    }
    assert.deepEqual(
      all.map(({ spreads }) => spreads),
      [[0], [], []],
    )
  })

  it('keep to the least interval of the tracker, within what is believed of one', () => {
    const { clock, trackers, all, heard } = world(1)
    heard(all[0], 1, minutes(5))
    clock.advance(minutes(4.9))
    trackers.tick()
    assert.equal(all[0]?.spreads.length, 0)
    clock.advance(minutes(0.2))
    trackers.tick()
    assert.equal(all[0].spreads.length, 1)
    heard(all[0], 1, minutes(100_000))
    clock.advance(minutes(61))
    trackers.tick()
    assert.equal(all[0].spreads.length, 2)
  })

  it('are told nothing any more when they have left', () => {
    const { clock, trackers, all, heard } = world(2)
    heard(all[0], 1)
    for (const one of all) trackers.leave(one)
    heard(all[0], 2)
    trackers.reannounce()
    clock.advance(minutes(5))
    trackers.tick()
    assert.ok(all.every(({ spreads }) => spreads.length === 0))
  })
})

describe('the places at a tracker', () => {
  it('are few, and given to who waited longest', async () => {
    const slots = new TrackerSlots()
    const order: number[] = []
    const back: (() => void)[] = []
    const taking = Array.from({ length: 100 }, async (_, i) => {
      back.push(await slots.take('http://t', never))
      order.push(i)
    })
    await turn()
    assert.deepEqual(slots.counts, {
      taken: limits.announcesAtOnceMax,
      waiting: 100 - limits.announcesAtOnceMax,
    })
    let takenMost = 0
    while (order.length < 100) {
      back.shift()?.()
      await turn()
      takenMost = Math.max(takenMost, slots.counts.taken)
    }
    await Promise.all(taking)
    assert.equal(takenMost, limits.announcesAtOnceMax)
    assert.deepEqual(
      order,
      order.toSorted((a, b) => a - b),
    )
    for (const giveBack of back) giveBack()
    assert.deepEqual(slots.counts, { taken: 0, waiting: 0 })
  })

  it('of one that hangs are not those of another', async () => {
    const slots = new TrackerSlots()
    for (let i = 0; i < limits.announcesAtOnceMax; i++) await slots.take('http://hangs', never)
    await slots.take('http://other', never)
  })

  it('are not waited for any more by who was stopped', async () => {
    const slots = new TrackerSlots()
    const back: (() => void)[] = []
    for (let i = 0; i < limits.announcesAtOnceMax; i++) back.push(await slots.take('http://t', never))
    const stop = new AbortController()
    const stopped = assert.rejects(slots.take('http://t', stop.signal), /stopped/)
    const next = slots.take('http://t', never)
    stop.abort(new Error('stopped'))
    await stopped
    back[0]?.()
    await next
    await assert.rejects(slots.take('http://t', stop.signal), /stopped/)
    assert.equal(slots.counts.waiting, 0)
  })
})

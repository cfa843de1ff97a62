import assert from 'node:assert/strict'
import { ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { infoHash } from '../../src/core/ids.ts'
import { seededRandom } from '../../src/core/random.ts'
import { hours, minutes, seconds } from '../../src/core/units.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { TransferReporter } from '../../src/portal-client/index.ts'
import { zTransfer, type Transfer, type TransferEnd, type TransfersTaken } from '../../src/wire/api.ts'
import { limits } from '../../src/wire/limits.ts'
import { ManualClock } from '../support/manual-clock.ts'

const HASH = infoHash('a'.repeat(40))
const got = (at: string, receivedBytes: number, sentBytes = 0): TransferEnd => ({
  at: ipAddress(at),
  from: 'site',
  receivedBytes,
  sentBytes,
})
/** Promises that are settled are heard. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

class World {
  readonly clock = new ManualClock()
  readonly sent: Transfer[][] = []
  /** What is answered; a promise that never settles is a portal that hangs. */
  answer: (items: Transfer[], signal: AbortSignal) => Promise<TransfersTaken> = () =>
    Promise.resolve({ refused: [] })
  ends: TransferEnd[] = []
  haveBytes = 0
  isChecked = true
  readonly reporter: TransferReporter

  constructor(options: { endsWhenRefused?: boolean; tellsWhatItHas?: boolean } = {}) {
    const { endsWhenRefused = true, tellsWhatItHas = true } = options
    this.reporter = new TransferReporter(
      {
        clock: this.clock,
        random: seededRandom(1),
        log: silentLogger,
        sources: () => [
          {
            infohash: HASH,
            tellsWhatItHas,
            now: () => {
              if (!this.isChecked) return undefined
              const ends = this.ends
              this.ends = []
              return { haveBytes: this.haveBytes, webSeedBytes: 0, ends }
            },
          },
        ],
        send: (items, signal) => {
          this.sent.push(items)
          return this.answer(items, signal)
        },
      },
      { endsWhenRefused },
    )
    this.reporter.start()
  }

  async pass(time = minutes(1)): Promise<void> {
    this.clock.advance(time)
    await settled()
  }

  get last(): Transfer | undefined {
    return this.sent.at(-1)?.[0]
  }

  /** Of all sessions, the newest word of each. */
  total(): number {
    const newest = new Map<string, Transfer>()
    for (const item of this.sent.flat()) newest.set(item.session, item)
    return [...newest.values()]
      .flatMap(({ ends }) => ends)
      .reduce((sum, end) => sum + end.receivedBytes + end.sentBytes, 0)
  }
}

describe('A reporter of transfers', () => {
  it('tells every minute what there is until then, and nothing while nothing happens', async () => {
    const world = new World()
    world.haveBytes = 10
    world.ends = [got('10.0.0.1', 10)]
    await world.pass()
    assert.deepEqual(
      [world.last?.startBytes, world.last?.haveBytes, world.last?.ends[0]?.receivedBytes, world.last?.seq],
      [0, 10, 10, 1],
    )
    await world.pass(minutes(5))
    assert.equal(world.sent.length, 1)
    world.haveBytes = 30
    world.ends = [got('10.0.0.1', 15, 4), got('10.0.0.2', 5)]
    await world.pass()
    assert.deepEqual(world.last?.ends, [got('10.0.0.1', 25, 4), got('10.0.0.2', 5)])
    assert.deepEqual([world.last.seq, world.last.startBytes, world.sent.length], [2, 0, 2])
    await world.reporter[Symbol.asyncDispose]()
    assert.equal(world.sent.length, 2)
  })

  it('tells who has all of it already, and of an origin only what it sends', async () => {
    const has = new World()
    has.haveBytes = 100
    await has.pass()
    assert.deepEqual([has.last?.startBytes, has.last?.haveBytes], [100, 100])
    const origin = new World({ tellsWhatItHas: false })
    await origin.pass()
    assert.equal(origin.sent.length, 0)
    origin.ends = [got('10.0.0.1', 0, 7)]
    await origin.pass()
    assert.equal(origin.last?.ends[0]?.sentBytes, 7)
  })

  it('waits until it is known what is there', async () => {
    const world = new World()
    world.isChecked = false
    await world.pass()
    assert.equal(world.sent.length, 0)
    world.isChecked = true
    world.haveBytes = 60
    await world.pass()
    assert.equal(world.last?.startBytes, 60)
  })

  it('loses nothing while the portal is away: the next report holds it', async () => {
    const world = new World()
    world.answer = () => Promise.reject(new ShoalError('unavailable', 'away'))
    world.ends = [got('10.0.0.1', 10)]
    await world.pass()
    world.ends = [got('10.0.0.1', 5)]
    await world.pass()
    world.answer = () => Promise.resolve({ refused: [] })
    await world.pass()
    assert.equal(world.last?.ends[0]?.receivedBytes, 15)
    assert.equal(new Set(world.sent.flat().map(({ session }) => session)).size, 1)
  })

  it('of a machine that dies loses what it exchanged in its last minute, at the most', async () => {
    const world = new World()
    let lived = 0
    const perSecond: number[] = []
    for (; lived < 217; lived++) {
      world.ends = [...world.ends, got('10.0.0.1', 1_000 + lived)]
      perSecond.push(1_000 + lived)
      await world.pass(seconds(1))
    }
    // its power fails: nothing is disposed of
    const sum = (list: number[]): number => list.reduce((all, bytes) => all + bytes, 0)
    assert.ok(world.total() >= sum(perSecond.slice(0, -60)), String(world.total()))
    assert.ok(world.total() <= sum(perSecond))
  })

  it('tells the last of it at the end, and waits two seconds for a portal that hangs', async () => {
    const world = new World()
    world.ends = [got('10.0.0.1', 10)]
    world.answer = (_items, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
    let isOver = false
    const end = world.reporter[Symbol.asyncDispose]().then(() => (isOver = true))
    await settled()
    await world.pass(seconds(1.9))
    assert.deepEqual([world.sent.length, isOver], [1, false])
    await world.pass(seconds(0.2))
    await end
    assert.equal(world.clock.timers, 0)
  })

  it('cuts a report that hangs when it ends, and tells all of it in the last one', async () => {
    const world = new World()
    world.answer = (_items, signal) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
    world.ends = [got('10.0.0.1', 10)]
    await world.pass()
    world.ends = [got('10.0.0.1', 3)]
    world.answer = () => Promise.resolve({ refused: [] })
    await world.reporter[Symbol.asyncDispose]()
    assert.deepEqual([world.sent.length, world.last?.ends[0]?.receivedBytes], [2, 13])
  })

  it('begins another session after a day, and where one holds no more ends; every byte is told once', async () => {
    const world = new World()
    let bytes = 0
    for (let day = 0; day < 3; day++) {
      world.ends = [got('10.0.0.1', 10)]
      bytes += 10
      await world.pass()
      await world.pass(hours(25))
    }
    world.ends = Array.from({ length: 2 * limits.transferEndsMax + 50 }, (_, n) =>
      got(`10.1.${n >> 8}.${n & 255}`, 1),
    )
    bytes += world.ends.length
    await world.pass()
    world.ends = [got('10.1.0.0', 7), got('10.0.0.1', 2)]
    bytes += 9
    await world.pass()
    assert.equal(world.total(), bytes)
    for (const item of world.sent.flat()) {
      assert.ok(item.ends.length <= limits.transferEndsMax)
      assert.ok(item.ageSeconds <= limits.transferAgeMax / 1_000)
    }
    assert.ok(new Set(world.sent.flat().map(({ session }) => session)).size >= 5)
  })

  it('ends for good where a grant is refused, and an origin goes on', async () => {
    for (const endsWhenRefused of [true, false]) {
      const world = new World({ endsWhenRefused })
      world.answer = () => Promise.reject(new ShoalError('not-granted', 'no'))
      for (let n = 0; n < 3; n++) {
        world.ends = [got('10.0.0.1', 1)]
        await world.pass()
      }
      assert.equal(world.sent.length, endsWhenRefused ? 1 : 3)
      await world.reporter[Symbol.asyncDispose]()
    }
  })

  it('tells what was not believed no more: what comes after it is another session', async () => {
    const world = new World()
    world.answer = (items) =>
      Promise.resolve({ refused: items.map(({ session }) => ({ session, reason: 'no' })) })
    world.ends = [got('10.0.0.1', 10)]
    await world.pass()
    world.answer = () => Promise.resolve({ refused: [] })
    world.ends = [got('10.0.0.1', 1)]
    await world.pass()
    const [first, second] = world.sent.flat()
    assert.notEqual(first?.session, second?.session)
    assert.equal(second?.ends[0]?.receivedBytes, 1)
  })

  it('go on after an outage of days, without what is too old to be taken', async () => {
    for (const endsWhenRefused of [true, false]) {
      const world = new World({ endsWhenRefused, tellsWhatItHas: false })
      let isAway = false
      const taken: Transfer[] = []
      world.answer = (items) => {
        if (isAway) return Promise.reject(new ShoalError('unavailable', 'away'))
        assert.ok(
          items.every((item) => zTransfer.safeParse(item).success),
          'the portal refuses all of it',
        )
        taken.push(...items)
        return Promise.resolve({ refused: [] })
      }
      const hour = async (): Promise<void> => {
        world.ends = [got('10.0.0.1', 0, 1_000)]
        await world.pass(hours(1))
        await settled()
      }
      for (let i = 0; i < 50; i++) {
        isAway = i > 0 && i < 49
        await hour()
      }
      const before = taken.length
      for (let i = 0; i < 3; i++) await hour()
      assert.ok(taken.length > before, 'nothing is told any more')
      await world.reporter[Symbol.asyncDispose]()
    }
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { FileLayout, PieceLayout } from '../../src/core/piece-layout.ts'
import { seededRandom } from '../../src/core/random.ts'
import { KiB, MiB, millis, minutes, seconds } from '../../src/core/units.ts'
import {
  chooseRun,
  delayFor,
  isDripping,
  isTooLate,
  partsOf,
  turnOf,
} from '../../src/swarm/web-seed-policy.ts'

const PIECE = 16 * KiB

describe('a web seed', () => {
  it('waits ten seconds for peers, and the less the sooner a player needs the piece', () => {
    assert.equal(delayFor(undefined), 10_000)
    assert.equal(delayFor(minutes(5)), 10_000)
    assert.equal(delayFor(seconds(30)), 10_000)
    assert.equal(delayFor(seconds(15)), 5_000)
    assert.equal(delayFor(millis(300)), 100)
    assert.equal(delayFor(millis(0)), 0)
  })

  it('is asked for nothing at first, then for what no peer has, for anything when peers give nothing', () => {
    const at = (start: number, given: number): string =>
      turnOf({ sinceStart: seconds(start), sinceGiven: seconds(given) }, undefined)
    assert.equal(at(9, 9), 'nothing')
    assert.equal(at(10, 10), 'anything')
    assert.equal(at(10, 9), 'lacking')
    assert.equal(at(500, 0), 'lacking')
    assert.equal(at(500, 11), 'anything')
    assert.equal(turnOf({ sinceStart: seconds(1), sinceGiven: millis(0) }, seconds(3)), 'lacking')
    assert.equal(turnOf({ sinceStart: seconds(1), sinceGiven: seconds(1) }, seconds(3)), 'anything')
  })

  it('is too late when at its pace a piece comes more than three seconds after it is due', () => {
    const pace = (time: number, bytes: number) => ({ time: seconds(time), bytes })
    assert.ok(!isTooLate(pace(2, 0), 100_000, millis(0)))
    assert.ok(isTooLate(pace(3, 0), 100_000, millis(0)))
    assert.ok(!isTooLate(pace(10, 400_000), 120_000, millis(0)))
    assert.ok(isTooLate(pace(10, 400_000), 121_000, millis(0)))
    assert.ok(!isTooLate(pace(10, 400_000), 200_000, seconds(2)))
  })

  it('drips when two minutes of its pace bring less than is asked for at once', () => {
    assert.ok(!isDripping({ time: millis(119_999), bytes: 0 }))
    assert.ok(isDripping({ time: minutes(2), bytes: 4 * MiB - 1 }))
    assert.ok(!isDripping({ time: minutes(2), bytes: 4 * MiB }))
    assert.ok(isDripping({ time: minutes(4), bytes: 8 * MiB - 1 }))
  })

  it('is asked for neighbours that suit, within the bound, wherever chance begins', () => {
    const cases = fc.record({
      count: fc.integer({ min: 1, max: 40 }),
      suits: fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
      bytesMax: fc.integer({ min: 1, max: 10 * PIECE }),
      seed: fc.nat(),
    })
    fc.assert(
      fc.property(cases, ({ count, suits, bytesMax, seed }) => {
        const layout = new PieceLayout(count * PIECE - 5, PIECE)
        const wish = { layout, suits: (piece: number) => suits[piece] === true, bytesMax }
        const run = chooseRun(wish, seededRandom(seed))
        const isSome = suits.slice(0, count).includes(true)
        assert.equal(run.length > 0, isSome)
        assert.ok(run.every((piece, i) => suits[piece] === true && piece === (run[0] ?? 0) + i))
        const bytes = run.reduce((sum, piece) => sum + layout.pieceBytes(piece), 0)
        assert.ok(bytes <= bytesMax || run.length === 1)
        const [first] = run
        if (first !== undefined) assert.deepEqual(chooseRun({ ...wish, first }, seededRandom(1)), run)
      }),
    )
  })

  it('is asked for each byte of them once, in order, file by file, in parts that are bounded', () => {
    const sizes = fc
      .array(fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 100 * KiB })), { minLength: 1, maxLength: 8 })
      .filter((list) => list.some((size) => size > 0))
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1_000, max: 200 * KiB }), fc.nat(30), (list, bytesMax, skip) => {
        const total = list.reduce((sum, size) => sum + size, 0)
        const layout = new PieceLayout(total, PIECE)
        const run = [...layout.indices()].slice(skip)
        const parts = partsOf(new FileLayout(layout, list), run, bytesMax)
        let at = Math.min(total, skip * PIECE)
        for (const [i, { file, from, end }] of parts.entries()) {
          const start = list.slice(0, file).reduce((sum, size) => sum + size, 0)
          assert.equal(start + from, at)
          assert.ok(from < end && end <= (list[file] ?? 0) && end - from <= bytesMax)
          const next = parts[i + 1]
          const isCut = end === list[file] || end - from === bytesMax
          assert.ok(next === undefined || isCut, 'two requests where one would do')
          at += end - from
        }
        assert.equal(at, total)
      }),
    )
  })
})

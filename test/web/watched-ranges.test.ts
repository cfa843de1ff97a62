import assert from 'node:assert/strict'
import fc from 'fast-check'
import { secondsIn } from '../../src/core/time-ranges.ts'
import { WatchedRanges, type PlayerState } from '../../src/web/watched-ranges.ts'

/** A player that does what it is told and says where it is four times a second. */
class Player {
  readonly watched = new WatchedRanges({ countMax: 20 })
  #at = 0
  #nowMs = 1_000
  #isPlaying = false
  rate = 1

  #say(more: Partial<PlayerState> = {}): void {
    this.watched.observe({ atSeconds: this.#at, isPlaying: this.#isPlaying, isSeeking: false, rate: this.rate, nowMs: this.#nowMs, ...more }) // prettier-ignore
  }

  play(seconds: number): void {
    this.#isPlaying = true
    this.#say()
    for (let step = 0; step < 4 * seconds; step++) {
      this.#at += this.rate / 4
      this.#nowMs += 250
      this.#say()
    }
  }

  pause(seconds: number): void {
    this.#isPlaying = false
    this.#say()
    this.#nowMs += 1_000 * seconds
    this.#say()
  }

  /** `silently`: its events come late, and only the next `timeupdate` shows that it is elsewhere. */
  seek(to: number, { silently = false } = {}): void {
    if (!silently) this.#say({ isSeeking: true })
    this.#at = to
    this.#nowMs += 50
    if (!silently) this.#say({ isSeeking: true })
    this.#say()
  }
}

describe('What was watched', () => {
  it('is what was played, not what was jumped over', () => {
    const player = new Player()
    player.play(10)
    player.seek(100)
    player.play(5)
    assert.deepEqual(player.watched.take(), [[0, 10], [100, 105]]) // prettier-ignore
    assert.deepEqual(player.watched.take(), [])
  })

  it('goes on where it was taken, without a gap', () => {
    const player = new Player()
    player.play(3)
    assert.deepEqual(player.watched.take(), [[0, 3]])
    player.play(3)
    assert.deepEqual(player.watched.take(), [[3, 6]])
  })

  it('does not grow while the player pauses, and counts faster playing', () => {
    const player = new Player()
    player.play(2)
    player.pause(600)
    player.rate = 2
    player.play(4)
    assert.deepEqual(player.watched.take(), [[0, 10]])
  })

  it('has no jump in it that nobody told of', () => {
    const player = new Player()
    player.play(2)
    player.seek(300, { silently: true })
    player.play(2)
    player.seek(0, { silently: true })
    player.play(1)
    assert.deepEqual(player.watched.take(), [[0, 2], [300, 302]]) // prettier-ignore
  })

  it('is given back when it could not be told', () => {
    const player = new Player()
    player.play(4)
    const taken = player.watched.take()
    player.play(2)
    player.watched.giveBack(taken)
    assert.deepEqual(player.watched.take(), [[0, 6]])
  })

  it('is never more than the time in which it was played allows, whatever a player says', () => {
    const someState = fc
      .tuple(
        fc.oneof(fc.double({ min: 0, max: 50, noNaN: true }), fc.constantFrom(NaN, Infinity, -1)),
        fc.boolean(),
        fc.integer({ min: 0, max: 2_000 }),
      )
      .map(([atSeconds, isSeeking, laterMs]) => ({ atSeconds, isSeeking, laterMs }))
    fc.assert(
      fc.property(fc.array(someState, { maxLength: 60 }), (states) => {
        const watched = new WatchedRanges({ countMax: 20 })
        let nowMs = 0
        for (const { laterMs, ...state } of states) {
          nowMs += laterMs
          watched.observe({ ...state, isPlaying: true, rate: 1, nowMs })
        }
        const ranges = watched.take()
        assert.ok(ranges.length <= 20)
        // each observation may be off by three quarters of a second
        assert.ok(secondsIn(ranges) <= nowMs / 1_000 + states.length * 1.3)
        for (const [from, to] of ranges) assert.ok(from >= 0 && to <= 50 && from < to)
      }),
    )
  })
})

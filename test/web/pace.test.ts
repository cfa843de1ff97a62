import assert from 'node:assert/strict'
import { Pace } from '../../src/web/engine/pace.ts'

/** How much film is begun within a minute by who looks so often, and then begins all it may. */
function begunBy(lookEveryMs: number, pieceMs: number): number {
  const pace = new Pace()
  let begun = 0
  for (let now = 0; now < 60_000; now += lookEveryMs)
    while (pace.isOpen(now)) {
      pace.spend(pieceMs, now)
      begun += pieceMs
    }
  return begun
}

describe('The pace of what nobody waits for', () => {
  it('is a little more than what is played, however small the pieces are and how seldom somebody looks', () => {
    for (const lookEvery of [20, 200, 700])
      for (const piece of [50, 300, 840, 4_000]) {
        const begun = begunBy(lookEvery, piece) / 60_000
        assert.ok(begun > 1.2 && begun < 1.4, `${begun} times, at ${lookEvery} and ${piece}`)
      }
  })

  it('begins at once, and takes no advantage of having done nothing for long', () => {
    const pace = new Pace()
    assert.equal(pace.isOpen(0), true)
    pace.spend(60_000, 0)
    assert.equal(pace.isOpen(40_000), false)
    let begun = 0
    for (const now = 600_000; pace.isOpen(now); begun += 100) pace.spend(100, now)
    assert.ok(begun < 1_500, `${begun} ms of film`)
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { pick, seededRandom, shuffled } from '../../src/core/random.ts'

describe('seeded chance', () => {
  it('repeats itself for the same seed and not for another', () => {
    const take = (seed: number): number[] => Array.from({ length: 5 }, seededRandom(seed))
    assert.deepEqual(take(7), take(7))
    assert.notDeepEqual(take(7), take(8))
  })

  it('stays within [0, 1) and spreads', () => {
    const random = seededRandom(1)
    const tenths = new Set<number>()
    for (let i = 0; i < 1_000; i++) {
      const n = random()
      assert.ok(n >= 0 && n < 1)
      tenths.add(Math.floor(n * 10))
    }
    assert.equal(tenths.size, 10)
  })
})

describe('picking and shuffling', () => {
  it('picks one of the items, and nothing of none', () => {
    assert.equal(pick<string>([], seededRandom(1)), undefined)
    assert.ok(['a', 'b'].includes(pick(['a', 'b'], seededRandom(1)) ?? ''))
  })

  it('shuffles into a new array with the same items', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.integer(), (items, seed) => {
        const before = [...items]
        const after = shuffled(items, seededRandom(seed))
        assert.deepEqual(items, before)
        assert.deepEqual(after.toSorted(), before.toSorted())
      }),
    )
  })

  it('puts every item first at some time', () => {
    const random = seededRandom(3)
    const firsts = new Set(Array.from({ length: 200 }, () => shuffled([1, 2, 3, 4, 5], random)[0]))
    assert.equal(firsts.size, 5)
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { isOneSlipAway, variantsOf, wordsOf } from '../../src/portal/catalogue/words.ts'

const letters = fc.constantFrom('a', 'b', 'é', '日')
const someWord = fc.array(letters, { minLength: 1, maxLength: 8 })

/** Optimal string alignment, by the book. */
function distance(a: readonly string[], b: readonly string[]): number {
  const rows = Array.from({ length: a.length + 1 }, (_, i) =>
    Array.from({ length: b.length + 1 }, (__, j) => (i === 0 ? j : j === 0 ? i : 0)),
  )
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let best = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        best = Math.min(best, at(i - 2, j - 2) + 1)
      const row = rows[i]
      if (row !== undefined) row[j] = best
    }
  return at(a.length, b.length)
}

describe('Words', () => {
  it('are one slip apart when their optimal string alignment is 1', () => {
    fc.assert(
      fc.property(someWord, someWord, (a, b) => {
        assert.equal(isOneSlipAway(a.join(''), b.join('')), distance(a, b) === 1)
      }),
      { numRuns: 5_000 },
    )
  })

  it('that are one slip apart share a variant, so that they are found by equality', () => {
    fc.assert(
      fc.property(someWord, someWord, (a, b) => {
        if (distance(a, b) !== 1) return
        const [one, other] = [new Set(variantsOf(a.join(''))), new Set(variantsOf(b.join('')))]
        assert.ok(!one.isDisjointFrom(other))
      }),
      { numRuns: 20_000 },
    )
  })

  it('are read as the index reads them', () => {
    assert.deepEqual(wordsOf('Évacuation, ÉVACUATION of the «Grüne» hall-2!'), [
      'evacuation',
      'of',
      'the',
      'grune',
      'hall',
      '2',
    ])
    assert.deepEqual(wordsOf('\0 ?!'), [])
  })
})

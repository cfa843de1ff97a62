/** BEP 12. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { seededRandom } from '../../src/core/random.ts'
import { seconds } from '../../src/core/units.ts'
import { TrackerTiers } from '../../src/swarm/tracker-tiers.ts'

const LETTERS = ['a', 'b', 'c', 'd', 'e', 'f'].map((name) => `http://${name}/announce`)
const [A = '', B = '', C = '', D = ''] = LETTERS

describe('the tiers of trackers', () => {
  it('are shuffled once: each tier keeps its order from round to round, and they differ from client to client', () => {
    const orders = new Set<string>()
    for (let seed = 0; seed < 40; seed++) {
      const tiers = new TrackerTiers(seededRandom(seed))
      const first = tiers.inOrder([LETTERS])
      assert.deepEqual(first.toSorted(), LETTERS)
      for (let round = 0; round < 5; round++) assert.deepEqual(tiers.inOrder([LETTERS]), first)
      orders.add(first.join())
    }
    assert.ok(orders.size > 20, `${orders.size} orders`)
  })

  it('have the tracker that answered in front of its tier, and never of another', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.array(fc.constantFrom(A, B, C, D), { minLength: 1, maxLength: 12 }),
        (seed, good) => {
          const tiers = new TrackerTiers(seededRandom(seed))
          const given = [
            [A, B],
            [C, D],
          ]
          tiers.inOrder(given)
          for (const url of good) tiers.answered(url)
          const tried = tiers.inOrder(given)
          assert.deepEqual(tried.slice(0, 2).toSorted(), [A, B])
          assert.deepEqual(tried.slice(2).toSorted(), [C, D])
          for (const tier of [tried.slice(0, 2), tried.slice(2)]) {
            const last = good.findLast((url) => tier.includes(url))
            if (last !== undefined) assert.equal(tier[0], last)
          }
        },
      ),
    )
  })

  it('keep their order when a grant is renewed', () => {
    const tiers = new TrackerTiers(seededRandom(3))
    tiers.inOrder([LETTERS.map((url) => `${url}?g=OLD`)])
    tiers.answered(`${C}?g=OLD`)
    const tried = tiers.inOrder([LETTERS.map((url) => `${url}?g=NEW`)])
    assert.equal(tried[0], `${C}?g=NEW`)
    assert.ok(tried.every((url) => url.endsWith('?g=NEW')))
  })

  it('leave a tracker alone until it wants to be asked again, or until it answers', () => {
    const tiers = new TrackerTiers(seededRandom(1))
    tiers.inOrder([[A, B]])
    tiers.refused(`${A}?g=1`, seconds(90))
    assert.equal(tiers.notBefore(`${A}?g=2`), seconds(90))
    assert.equal(tiers.notBefore(B), undefined)
    tiers.answered(A)
    assert.equal(tiers.notBefore(A), undefined)
  })

  it('are HTTP ones only, at most eight, no URL twice, and remember none that is gone', () => {
    const tiers = new TrackerTiers(seededRandom(1))
    assert.deepEqual(
      tiers.inOrder([
        ['udp://x:1/announce', A, 'wss://y/announce'],
        [A, B],
      ]),
      [A, B],
    )
    assert.deepEqual(tiers.inOrder([]), [])
    const many = Array.from({ length: 50 }, (_, i) => `http://t${i}/announce`)
    assert.equal(tiers.inOrder([many]).length, 8)
    tiers.refused(A, seconds(10))
    tiers.inOrder([[B]])
    assert.equal(tiers.notBefore(A), undefined)
  })
})

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Endpoint } from '../../src/core/address.ts'
import {
  choosePeers,
  OTHER_SITES_MAX,
  OWN_WANT,
  SAME_SITE_MAX,
  type Asker,
  type Candidates,
} from '../../src/tracker/choose-peers.ts'
import { ip } from './support.ts'

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 200)

const peers = (net: number, count: number): Endpoint[] =>
  Array.from({ length: count }, (_, i) => ({ host: ip(`10.${net}.${i >> 8}.${i & 255}`), port: 6_881 }))

interface Case {
  readonly asker: Asker
  readonly candidates: Candidates<Endpoint>
}

/** Serving peers are often in the other lists too, as origins that announce are. */
const anyCase: fc.Arbitrary<Case> = fc
  .tuple(
    fc.tuple(fc.boolean(), fc.boolean(), fc.integer({ min: 0, max: 100 })),
    fc.tuple(fc.nat(80), fc.nat(80), fc.nat(3), fc.nat(3), fc.boolean()),
  )
  .map(([[isSeed, isOurs, limit], [same, others, here, elsewhere, alsoAnnounce]]) => {
    const servingHere = peers(3, here)
    const servingElsewhere = peers(4, elsewhere)
    return {
      asker: { isSeed, isOurs, limit },
      candidates: {
        sameSite: [...peers(1, same), ...(alsoAnnounce ? servingHere : [])],
        otherSites: [...(alsoAnnounce ? servingElsewhere : []), ...peers(2, others)],
        servingHere,
        servingElsewhere,
      },
    }
  })

const holds = (property: (c: Case, chosen: Endpoint[]) => void): void =>
  fc.assert(
    fc.property(anyCase, (c) => {
      property(c, choosePeers(c.asker, c.candidates))
    }),
    { numRuns },
  )

const includesAny = (chosen: readonly Endpoint[], some: readonly Endpoint[]): boolean =>
  chosen.some((peer) => some.some((s) => s.host === peer.host && s.port === peer.port))

describe('The choice of peers', () => {
  it('gives at most as many as asked for, each once', () =>
    holds(({ asker }, chosen) => {
      assert.ok(chosen.length <= asker.limit)
      assert.equal(new Set(chosen.map((peer) => `${peer.host} ${peer.port}`)).size, chosen.length)
    }))

  it('leaves no place empty while it knows somebody, but for more same-site peers than are of use', () =>
    holds(({ asker, candidates }, chosen) => {
      if (asker.isSeed) return
      const known = Math.min(candidates.sameSite.length, SAME_SITE_MAX) + candidates.otherSites.length
      assert.ok(chosen.length >= Math.min(asker.limit, known))
    }))

  it('gives everybody but our own seeds an origin or a mirror', () =>
    holds(({ asker, candidates }, chosen) => {
      const serving = [...candidates.servingHere, ...candidates.servingElsewhere]
      if ((asker.isSeed && asker.isOurs) || asker.limit === 0 || serving.length === 0) return
      assert.ok(includesAny(chosen, serving))
    }))

  it('does not send a stock client across the WAN for an origin when a mirror is near', () => {
    const [origin, mirror] = [peers(4, 1), peers(3, 1)]
    const candidates = { sameSite: [], otherSites: [], servingHere: mirror, servingElsewhere: origin }
    assert.deepEqual(choosePeers({ isSeed: false, isOurs: false, limit: 50 }, candidates), mirror)
    assert.deepEqual(choosePeers({ isSeed: false, isOurs: true, limit: 50 }, candidates), [
      ...mirror,
      ...origin,
    ])
  })

  it('leaves nobody without a way out of the site, however many same-site peers there are', () =>
    holds(({ asker, candidates }, chosen) => {
      const out = [
        ...candidates.otherSites,
        ...(asker.isSeed && asker.isOurs ? [] : [...candidates.servingHere, ...candidates.servingElsewhere]),
      ]
      if (asker.limit < 2 || out.length === 0) return
      assert.ok(includesAny(chosen, out))
    }))

  it('names same-site peers before all others', () => {
    const candidates = {
      sameSite: peers(1, 10),
      otherSites: peers(2, 80),
      servingHere: [],
      servingElsewhere: peers(4, 1),
    }
    const chosen = choosePeers({ isSeed: false, isOurs: false, limit: 50 }, candidates)
    assert.deepEqual(chosen.slice(0, 10), candidates.sameSite)
    assert.equal(chosen.length, 50)
  })

  it('gives our own client 50 of its site, one of each of 16 others and an origin', () => {
    const candidates = {
      sameSite: peers(1, 80),
      otherSites: peers(2, 80),
      servingHere: [],
      servingElsewhere: peers(4, 1),
    }
    const chosen = choosePeers({ isSeed: false, isOurs: true, limit: OWN_WANT }, candidates)
    assert.deepEqual(chosen.slice(0, SAME_SITE_MAX), candidates.sameSite.slice(0, SAME_SITE_MAX))
    assert.ok(includesAny(chosen, candidates.servingElsewhere))
    for (const peer of candidates.otherSites.slice(0, OTHER_SITES_MAX)) assert.ok(chosen.includes(peer))
  })

  it('tells our own seeds of no origin, but stock ones: aria2 calls itself one while it has only a magnet', () => {
    const candidates = {
      sameSite: peers(1, 1),
      otherSites: [],
      servingHere: peers(3, 1),
      servingElsewhere: peers(4, 1),
    }
    const chosen = (isOurs: boolean): readonly Endpoint[] =>
      choosePeers({ isSeed: true, isOurs, limit: 50 }, candidates)
    assert.deepEqual(chosen(true), candidates.sameSite)
    assert.ok(includesAny(chosen(false), candidates.servingHere))
  })
})

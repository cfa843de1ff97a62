import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Endpoint } from '../../src/core/address.ts'
import {
  choosePeersForOurs,
  choosePeersForStock,
  isSamePeer,
  OTHER_SITES_MAX,
  OWN_WANT,
  SAME_SITE_MAX,
  type OwnAsker,
  type OwnCandidates,
  type StockAsker,
  type StockCandidates,
  type StockChoice,
} from '../../src/tracker/choose-peers.ts'
import { packedEndpoint } from '../../src/wire/compact-reply.ts'
import { ip } from './support.ts'

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 200)

const peers = (net: number, count: number): Endpoint[] =>
  Array.from({ length: count }, (_, i) => ({ host: ip(`10.${net}.${i >> 8}.${i & 255}`), port: 6_881 }))

/** How many same-site peers, other-site peers, origins here and elsewhere; whether these announce as well. */
const anyCounts = fc.tuple(fc.nat(80), fc.nat(80), fc.nat(3), fc.nat(3), fc.boolean())

const serving = (here: number, elsewhere: number) => ({
  servingHere: peers(3, here),
  servingElsewhere: peers(4, elsewhere),
})

type StockCase = StockCandidates<Endpoint, readonly Endpoint[]> & { readonly sameSite: readonly Endpoint[] }

/** With a draw that gives the first of `sameSite`. */
const stockCandidates = (known: Omit<StockCase, 'drawNear'>): StockCase => ({
  ...known,
  drawNear: (max, apart) => {
    assert.ok(max >= 0 && max <= SAME_SITE_MAX)
    return known.sameSite.filter((peer) => !includesAny([peer], apart)).slice(0, max)
  },
})

const includesAny = (chosen: readonly Endpoint[], some: readonly Endpoint[]): boolean =>
  chosen.some((peer) => some.some((s) => s.host === peer.host && s.port === peer.port))

const assertEachOnce = (chosen: readonly Endpoint[]): void =>
  assert.equal(new Set(chosen.map((peer) => `${peer.host} ${peer.port}`)).size, chosen.length)

describe('The choice of peers for our own clients', () => {
  const anyCase: fc.Arbitrary<{ asker: OwnAsker; candidates: OwnCandidates<Endpoint> }> = fc
    .tuple(fc.boolean(), fc.integer({ min: 0, max: 100 }), anyCounts)
    .map(([isSeed, limit, [same, others, here, elsewhere, alsoAnnounce]]) => {
      const sources = serving(here, elsewhere)
      return {
        asker: { isSeed, limit },
        candidates: {
          ...sources,
          sameSite: [...peers(1, same), ...(alsoAnnounce ? sources.servingHere : [])],
          otherSites: [...(alsoAnnounce ? sources.servingElsewhere : []), ...peers(2, others)],
        },
      }
    })
  const holds = (
    property: (c: { asker: OwnAsker; candidates: OwnCandidates<Endpoint> }, chosen: Endpoint[]) => void,
  ) =>
    fc.assert(
      fc.property(anyCase, (c) => {
        property(c, choosePeersForOurs(c.asker, c.candidates))
      }),
      { numRuns },
    )

  it('gives at most as many as asked for, each once', () =>
    holds(({ asker }, chosen) => {
      assert.ok(chosen.length <= asker.limit)
      assertEachOnce(chosen)
    }))

  it('leaves no place empty while it knows somebody, but for more same-site peers than are of use', () =>
    holds(({ asker, candidates }, chosen) => {
      if (asker.isSeed) return
      const known = Math.min(candidates.sameSite.length, SAME_SITE_MAX) + candidates.otherSites.length
      assert.ok(chosen.length >= Math.min(asker.limit, known))
    }))

  it('leaves nobody without a way out of the site, however many same-site peers there are', () =>
    holds(({ asker, candidates }, chosen) => {
      const sources = [...candidates.servingHere, ...candidates.servingElsewhere]
      const out = [...candidates.otherSites, ...(asker.isSeed ? [] : sources)]
      if (asker.limit >= 2 && out.length > 0) assert.ok(includesAny(chosen, out))
      if (asker.limit >= 1 && !asker.isSeed && sources.length > 0) assert.ok(includesAny(chosen, sources))
    }))

  it('gives 50 of its site, one of each of 16 others and an origin, same-site peers first', () => {
    const candidates = { ...serving(0, 2), sameSite: peers(1, 80), otherSites: peers(2, 80) }
    assert.deepEqual(choosePeersForOurs({ isSeed: false, limit: OWN_WANT - 1 }, candidates), [
      ...peers(1, 50),
      ...peers(4, 1),
      ...peers(2, 16),
    ])
    assert.deepEqual([SAME_SITE_MAX, OTHER_SITES_MAX], [50, 16])
  })

  it('gives half of few places to other sites', () => {
    const candidates = { ...serving(0, 1), sameSite: peers(1, 80), otherSites: peers(2, 80) }
    assert.deepEqual(choosePeersForOurs({ isSeed: false, limit: 6 }, candidates), [
      ...peers(1, 3),
      ...peers(4, 1),
      ...peers(2, 2),
    ])
  })

  it('gives one origin or mirror here and one elsewhere, and none to a seed', () => {
    const candidates = { ...serving(2, 2), sameSite: peers(1, 1), otherSites: [] }
    const chosen = (isSeed: boolean) => choosePeersForOurs({ isSeed, limit: 50 }, candidates)
    assert.deepEqual(chosen(false), [...peers(1, 1), ...peers(3, 1), ...peers(4, 1)])
    assert.deepEqual(chosen(true), peers(1, 1))
  })
})

describe('The choice of peers for stock clients', () => {
  const anyCase: fc.Arbitrary<{ asker: StockAsker; candidates: StockCase }> = fc
    .tuple(
      fc.constantFrom(undefined, 0 as const, 1 as const),
      fc.integer({ min: 0, max: 100 }),
      fc.nat(40),
      fc.nat(2),
      anyCounts,
    )
    .map(([seat, limit, otherSiteCount, hubs, [same, , here, elsewhere, alsoAnnounce]]) => {
      const sources = serving(here, elsewhere)
      return {
        asker: { seat, limit, otherSiteCount },
        candidates: stockCandidates({
          ...sources,
          sameSite: [...peers(1, same), ...(alsoAnnounce ? sources.servingHere : [])],
          hubs: peers(1, hubs),
        }),
      }
    })
  const holds = (
    property: (
      c: { asker: StockAsker; candidates: StockCase },
      chosen: StockChoice<Endpoint, readonly Endpoint[]>,
    ) => void,
  ) =>
    fc.assert(
      fc.property(anyCase, (c) => {
        property(c, choosePeersForStock(c.asker, c.candidates))
      }),
      { numRuns },
    )

  it('fills at most the places asked for, nobody twice', () =>
    holds(({ asker }, { hubs, near, serving: sources, linksMax }) => {
      assert.ok(linksMax >= 0)
      assert.ok(hubs.length + near.length + sources.length + linksMax <= asker.limit)
      assertEachOnce([...hubs, ...near, ...sources])
    }))

  it('gives an origin or mirror whatever the limit, one at the site if there is one, and never two', () =>
    holds(({ asker, candidates }, { serving: sources }) => {
      const known = [...candidates.servingHere, ...candidates.servingElsewhere]
      assert.deepEqual(sources, asker.limit === 0 ? [] : known.slice(0, 1))
    }))

  it('gives a bridge of the site to everybody who has room for it, but for the first bridge', () =>
    holds(({ asker, candidates }, { hubs, serving: sources }) => {
      if (candidates.hubs.length === 0 || asker.seat === 0 || asker.limit === sources.length) return
      assert.ok(includesAny(hubs, candidates.hubs))
    }))

  it('leaves no place empty while there are same-site peers of use, but for the links of a bridge', () =>
    holds(({ asker, candidates }, { hubs, near, serving: sources, linksMax }) => {
      const known = new Set([...candidates.sameSite, ...candidates.hubs].map(({ host }) => host))
      for (const { host } of sources) known.delete(host)
      const room = asker.limit - sources.length
      if (asker.seat === undefined) assert.equal(linksMax, 0)
      const atSite = hubs.length + near.length
      assert.ok(atSite >= Math.min(SAME_SITE_MAX, known.size, room - Math.min(room, linksMax)))
      assert.ok(atSite <= SAME_SITE_MAX)
    }))

  it('gives a bridge half of its places for links, as far as there are sites, and all that same-site peers leave', () => {
    const choice = (limit: number, same: number, over: Partial<StockAsker> = {}) =>
      choosePeersForStock(
        { limit, seat: 0, otherSiteCount: 30, ...over },
        stockCandidates({ ...serving(0, 1), sameSite: peers(1, same), hubs: [] }),
      )
    assert.deepEqual([choice(51, 80).linksMax, choice(51, 80).near.length], [25, 25])
    assert.equal(choice(51, 80, { otherSiteCount: 11 }).linksMax, 11)
    assert.equal(choice(51, 80, { otherSiteCount: 0 }).linksMax, 0)
    assert.equal(choice(51, 3).linksMax, 47)
    assert.equal(choice(100, 80).near.length, SAME_SITE_MAX)
    assert.equal(choice(51, 3, { seat: undefined }).linksMax, 0)
  })

  it('keeps a place for a way out where no other site is known, unless an origin is the way', () => {
    const choice = (origins: number) =>
      choosePeersForStock(
        { limit: 50, seat: 0, otherSiteCount: 0 },
        stockCandidates({ ...serving(0, origins), sameSite: peers(1, 80), hubs: [] }),
      )
    assert.equal(choice(0).linksMax, 1)
    assert.equal(choice(1).linksMax, 0)
  })

  it('with one place left has the first bridge look outwards, and the second to the first', () => {
    const choice = (seat: 0 | 1 | undefined, hubs: number) => {
      const candidates = stockCandidates({ ...serving(0, 0), sameSite: peers(1, 9), hubs: peers(5, hubs) })
      const choice = choosePeersForStock({ limit: 1, seat, otherSiteCount: 3 }, candidates)
      return [[...choice.hubs, ...choice.near], choice.linksMax]
    }
    assert.deepEqual(choice(0, 1), [[], 1])
    assert.deepEqual(choice(1, 1), [peers(5, 1), 0])
    assert.deepEqual(choice(1, 0), [[], 1])
    assert.deepEqual(choice(undefined, 1), [peers(5, 1), 0])
  })

  it('names an origin that announces too once, as what it is', () => {
    const origin = peers(3, 1)
    const candidates = stockCandidates({
      servingHere: origin,
      servingElsewhere: [],
      sameSite: [...peers(1, 1), ...origin],
      hubs: origin,
    })
    const choice = choosePeersForStock({ limit: 50, seat: undefined, otherSiteCount: 0 }, candidates)
    assert.deepEqual(choice, { hubs: [], near: peers(1, 1), serving: origin, linksMax: 0 })
  })

  it('takes a client on the machine of an origin for another', () => {
    const origin = peers(3, 1)
    const beside = origin.map(({ host }) => ({ host, port: 7_000 }))
    const candidates = stockCandidates({
      servingHere: origin,
      servingElsewhere: [],
      sameSite: beside,
      hubs: [],
    })
    const choice = choosePeersForStock({ limit: 50, seat: undefined, otherSiteCount: 0 }, candidates)
    assert.deepEqual(choice.near, beside)
  })
})

describe('Two peers', () => {
  const plain = { host: ip('10.1.0.1'), port: 6_881 }
  const packed = { ...plain, packed: packedEndpoint(plain) }

  it('are the same by host and port, whichever of them is packed', () => {
    for (const a of [plain, packed]) for (const b of [plain, packed]) assert.ok(isSamePeer(a, { ...b }))
  })

  it('are not the same with another host or another port, whichever of them is packed', () => {
    for (const endpoint of [
      { ...plain, port: 6_882 },
      { ...plain, host: ip('10.1.0.2') },
    ])
      for (const a of [plain, packed])
        for (const b of [endpoint, { ...endpoint, packed: packedEndpoint(endpoint) }]) {
          assert.ok(!isSamePeer(a, b))
          assert.ok(!isSamePeer(b, a))
        }
  })

  it('that are packed are not spelt out to be compared', () => {
    const dear = {
      packed: packed.packed,
      port: plain.port,
      get host(): never {
        throw new Error('spelt out')
      },
    }
    assert.ok(isSamePeer(dear, dear))
  })
})

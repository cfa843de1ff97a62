/** The pure decisions of the engine. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ipAddress } from '../../src/core/address.ts'
import type { PieceIndex } from '../../src/core/piece-layout.ts'
import { seededRandom } from '../../src/core/random.ts'
import { millis, minutes, seconds } from '../../src/core/units.ts'
import {
  nextAnnounceIn,
  type PeerNeed,
  retryAnnounceIn,
  retryRefusedIn,
} from '../../src/swarm/announce-policy.ts'
import { chooseDials, CONNECTIONS_SOUGHT, dialBackoff, mayDial } from '../../src/swarm/dial-policy.ts'
import { RarityIndex } from '../../src/swarm/rarity-index.ts'
import { queueBlocks, silenceAllowed } from '../../src/swarm/request-queue.ts'
import { chooseUnchoked, type PeerStanding } from '../../src/swarm/unchoker.ts'
import { limits } from '../../src/wire/limits.ts'

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 200)
const PIECES = 12

describe('the rarity index', () => {
  type Step = readonly ['add' | 'remove' | 'increment' | 'decrement', number]
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom('add', 'remove', 'increment', 'decrement'),
    fc.nat(PIECES - 1),
  )

  it('always finds the rarest piece that suits, whatever happened before', () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        fc.array(fc.boolean(), { minLength: PIECES, maxLength: PIECES }),
        fc.nat(),
        (steps, suits, seed) => {
          const index = new RarityIndex(PIECES)
          const present = new Set<number>()
          const copies = new Array<number>(PIECES).fill(0)
          for (const [what, piece] of steps) {
            index[what](piece as PieceIndex)
            if (what === 'add') present.add(piece)
            else if (what === 'remove') present.delete(piece)
            else copies[piece] = Math.max(0, (copies[piece] ?? 0) + (what === 'increment' ? 1 : -1))
          }
          assert.equal(index.size, present.size)
          const suiting = [...present].filter((piece) => suits[piece])
          const found = index.find((piece) => suits[piece] === true, seededRandom(seed))
          if (suiting.length === 0) assert.equal(found, undefined)
          else assert.equal(copies[found ?? -1], Math.min(...suiting.map((piece) => copies[piece] ?? 0)))
        },
      ),
      { numRuns: Math.max(numRuns, 500) },
    )
  })

  it('lets chance decide among equally rare ones', () => {
    const index = new RarityIndex(PIECES)
    for (let i = 0; i < PIECES; i++) index.add(i as PieceIndex)
    const found = new Set(
      Array.from({ length: 200 }, (_, seed) => index.find(() => true, seededRandom(seed))),
    )
    assert.equal(found.size, PIECES)
  })
})

describe('the unchoker', () => {
  const standing: fc.Arbitrary<PeerStanding<number>> = fc
    .tuple(fc.boolean(), fc.boolean(), fc.nat(1_000_000), fc.nat(100_000), fc.boolean(), fc.boolean())
    .map(([isInterested, isUnchoked, rateBps, at, isNewcomer, isSnubbing]) => ({
      peer: 0,
      isFed: false,
      isInterested,
      isUnchoked,
      rateBps,
      turnChangedAt: millis(at),
      isNewcomer,
      isSnubbing,
    }))
  const options = { now: millis(100_000), slots: 3, isSeeding: false, rotateNewcomer: false }

  it('serves only who is interested, never more than slots and a newcomer, and wastes no slot', () => {
    fc.assert(
      fc.property(fc.array(standing, { maxLength: 12 }), fc.boolean(), fc.nat(), (drawn, isSeeding, seed) => {
        const standings = drawn.map((s, peer) => ({ ...s, peer }))
        const { peers } = chooseUnchoked(standings, { ...options, isSeeding }, seededRandom(seed))
        const waiting = standings.filter((s) => s.isInterested).length
        assert.equal(peers.size, Math.min(waiting, options.slots + 1))
        for (const peer of peers) assert.ok(standings[peer]?.isInterested)
      }),
      { numRuns },
    )
  })

  it('pays back: who sends most is always served while we download', () => {
    fc.assert(
      fc.property(fc.array(standing, { minLength: 5, maxLength: 12 }), fc.nat(), (drawn, seed) => {
        const standings = drawn.map((s, peer) => ({
          ...s,
          peer,
          isInterested: true,
          isSnubbing: false,
          rateBps: peer,
        }))
        const { peers } = chooseUnchoked(standings, options, seededRandom(seed))
        for (const best of standings.slice(-3)) assert.ok(peers.has(best.peer))
      }),
      { numRuns },
    )
  })

  it('serves who is fed before all others when it seeds', () => {
    fc.assert(
      fc.property(fc.array(standing, { minLength: 5, maxLength: 12 }), fc.nat(), (drawn, seed) => {
        const standings = drawn.map((s, peer) => ({ ...s, peer, isInterested: true, isFed: peer < 3 }))
        const { peers } = chooseUnchoked(standings, { ...options, isSeeding: true }, seededRandom(seed))
        for (const peer of [0, 1, 2]) assert.ok(peers.has(peer))
      }),
      { numRuns },
    )
  })

  it('gives everybody a turn when it seeds', () => {
    const random = seededRandom(1)
    const turns = new Map<number, { isUnchoked: boolean; turnChangedAt: number; isNewcomer: boolean }>()
    for (let i = 0; i < 20; i++) turns.set(i, { isUnchoked: false, turnChangedAt: 0, isNewcomer: false })
    const served = new Set<number>()
    for (let round = 1; round <= 20; round++) {
      const now = millis(round * 10_000)
      const standings = [...turns].map(([peer, t]) => ({
        peer,
        isFed: false,
        isInterested: true,
        isUnchoked: t.isUnchoked,
        rateBps: 0,
        turnChangedAt: millis(t.turnChangedAt),
        isNewcomer: t.isNewcomer,
        isSnubbing: false,
      }))
      const chosen = chooseUnchoked(
        standings,
        { now, slots: 4, isSeeding: true, rotateNewcomer: round % 3 === 0 },
        random,
      )
      for (const [peer, t] of turns) {
        if (chosen.peers.has(peer) !== t.isUnchoked) t.turnChangedAt = now
        t.isUnchoked = chosen.peers.has(peer)
        t.isNewcomer = peer === chosen.newcomer
        if (t.isUnchoked) served.add(peer)
      }
    }
    assert.equal(served.size, 20)
  })
})

describe('the request queue', () => {
  const usual = { rateBps: 0, roundTrip: undefined, requestsInMax: 250, isSnubbing: false }

  it('asks for rate times delay, at least 20 and at most what both sides bear', () => {
    assert.equal(queueBlocks(usual), 20)
    assert.equal(queueBlocks({ ...usual, rateBps: 16_384 * 100, roundTrip: millis(400) }), 50)
    assert.equal(queueBlocks({ ...usual, rateBps: 1e9 }), 250)
    assert.equal(queueBlocks({ ...usual, rateBps: 1e9, requestsInMax: 100_000 }), limits.requestsOutMax)
    assert.equal(queueBlocks({ ...usual, requestsInMax: 1 }), 1)
    assert.equal(queueBlocks({ ...usual, rateBps: 1e9, isSnubbing: true }), 1)
  })

  it('asks far peers for eight round trips, since one lost packet holds up all that comes after it', () => {
    const far = { ...usual, rateBps: 16_384 * 100, roundTrip: millis(90), roundTripLeast: millis(80) }
    assert.equal(queueBlocks(far), 74)
    assert.equal(queueBlocks({ ...far, roundTrip: millis(800) }), 90, 'what the line holds already')
    assert.equal(queueBlocks({ ...far, isPlayed: true }), 19, 'a seek would wait for all of it')
  })

  it('is patient with the slow, but not for ever', () => {
    assert.equal(silenceAllowed(0), seconds(30))
    assert.equal(silenceAllowed(1e9), seconds(5))
    assert.equal(silenceAllowed(16_384), seconds(20))
  })
})

describe('dialling', () => {
  it('never reaches for low ports, several machines or none', () => {
    const may = (host: string, port = 6_881): boolean => mayDial({ host: ipAddress(host), port })
    for (const host of [
      '0.0.0.0',
      '255.255.255.255',
      '224.0.0.1',
      '169.254.169.254',
      '::',
      'fe80::1',
      'ff02::1',
    ])
      assert.ok(!may(host), host)
    for (const port of [0, 22, 80, 1_023, 65_536]) assert.ok(!may('10.0.0.1', port), String(port))
    for (const host of ['10.0.0.1', '127.0.0.1', '192.168.1.1', '93.184.216.34', 'fd00::1'])
      assert.ok(may(host), host)
  })

  it('goes to origins first, then near, then far, and within its bounds', () => {
    const candidate = (n: number, source: 'site' | 'otherSites' | 'origin') => ({
      endpoint: { host: ipAddress(`10.0.0.${String(n)}`), port: 6_881 },
      source,
      notBefore: millis(n === 9 ? 1_000 : 0),
      failures: n % 10 === 4 ? 1 : 0,
    })
    const candidates = [
      candidate(1, 'otherSites'),
      candidate(2, 'site'),
      candidate(3, 'origin'),
      candidate(9, 'origin'),
    ]
    const room = { now: millis(10), connected: 0, free: 200, dialling: { first: 0, others: 0 } }
    const chosen = chooseDials(candidates, room, seededRandom(1))
    assert.deepEqual(
      chosen.map((c) => c.source),
      ['origin', 'site', 'otherSites'],
    )
    const chosenIn = (more: Partial<typeof room>): string[] =>
      chooseDials(candidates, { ...room, ...more }, seededRandom(1)).map((c) => c.source)
    assert.deepEqual(chosenIn({ free: 1 }), ['origin'])
    assert.deepEqual(chosenIn({ free: 0 }), [])
    // Those elsewhere never keep the own site out: not by being connected, not by letting nobody in.
    assert.deepEqual(chosenIn({ connected: CONNECTIONS_SOUGHT }), ['origin', 'site'])
    assert.deepEqual(chosenIn({ dialling: { first: 0, others: 20 } }), ['origin', 'site'])
    assert.deepEqual(chosenIn({ dialling: { first: 20, others: 0 } }), ['otherSites'])
    const failed = [candidate(4, 'site'), candidate(14, 'site'), candidate(2, 'site'), candidate(24, 'site')]
    assert.equal(chooseDials(failed, { ...room, free: 1 }, seededRandom(2))[0]?.failures, 0)
  })

  it('waits longer after each failure, never more than half a minute', () => {
    const waits = [1, 2, 3, 4, 5, 20].map((n) => dialBackoff(n, () => 0.5))
    assert.deepEqual(waits, [2, 4, 8, 16, 20, 20].map(seconds))
    assert.ok(dialBackoff(20, () => 0.999) < seconds(30))
  })
})

describe('announcing', () => {
  const half = (): number => 0.5

  it('keeps to the interval within bounds', () => {
    const outlook = {
      interval: seconds(3_000_000),
      minInterval: undefined,
      need: 'none' as const,
      starvingRounds: 0,
      age: seconds(0),
    }
    assert.ok(nextAnnounceIn(outlook, half) <= minutes(60))
    assert.ok(nextAnnounceIn({ ...outlook, interval: seconds(1) }, half) >= seconds(27))
  })

  it('asks sooner while there is nobody to fetch from, but not below the least interval', () => {
    const outlook = {
      interval: seconds(60),
      minInterval: undefined,
      need: 'anybody' as const,
      starvingRounds: 1,
      age: seconds(30),
    }
    assert.equal(nextAnnounceIn(outlook, half), seconds(5))
    assert.equal(nextAnnounceIn({ ...outlook, age: seconds(0) }, half), seconds(2))
    assert.equal(nextAnnounceIn({ ...outlook, starvingRounds: 3 }, half), seconds(15))
    assert.ok(nextAnnounceIn({ ...outlook, starvingRounds: 100 }, half) <= seconds(60))
    assert.equal(nextAnnounceIn({ ...outlook, minInterval: seconds(20) }, half), seconds(20))
  })

  it('asks sooner while it is new, and while it knows nobody of its site', () => {
    const outlook = { interval: seconds(60), minInterval: seconds(1), starvingRounds: 0 }
    const waits = (need: PeerNeed): number[] =>
      [0, 5, 10, 20, 40, 80].map((age) =>
        Math.round(nextAnnounceIn({ ...outlook, need, age: seconds(age) }, half)),
      )
    assert.deepEqual(waits('more'), [2, 5, 10, 20, 40, 57].map(seconds))
    assert.deepEqual(waits('neighbours'), [3, 3, 3, 3, 5, 10].map(seconds))
    assert.deepEqual(waits('none'), [57, 57, 57, 57, 57, 57].map(seconds))
    // A tracker that names no least interval, and wants to be asked every half minute, is not hammered.
    const eager = { ...outlook, interval: seconds(30), minInterval: undefined, age: seconds(0) }
    for (const need of ['more', 'neighbours', 'anybody'] as const)
      for (const random of [() => 0, half, () => 0.999])
        assert.ok(nextAnnounceIn({ ...eager, need }, random) >= seconds(2), need)
    const often = { ...outlook, minInterval: seconds(8), age: seconds(0) }
    assert.equal(nextAnnounceIn({ ...often, need: 'more' }, half), seconds(8))
  })

  it('retries failures soon and refusals as it is told', () => {
    const waits = (random: () => number): number[] => [1, 2, 3, 4, 9].map((n) => retryAnnounceIn(n, random))
    assert.deepEqual(
      waits(() => 0),
      [1, 2, 4, 8, 15].map(seconds),
    )
    assert.deepEqual(waits(half), [1.5, 3, 6, 12, 22.5].map(seconds))
    assert.ok(retryAnnounceIn(1_000, () => 0.999) <= seconds(30))
    assert.equal(retryRefusedIn('never', half), minutes(60))
    assert.ok(retryRefusedIn(minutes(2), half) >= minutes(2))
    assert.ok(retryRefusedIn(minutes(100_000), half) < minutes(67))
  })
})

/** The work of a site, divided: who fetches what from elsewhere, and who takes over. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type PeerId, peerIdOfBytes } from '../../src/core/ids.ts'
import type { PieceIndex } from '../../src/core/piece-layout.ts'
import { type Millis, millis, seconds } from '../../src/core/units.ts'
import { Claims } from '../../src/swarm/site/claims.ts'
import { Members } from '../../src/swarm/site/members.ts'
import { SiteWork, TICK_EVERY, type SiteWord } from '../../src/swarm/site/site-work.ts'
import { limits } from '../../src/wire/limits.ts'
import { ManualClock } from '../support/manual-clock.ts'

const PIECES = 40
const idOf = (n: number): PeerId =>
  peerIdOfBytes(Buffer.from(`-SH0100-${String(n).padStart(12, '0')}`, 'latin1'))
const pieces = Array.from({ length: PIECES }, (_, piece) => piece as PieceIndex)
const [A, B] = [idOf(1), idOf(2)]
const first = 0 as PieceIndex

/** All who know each other. */
function clique(size: number): Members[] {
  const ids = Array.from({ length: size }, (_, i) => idOf(i))
  return ids.map((self) => {
    const members = new Members(self, PIECES)
    for (const id of ids) if (id !== self) members.came(id)
    return members
  })
}

describe('the members of a site', () => {
  it('have for each piece one order, in which each has a place of its own', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), (size) => {
        const all = clique(size)
        for (const piece of pieces) {
          const ranks = all.map((members) => members.standing(piece).rank).toSorted((a, b) => a - b)
          assert.deepEqual(
            ranks,
            Array.from({ length: size }, (_, i) => i),
          )
          assert.equal(all.filter((members) => members.isFirst(piece)).length, 1)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('count those who are two steps away, and know that these are not heard', () => {
    const members = new Members(idOf(0), PIECES)
    members.came(A)
    members.told(A, [idOf(0), B])
    members.refresh()
    const before = pieces.filter((piece) => members.isBefore(B, piece))
    assert.ok(before.length > 0)
    for (const piece of pieces) assert.equal(members.standing(piece).isUnheard, before.includes(piece))
    members.came(B)
    for (const piece of pieces) assert.equal(members.standing(piece).isUnheard, false)
    members.left(A)
    members.left(B)
    assert.ok(members.isAlone)
    for (const piece of pieces) assert.ok(members.isFirst(piece))
  })

  it('that nobody is connected to are named by their neighbours only, and never too many', () => {
    const members = new Members(idOf(0), 1)
    members.told(A, [B])
    assert.deepEqual(members.standing(first), { rank: 0, isUnheard: false })
    for (let neighbour = 1; neighbour <= 5; neighbour++) {
      members.came(idOf(neighbour))
      members.told(
        idOf(neighbour),
        Array.from({ length: limits.siteMembersMax }, (_, i) => idOf(1_000 * neighbour + i)),
      )
    }
    members.refresh()
    assert.ok(members.standing(first).rank <= 127)
  })
})

describe('claims', () => {
  it('hold until their time is over, the claimant leaves, withdraws, or brings the piece', () => {
    const claims = new Claims()
    const [p, q, r, s] = pieces
    assert.ok(p !== undefined && q !== undefined && r !== undefined && s !== undefined)
    for (const piece of [p, q, r, s]) assert.ok(claims.made(piece, A, { now: millis(0), until: millis(100) }))
    assert.equal(claims.withdrawn(p, B), false)
    assert.equal(claims.withdrawn(p, A), true)
    claims.arrived(q, B)
    assert.deepEqual(claims.expire(millis(99)), [])
    assert.deepEqual(
      [p, q, r].map((piece) => claims.holderOf(piece)),
      [undefined, undefined, A],
    )
    assert.deepEqual(claims.left(A), [r, s])
    claims.made(r, B, { now: millis(0), until: millis(100) })
    assert.deepEqual(claims.expire(millis(100)), [r])
    assert.equal(claims.holderOf(r), undefined)
  })

  it('of somebody who claims all there is are no more than a client fetches at a time', () => {
    const claims = new Claims()
    let believed = 0
    for (let piece = 0; piece < 1_000; piece++)
      if (claims.made(piece as PieceIndex, A, { now: millis(0), until: millis(1_000) })) believed++
    assert.equal(believed, limits.fetchesToldMax)
    assert.ok(
      claims.made(first, A, { now: millis(0), until: millis(2_000) }),
      'what it holds it may hold longer',
    )
  })

  it('end after a minute however often they are made again, and when they are withdrawn again and again', () => {
    const claims = new Claims()
    let now = 0
    const made = (): boolean => claims.made(first, A, { now: millis(now), until: millis(now + 500) })
    for (; now <= 60_000; now += 250) assert.ok(made(), String(now))
    now += 250
    assert.equal(made(), false)
    assert.equal(claims.holderOf(first), undefined)
    for (let i = 0; i < 20; i++) if (made()) claims.withdrawn(first, A)
    assert.equal(made(), false)
  })

  it('of somebody who never keeps its word are not believed any more, until it brings a piece', () => {
    const claims = new Claims()
    let now = 0
    let believed = 0
    for (let i = 0; i < 100; i++) {
      if (claims.made(first, A, { now: millis(0), until: millis(++now) })) believed++
      claims.expire(millis(now))
    }
    assert.ok(believed < 10, String(believed))
    claims.arrived(1 as PieceIndex, A)
    assert.ok(claims.made(first, A, { now: millis(0), until: millis(now + 10) }))
  })
})

describe('the work of a site', () => {
  const PIECES_OF = { pieces: PIECES, pieceLength: 100_000 }

  function workOf(self: PeerId): { clock: ManualClock; work: SiteWork; said: SiteWord[] } {
    const clock = new ManualClock()
    const said: SiteWord[] = []
    const say = (word: SiteWord): unknown => said.push(word)
    const work = new SiteWork({ ...PIECES_OF, clock, self, say, onBegan: () => undefined })
    return { clock, work, said }
  }

  it('waits longer for each who comes before on a machine that is late with everything', () => {
    const mayAfter = (gap: Millis): Millis => {
      const { clock, work } = workOf(A)
      work.members.came(B)
      const [, theirs] = twoPieces(work)
      for (let i = 0; i < 3; i++) {
        work.tick()
        clock.advance(gap)
      }
      work.tick()
      work.opened(theirs)
      const from = clock.now()
      while (!work.mayFetch(theirs)) clock.advance(millis(10))
      return millis(clock.now() - from)
    }
    assert.equal(mayAfter(TICK_EVERY), 100)
    assert.equal(mayAfter(millis(TICK_EVERY + 200)), 600)
  })

  it('has little under way for all together: what their rate makes of the delay, thrice, and a few pieces at first', () => {
    const { clock, work } = workOf(A)
    const isFull = (): boolean => work.isLineFull(300)
    for (const piece of pieces.slice(0, 4)) work.began(piece)
    assert.ok(!isFull(), 'alone it has its own bound')
    work.members.came(B)
    assert.ok(isFull())
    work.gaveUp(pieces[0] ?? assert.fail())
    assert.ok(!isFull(), 'three are under way')
    for (const piece of pieces.slice(10, 20)) work.heard(piece, B, seconds(5), 0)
    work.tick()
    assert.ok(isFull(), 'what others bring counts')
    clock.advance(seconds(2))
    work.tick()
    assert.ok(!isFull(), 'but not for longer than a fetch usually takes: it may only be said')
    // A megabyte a second for three seconds: 900 kB may be under way.
    for (let i = 0; i < 30; i++) {
      clock.advance(millis(100))
      work.brought()
    }
    for (const piece of pieces.slice(21, 26)) work.began(piece)
    assert.ok(!isFull(), 'eight of nine')
    for (const piece of pieces.slice(26, 28)) work.began(piece)
    assert.ok(isFull())
  })

  it('is minded as long as there is somebody to talk to or something under way, also by one alone', () => {
    const clock = new ManualClock()
    let began = 0
    const parts = { ...PIECES_OF, clock, self: A, say: () => undefined }
    const work = new SiteWork({ ...parts, onBegan: () => began++ })
    const [piece = assert.fail()] = pieces
    assert.ok(work.isQuiet)
    work.began(piece)
    work.began(piece)
    assert.equal(began, 1)
    assert.equal(work.isQuiet, false)
    clock.advance(seconds(1))
    assert.ok(work.isSlow(piece))
    work.arrived(piece)
    assert.ok(work.isQuiet)
  })

  /** Ours first, then the other's. */
  function twoPieces(work: SiteWork): [PieceIndex, PieceIndex] {
    const ours = pieces.find((piece) => work.members.isFirst(piece))
    const theirs = pieces.find((piece) => !work.members.isFirst(piece))
    assert.ok(ours !== undefined && theirs !== undefined)
    return [ours, theirs]
  }

  it('is all ours while nobody else is there, and nobody is told', () => {
    const { work, said } = workOf(A)
    for (const piece of pieces) assert.ok(work.mayFetch(piece))
    work.began(first)
    work.gaveUp(first)
    assert.deepEqual(said, [])
  })

  it('lets who comes first begin at once, and the next a moment later when nothing was heard', () => {
    const { clock, work } = workOf(A)
    work.members.came(B)
    const [ours, theirs] = twoPieces(work)
    for (const piece of [ours, theirs]) work.opened(piece)
    assert.ok(work.mayFetch(ours))
    assert.ok(!work.mayFetch(theirs))
    clock.advance(millis(99))
    assert.ok(!work.mayFetch(theirs))
    clock.advance(millis(1))
    assert.ok(work.mayFetch(theirs))
  })

  it('waits for who said to be fetching, longer when it says so again, and begins anew when it is late', () => {
    const { clock, work } = workOf(A)
    work.members.came(B)
    const [, theirs] = twoPieces(work)
    work.opened(theirs)
    work.heard(theirs, B, millis(500), 0)
    clock.advance(millis(499))
    work.heard(theirs, B, millis(500), 0)
    clock.advance(millis(499))
    work.tick()
    assert.equal(work.claims.holderOf(theirs), B)
    assert.ok(!work.mayFetch(theirs))
    clock.advance(millis(1))
    work.tick()
    assert.equal(work.claims.holderOf(theirs), undefined)
    assert.ok(!work.mayFetch(theirs), 'those who come before have their time again')
    clock.advance(millis(100))
    assert.ok(work.mayFetch(theirs))
  })

  it('is free again at once when who was fetching gives up or leaves', () => {
    const { clock, work } = workOf(A)
    work.members.came(B)
    const [ours] = twoPieces(work)
    work.heard(ours, B, millis(5_000), 0)
    assert.ok(!work.mayFetch(ours))
    work.heardUnfetch(ours, B)
    assert.ok(work.mayFetch(ours))
    work.heard(ours, B, millis(5_000), 0)
    work.memberLeft(B)
    clock.advance(millis(1))
    assert.ok(work.mayFetch(ours))
  })

  it('of two who have begun the same, the one who comes later leaves it, unless it has half', () => {
    const { work } = workOf(A)
    work.members.came(B)
    const [ours, theirs] = twoPieces(work)
    for (const piece of [ours, theirs]) work.began(piece)
    assert.equal(work.heard(ours, B, millis(500), 0), false)
    assert.equal(work.heard(theirs, B, millis(500), 0.5), false)
    assert.equal(work.heard(theirs, B, millis(500), 0.4), true)
  })

  it('is told when it begins, again while blocks come, and not while none do', () => {
    const { clock, work, said } = workOf(A)
    work.members.came(B)
    work.began(first)
    assert.deepEqual(said, [{ kind: 'fetch', piece: first, lease: 500 }])
    clock.advance(millis(250))
    work.tick()
    assert.equal(said.length, 1)
    work.moved(first)
    work.tick()
    assert.equal(said.length, 2)
    work.gaveUp(first)
    assert.deepEqual(said[2], { kind: 'unfetch', piece: first })
  })

  it('is waited for as long as fetches take here, within bounds', () => {
    const { clock, work, said } = workOf(A)
    work.members.came(B)
    const leaseAfter = (took: number): number | undefined => {
      for (let i = 0; i < 15; i++) {
        work.began(first)
        clock.advance(millis(took))
        work.arrived(first)
      }
      work.began(first)
      const last = said.at(-1)
      work.isHere(first, B)
      return last?.kind === 'fetch' ? last.lease : undefined
    }
    assert.equal(leaseAfter(1_000), 3_000)
    assert.equal(leaseAfter(1), 500)
    assert.equal(leaseAfter(seconds(60)), limits.fetchLeaseMax)
  })
})

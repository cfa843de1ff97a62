import assert from 'node:assert/strict'
import fc from 'fast-check'
import { pick, seededRandom } from '../../src/core/random.ts'
import { type PieceIndex, PieceLayout } from '../../src/core/piece-layout.ts'
import { KiB, millis, seconds } from '../../src/core/units.ts'
import { RevealPlan } from '../../src/swarm/reveal/reveal-plan.ts'
import { type Character, RevealWorld, SimulatedHost, takesNothing } from '../support/reveal-world.ts'

const numRuns = Number(process.env['FUZZ_RUNS'] ?? 40)

/** All that want something have it. */
const isServed = (world: RevealWorld): boolean =>
  [...world.hosts].every((host) => takesNothing(host) || host.isFinished)

describe('what an origin shows', () => {
  it('to one site goes out little more than once', () => {
    const world = new RevealWorld({ pieces: 200, seed: 1 })
    for (let i = 0; i < 4; i++) world.join(`a${i}`, 'a')
    assert.ok(world.until(() => isServed(world), 60))
    assert.ok(world.sent <= 210, `${world.sent} pieces`)
    assert.equal(world.repeated, 0)
  })

  it('to a host that is alone is all it can take, as if everything were shown', () => {
    const took = [true, false].map((isRevealing) => {
      const world = new RevealWorld({ pieces: 300, seed: 2, originPieces: 8, isRevealing })
      world.join('a', 'a')
      assert.ok(world.until(() => isServed(world), 60))
      return world.now
    })
    assert.ok((took[0] ?? 0) <= (took[1] ?? 0) * 1.1 + 500, `${took.join(' against ')} ms`)
  })

  it('goes first to bridges, where there are some', () => {
    const world = new RevealWorld({ pieces: 100, seed: 3 })
    const hosts = ['a', 'b', 'c', 'd'].map((name) => world.join(name, 'site', 'honest', name === 'c'))
    assert.ok(world.until(() => isServed(world), 60))
    const shown = hosts.map((host) => host.seen.size)
    assert.ok((shown[2] ?? 0) >= 95, `shown: ${shown.join(', ')}`)
  })

  it('goes to sites that pass on rather than to one that only takes', () => {
    const world = new RevealWorld({ pieces: 400, seed: 4, originPieces: 4 })
    for (let i = 0; i < 3; i++) world.join(`good${i}`, 'good')
    const misers = ['x', 'y', 'z'].map((name) => world.join(name, 'bad', 'miser'))
    world.until(() => false, 9)
    const good = [...world.hosts].filter((host) => host.site === 'good')
    const sum = (hosts: readonly SimulatedHost[]): number => hosts.reduce((n, host) => n + host.seen.size, 0)
    assert.ok(sum(good) > 1.5 * sum(misers), `${sum(good)} against ${sum(misers)}`)
    assert.ok(world.until(() => isServed(world), 300))
  })

  it('goes out little more than once to clients that look every ten seconds', () => {
    const world = new RevealWorld({ pieces: 400, seed: 8, originPieces: 8, lanPieces: 2 })
    for (let i = 0; i < 4; i++) world.join(`a${i}`, 'a', 'sluggish', i < 2)
    assert.ok(world.until(() => isServed(world), 60))
    assert.ok(world.sent <= 440, `${world.sent} pieces`)
  })

  it('is given to another when the one that was shown it goes away', () => {
    const world = new RevealWorld({ pieces: 50, seed: 5 })
    const first = world.join('a', 'a', 'idler', true)
    const second = world.join('b', 'b', 'honest', true)
    world.until(() => false, 1)
    const promised = [...first.seen].filter((piece) => !second.seen.has(piece))
    assert.ok(promised.length > 0)
    world.leave(first)
    world.join('c', 'c', 'honest', true)
    assert.ok(world.until(() => isServed(world), 60))
  })

  it('is never waited for: a bridge that takes nothing is passed over', () => {
    const world = new RevealWorld({ pieces: 100, seed: 6 })
    world.join('idle', 'a', 'idler', true)
    for (let i = 0; i < 3; i++) world.join(`a${i}`, 'a', 'honest', false)
    assert.ok(
      world.until(() => isServed(world), 40),
      `${world.sent} sent`,
    )
  })

  it('is not kept back for somebody who only says to have everything', () => {
    const took = [0, 1, 3].map((posers) => {
      const world = new RevealWorld({ pieces: 200, seed: 9 })
      for (let i = 0; i < posers; i++) world.join(`poser${i}`, 'b', 'poser')
      for (const site of ['a', 'b', 'c']) for (let i = 0; i < 2; i++) world.join(`${site}${i}`, site)
      assert.ok(world.until(() => isServed(world), 300))
      return world.now
    })
    const [alone = 0, ...beside] = took
    for (const time of beside) assert.ok(time <= 1.2 * alone, took.join(', '))
  })

  it('is little where others have it all, as soon as that is seen', () => {
    const world = new RevealWorld({ pieces: 200, seed: 10 })
    const seed = world.join('seed', 'a')
    for (const piece of seed.wanted) seed.held.add(piece)
    seed.has.setAll()
    world.plan.toldPieces(seed, world.now)
    for (let i = 0; i < 3; i++) world.join(`a${i}`, 'a')
    assert.ok(world.until(() => isServed(world), 60))
    assert.ok(world.sent <= 60, `${world.sent} sent`)
  })

  it('finds the files that somebody chose', () => {
    for (const others of [0, 3]) {
      const world = new RevealWorld({ pieces: 500, seed: 7 })
      const picky = world.join('picky', 'a', 'picky')
      for (let i = 0; i < others; i++) world.join(`b${i}`, 'b')
      assert.ok(
        world.until(() => picky.isFinished, 60),
        `beside ${others}`,
      )
    }
  })

  it('helps whoever comes late to a site that gives nothing', () => {
    const world = new RevealWorld({ pieces: 60, seed: 8 })
    for (let i = 0; i < 3; i++) world.join(`a${i}`, 'a', 'miser')
    world.until(() => false, 10)
    world.join('late', 'a')
    assert.ok(world.until(() => isServed(world), 120))
  })

  it('brings the last piece at once, however long pieces took to arrive', () => {
    const pieces = 40
    const plan = new RevealPlan<SimulatedHost>(
      new PieceLayout(pieces * 256 * KiB, 256 * KiB),
      seededRandom(11),
    )
    const first = new SimulatedHost('a', 'site', 'honest', pieces)
    const second = new SimulatedHost('b', 'site', 'honest', pieces)
    let now = seconds(1)
    for (const host of [first, second])
      plan.joined(host, { site: 'site', isBridge: undefined, isOurs: false }, now)
    const tells = (host: SimulatedHost, piece: PieceIndex): void => {
      host.has.add(piece)
      plan.got(host, piece, now)
    }
    let last: PieceIndex | undefined
    while (first.has.count < pieces) {
      const shown = plan.next(now)
      now = millis(now + seconds(10))
      for (const { peer, piece } of shown) {
        plan.asked(peer, piece, now)
        plan.sent(peer, piece, 256 * KiB, now)
        tells(first, piece)
        if (peer === first) last ??= piece
        if (piece !== last) tells(second, piece)
      }
      plan.tick(now)
    }
    now = millis(now + 600)
    plan.tick(now)
    assert.deepEqual(
      plan.next(now).map(({ peer, piece }) => [peer, piece]),
      [[second, last]],
    )
  })

  it('serves everybody, whoever is silent, miserly, lying, idle or choosy, comes or goes', function () {
    this.timeout(120_000)
    const character = fc.constantFrom<Character>(
      'honest',
      'silent',
      'miser',
      'liar',
      'poser',
      'idler',
      'picky',
    )
    const host = fc.tuple(fc.constantFrom('a', 'b', 'c'), character, fc.constantFrom(true, false, undefined))
    fc.assert(
      fc.property(fc.array(host, { minLength: 1, maxLength: 10 }), fc.nat(), (drawn, seed) => {
        const world = new RevealWorld({ pieces: 40, seed, originPieces: 4 })
        const random = seededRandom(seed)
        for (const [i, [site, kind, isBridge]] of drawn.entries()) world.join(`h${i}`, site, kind, isBridge)
        let changes = 10
        const churn = (): void => {
          if (changes-- <= 0) return
          const gone = pick([...world.hosts], random)
          if (gone === undefined) return
          world.leave(gone)
          world.join(`${gone.name}+`, gone.site, gone.character)
        }
        assert.ok(world.until(() => changes <= 0 && isServed(world), 600, churn))
        assert.equal(world.repeated, 0)
      }),
      { numRuns },
    )
  })
})

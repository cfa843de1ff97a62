/** Viewers of one film, whole: what the server sends, what colleagues give, and what happens when somebody lies or leaves. */
import assert from 'node:assert/strict'
import { encodeHandshake } from '../../src/wire/handshake.ts'
import { decodePeerMessage, encodePeerMessage } from '../../src/wire/peer-message.ts'
import type { SimulatedViewer } from '../support/simulated-viewers.ts'
import { Film, type Pipe, ViewersWorld } from '../support/simulated-viewers.ts'

const RATE = 62_500
/** A tenth of a film at 5 Mbit/s, and of links as offices have them. */
const film = new Film({ seconds: 120, bytesPerSecond: RATE, pieceLength: 64 * 1_024 })
const LINKS = { server: 500_000, viewer: 1_250_000, delayMs: 2 }

const shareOf = ({ viewer }: SimulatedViewer): number => {
  const { colleaguesBytes, serverBytes } = viewer.figures()
  return colleaguesBytes / (colleaguesBytes + serverBytes)
}

/** What all of them together have had, at the most, of the film: what is played and what is ahead. */
const fetchedOf = (world: ViewersWorld): number =>
  Math.max(...world.viewers.map(({ viewer }) => viewer.exchange().haveBytes))

describe('Viewers of one film', () => {
  it('play from the server when they are alone, and fetch no more than a little ahead', async () => {
    const world = new ViewersWorld(film, LINKS)
    const alone = world.add()
    alone.viewer.acquainted()
    await world.run(20_000)
    assert.ok((alone.firstFrameAt ?? Infinity) < 500)
    assert.equal(alone.stalledMs, 0)
    assert.equal(alone.viewer.figures().colleaguesBytes, 0)
    // 20 s played, 16 s in the player, 40 s ahead of it
    assert.ok(world.server.sentBytes < 82 * RATE, `${world.server.sentBytes / RATE} s of film`)
  })

  it('draw about one copy from the server, however many begin at once', async () => {
    const world = new ViewersWorld(film, { ...LINKS, server: 1_250_000 })
    for (let i = 0; i < 8; i++) world.add()
    await world.run(50_000)
    for (const viewer of world.viewers) assert.equal(viewer.stalledMs, 0)
    assert.ok(
      world.server.sentBytes < 1.6 * fetchedOf(world),
      `${world.server.sentBytes / fetchedOf(world)} copies`,
    )
  })

  it('give nearly all of it to whoever comes later', async () => {
    const world = new ViewersWorld(film, LINKS)
    for (let i = 0; i < 3; i++) {
      world.add()
      await world.run(15_000)
    }
    const last = world.add()
    await world.run(30_000)
    assert.ok(shareOf(last) > 0.9, `${shareOf(last)} from colleagues`)
    assert.equal(last.stalledMs, 0)
    assert.ok(world.server.sentBytes < 1.25 * fetchedOf(world))
  })

  it('play on when all who gave have left', async () => {
    const world = new ViewersWorld(film, LINKS)
    const first = world.add()
    await world.run(10_000)
    const second = world.add()
    await world.run(8_000)
    assert.ok(shareOf(second) > 0.5)
    first.leave()
    await world.run(60_000)
    assert.equal(second.stalledMs, 0)
    assert.ok(second.playedMs > 60_000)
  })

  it('play on where they jump to, at once', async () => {
    const world = new ViewersWorld(film, LINKS)
    const viewer = world.add()
    await world.run(10_000)
    const gone = new AbortController()
    const at = world.clock.now()
    let cameAt = Infinity
    void viewer.viewer.read(100 * RATE, 1_000, gone.signal).then((bytes) => {
      cameAt = world.clock.now()
      assert.deepEqual(Buffer.from(bytes), Buffer.from(film.bytes.subarray(100 * RATE, 100 * RATE + 1_000)))
    })
    await world.run(1_000)
    assert.ok(cameAt - at < 600, `${cameAt - at} ms`)
  })

  it('play on where they jumped to, whatever they are still given of where they were', async () => {
    const world = new ViewersWorld(film, LINKS)
    const { viewer } = world.add()
    await world.run(5_000)
    const gone = new AbortController()
    const came: number[] = []
    for (const second of [1, 100])
      void viewer.read(second * RATE, 1_000, gone.signal).then(() => came.push(second))
    await world.run(1_000)
    assert.deepEqual(came, [1, 100])
    gone.abort()
  })

  it('ask the server themselves when they jump to where nobody else has anything', async () => {
    const world = new ViewersWorld(film, LINKS)
    const first = world.add()
    const second = world.add()
    await world.run(5_000)
    assert.equal(second.viewer.isJumpIntoNothing(100 * RATE), true)
    assert.equal(second.viewer.isJumpIntoNothing(2 * RATE), false, 'it has it')
    const gone = new AbortController()
    const jumped = first.viewer.read(100 * RATE, 1_000, gone.signal)
    await world.run(100)
    assert.equal(second.viewer.isJumpIntoNothing(100 * RATE), false, 'a colleague has said to fetch it')
    await world.run(1_000)
    await jumped
    assert.equal(second.viewer.isJumpIntoNothing(100 * RATE), false, 'a colleague has it')
    assert.equal(second.viewer.isJumpIntoNothing(60 * RATE), true)
    second.viewer.goesOnAt(62 * RATE)
    const before = second.viewer.figures().serverBytes
    await world.run(200)
    assert.equal(second.viewer.figures().serverBytes, before, 'the line is left to what it asked for itself')
    const went = second.viewer.read(62 * RATE, 1_000, gone.signal)
    await world.run(1_500)
    assert.equal((await went).length, 1_000)
  })

  it('give nothing from a machine that is not to upload, and take all the same', async () => {
    const world = new ViewersWorld(film, LINKS)
    const quiet = world.add()
    quiet.viewer.upload(false)
    await world.run(5_000)
    const other = world.add()
    await world.run(10_000)
    assert.equal(quiet.viewer.figures().uploadedBytes, 0)
    assert.equal(shareOf(other), 0)
    quiet.viewer.upload(true)
    await world.run(5_000)
    assert.ok(quiet.viewer.figures().uploadedBytes > 0, 'it may change its mind')
  })

  it('are connected once, whoever offered first and whatever crossed', async () => {
    const world = new ViewersWorld(film, LINKS)
    const [a, b] = [world.add(), world.add()]
    await world.run(2_000)
    assert.deepEqual([a.viewer.colleagues, b.viewer.colleagues], [1, 1])
    const [c, d] = [world.add(), world.add()]
    // both offer, and each hears of the other's connection first
    const [cOffers, dAnswers] = world.pipe(c, d)
    const [dOffers, cAnswers] = world.pipe(d, c)
    c.viewer.meet(cOffers)
    d.viewer.meet(dOffers)
    c.viewer.meet(cAnswers)
    d.viewer.meet(dAnswers)
    await world.run(300)
    assert.deepEqual([c.viewer.colleagues, d.viewer.colleagues], [1, 1])
    world.connect(c, d) // one has lost the other and comes again
    await world.run(5_000)
    assert.equal(c.viewer.colleagues, 3)
  })

  it('fetch no more ahead than they can keep', async () => {
    const world = new ViewersWorld(film, LINKS)
    const whole = world.add()
    await world.run(30_000)
    const small = world.add({ bytesMax: 20 * RATE })
    await world.run(10_000)
    small.viewer.playing(16_000, false)
    const before = small.viewer.figures()
    await world.run(60_000)
    const after = small.viewer.figures()
    const more = after.colleaguesBytes + after.serverBytes - before.colleaguesBytes - before.serverBytes
    assert.ok(more < 90 * RATE, `${more / RATE} s of film`)
    assert.equal(small.stalledMs, 0)
    assert.equal(whole.stalledMs, 0)
  })

  it('wait for a server that is away for a moment, and say why', async () => {
    const world = new ViewersWorld(film, LINKS)
    const viewer = world.add()
    await world.run(5_000)
    world.isServerAway = true
    await world.run(3_000)
    assert.equal(viewer.viewer.serverTrouble, 'the server answered 503')
    world.isServerAway = false
    await world.run(10_000)
    assert.equal(viewer.viewer.serverTrouble, undefined)
    assert.equal(viewer.stalledMs, 0, 'it had enough before it')
  })

  it('leave the player to itself at once where a single piece of the server is wrong, again and again', async () => {
    const world = new ViewersWorld(film, LINKS)
    const viewer = world.add()
    await world.run(5_000)
    const at = 100 * RATE
    world.isServerWrongAt = (place) => place === at + 1
    void viewer.viewer.read(at, 1_000, new AbortController().signal).catch(() => undefined)
    await world.run(3_000)
    assert.equal(viewer.broken, 'what it sends is not what was published, so that nobody can pass it on')
    assert.equal(viewer.notes.length, 3)
  })

  it('leave the player to itself when the server gives what was not published', async () => {
    const world = new ViewersWorld(film, LINKS)
    const viewer = world.add()
    await world.run(5_000)
    world.isServerWrongAt = () => true
    const before = world.server.sentBytes
    await world.run(60_000)
    assert.equal(viewer.broken, 'what it sends is not what was published, so that nobody can pass it on')
    // three pieces, and what was on its way beside them
    assert.ok(world.server.sentBytes - before < 10 * RATE, `${world.server.sentBytes - before} bytes in vain`)
  })
})

describe('A viewer among liars', () => {
  /** Says that it has everything, and answers as `reply` does. */
  class Puppet {
    readonly pipe: Pipe
    requests = 0
    isCut = false
    readonly #rest: number[] = []
    #isGreeted = false

    constructor(pipe: Pipe, reply: (puppet: Puppet, piece: number, offset: number, length: number) => void) {
      this.pipe = pipe
      pipe.setHandler({
        onBytes: (bytes) => {
          this.#rest.push(...bytes)
          if (!this.#isGreeted && this.#rest.length >= 68) {
            this.#isGreeted = true
            this.#rest.splice(0, 68)
          }
          while (this.#isGreeted && this.#rest.length >= 4) {
            const length = Buffer.from(this.#rest.slice(0, 4)).readUInt32BE()
            if (this.#rest.length < 4 + length) break
            const message = decodePeerMessage(Uint8Array.from(this.#rest.splice(0, 4 + length).slice(4)))
            if (message.kind !== 'request') continue
            this.requests++
            reply(this, message.piece, message.offset, message.length)
          }
        },
        onDrain: () => undefined,
        onClose: () => {
          this.isCut = true
        },
      })
    }
  }

  function meet(
    world: ViewersWorld,
    viewer: SimulatedViewer,
    reply: (puppet: Puppet, piece: number, offset: number, length: number) => void,
    prefix?: string,
  ): Puppet {
    const [ours, theirs] = world.pipe(viewer, viewer)
    const puppet = new Puppet(theirs, reply)
    viewer.viewer.meet(ours)
    const { infoHash } = film.watched
    theirs.send(
      encodeHandshake({ infoHash, peerId: world.newPeerId(prefix), hasExtensions: false, hasFast: true }),
    )
    theirs.send(encodePeerMessage({ kind: 'have-all' }))
    theirs.send(encodePeerMessage({ kind: 'unchoke' }))
    return puppet
  }

  it('bans one that sends noise, and plays on', async () => {
    const world = new ViewersWorld(film, LINKS)
    const viewer = world.add()
    const liar = meet(world, viewer, ({ pipe }, piece, offset, length) => {
      pipe.send(encodePeerMessage({ kind: 'piece', piece, offset, block: new Uint8Array(length).fill(7) }))
    })
    await world.run(30_000)
    assert.ok(liar.isCut)
    assert.ok(liar.requests < 40, `${liar.requests} blocks were asked of it`)
    assert.equal(viewer.stalledMs, 0)
    assert.match(viewer.notes.join(), /what was not published/)
  })

  it('tells the liar from the honest when both gave blocks of a piece', async () => {
    const world = new ViewersWorld(film, LINKS)
    const honest = world.add()
    await world.run(20_000)
    const viewer = world.add()
    const liar = meet(world, viewer, ({ pipe }, piece, offset, length) => {
      pipe.send(encodePeerMessage({ kind: 'piece', piece, offset, block: new Uint8Array(length) }))
    })
    await world.run(40_000)
    assert.ok(liar.isCut)
    assert.equal(viewer.viewer.colleagues, 1, 'the honest one stays')
    assert.equal(viewer.stalledMs, 0)
    assert.ok(viewer.viewer.figures().colleaguesBytes > 0)
    assert.equal(honest.stalledMs, 0)
  })

  it('does not wait for one that claims all and sends nothing', async () => {
    const world = new ViewersWorld(film, LINKS)
    const viewer = world.add()
    meet(world, viewer, () => undefined)
    await world.run(60_000)
    assert.equal(viewer.stalledMs, 0)
    assert.ok(viewer.playedMs > 50_000)
  })

  it('does not wait for a gateway that stands still, and takes from one that does not', async () => {
    for (const isStill of [true, false]) {
      const world = new ViewersWorld(film, LINKS)
      const viewer = world.add()
      const gateway = meet(
        world,
        viewer,
        ({ pipe }, piece, offset, length) => {
          const at = film.watched.layout.pieceLength * piece + offset
          if (!isStill)
            pipe.send(
              encodePeerMessage({ kind: 'piece', piece, offset, block: film.bytes.slice(at, at + length) }),
            )
        },
        '-SG0100-',
      )
      await world.run(60_000)
      assert.equal(viewer.stalledMs, 0)
      assert.ok(viewer.playedMs > 50_000)
      assert.ok(gateway.requests > 0)
      const { gatewayBytes, serverBytes, colleaguesBytes, peers } = viewer.viewer.figures()
      assert.equal(gatewayBytes > 0.5 * serverBytes, !isStill)
      assert.deepEqual([colleaguesBytes, peers], [0, 0], 'its bytes are the server’s, and it is no colleague')
    }
  })

  it('believes for a while only who promises what it never has', async () => {
    const world = new ViewersWorld(film, LINKS)
    const viewer = world.add()
    const [ours, theirs] = world.pipe(viewer, viewer)
    const puppet = new Puppet(theirs, () => undefined)
    viewer.viewer.meet(ours)
    const { infoHash, layout } = film.watched
    theirs.send(encodeHandshake({ infoHash, peerId: world.newPeerId(), hasExtensions: false, hasFast: true }))
    theirs.send(encodePeerMessage({ kind: 'have-none' }))
    for (let second = 0; second < 60; second++) {
      for (const piece of layout.indices()) theirs.send(encodePeerMessage({ kind: 'suggest', piece }))
      await world.run(1_000)
    }
    assert.equal(puppet.requests, 0)
    assert.ok(viewer.stalledMs <= 3_500, `${viewer.stalledMs} ms`)
    assert.ok(viewer.playedMs > 50_000)
  })

  it('jumps to the server past one that claims all and lets nobody have it', async () => {
    const world = new ViewersWorld(film, LINKS)
    const viewer = world.add()
    const { pipe } = meet(world, viewer, () => undefined)
    await world.run(1_000)
    assert.equal(viewer.viewer.isJumpIntoNothing(100 * RATE), false, 'it might give it')
    pipe.send(encodePeerMessage({ kind: 'choke' }))
    await world.run(100)
    assert.equal(viewer.viewer.isJumpIntoNothing(100 * RATE), true)
  })

  it('hangs up on whoever breaks the protocol', async () => {
    const world = new ViewersWorld(film, LINKS)
    const viewer = world.add()
    const { infoHash, layout } = film.watched
    const hello = encodeHandshake({
      infoHash,
      peerId: world.newPeerId(),
      hasExtensions: false,
      hasFast: true,
    })
    const breaches: readonly (readonly Uint8Array[])[] = [
      [new Uint8Array(96)],
      [hello, Uint8Array.of(0xff, 0xff, 0xff, 0xff, 7)],
      [hello, Uint8Array.of(0x80, 0, 0, 0, 5)],
      [hello, encodePeerMessage({ kind: 'have', piece: layout.count })],
      [hello, encodePeerMessage({ kind: 'bitfield', bits: new Uint8Array(1_000) })],
      [hello, encodePeerMessage({ kind: 'have-none' }), encodePeerMessage({ kind: 'have-all' })],
      [hello, encodePeerMessage({ kind: 'request', piece: 0, offset: 0, length: 2 ** 31 })],
      [hello, encodePeerMessage({ kind: 'request', piece: 0, offset: 65_530, length: 16_384 })],
      [hello, hello.slice(0, 60)],
    ]
    for (const sent of breaches) {
      const [ours, theirs] = world.pipe(viewer, viewer)
      const puppet = new Puppet(theirs, () => undefined)
      viewer.viewer.meet(ours)
      for (const bytes of sent) theirs.send(bytes)
      await world.run(200)
      assert.ok(
        puppet.isCut,
        Buffer.from(sent.at(-1) ?? [])
          .toString('hex')
          .slice(0, 60),
      )
    }
    assert.equal(viewer.viewer.colleagues, 0)
    await world.run(20_000)
    assert.equal(viewer.stalledMs, 0)
  })
})

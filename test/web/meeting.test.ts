import assert from 'node:assert/strict'
import { infoHash, peerId, type PeerId } from '../../src/core/ids.ts'
import { seededRandom } from '../../src/core/random.ts'
import { millis, seconds } from '../../src/core/units.ts'
import { sdpOf } from '../../src/wire/sdp.ts'
import { formatIntroduction, formatSignalRefusal, formatSignalReply } from '../../src/wire/signal-reply.ts'
import { formatSignalLeasesReply } from '../../src/wire/signal-lease.ts'
import { parseSignal, type SignalMessage } from '../../src/wire/signal.ts'
import type { Channel } from '../../src/web/engine/channel.ts'
import { PeerLeases } from '../../src/web/engine/leases.ts'
import { Meeting, type LineHandler } from '../../src/web/engine/meeting.ts'
import { ManualClock } from '../support/manual-clock.ts'

const HASH = infoHash('5a'.repeat(20))
const SELF = peerId('11'.repeat(20))
const A = peerId('aa'.repeat(20))
const B = peerId('bb'.repeat(20))
const SDP = sdpOf('v=0\r\ns=-\r\n')
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A page, and the tracker's side of its line. */
class World {
  readonly clock = new ManualClock()
  readonly heard: SignalMessage[] = []
  readonly lines: LineHandler[] = []
  readonly gone: PeerId[] = []
  met: PeerId[] = []
  room = 10
  isAlone = false
  offers = 0
  answers = 0
  closed = 0
  renewals: string[] = []
  mayRenew = true
  channels = 0
  readonly meeting = new Meeting({
    clock: this.clock,
    random: seededRandom(1),
    infoHash: HASH,
    self: SELF,
    rtc: {
      offer: () => {
        this.offers++
        const channel = Promise.resolve({} as Channel)
        return Promise.resolve({ sdp: SDP, accept: () => channel, close: () => this.closed++ })
      },
      answer: () => {
        this.answers++
        return Promise.resolve({ sdp: SDP, channel: Promise.resolve({} as Channel) })
      },
    },
    open: (handler) => {
      this.lines.push(handler)
      return {
        send: (text) => this.heard.push(parseSignal(text)),
        close: () => undefined,
      }
    },
    leftBytes: () => 1,
    wanted: () => this.room,
    met: () => this.met,
    isKnown: (peer) => this.met.includes(peer),
    isBanned: () => false,
    onChannel: () => this.channels++,
    onAlone: () => (this.isAlone = true),
    onGone: (peers) => this.gone.push(...peers),
    renew: (reason) => {
      this.renewals.push(reason)
      return Promise.resolve(this.mayRenew)
    },
  })

  get line(): LineHandler {
    return this.lines.at(-1) ?? assert.fail('no line')
  }

  async open(): Promise<void> {
    this.line.onOpen()
    await settled()
  }

  async counts(others: number): Promise<void> {
    this.line.onText(
      formatSignalReply({ infoHash: HASH, intervalMs: seconds(120), complete: 0, incomplete: others + 1 }),
    )
    await settled()
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(millis(ms))
    await settled()
  }

  get announced(): Extract<SignalMessage, { kind: 'announce' }>[] {
    return this.heard.filter((message) => message.kind === 'announce')
  }
}

describe('How pages meet', () => {
  it('comes with offers, and makes no more than there are others to meet', async () => {
    const world = new World()
    await world.open()
    assert.deepEqual([world.announced[0]?.event, world.announced[0]?.offers.length], ['started', 5])
    await world.counts(2)
    world.met = [A]
    await world.pass(10_000)
    assert.equal(world.announced.at(-1)?.offers.length, 1, 'one is not met yet')
    world.met = [A, B]
    const before = world.offers
    for (let i = 0; i < 30; i++) await world.pass(10_000)
    assert.equal(world.offers, before, 'all are met: nothing is made for nobody')
  })

  it('knows when nobody else is there, and asks seldom then', async () => {
    const world = new World()
    await world.open()
    await world.counts(0)
    assert.ok(world.isAlone)
    const before = world.heard.length
    await world.pass(100_000)
    assert.equal(world.heard.length, before)
    await world.pass(30_000)
    assert.equal(world.heard.length, before + 1)
  })

  it('answers whoever is new, and makes no connection to who is connected', async () => {
    const world = new World()
    await world.open()
    const offer = (from: PeerId): void => {
      const id = world.announced[0]?.offers[0]?.offerId ?? assert.fail()
      world.line.onText(
        formatIntroduction('offer', { infoHash: HASH, peerId: from }, { offerId: id, sdp: SDP }),
      )
    }
    offer(A)
    await settled()
    assert.deepEqual([world.answers, world.channels], [1, 1])
    world.met = [A]
    offer(A)
    await settled()
    assert.equal(world.answers, 1)
    world.room = 0
    offer(B)
    await settled()
    assert.equal(world.answers, 1)
  })

  it('comes with another grant where it was refused and shown out, and only there', async () => {
    const world = new World()
    await world.open()
    const refusal = formatSignalRefusal(
      'announce',
      { reason: 'the grant has expired', retryInMs: 'never' },
      HASH,
    )
    world.line.onText(refusal)
    await world.pass(15_000)
    assert.deepEqual(world.renewals, [], 'the line is open: it was something else')
    world.line.onText(refusal)
    world.line.onClose()
    await world.pass(100_000)
    assert.deepEqual(world.renewals, ['the grant has expired'])
    assert.equal(world.lines.length, 2)
    world.line.onClose()
    await world.pass(100_000)
    assert.deepEqual([world.renewals.length, world.lines.length], [1, 3], 'a line that breaks is no refusal')
  })

  it('goes on asking for a grant, more rarely, while there is none', async () => {
    const world = new World()
    await world.open()
    world.mayRenew = false
    world.line.onText(formatSignalRefusal('announce', { reason: 'revoked', retryInMs: 'never' }, HASH))
    world.line.onClose()
    for (let i = 0; i < 60; i++) await world.pass(10_000)
    assert.equal(world.lines.length, 1)
    assert.ok(world.renewals.length >= 5 && world.renewals.length <= 20, String(world.renewals.length))
  })

  it('hangs up on whom the tracker knows no more', async () => {
    const world = new World()
    await world.open()
    await world.counts(2)
    world.met = [A, B]
    const answer = async (gone: readonly PeerId[]): Promise<void> => {
      await world.pass(10_000)
      world.line.onText(formatSignalLeasesReply({ infoHash: HASH, gone }))
    }
    await answer([])
    await answer([A])
    assert.deepEqual(world.gone, [])
    await answer([A])
    assert.deepEqual(world.gone, [A])
  })

  it('says goodbye', async () => {
    const world = new World()
    await world.open()
    world.meeting.close()
    assert.equal(world.announced.at(-1)?.event, 'stopped')
    assert.equal(world.closed, 5)
  })
})

describe('Leases of peers', () => {
  it('end for whom the tracker has known, and then twice has not', () => {
    const leases = new PeerLeases()
    leases.ask([A, B])
    assert.deepEqual(leases.answered([B]), [], 'B may be on its way')
    leases.ask([A, B])
    assert.deepEqual(leases.answered([A, B]), [])
    leases.ask([A, B])
    assert.deepEqual(leases.answered([A, B]), [A], 'B was never known')
  })

  it('begin anew with another socket', () => {
    const leases = new PeerLeases()
    leases.ask([A])
    leases.answered([])
    leases.restart()
    for (let i = 0; i < 5; i++) {
      leases.ask([A])
      assert.deepEqual(leases.answered([A]), [])
    }
  })
})

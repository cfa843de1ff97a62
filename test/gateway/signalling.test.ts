import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import type { PeerId } from '../../src/core/ids.ts'
import { millis, seconds } from '../../src/core/units.ts'
import type { Link, Links } from '../../src/gateway/links.ts'
import { Signalling } from '../../src/gateway/signalling.ts'
import { mutedLogger } from '../../src/platform/muted-log.ts'
import { hostileInputs } from '../support/corpus.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { TestTracker } from '../tracker/http-support.ts'
import { randomPeerId, SWARM, TestPortal } from '../tracker/support.ts'
import { Browser, isAnswer, isOffer, offersOf, SDP } from '../tracker/websocket-support.ts'

/** Who is connected, as a test has it. */
class FakeLinks {
  refused = 0
  here: PeerId[] = []
  readonly answered: PeerId[] = []
  offered = 0
  readonly ended: string[] = []
  readonly told: { asked: readonly PeerId[]; gone: readonly PeerId[] }[] = []
  #wake: (() => void)[] = []

  peerIdsOf = (): PeerId[] => this.here
  answer = (): Link => this.#link()
  offer = (): Link => {
    this.offered++
    return this.#link()
  }
  gone = (_hash: unknown, asked: readonly PeerId[], gone: readonly PeerId[]): void => {
    this.told.push({ asked, gone: gone.filter((peer) => asked.includes(peer)) }) // others do not count
    this.#changed()
  }

  async until(isTrue: () => boolean): Promise<void> {
    while (!isTrue()) await new Promise<void>((resolve) => this.#wake.push(resolve))
  }

  #link(): Link {
    return {
      description: () => Promise.resolve(SDP),
      answered: (by: PeerId) => {
        this.answered.push(by)
        this.#changed()
      },
      end: (reason: string) => this.ended.push(reason),
    } as unknown as Link
  }

  #changed(): void {
    for (const wake of this.#wake.splice(0)) wake()
  }
}

/** Lets things happen until `isTrue`; fails with the time that a test has. */
async function soon(isTrue: () => boolean): Promise<void> {
  for (let n = 0; !isTrue(); n++) {
    assert.ok(n < 2_000, 'it did not come about')
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

describe('the gateway at the tracker', () => {
  let stack: AsyncDisposableStack
  let clock: ManualClock
  let links: FakeLinks
  const peerId = randomPeerId()
  let refusals: string[]

  beforeEach(() => {
    stack = new AsyncDisposableStack()
    clock = new ManualClock()
    links = new FakeLinks()
    refusals = []
  })
  afterEach(() => stack.disposeAsync())

  function begin(urls: () => readonly string[]): Signalling {
    return stack.use(
      new Signalling({
        clock,
        random: () => 0.5,
        log: mutedLogger,
        links: links as unknown as Links,
        infoHash: SWARM,
        peerId,
        urls,
        leftBytes: () => 0,
        onRefused: (reason) => refusals.push(reason),
      }),
    )
  }

  describe('that is ours', () => {
    let portal: TestPortal
    let tracker: TestTracker
    let url: string

    beforeEach(async () => {
      portal = await TestPortal.open()
      tracker = stack.use(await TestTracker.start(portal))
      url = `http://127.0.0.1:${tracker.port}/announce?g=${(await portal.grant()).token}`
    })

    /** With its questions, each answered. */
    async function minutePasses(): Promise<void> {
      for (let n = 0; n < 7; n++) {
        const before = links.told.length
        clock.advance(seconds(8))
        await links.until(() => links.told.length > before)
      }
    }

    async function page(): Promise<Browser & { revoke: () => void }> {
      const { token, claims } = await portal.grant()
      const browser = await Browser.open(tracker.port, token)
      stack.defer(() => browser.destroy())
      const revoke = (): void =>
        portal.tell({ kind: 'grant-revoked', id: claims.id, until: portal.time(seconds(60)) })
      return Object.assign(browser, { revoke })
    }

    it('offers itself to those who wait, whose own offers found nobody', async () => {
      const ann = await page()
      await ann.join({ offers: offersOf(2) })
      begin(() => [url])
      const offered = await ann.next(isOffer)
      await soon(() => links.offered > 0)
      assert.equal(offered['peer_id'], Buffer.from(peerId, 'hex').toString('latin1'))
      ann.answer(offered)
      await links.until(() => links.answered.length > 0)
      assert.deepEqual(links.answered, [ann.peerId])
      clock.advance(seconds(6))
      assert.deepEqual(links.ended, Array(links.offered - 1).fill('nobody answered'))
    })

    it('takes back what it offered to nobody who answers: others need the places', async () => {
      const ann = await page()
      const ben = await page()
      await ann.join()
      await ben.join()
      begin(() => [url])
      await ann.next(isOffer)
      assert.deepEqual(links.ended, [])
      clock.advance(seconds(5))
      assert.deepEqual(links.ended, ['nobody answered', 'nobody answered'])
    })

    it('answers whoever comes later', async () => {
      begin(() => [url])
      const ann = await page()
      const ben = await page()
      await ben.join()
      await soon(() => tracker.stats().browserPeers === 2)
      await ann.join({ offers: offersOf(5) })
      const answered = await ann.next(isAnswer)
      assert.equal(answered['peer_id'], Buffer.from(peerId, 'hex').toString('latin1'))
    })

    it('hears of those who are in the swarm no more, as one whose grant was revoked', async () => {
      const [ann, ben] = [await page(), await page()]
      await ann.join()
      await ben.join()
      links.here = [ann.peerId, ben.peerId]
      begin(() => [url])
      await ann.next(isOffer) // it is there
      clock.advance(seconds(8))
      await links.until(() => links.told.length === 1)
      assert.deepEqual(links.told[0], { asked: links.here, gone: [] })
      ben.revoke()
      await ben.closed()
      clock.advance(seconds(8))
      await links.until(() => links.told.length === 2)
      assert.deepEqual(links.told[1]?.gone, [ben.peerId])
    })

    it('hears at once of one who met it since it came, and has gone', async () => {
      const ann = await page()
      await ann.join()
      links.here = [ann.peerId]
      begin(() => [url])
      ann.answer(await ann.next(isOffer))
      await links.until(() => links.answered.length > 0)
      ann.revoke()
      await ann.closed()
      clock.advance(seconds(8))
      await links.until(() => links.told.length > 0)
      assert.deepEqual(links.told[0]?.gone, [ann.peerId])
    })

    it('asks about all of them, when they do not fit into one question', async () => {
      const ann = await page()
      await ann.join()
      links.here = [ann.peerId]
      begin(() => [url])
      await ann.next(isOffer)
      await minutePasses()
      links.here = [...Array.from({ length: 150 }, randomPeerId), ann.peerId]
      const before = links.told.length
      clock.advance(seconds(8))
      await links.until(() => links.told.length === before + 3)
      const told = links.told.slice(before)
      assert.deepEqual(
        told.flatMap(({ asked }) => asked),
        links.here,
      )
      assert.equal(told.flatMap(({ gone }) => gone).length, 150)
    })

    it('drops nobody for a minute after it came: a tracker that began anew does not know them yet', async () => {
      const [ann, ben] = [await page(), await page()]
      await ann.join()
      links.here = [ann.peerId, ben.peerId]
      begin(() => [url])
      await ann.next(isOffer)
      await minutePasses()
      assert.deepEqual(
        links.told.flatMap(({ gone }) => gone),
        [],
      )
      const before = links.told.length
      clock.advance(seconds(8))
      await links.until(() => links.told.length > before)
      assert.deepEqual(links.told.at(-1)?.gone, [ben.peerId])
    })

    it('comes with a fresh grant as the one that it was', async () => {
      const ann = await page()
      await ann.join()
      let current = url
      const signalling = begin(() => [current])
      await ann.next(isOffer)
      current = `http://127.0.0.1:${tracker.port}/announce?g=${(await portal.grant()).token}`
      const before = tracker.stats().announces
      signalling.renew()
      // counted before its grant is checked
      await soon(() => tracker.stats().announces === before + 2 && tracker.stats().browserPeers === 2)
      assert.equal((await ann.join())['complete'], 1)
      assert.deepEqual(refusals, [])
    })

    it('tells when its grant is refused', async () => {
      portal.tell({ kind: 'refuse-before', scope: 'release', value: SWARM, before: portal.time(seconds(1)) })
      begin(() => [url])
      await soon(() => refusals.length > 0)
    })
  })

  it('tries the next address when one does not answer', async () => {
    const portal = await TestPortal.open()
    const tracker = stack.use(await TestTracker.start(portal))
    const { token } = await portal.grant()
    begin(() => ['http://127.0.0.1:1/announce?g=x', `http://127.0.0.1:${tracker.port}/announce?g=${token}`])
    await soon(() => {
      clock.advance(millis(500))
      return tracker.stats().browserPeers > 0
    })
  })

  describe('that refuses it', () => {
    let server: WebSocketServer
    let announces: number
    let retryIn: unknown
    let closes: boolean

    beforeEach(async () => {
      announces = 0
      server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
      stack.defer(() => {
        server.close()
      })
      await once(server, 'listening')
      server.on('connection', (socket) => {
        socket.on('message', () => {
          announces++
          const refusal = { action: 'announce', 'failure reason': 'not now', 'retry in': retryIn }
          socket.send(JSON.stringify(refusal))
          if (closes) socket.close()
        })
      })
      begin(() => [`ws://127.0.0.1:${(server.address() as AddressInfo).port}/announce?g=x`])
    })
    /** All that can happen without the clock has happened. */
    const settled = async (): Promise<void> => {
      for (let n = 0; n < 10; n++) await new Promise((resolve) => setTimeout(resolve, 2))
    }

    for (const one of [false, true])
      it(`waits as long as it is told to, and is not put aside, where its socket is ${one ? 'closed' : 'left open'}`, async () => {
        closes = one
        retryIn = 2
        await soon(() => announces === 1)
        await settled()
        clock.advance(seconds(110))
        await settled()
        assert.equal(announces, 1)
        await soon(() => {
          clock.advance(seconds(10))
          return announces === 2
        })
        assert.deepEqual(refusals, [])
      })

    it('gives up the grant that it has when that is no good for ever', async () => {
      closes = true
      retryIn = 'never'
      await soon(() => refusals.length > 0)
      assert.deepEqual(refusals, ['not now'])
    })
  })

  it('hears nothing more once it is over', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    stack.defer(() => {
      server.close()
    })
    await once(server, 'listening')
    const signalling = begin(() => [`ws://127.0.0.1:${(server.address() as AddressInfo).port}/announce?g=x`])
    const [socket] = (await once(server, 'connection')) as [WebSocket]
    await once(socket, 'message')
    socket.send(JSON.stringify({ action: 'announce', 'failure reason': 'never', 'retry in': 'never' }))
    const closed = once(socket, 'close')
    signalling[Symbol.dispose]()
    await closed
    assert.deepEqual(refusals, [])
  })

  it('bears whatever a tracker says', async () => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
    stack.defer(() => {
      server.close()
    })
    await once(server, 'listening')
    begin(() => [`ws://127.0.0.1:${(server.address() as AddressInfo).port}/announce?g=x`])
    const [socket] = (await once(server, 'connection')) as [WebSocket]
    await once(socket, 'message')
    const inputs = hostileInputs('signal').filter(({ bytes }) => bytes.length <= 60_000)
    for (const { bytes } of inputs) socket.send(bytes, { binary: false })
    socket.send(JSON.stringify({ action: 'leases', info_hash: 0, gone: [null] }))
    socket.send(JSON.stringify({ action: 'announce', info_hash: 'x'.repeat(20), interval: 1e99 }))
    const closed = once(socket, 'close')
    socket.send('x'.repeat(1_000_000)) // more than any message may be
    await closed
    assert.ok(links.refused > 20, `only ${links.refused} of ${inputs.length} were refused`)
  })
})

import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { SiteMap } from '../../src/core/site.ts'
import { seconds } from '../../src/core/units.ts'
import { limits } from '../../src/wire/limits.ts'
import { sdpOf } from '../../src/wire/sdp.ts'
import { offerIdOf } from '../../src/wire/signal.ts'
import { hostileInputs } from '../support/corpus.ts'
import { reasonOf, TestTracker } from './http-support.ts'
import { randomPeerId, TestPortal } from './support.ts'
import {
  Browser,
  frameOf,
  isAnswer,
  isOffer,
  offersOf,
  openDeaf,
  reasonIn,
  SDP,
} from './websocket-support.ts'

const NO_SITES = new SiteMap([])

const closing = (socket: Socket): Promise<void> =>
  new Promise((resolve) => {
    socket.once('close', () => {
      resolve()
    })
  })

describe('Hostile browsers', () => {
  let portal: TestPortal
  let tracker: TestTracker
  let grant: string
  let stack: DisposableStack

  beforeEach(async () => {
    portal = await TestPortal.open()
    tracker = await TestTracker.start(portal, {}, () => NO_SITES)
    grant = (await portal.grant()).token
    stack = new DisposableStack()
  })
  afterEach(async () => {
    stack.dispose()
    await tracker[Symbol.asyncDispose]()
  })

  async function browser(localAddress = '127.0.0.1'): Promise<Browser> {
    const one = await Browser.open(tracker.port, grant, { localAddress })
    stack.defer(() => {
      one.destroy()
    })
    return one
  }

  async function joined(): Promise<Browser> {
    const one = await browser()
    await one.join()
    return one
  }

  async function deaf(): Promise<Socket> {
    const socket = await openDeaf(tracker.port, grant)
    stack.defer(() => {
      socket.destroy()
    })
    return socket
  }

  /** Somebody honest finds what they look for. */
  async function mustServeOthers(): Promise<void> {
    assert.equal(reasonOf(await tracker.announce({ grant })), undefined)
    const [ann, ben] = [await joined(), await browser()]
    await ben.join({ offers: offersOf(10) })
    ann.answer(await ann.next(isOffer))
    await ben.next(isAnswer)
    ann.destroy()
    ben.destroy()
  }

  for (const { name, bytes } of hostileInputs('signal'))
    it(`get a bounded answer, and harm nobody else: ${name}`, async () => {
      const hostile = await browser()
      for (const binary of [false, true]) hostile.webSocket.send(bytes, { binary })
      const said = await hostile.rest()
      assert.ok(said.length <= 2)
      assert.ok(JSON.stringify(said).length < 1_000)
      hostile.webSocket.send(bytes, { binary: false })
      hostile.webSocket.close()
      await hostile.closed()
      await mustServeOthers()
    })

  it('who do not read get no more than a bound of what others send', async () => {
    const peerId = randomPeerId()
    const socket = await deaf()
    const closed = closing(socket)
    const hello = {
      action: 'announce',
      info_hash: '\u00aa'.repeat(20),
      peer_id: Buffer.from(peerId, 'hex').toString('latin1'),
    }
    socket.write(frameOf(JSON.stringify(hello)))
    while (tracker.stats().browserPeers === 0) await tracker.get('/healthz')
    const sdp = sdpOf(SDP + `a=${'x'.repeat(1_022)}\r\n`.repeat(7))
    const flood = await browser()
    for (let sent = 0; tracker.stats().browserPeers > 0 && sent < 3_000; sent++) {
      await flood.join({ offers: offersOf(1, sdp) })
      if (sent % 20 === 19) portal.clock.advance(seconds(9)) // as much as one may say
    }
    assert.equal(tracker.stats().browserPeers, 1, 'the flood alone is left')
    socket.resume()
    await closed
    await mustServeOthers()
  }).timeout(60_000)

  it('who ping and do not read are cut', async () => {
    const socket = await deaf()
    const closed = closing(socket)
    const ping = Buffer.concat([Buffer.from([0x89, 0xfd, 0, 0, 0, 0]), Buffer.alloc(125)])
    const pings = Buffer.concat(Array.from({ length: 1_000 }, () => ping))
    for (let i = 0; i < 200 && tracker.stats().sockets > 0; i++) {
      socket.write(pings)
      await tracker.get('/healthz')
    }
    assert.equal(tracker.stats().sockets, 0)
    socket.resume()
    await closed
  }).timeout(60_000)

  it('who register 500 peer ids register one', async () => {
    const hostile = await browser()
    await mustServeOthers() // the grant is known
    const ids = Array.from({ length: 500 }, () => randomPeerId())
    for (const peerId of ids) hostile.announce({ peerId, event: 'started' })
    const code = await hostile.closed()
    assert.equal(code, 1_008)
    const { refused } = tracker.stats()
    assert.ok((refused['peer-id-refused'] ?? 0) > 50 && refused['too-many-messages'] === 1)
    const patient = await browser()
    for (const peerId of ids.slice(0, 200)) {
      await patient.join({ peerId, event: 'started' })
      portal.clock.advance(seconds(1))
    }
    assert.equal(tracker.stats().browserPeers, 1)
  })

  it('who stop and start under their peer ids keep the first', async () => {
    const hostile = await joined()
    await hostile.join({ event: 'stopped' })
    assert.match(reasonIn(await hostile.join({ peerId: randomPeerId() })), /another connection/)
    assert.equal(tracker.stats().browserPeers, 0)
  })

  it('who say stopped with the peer id of another change nothing', async () => {
    const ann = await joined()
    const foreign = await Browser.open(tracker.port, (await portal.grant()).token)
    stack.defer(() => {
      foreign.destroy()
    })
    for (const hostile of [await browser(), await joined(), foreign]) {
      await hostile.join({ peerId: ann.peerId, event: 'stopped' })
      assert.equal(ann.closeCode, undefined)
    }
    assert.equal(tracker.stats().browserPeers, 2)
    const ben = await browser()
    await ben.join({ offers: offersOf(2) })
    await ann.next(isOffer)
  })

  it('who take the peer id of another, with a grant or from a place of their own, are refused', async () => {
    const ann = await joined()
    const elsewhere = await browser('127.0.0.2')
    assert.match(reasonIn(await elsewhere.join({ peerId: ann.peerId })), /another connection/)
    const other = await Browser.open(tracker.port, (await portal.grant()).token)
    stack.defer(() => {
      other.destroy()
    })
    assert.match(reasonIn(await other.join({ peerId: ann.peerId })), /another connection/)
    assert.equal(ann.closeCode, undefined)
  })

  it('who race for the peer id of another get it no more than those who do not', async () => {
    const peerId = randomPeerId()
    const [ann, hostile] = await Promise.all(
      [1, 2].map(async () => {
        const one = await Browser.open(tracker.port, (await portal.grant()).token)
        stack.defer(() => {
          one.destroy()
        })
        return one
      }),
    )
    assert.ok(ann && hostile)
    const ids = Array.from({ length: 20 }, () => randomPeerId())
    ann.announce({ peerId })
    for (const id of [peerId, ...ids]) hostile.announce({ peerId: id })
    for (const id of ids) ann.announce({ peerId: id })
    while ((tracker.stats().refused['peer-id-refused'] ?? 0) < 40) await tracker.get('/healthz')
    assert.equal(tracker.stats().browserPeers, 2)
    assert.deepEqual([ann.closeCode, hostile.closeCode], [undefined, undefined])
  })

  it('who answer what they were not offered reach nobody', async () => {
    const [ann, ben, mallory] = [await joined(), await joined(), await joined()]
    ben.destroy()
    await ben.closed()
    await mallory.join({ event: 'stopped' })
    while (tracker.stats().browserPeers > 1) await tracker.get('/healthz')
    const [offer] = offersOf(1)
    assert.ok(offer)
    const cleo = await browser()
    await cleo.join({ offers: [offer] })
    const offered = await ann.next(isOffer)
    await mallory.join()
    mallory.answer(offered) // of another
    mallory.answer(offered, { peerId: ann.peerId }) // in the name of another
    mallory.answer({ ...offered, offer_id: offerIdOf('x'.repeat(20)) }) // of none
    mallory.answer({ ...offered, peer_id: Buffer.from(ann.peerId, 'hex').toString('latin1') })
    ann.answer({ ...offered, offer_id: offerIdOf('y'.repeat(20)) })
    await Promise.all([mallory.rest(), ann.rest()])
    assert.deepEqual([...(await cleo.rest()), ...(await ann.rest())], [])
    for (let i = 0; i < 3; i++) ann.answer(offered)
    await ann.rest()
    assert.equal((await cleo.rest()).filter(isAnswer).length, 1)
  })

  it('who answer too late reach nobody', async () => {
    const [ann, ben] = [await joined(), await browser()]
    await ben.join({ offers: offersOf(1) })
    const offered = await ann.next(isOffer)
    for (let i = 0; i < 3; i++) {
      portal.clock.advance(seconds(20))
      await Promise.all([ann.rest(), ben.rest()])
    }
    ann.answer(offered)
    await ann.rest()
    assert.deepEqual(await ben.rest(), [])
  })

  it('who are not in the swarm can neither offer nor answer', async () => {
    const ann = await joined()
    const hostile = await browser()
    await hostile.join({ event: 'stopped', offers: offersOf(10) })
    assert.deepEqual((await ann.rest()).filter(isOffer), [])
    const ben = await browser()
    await ben.join({ offers: offersOf(1) })
    hostile.answer(await ann.next(isOffer))
    await hostile.rest()
    assert.deepEqual(await ben.rest(), [])
  })

  it('who send frames that are too long, in too many pieces, or none at all, are closed', async () => {
    const long = await browser()
    long.say('x'.repeat(limits.signalFrameBytesMax + 1))
    assert.equal(await long.closed(), 1_009)
    const pieces = await browser()
    for (let i = 0; i < 100; i++) pieces.webSocket.send('', { fin: false })
    assert.notEqual(await pieces.closed(), 1_000)
    const raw = await deaf()
    raw.resume()
    raw.write(Buffer.alloc(96))
    await once(raw, 'close')
    await mustServeOthers()
  })

  it('who hang up in the midst of the grant check leave nothing behind', async () => {
    const issued = await portal.grant()
    const hasty = await Browser.open(tracker.port, issued.token)
    hasty.announce()
    hasty.destroy()
    while (tracker.stats().sockets > 0) await tracker.get('/healthz')
    assert.equal(reasonOf(await tracker.announce({ grant: issued.token })), undefined)
    assert.equal(tracker.stats().browserPeers, 0)
  })
})

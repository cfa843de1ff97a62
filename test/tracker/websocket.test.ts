import assert from 'node:assert/strict'
import { SiteMap } from '../../src/core/site.ts'
import { hours, minutes, seconds } from '../../src/core/units.ts'
import { sdpOf } from '../../src/wire/sdp.ts'
import { formatSignalLeases } from '../../src/wire/signal-lease.ts'
import { hostsOf, TestTracker } from './http-support.ts'
import { altered, OTHER_SWARM, SWARM, TestPortal } from './support.ts'
import { Browser, isAnswer, isOffer, offersOf, reasonIn, SDP, type Said } from './websocket-support.ts'

const BINARY = Buffer.from(SWARM, 'hex').toString('latin1')
const SITES = new SiteMap([
  { name: 'lyon', cidrs: ['127.1.0.0/16'] },
  { name: 'oslo', cidrs: ['127.2.0.0/16'] },
  { name: 'cabin', cidrs: ['127.3.0.0/16'], wanBytesPerSecond: 0 },
  { name: 'vpn', cidrs: ['127.4.0.0/16'], peering: 'off' },
])

describe('The tracker over WebSockets', () => {
  let portal: TestPortal
  let tracker: TestTracker
  let grant: string
  let opened: Browser[]

  beforeEach(async () => {
    portal = await TestPortal.open()
    tracker = await TestTracker.start(portal, {}, () => SITES)
    grant = (await portal.grant()).token
    opened = []
  })
  afterEach(async () => {
    for (const browser of opened) browser.destroy()
    await tracker[Symbol.asyncDispose]()
  })

  async function browser(token = grant, localAddress = '127.0.0.1'): Promise<Browser> {
    const one = await Browser.open(tracker.port, token, { localAddress })
    opened.push(one)
    return one
  }

  async function joined(token = grant, localAddress = '127.0.0.1'): Promise<Browser> {
    const one = await browser(token, localAddress)
    assert.equal(reasonIn(await one.join()), 'undefined')
    return one
  }

  it('says how many there are, and when to come back', async () => {
    await tracker.announce({ grant, leftBytes: 0 }, { localAddress: '127.1.0.1' })
    await joined()
    const ann = await browser()
    assert.deepEqual(await ann.join({ leftBytes: 0, event: 'started' }), {
      action: 'announce',
      info_hash: BINARY,
      interval: 120,
      complete: 2,
      incomplete: 1,
    })
  })

  it('tells one in the swarm which of those it met are in it no more, and nobody else', async () => {
    const [ann, ben, cid] = [await joined(), await joined(), await browser()]
    const question = formatSignalLeases({ infoHash: SWARM, peerIds: [ben.peerId, cid.peerId] })
    ann.say(question)
    const gone = (said: Said): boolean => said['action'] === 'leases'
    const binary = Buffer.from(cid.peerId, 'hex').toString('latin1')
    assert.deepEqual(await ann.next(gone), { action: 'leases', info_hash: BINARY, gone: [binary] })
    cid.say(question) // it is in no swarm
    ben.say(formatSignalLeases({ infoHash: OTHER_SWARM, peerIds: [ann.peerId] }))
    assert.deepEqual([...(await cid.rest()), ...(await ben.rest())].filter(gone), [])
    ben.destroy()
    while (tracker.stats().sockets > 2) await ann.rest()
    ann.say(question)
    assert.equal(((await ann.next(gone))['gone'] as unknown[]).length, 2)
  })

  it('hands an offer to a peer, and its answer back', async () => {
    const ann = await joined()
    const ben = await browser()
    const [offer] = offersOf(1)
    assert.ok(offer)
    await ben.join({ offers: [offer] })
    const offered = await ann.next(isOffer)
    assert.deepEqual(offered, {
      action: 'announce',
      info_hash: BINARY,
      peer_id: Buffer.from(ben.peerId, 'hex').toString('latin1'),
      offer_id: offer.offerId,
      offer: { type: 'offer', sdp: SDP },
    })
    ann.answer(offered)
    assert.deepEqual(await ben.next(isAnswer), {
      action: 'announce',
      info_hash: BINARY,
      peer_id: Buffer.from(ann.peerId, 'hex').toString('latin1'),
      offer_id: offer.offerId,
      answer: { type: 'answer', sdp: SDP },
    })
    const { offersPassedOn, answersPassedOn } = tracker.stats()
    assert.deepEqual([offersPassedOn, answersPassedOn], [1, 1])
  })

  it('hands each offer to another peer, never to its maker, and no more than are wanted', async () => {
    const others = await Promise.all([joined(), joined(), joined()])
    const ann = await browser()
    await ann.join({ offers: offersOf(10), numWant: 2 })
    assert.equal(tracker.stats().offersPassedOn, 2)
    await ann.join({ offers: offersOf(10) })
    assert.equal(tracker.stats().offersPassedOn, 5)
    for (const other of others) await other.next(isOffer)
    assert.deepEqual((await ann.rest()).filter(isOffer), [])
  })

  it('introduces most in the site, and some of other sites', async () => {
    const lyon = await Promise.all(Array.from({ length: 6 }, (_, i) => joined(grant, `127.1.0.${1 + (i % 3)}`)))
    const oslo = await Promise.all(Array.from({ length: 6 }, (_, i) => joined(grant, `127.2.0.${1 + (i % 3)}`)))
    const ann = await browser(grant, '127.1.0.1')
    await ann.join({ offers: offersOf(5) })
    const offered = async (all: readonly Browser[]): Promise<number> => {
      const rests = await Promise.all(all.map((one) => one.rest()))
      return rests.flat().filter(isOffer).length
    }
    assert.deepEqual([await offered(lyon), await offered(oslo)], [4, 1])
  }) // prettier-ignore

  it('introduces nobody out of a site whose WAN is closed nor into it, and nobody at all where peering is off', async () => {
    const sites = ['127.1.0', '127.3.0', '127.4.0']
    const waiting = await Promise.all(sites.map((net) => joined(grant, `${net}.1`)))
    for (const net of sites) await (await browser(grant, `${net}.2`)).join({ offers: offersOf(5) })
    const offers = await Promise.all(waiting.map(async (one) => (await one.rest()).filter(isOffer).length))
    assert.deepEqual(offers, [1, 1, 0], 'each from its own site')
    assert.equal(tracker.stats().offersPassedOn, 2)
  })

  it('introduces seeds to nobody who has everything', async () => {
    const seed = await browser()
    await seed.join({ leftBytes: 0 })
    const other = await browser()
    await other.join({ leftBytes: 0, offers: offersOf(5) })
    assert.equal(tracker.stats().offersPassedOn, 0)
    await other.join({ leftBytes: 5, offers: offersOf(5) })
    assert.equal(tracker.stats().offersPassedOn, 1)
  })

  it('tells peers of HTTP of no browser: nobody can dial one', async () => {
    await joined()
    assert.deepEqual(hostsOf(await tracker.announce({ grant })), [])
  })

  it('counts by scrape all who are in the swarm, and only in that of the grant', async () => {
    await tracker.announce({ grant, leftBytes: 0, event: 'completed' }, { localAddress: '127.1.0.1' })
    const ann = await browser()
    await ann.join({ leftBytes: 0, event: 'completed' })
    const scrape = (hashes: readonly string[]): void => {
      ann.say(JSON.stringify({ action: 'scrape', info_hash: hashes, offers: [] }))
    }
    scrape([BINARY])
    const counts = { complete: 2, incomplete: 0, downloaded: 2 }
    assert.deepEqual(await ann.next(), { action: 'scrape', files: { [BINARY]: counts } })
    for (const other of [['x'.repeat(20)], [BINARY, 'x'.repeat(20)]]) {
      scrape(other)
      assert.match(reasonIn(await ann.next()), /another release/)
    }
  })

  it('forgets a peer that stopped, with its swarm, and keeps the socket', async () => {
    const ann = await joined()
    assert.equal(tracker.stats().browserPeers, 1)
    assert.equal((await ann.join({ event: 'stopped' }))['incomplete'], 0)
    await ann.join({ event: 'stopped' })
    assert.deepEqual([tracker.stats().browserPeers, tracker.stats().sockets], [0, 1])
  })

  it('forgets a peer whose socket closed, however it did', async () => {
    const [ann, ben] = [await joined(), await joined()]
    ann.webSocket.close()
    ben.destroy()
    await Promise.all([ann.closed(), ben.closed()])
    const cleo = await browser()
    await cleo.join()
    for (let i = 0; i < 100 && tracker.stats().sockets > 1; i++) await cleo.rest()
    assert.deepEqual([tracker.stats().browserPeers, tracker.stats().sockets], [1, 1])
  })

  it('forgets a peer that does not announce again, and closes a socket that is in no swarm', async () => {
    const ann = await joined()
    for (let i = 0; i < 14; i++) {
      portal.clock.advance(seconds(20))
      await ann.rest()
    }
    assert.equal(tracker.stats().browserPeers, 1)
    for (let i = 0; i < 2; i++) {
      portal.clock.advance(seconds(20))
      await ann.rest()
    }
    assert.deepEqual([tracker.stats().browserPeers, tracker.stats().sockets], [0, 1])
    for (let i = 0; i < 2; i++) {
      portal.clock.advance(seconds(20))
      await ann.rest()
    }
    assert.equal(await ann.closed(), 1_008)
  })

  it('frees a socket that is dead within a minute, and keeps one that lives', async () => {
    const [ann] = [await joined()]
    const dead = await Browser.open(tracker.port, grant, { answersPings: false })
    opened.push(dead)
    await dead.join()
    for (let i = 0; i < 3; i++) {
      portal.clock.advance(seconds(20))
      await ann.rest()
    }
    await dead.closed()
    assert.equal(ann.closeCode, undefined)
    assert.equal(tracker.stats().browserPeers, 1)
  })

  it('closes a socket that says nothing', async () => {
    const silent = await browser()
    for (let i = 0; i < 3 && silent.closeCode === undefined; i++) {
      portal.clock.advance(seconds(20))
      await silent.rest()
    }
    assert.equal(await silent.closed(), 1_008)
  })

  it('lets a peer come back while its former connection is not known to be dead', async () => {
    const first = await joined()
    const again = await browser()
    assert.equal(reasonIn(await again.join({ peerId: first.peerId })), 'undefined')
    await first.closed()
    assert.equal(tracker.stats().browserPeers, 1)
  })

  it('takes away candidates that point at a service, or at a place that nobody may dial', async () => {
    const ann = await joined()
    const line = (host: string, port: number): string => `a=candidate:1 1 udp 1 ${host} ${port} typ host\r\n`
    const mdns = line('2f6b4c1e-0000-4000-8000-0123456789ab.local', 50_000)
    const fit = line('10.0.0.1', 50_000) + mdns + line('127.0.0.1', 50_000)
    const stray =
      line('10.0.0.1', 53) +
      line('169.254.169.254', 8_080) +
      line('224.0.0.251', 5_353) +
      line('0.0.0.0', 50_000) +
      line('nas.example', 50_000)
    const ben = await browser()
    await ben.join({ offers: offersOf(1, sdpOf(`${SDP}${stray}${fit}`)) })
    const sdp = (await ann.next(isOffer))['offer']
    assert.deepEqual(sdp, { type: 'offer', sdp: `${SDP}${fit}` })
  })

  it('answers what is wrong with a message, and goes on', async () => {
    const ann = await joined()
    ann.say('null')
    assert.match(reasonIn(await ann.next()), /object expected/)
    ann.webSocket.send(Buffer.from([0xff]))
    assert.match(reasonIn(await ann.next()), /no text/)
    await ann.join()
    assert.equal(tracker.stats().refused['bad-request'], 2)
  })

  it('reads a message in a binary frame as in one of text', async () => {
    const ann = await browser()
    ann.webSocket.send(Buffer.from(JSON.stringify({ action: 'scrape', info_hash: BINARY })))
    assert.equal((await ann.next())['action'], 'scrape')
  })

  it('turns away other paths and too many sockets', async () => {
    await assert.rejects(Browser.open(tracker.port, grant, { path: '/scrape' }), /404/)
    await assert.rejects(Browser.open(tracker.port, `${grant}&x=${'x'.repeat(3_000)}`), /414/)
    await assert.rejects(Browser.open(tracker.port, `${grant}&g=x`), /400/)
    await using small = await TestTracker.start(portal, { socketsMax: '3', socketsPerAddressMax: '2' })
    const open = async (localAddress: string): Promise<Browser> => {
      const one = await Browser.open(small.port, grant, { localAddress })
      opened.push(one)
      await one.join()
      return one
    }
    const first = await open('127.0.0.1')
    await open('127.0.0.1')
    await assert.rejects(open('127.0.0.1'), /429/)
    await open('127.0.0.2')
    await assert.rejects(open('127.0.0.3'), /503/)
    first.webSocket.close()
    await first.closed()
    for (let i = 0; i < 100 && small.stats().sockets > 2; i++) await tracker.get('/healthz')
    await open('127.0.0.1')
    await using none = await TestTracker.start(portal, { socketsMax: '0' })
    await assert.rejects(Browser.open(none.port, grant), /503/)
  })

  it('has those who are in no swarm make room for others, the longest idle first', async () => {
    await using small = await TestTracker.start(portal, { socketsMax: '3' })
    const open = async (): Promise<Browser> => {
      const one = await Browser.open(small.port, grant)
      opened.push(one)
      return one
    }
    const member = await open()
    await member.join()
    const [left, silent] = [await open(), await open()]
    await left.join()
    await left.join({ event: 'stopped' })
    const third = await open()
    await silent.closed()
    const fourth = await open()
    await left.closed()
    await Promise.all([third.join(), fourth.join()])
    assert.equal(member.closeCode, undefined)
    assert.equal(small.stats().browserPeers, 3)
  })

  it('answers a request to upgrade to something else as any other', async () => {
    const headers = { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': '' }
    assert.equal((await tracker.get('/healthz', { headers })).status, 200)
    const bare = await tracker.get('/announce', { headers: { connection: 'Upgrade', upgrade: 'websocket' } })
    assert.equal(bare.status, 400)
  })

  it('says goodbye to all when it stops', async () => {
    const all = await Promise.all(Array.from({ length: 20 }, () => joined()))
    await tracker[Symbol.asyncDispose]()
    assert.deepEqual([...new Set(await Promise.all(all.map((one) => one.closed())))], [1_001])
  })

  it('sees a browser behind a trusted proxy where the proxy says', async () => {
    await using behind = await TestTracker.start(portal, { trustedProxies: '127.0.0.0/8', allowedRanges: '10.0.0.0/8' })
    const from = async (host: string): Promise<string> => {
      const one = await Browser.open(behind.port, grant, { headers: { 'x-forwarded-for': host } })
      opened.push(one)
      return reasonIn(await one.join())
    }
    assert.equal(await from('10.1.2.3'), 'undefined')
    assert.match(await from('192.168.1.1'), /not admitted/)
    await assert.rejects(from('1.2.3.4.5.6'), /400/)
  }) // prettier-ignore

  describe('checks the grant', () => {
    async function refusal(token: string, over = {}): Promise<string> {
      const one = await browser(token)
      const said = await one.join(over)
      assert.equal(said['action'], 'announce')
      const { browserPeers } = tracker.stats()
      assert.equal(browserPeers, 0)
      return reasonIn(said)
    } // prettier-ignore

    it('which must be there, whole, and of this release', async () => {
      for (const token of ['', 'x', altered(grant)]) {
        const one = await browser(token)
        const said = await one.join()
        assert.deepEqual([said['info_hash'], reasonIn(said)], [BINARY, 'grant refused'])
        assert.equal(await one.closed(), 1_008)
      }
      const other = (await portal.grant(OTHER_SWARM)).token
      assert.match(await refusal(other), /another release/)
      assert.match(await refusal(grant, { infoHash: OTHER_SWARM }), /another release/)
    })

    it('and ends what it let in when it ends', async () => {
      const { token } = await portal.grant(SWARM, minutes(3))
      const ann = await joined(token)
      const ben = await joined()
      for (let i = 0; i < 15; i++) {
        portal.clock.advance(seconds(20))
        await Promise.all([ann.rest(), ben.join()])
      }
      const said = ann.next()
      await assert.rejects(
        said.then((message) => Promise.reject(new Error(reasonIn(message)))),
        /expired|closed/,
      )
      await ann.closed()
      assert.equal(tracker.stats().browserPeers, 1)
    })

    it('and hands no offer to a peer whose grant has just ended', async () => {
      const { token } = await portal.grant(SWARM, minutes(1))
      await joined(token)
      portal.clock.advance(seconds(149))
      const ben = await joined()
      portal.clock.advance(seconds(2))
      await ben.join({ offers: offersOf(5) })
      assert.equal(tracker.stats().offersPassedOn, 0)
    })

    it('and puts out at once whose grant is revoked, and nobody else', async () => {
      const issued = await portal.grant()
      const ann = await joined(issued.token)
      const ben = await joined()
      portal.tell({ kind: 'grant-revoked', id: issued.claims.id, until: portal.time(hours(24)) })
      assert.equal(tracker.stats().browserPeers, 1)
      const said = await ann.next()
      assert.match(reasonIn(said), /revoked/)
      assert.equal(said['info_hash'], BINARY)
      assert.equal(await ann.closed(), 1_008)
      await ben.join({ offers: offersOf(1) })
      assert.equal(tracker.stats().offersPassedOn, 0)
      const again = await browser(issued.token)
      assert.match(reasonIn(await again.join()), /revoked/)
    })

    it('and empties the swarm of a recalled release at once, however many were in it', async () => {
      await using large = await TestTracker.start(portal, { peersPerAddressMax: '250' })
      const all = await Promise.all(Array.from({ length: 250 }, () => Browser.open(large.port, grant)))
      opened.push(...all)
      await Promise.all(all.map((one) => one.join()))
      portal.tell({ kind: 'recalled', infohash: SWARM })
      assert.deepEqual([large.stats().browserPeers, large.stats().refused['grant-withdrawn']], [0, 250])
      portal.clock.advance(seconds(1))
      const reasons = await Promise.all(all.map(async (one) => reasonIn(await one.next())))
      assert.ok(
        reasons.every((reason) => /recalled|withdrawn/.test(reason)),
        reasons[0],
      )
      assert.deepEqual([...new Set(await Promise.all(all.map((one) => one.closed())))], [1_008])
    })

    it('and counts the addresses from which it is used', async () => {
      const issued = await portal.grant()
      portal.tell({ kind: 'grant-peers', id: issued.claims.id, peersMax: 2, until: portal.time(hours(24)) })
      await joined(issued.token, '127.1.0.1')
      await joined(issued.token, '127.1.0.1')
      await tracker.announce({ grant: issued.token }, { localAddress: '127.1.0.2' })
      const third = await browser(issued.token, '127.1.0.3')
      assert.match(reasonIn(await third.join()), /in use at 2 addresses/)
    })

    it('and lets one address have so many sockets with it', async () => {
      await using small = await TestTracker.start(portal, { peersPerAddressMax: '2' })
      const all: Browser[] = []
      for (let i = 0; i < 3; i++) {
        const one = await Browser.open(small.port, grant)
        all.push(one)
        opened.push(one)
        await one.join()
      }
      assert.equal(await all[0]?.closed(), 1_008)
      assert.equal(small.stats().browserPeers, 2)
    })
  })

  it('moves peers to their new sites when the operator draws a new map', async () => {
    let map = SITES
    await using moving = await TestTracker.start(portal, {}, () => map)
    const at = async (host: string): Promise<Browser> => {
      const one = await Browser.open(moving.port, grant, { localAddress: host })
      opened.push(one)
      await one.join()
      return one
    }
    const near = await Promise.all(Array.from({ length: 4 }, (_, i) => at(`127.3.0.${1 + (i % 2)}`)))
    await Promise.all(Array.from({ length: 4 }, (_, i) => at(`127.4.0.${1 + (i % 2)}`)))
    const ann = await at('127.1.0.1')
    map = new SiteMap([{ name: 'lyon', cidrs: ['127.1.0.0/16', '127.3.0.0/16'] }])
    portal.clock.advance(seconds(20))
    await ann.join({ offers: offersOf(5) })
    const rests = await Promise.all(near.map((one) => one.rest()))
    assert.equal(rests.flat().filter(isOffer).length, 4)
  })
})

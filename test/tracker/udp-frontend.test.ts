/** The UDP frontend without sockets: from any address, at any time. */
import assert from 'node:assert/strict'
import { SiteMap } from '../../src/core/site.ts'
import { hours, millis, minutes, seconds } from '../../src/core/units.ts'
import { silentLogger } from '../../src/platform/log.ts'
import type { UdpSender } from '../../src/platform/udp-listener.ts'
import { AddressBook, type AddressFacts } from '../../src/tracker/address-book.ts'
import { AddressRanges } from '../../src/tracker/address-ranges.ts'
import { UdpFrontend } from '../../src/tracker/udp-frontend.ts'
import type { AnnounceRequest } from '../../src/wire/announce.ts'
import { parseUdpReply, type UdpReply } from '../../src/wire/udp-tracker-reply.ts'
import { encodeUdpAnnounce, encodeUdpConnect, encodeUdpScrape } from '../../src/wire/udp-tracker.ts'
import { hostileInputs } from '../support/corpus.ts'
import { AdmissionWorld } from './admission-world.ts'
import { altered, announceRequest, ip, OTHER_SWARM, SWARM } from './support.ts'

const sender = (address: string, port = 6_881): UdpSender => ({
  address,
  port,
  family: address.includes(':') ? 'IPv6' : 'IPv4',
})
const ALICE = sender('10.0.0.1')
const BOB = sender('10.0.0.2')

/** Counts the addresses that it was asked for. */
class WatchedBook extends AddressBook {
  lookUps = 0

  override lookUp(text: string): AddressFacts | undefined {
    this.lookUps++
    return super.lookUp(text)
  }
}

class UdpWorld {
  readonly admission: AdmissionWorld
  readonly frontend: UdpFrontend
  readonly addresses: WatchedBook

  constructor(admission: AdmissionWorld, waitingMax = 1_000) {
    const map = new SiteMap([])
    const { clock } = admission.portal
    this.admission = admission
    this.addresses = new WatchedBook({ sites: () => map }, { allowed: new AddressRanges([]) })
    const parts = { clock, core: admission.core, addresses: this.addresses, log: silentLogger }
    this.frontend = new UdpFrontend(parts, { waitingMax })
  }

  /** Every packet that is sent in answer, now and until all signatures are verified. */
  async ask(packet: Buffer, from: UdpSender): Promise<readonly Buffer[]> {
    const sent: Buffer[] = []
    this.frontend.handle(packet, from, (reply, length, to) => {
      assert.equal(to, from)
      sent.push(Buffer.from(reply.subarray(0, length)))
      return true
    })
    while (this.frontend.waiting > 0) await new Promise(setImmediate)
    return sent
  }

  async reply(packet: Buffer, from: UdpSender): Promise<UdpReply> {
    const [bytes, ...more] = await this.ask(packet, from)
    assert.ok(bytes !== undefined && more.length === 0)
    assert.equal(bytes.readUInt32BE(4), packet.readUInt32BE(12), 'the transaction id comes back')
    return parseUdpReply(bytes, from.family === 'IPv6' ? 'v6' : 'v4')
  }

  async connect(from: UdpSender): Promise<Uint8Array> {
    const reply = await this.reply(encodeUdpConnect(77), from)
    assert.ok(reply.kind === 'connect')
    return reply.connectionId
  }

  async announce(from: UdpSender, over: Partial<AnnounceRequest>): Promise<UdpReply> {
    const head = { connectionId: await this.connect(from), transactionId: 78 }
    return this.reply(encodeUdpAnnounce(head, announceRequest({ port: from.port, ...over })), from)
  }
}

const hostsOf = (reply: UdpReply): string[] => {
  assert.ok(reply.kind === 'announce', JSON.stringify(reply))
  return reply.reply.peers.map((peer) => `${peer.host} ${peer.port}`).toSorted()
}
const reasonOf = (reply: UdpReply): string => {
  assert.ok(reply.kind === 'error', JSON.stringify(reply))
  return reply.reason
}

describe('The UDP frontend', () => {
  let admission: AdmissionWorld
  let world: UdpWorld
  let grant: string
  beforeEach(async () => {
    admission = await AdmissionWorld.open()
    world = new UdpWorld(admission)
    grant = (await admission.portal.grant()).token
  })

  it('introduces two holders of grants to each other', async () => {
    assert.deepEqual(hostsOf(await world.announce(ALICE, { grant })), [])
    const other = (await admission.portal.grant()).token
    const reply = await world.announce(BOB, { grant: other, leftBytes: 0 })
    assert.deepEqual(hostsOf(reply), ['10.0.0.1 6881'])
    assert.ok(reply.kind === 'announce')
    assert.deepEqual([reply.reply.complete, reply.reply.incomplete], [1, 1])
    assert.equal(reply.reply.intervalMs, minutes(30))
  })

  it('answers IPv6 with IPv6 peers, IPv4 with IPv4 ones', async () => {
    const second = (await admission.portal.grant()).token
    await world.announce(sender('fd00::1'), { grant })
    await world.announce(ALICE, { grant })
    assert.deepEqual(hostsOf(await world.announce(sender('fd00::2'), { grant: second })), ['fd00::1 6881'])
    assert.deepEqual(hostsOf(await world.announce(BOB, { grant: second })), ['10.0.0.1 6881'])
  })

  it('gives as many IPv6 peers as it gives of one site', async () => {
    for (let i = 1; i <= 90; i++) {
      const { token } = await admission.portal.grant()
      await admission.announce({ grant: token }, `fd00::${i.toString(16)}`)
    }
    assert.equal(hostsOf(await world.announce(sender('fd00::ffff'), { grant, numWant: 100 })).length, 50)
  })

  it('fills the answer with peers of the asker’s family, however few there are of it', async () => {
    for (let i = 1; i <= 60; i++) {
      const { token } = await admission.portal.grant()
      await admission.announce({ grant: token }, `10.7.0.${i}`)
      if (i <= 12) await admission.announce({ grant: token }, `fd00::${i.toString(16)}`)
    }
    assert.equal(hostsOf(await world.announce(sender('fd00::ffff'), { grant, numWant: 10 })).length, 10)
    assert.equal(hostsOf(await world.announce(sender('10.7.0.99'), { grant, numWant: 50 })).length, 50)
  })

  it('joins bridges only to those whom it can be told of', async () => {
    const told = async (host: string): Promise<string[]> =>
      hostsOf(await world.announce(sender(host), { grant: (await admission.portal.grant()).token }))
    assert.deepEqual(await told('10.1.0.1'), [])
    assert.deepEqual(await told('fd00::1'), [])
    assert.deepEqual(await told('10.2.0.1'), ['10.1.0.1 6881'])
    assert.deepEqual(await told('fd00:1::1'), ['fd00::1 6881'])
  })

  it('forgets a peer that stopped', async () => {
    await world.announce(ALICE, { grant, event: 'started' })
    assert.equal(admission.store.peerCount, 1)
    assert.deepEqual(hostsOf(await world.announce(ALICE, { grant, event: 'stopped' })), [])
    assert.equal(admission.store.peerCount, 0)
  })

  it('refuses with the reason', async () => {
    const { token } = await admission.portal.grant()
    const reason = async (over: Partial<AnnounceRequest>): Promise<string> =>
      reasonOf(await world.announce(ALICE, over))
    assert.equal(await reason({}), 'grant refused')
    assert.equal(await reason({ grant: altered(token) }), 'grant refused')
    assert.match(await reason({ grant: token, infoHash: OTHER_SWARM }), /another release/)
    assert.match(await reason({ grant: token, port: 80 }), /port from 1024/)
    assert.equal(admission.store.peerCount, 0)
    const revoked = await admission.portal.grant()
    admission.portal.tell({
      kind: 'grant-revoked',
      id: revoked.claims.id,
      until: admission.portal.time(hours(48)),
    })
    assert.match(await reason({ grant: revoked.token }), /revoked/)
    admission.portal.clock.advance(hours(25))
    assert.match(await reason({ grant: token }), /grant expired at \d{4}-.*get a fresh link at https/)
  })

  it('says what is wrong with a packet, once its connection id is good', async () => {
    const connectionId = await world.connect(ALICE)
    const packet = encodeUdpAnnounce({ connectionId, transactionId: 1 }, announceRequest({ grant }))
    const cut = Buffer.from(packet.subarray(0, packet.length - 1))
    assert.match(reasonOf(await world.reply(cut, ALICE)), /runs over the end/)
    packet.writeUInt16BE(0, 96)
    assert.match(reasonOf(await world.reply(packet, ALICE)), /port/)
    assert.deepEqual(admission.core.stats().refused, { 'bad-request': 2 })
  })

  it('takes a connection id until it is ten minutes old, from the address it was given to', async () => {
    const connectionId = await world.connect(ALICE)
    const packet = encodeUdpAnnounce({ connectionId, transactionId: 3 }, announceRequest({ grant }))
    const { clock } = admission.portal
    clock.advance(millis(minutes(10) - 1_000))
    assert.equal((await world.reply(packet, ALICE)).kind, 'announce')
    assert.equal((await world.reply(packet, sender('10.0.0.1', 50_000))).kind, 'announce')
    assert.equal(reasonOf(await world.reply(packet, BOB)), 'connection id expired')
    clock.advance(seconds(12))
    assert.equal(reasonOf(await world.reply(packet, ALICE)), 'connection id expired')
    assert.equal(world.frontend.counts.unproved, 2)
  })

  it('counts by scrape the swarms in which the asker is, and no other', async () => {
    await world.announce(BOB, { grant: (await admission.portal.grant()).token, leftBytes: 0 })
    await world.announce(ALICE, { grant })
    const scrape = async (from: UdpSender, ...hashes: (typeof SWARM)[]): Promise<UdpReply> =>
      world.reply(
        encodeUdpScrape({ connectionId: await world.connect(from), transactionId: 4 }, hashes),
        from,
      )
    const reply = await scrape(ALICE, SWARM, SWARM)
    assert.ok(reply.kind === 'scrape')
    assert.deepEqual(reply.counts, [
      { complete: 1, incomplete: 1, downloaded: 0 },
      { complete: 1, incomplete: 1, downloaded: 0 },
    ])
    assert.equal(reasonOf(await scrape(ALICE, SWARM, OTHER_SWARM)), 'grant refused')
    assert.equal(reasonOf(await scrape(sender('10.0.0.3'), SWARM)), 'grant refused')
    assert.equal(reasonOf(await scrape(sender(ALICE.address, 7_000), SWARM)), 'grant refused')
  })

  it('has a bound on the answers that wait for a signature, and drops what is beyond', async () => {
    const narrow = new UdpWorld(admission, 3)
    const connectionId = await narrow.connect(ALICE)
    const packet = encodeUdpAnnounce({ connectionId, transactionId: 3 }, announceRequest({ grant }))
    const replies = await Promise.all(Array.from({ length: 10 }, () => narrow.ask(packet, ALICE)))
    assert.equal(replies.flat().length, 3)
    assert.equal(narrow.frontend.counts.dropped, 7)
    assert.equal((await narrow.ask(packet, ALICE)).length, 1)
  })

  it('writes over no reply that is still to be sent', () => {
    const kept: Buffer[] = []
    for (const transactionId of [1, 2, 3])
      world.frontend.handle(encodeUdpConnect(transactionId), ALICE, (reply, length) => {
        kept.push(reply.subarray(0, length))
        return false
      })
    assert.deepEqual(
      kept.map((reply) => reply.readUInt32BE(4)),
      [1, 2, 3],
    )
  })

  it('has no answer for a sender without a port, and for an address with a zone a refusal', async () => {
    assert.deepEqual(await world.ask(encodeUdpConnect(1), sender('10.0.0.1', 0)), [])
    const local = sender('fe80::1%eth0')
    assert.match(reasonOf(await world.announce(local, { grant })), /address cannot be told/)
    assert.match(reasonOf(await world.announce(sender('fe80::1'), { grant })), /not admitted/)
    assert.equal(admission.store.find(SWARM, { host: ip('fe80::1'), port: 6_881 }), undefined)
  })
})

describe('Spoofed UDP', () => {
  const inputs = hostileInputs('udp-tracker').map(({ name, bytes }) => ({ name, packet: Buffer.from(bytes) }))

  it('of the corpus is never answered with more bytes than it has', async () => {
    const world = new UdpWorld(await AdmissionWorld.open())
    let answered = 0
    for (const { name, packet } of inputs) {
      const sent = await world.ask(packet, ALICE)
      const sentBytes = sent.reduce((sum, bytes) => sum + bytes.length, 0)
      assert.ok(sentBytes <= packet.length, `${name}: ${packet.length} bytes in, ${sentBytes} out`)
      answered += sent.length
    }
    assert.ok(answered > 10, `only ${answered} answers were looked at`)
  })

  it('from 100,000 addresses leaves nothing behind', async () => {
    const world = new UdpWorld(await AdmissionWorld.open())
    const { core, uses, store } = world.admission
    let bytesIn = 0
    let bytesOut = 0
    for (let i = 0; i < 100_000; i++) {
      const { packet } = inputs[i % inputs.length] ?? { packet: Buffer.alloc(0) }
      bytesIn += packet.length
      const from = sender(`10.${(i >> 16) & 255}.${(i >> 8) & 255}.${i & 255}`, 1_024 + (i % 60_000))
      world.frontend.handle(packet, from, (_, length) => ((bytesOut += length), true))
    }
    assert.ok(bytesOut <= bytesIn && bytesOut > 0)
    const { connects, unproved, ignored } = world.frontend.counts
    assert.equal(connects + unproved + ignored, 100_000)
    assert.deepEqual(
      [world.addresses.lookUps, world.frontend.waiting, store.peerCount, uses.grantCount],
      [0, 0, 0, 0],
    )
    assert.deepEqual(core.stats(), {
      swarms: 0,
      peers: 0,
      announces: 0,
      outcomes: { admitted: 0 },
      crossSiteIntroductions: 0,
      scrapes: 0,
      refused: {},
      verifiedGrants: 0,
      pendingVerifications: 0,
    })
  })
})

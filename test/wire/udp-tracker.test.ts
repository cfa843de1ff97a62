import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ipAddress } from '../../src/core/address.ts'
import { infoHash, peerId } from '../../src/core/ids.ts'
import { seconds } from '../../src/core/units.ts'
import type { AnnounceRequest } from '../../src/wire/announce.ts'
import { limits } from '../../src/wire/limits.ts'
import { encodeUrlData, urlDataOf } from '../../src/wire/udp-options.ts'
import {
  parseUdpReply,
  type UdpFamily,
  UDP_PEERS_MAX,
  writeUdpAnnounceReply,
  writeUdpError,
  writeUdpScrapeReply,
} from '../../src/wire/udp-tracker-reply.ts'
import {
  encodeUdpAnnounce,
  encodeUdpScrape,
  parseUdpAnnounce,
  parseUdpScrape,
  udpActionOf,
} from '../../src/wire/udp-tracker.ts'
import { readUdpRequest } from '../hostile/fuzz/targets/udp.ts'
import { hostileInputs } from '../support/corpus.ts'
import { ANNOUNCE_EVENTS, anyAnnounce, anyInfoHash } from './arbitraries.ts'
import { FUZZ_RUNS, orRefused } from './fuzz.ts'

const HEAD = { connectionId: new Uint8Array(8).fill(1), transactionId: 5 }
const SWARM = infoHash('aa'.repeat(20))
/** The key of HTTP has no place in BEP 15, which is compact and of stock clients always. */
const requests = anyAnnounce.map(({ key: _, ...request }) => ({ ...request, compact: true, isOurs: false }))

const announceWith = (options: Uint8Array): Buffer => Buffer.concat([encodeUdpAnnounce(HEAD, bare), options])
const bare: AnnounceRequest = {
  infoHash: SWARM,
  peerId: peerId('bb'.repeat(20)),
  port: 6_881,
  uploadedBytes: 0,
  downloadedBytes: 0,
  leftBytes: 0,
  compact: true,
  isOurs: false,
}

describe('an announce over UDP', () => {
  it('is read back as it was written', () => {
    const seen = new Set<string | undefined>()
    fc.assert(
      fc.property(requests, (request) => {
        seen.add(request.event).add(request.grant === undefined ? 'without' : 'with a grant')
        const packet = encodeUdpAnnounce(HEAD, request)
        assert.equal(udpActionOf(packet), 'announce')
        assert.deepEqual(parseUdpAnnounce(packet), request)
      }),
      { numRuns: FUZZ_RUNS },
    )
    assert.equal(seen.size, ANNOUNCE_EVENTS.length + 2)
  })

  it('with the longest grant fits into the 255 bytes of URL that libtorrent sends', () => {
    const request = { ...bare, grant: 'x'.repeat(limits.grantCharsMax) }
    const packet = encodeUdpAnnounce(HEAD, request)
    assert.ok(packet.length <= 98 + 2 + 255)
    assert.equal(parseUdpAnnounce(packet).grant, request.grant)
  })

  it('leaves the number of peers to the tracker when it is negative, and asks for at most 100', () => {
    const packet = encodeUdpAnnounce(HEAD, bare)
    for (const [written, read] of [
      [-1, undefined],
      [-2_147_483_648, undefined],
      [0, 0],
      [101, 100],
      [2_147_483_647, 100],
    ] as const) {
      packet.writeInt32BE(written, 92)
      assert.equal(parseUdpAnnounce(packet).numWant, read)
    }
  })

  it('may carry its URL in several options, between others', () => {
    const url = `/${'p'.repeat(600)}/announce?x=1&g=aaaa.bbbb.cccc`
    const options = encodeUrlData(url)
    assert.equal(urlDataOf(options, 0), url)
    assert.equal(parseUdpAnnounce(announceWith(options)).grant, 'aaaa.bbbb.cccc')
    const mixed = Buffer.concat([Uint8Array.of(1, 7, 1, 2, 1), options, Uint8Array.of(0, 2)])
    assert.equal(parseUdpAnnounce(announceWith(mixed)).grant, 'aaaa.bbbb.cccc')
  })
})

describe('a scrape over UDP', () => {
  it('is read back as it was written, in its order', () => {
    fc.assert(
      fc.property(fc.array(anyInfoHash, { minLength: 1, maxLength: 64 }), (hashes) => {
        const packet = encodeUdpScrape(HEAD, hashes)
        assert.equal(udpActionOf(packet), 'scrape')
        assert.deepEqual(parseUdpScrape(packet), hashes)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })
})

describe('requests over UDP', () => {
  it('are refused, never misread, when the bytes are noise', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 200 }),
        fc.constantFrom(undefined, 0, 1, 2, 3),
        (noise, action) => {
          const bytes = Uint8Array.from(noise)
          if (action !== undefined && bytes.length >= 12) bytes.set([0, 0, 0, action], 8)
          orRefused(() => readUdpRequest(bytes))
        },
      ),
      { numRuns: FUZZ_RUNS },
    )
  })

  for (const { name, bytes, mustBeRead } of hostileInputs('udp-tracker')) {
    it(`of the corpus are ${mustBeRead ? 'read' : 'refused'}: ${name}`, () => {
      const read = orRefused(() => {
        readUdpRequest(bytes)
        return true
      })
      assert.equal(read === true, mustBeRead)
    })
  }
})

describe('replies over UDP', () => {
  const into = Buffer.alloc(limits.udpReplyBytesMax)
  const peers = fc
    .array(fc.tuple(fc.integer({ min: 1, max: 254 }), fc.integer({ min: 1, max: 65_535 }), fc.boolean()))
    .map((all) =>
      all.map(([n, port, is6]) => ({
        host: ipAddress(is6 ? `fd00::${n.toString(16)}` : `10.0.0.${n}`),
        port,
      })),
    )

  it('give the peers of the family of the datagram, in their order, and the counts', () => {
    fc.assert(
      fc.property(peers, fc.constantFrom<UdpFamily>('v4', 'v6'), fc.nat(1_000), (all, family, count) => {
        const reply = { intervalMs: seconds(count), complete: count, incomplete: count + 1, peers: all }
        const length = writeUdpAnnounceReply(into, 7, reply, family)
        const read = parseUdpReply(into.subarray(0, length), family)
        assert.ok(read.kind === 'announce' && read.transactionId === 7)
        const own = all.filter(({ host }) => host.includes(':') === (family === 'v6'))
        assert.deepEqual(read.reply, { ...reply, peers: own.slice(0, UDP_PEERS_MAX[family]) })
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('are never longer than what IPv6 carries in one piece', () => {
    const many = Array.from({ length: 300 }, (_, i) => i + 1)
    for (const family of ['v4', 'v6'] as const) {
      const all = many.map((port) => ({ host: ipAddress(family === 'v4' ? '10.0.0.1' : 'fd00::1'), port }))
      const reply = { intervalMs: seconds(1), complete: 0, incomplete: 300, peers: all }
      assert.ok(writeUdpAnnounceReply(into, 1, reply, family) <= 1_232)
    }
    assert.ok(writeUdpError(into, 1, 'é'.repeat(5_000)) <= 1_232)
    const hashes = many.slice(0, limits.scrapeHashesMax).map(() => SWARM)
    assert.ok(writeUdpScrapeReply(into, 1, hashes, new Map()) <= 1_232)
  })

  it('count each infohash of a scrape in the order asked, and those not there as empty', () => {
    const counts = new Map([[SWARM, { complete: 1, downloaded: 2, incomplete: 3 }]])
    const length = writeUdpScrapeReply(into, 8, [infoHash('bb'.repeat(20)), SWARM], counts)
    const read = parseUdpReply(into.subarray(0, length), 'v4')
    assert.deepEqual(read, {
      kind: 'scrape',
      transactionId: 8,
      counts: [
        { complete: 0, downloaded: 0, incomplete: 0 },
        { complete: 1, downloaded: 2, incomplete: 3 },
      ],
    })
  })

  it('are refused, never misread, when the bytes are noise', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), fc.integer({ min: 0, max: 4 }), (noise, action) => {
        const packet = Buffer.from(Uint8Array.of(0, 0, 0, action, ...noise))
        for (const family of ['v4', 'v6'] as const) orRefused(() => parseUdpReply(packet, family))
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  for (const { name, bytes, mustBeRead } of hostileInputs('udp-tracker-reply')) {
    it(`of the corpus are ${mustBeRead ? 'read' : 'refused'}: ${name}`, () => {
      const reply = orRefused(() => parseUdpReply(Buffer.from(bytes), 'v4'))
      assert.equal(reply !== undefined, mustBeRead)
    })
  }
})

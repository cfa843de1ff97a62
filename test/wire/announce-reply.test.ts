import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addressOfBytes, ipAddress, isIPv6 } from '../../src/core/address.ts'
import { peerIdOfBytes } from '../../src/core/ids.ts'
import type { Site } from '../../src/core/site.ts'
import { millis, minutes, seconds } from '../../src/core/units.ts'
import {
  type AnnouncedPeer,
  type AnnounceReply,
  announceReplyText,
  encodeAnnounceRefusal,
  encodeAnnounceReply,
  parseAnnounceReply,
} from '../../src/wire/announce.ts'
import { decodeBencode, type BencodeDict } from '../../src/wire/bencode.ts'
import { asDict } from '../../src/wire/bencode-read.ts'
import { packedEndpoint } from '../../src/wire/compact-reply.ts'
import { swarmKeyOfBytes } from '../../src/wire/swarm-key.ts'
import { hostileInputs } from '../support/corpus.ts'
import { mutated } from '../support/mutations.ts'
import { FUZZ_RUNS, orRefused } from './fuzz.ts'

const bytes = (length: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength: length, maxLength: length })
const v4 = bytes(4).map(addressOfBytes)
const v6 = bytes(16)
  .map(addressOfBytes)
  .filter((host) => isIPv6(host))
const port = fc.integer({ min: 1, max: 65_535 })
const flags = fc
  .record({ isOrigin: fc.boolean(), isMirror: fc.boolean(), isOurs: fc.boolean() })
  .map((f) => ({ ...f }))
const peersOf = (host: typeof v4): fc.Arbitrary<AnnouncedPeer[]> =>
  fc.array(
    fc.tuple(host, port, flags).map(([h, p, f]) => ({ host: h, port: p, flags: f })),
    { maxLength: 6 },
  )

const replies: fc.Arbitrary<AnnounceReply> = fc
  .record({
    interval: fc.nat(10_000),
    minInterval: fc.option(fc.nat(10_000)),
    counts: fc.tuple(fc.nat(), fc.nat()),
    peers: fc.tuple(peersOf(v4), peersOf(v6)),
    externalIp: fc.option(fc.oneof(v4, v6)),
    site: fc.option(
      fc.constantFrom<Site>(
        { name: 'lyon', cidrs: ['10.4.0.0/16', '2001:db8:4::/48'] },
        { name: 'vpn', cidrs: ['10.99.0.0/16'], peering: 'off' },
        { name: 'oslo', cidrs: ['10.7.0.0/16'], wanBytesPerSecond: 2_500_000 },
      ),
    ),
    sitePeers: fc.option(fc.nat()),
    epoch: fc.option(fc.nat()),
    key: fc.option(fc.uint8Array({ minLength: 16, maxLength: 32 }).map(swarmKeyOfBytes)),
    warning: fc.option(fc.stringMatching(/^[ -~é日]{1,40}$/)),
  })
  .map((r) => ({
    intervalMs: seconds(r.interval),
    ...(r.minInterval !== null && { minIntervalMs: seconds(r.minInterval) }),
    complete: r.counts[0],
    incomplete: r.counts[1],
    peers: r.peers.flat(),
    ...(r.externalIp !== null && { externalIp: r.externalIp }),
    ...(r.site !== null && { site: r.site }),
    ...(r.site !== null && r.sitePeers !== null && { sitePeers: r.sitePeers }),
    ...(r.epoch !== null && { epoch: r.epoch }),
    ...(r.key !== null && { swarmKey: r.key }),
    ...(r.warning !== null && { warning: r.warning }),
  }))

const OURS = { compact: true, withFlags: true }
const STOCK = { compact: true, withFlags: false }
const read = (raw: Uint8Array): AnnounceReply => {
  const parsed = parseAnnounceReply(raw)
  assert.ok(parsed.kind === 'reply')
  return parsed.reply
}
const dictOfReply = (raw: Uint8Array): BencodeDict => asDict(decodeBencode(raw), 'reply')

describe("a tracker's reply", () => {
  it('is read back by our own client as it was written', () => {
    fc.assert(
      fc.property(replies, (reply) => {
        assert.deepEqual(read(encodeAnnounceReply(reply, OURS)), reply)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('is read back by a stock client without what is for ours', () => {
    fc.assert(
      fc.property(replies, (reply) => {
        const raw = encodeAnnounceReply(reply, STOCK)
        const { site: _site, sitePeers: _sitePeers, epoch: _epoch, swarmKey: _key, ...rest } = reply
        const plain = { ...rest, peers: reply.peers.map(({ host, port: p }) => ({ host, port: p })) }
        assert.deepEqual(read(raw), plain)
        assert.ok(!Buffer.from(raw).includes('2:sh') && !Buffer.from(raw).includes(':sh '))
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('is read back when it is not compact, with peer ids, in the order given', () => {
    const withIds = fc
      .tuple(replies, fc.array(bytes(20), { minLength: 12, maxLength: 12 }))
      .map(([reply, ids]) => ({
        ...reply,
        peers: reply.peers
          .toReversed()
          .map((peer, i) => ({ ...peer, peerId: peerIdOfBytes(ids[i] ?? new Uint8Array(20)) })),
      }))
    fc.assert(
      fc.property(withIds, (reply) => {
        assert.deepEqual(read(encodeAnnounceReply(reply, { compact: false, withFlags: true })), reply)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('is refused, or read as something that can be written again, when its bytes are nearly right', () => {
    let count = 0
    const input = fc.oneof(
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
      { weight: 5, arbitrary: mutated(replies.map((reply) => encodeAnnounceReply(reply, OURS))) },
    )
    fc.assert(
      fc.property(input, (raw) => {
        const parsed = orRefused(() => parseAnnounceReply(raw))
        if (parsed?.kind !== 'reply') return
        count++
        for (const peer of parsed.reply.peers) assert.ok(peer.port > 0 && peer.port < 65_536)
        const again = read(encodeAnnounceReply(parsed.reply, OURS))
        assert.equal(again.peers.length, parsed.reply.peers.length)
        assert.equal(again.intervalMs, parsed.reply.intervalMs)
      }),
      { numRuns: Math.max(500, FUZZ_RUNS) },
    )
    assert.ok(count > 0, 'no changed reply was still one')
  })

  for (const { name, bytes: raw, mustBeRead } of hostileInputs('announce-reply')) {
    it(`${mustBeRead ? 'is read from' : 'is refused for'} the hostile input ${name}`, () => {
      if (!mustBeRead) {
        assert.throws(() => parseAnnounceReply(raw), { name: 'ShoalError' })
        return
      }
      const parsed = parseAnnounceReply(raw)
      if (parsed.kind === 'reply') assert.ok(Number.isFinite(parsed.reply.intervalMs))
      // eslint-disable-next-line no-control-regex -- that there are none is the claim
      else assert.doesNotMatch(parsed.refusal.reason, /[\u0000-\u001f\u007f-\u009f]/)
    })
  }

  it('packs peers as BEP 23 and BEP 7 say, flags in the same order', () => {
    const site = { name: 'lyon', cidrs: ['10.4.0.0/16'] }
    const raw = encodeAnnounceReply(
      {
        intervalMs: seconds(60),
        complete: 1,
        incomplete: 2,
        peers: [
          {
            host: addressOfBytes(Buffer.from('20010db8000000000000000000000001', 'hex')),
            port: 0x1ae1,
            flags: { isOrigin: false, isMirror: true, isOurs: true },
          },
          {
            host: addressOfBytes(Uint8Array.of(10, 0, 0, 255)),
            port: 0x1ae2,
            flags: { isOrigin: true, isMirror: false, isOurs: true },
          },
        ],
        externalIp: addressOfBytes(Uint8Array.of(192, 168, 0, 1)),
        site,
        epoch: 3,
      },
      OURS,
    )
    const dict = dictOfReply(raw)
    assert.deepEqual(dict.get('peers'), Uint8Array.of(10, 0, 0, 255, 0x1a, 0xe2))
    assert.deepEqual(
      dict.get('peers6'),
      new Uint8Array(Buffer.from('20010db80000000000000000000000011ae1', 'hex')),
    )
    assert.deepEqual(dict.get('sh peers'), Uint8Array.of(5, 6))
    assert.deepEqual(dict.get('external ip'), Uint8Array.of(192, 168, 0, 1))
    assert.equal(dict.get('interval'), 60)
    assert.equal(dict.get('sh epoch'), 3)
  })

  it('always has peers, and peers6 only when there are some', () => {
    const dict = dictOfReply(
      encodeAnnounceReply({ intervalMs: seconds(60), complete: 0, incomplete: 0, peers: [] }, STOCK),
    )
    assert.deepEqual([...dict.keys()], ['complete', 'incomplete', 'interval', 'peers'])
    assert.deepEqual(dict.get('peers'), new Uint8Array())
  })

  it('leaves out peers that nobody could dial, and keeps the flags of the others', () => {
    const raw = Buffer.from(
      'd8:intervali60e5:peers12:\x0a\0\0\x01\0\0\x0a\0\0\x02\x1a\xe18:sh peers2:\x01\x04e',
      'latin1',
    )
    assert.deepEqual(read(raw).peers, [
      { host: '10.0.0.2', port: 6_881, flags: { isOrigin: false, isMirror: false, isOurs: true } },
    ])
  })
})

describe("a tracker's refusal", () => {
  it('is read back with when to try again (BEP 31)', () => {
    for (const refusal of [
      { reason: 'grant refused' },
      { reason: 'grant expired at 2026-11-22, get a fresh link', retryInMs: minutes(5) },
      { reason: 'recalled', retryInMs: 'never' as const },
    ])
      assert.deepEqual(parseAnnounceReply(encodeAnnounceRefusal(refusal)), { kind: 'refused', refusal })
  })

  it('says at least a minute, in whole minutes', () => {
    const dict = dictOfReply(encodeAnnounceRefusal({ reason: 'x', retryInMs: seconds(61) }))
    assert.equal(dict.get('retry in'), 2)
    assert.equal(
      dictOfReply(encodeAnnounceRefusal({ reason: 'x', retryInMs: seconds(0) })).get('retry in'),
      1,
    )
  })

  it('is cut when it is long', () => {
    const parsed = parseAnnounceReply(encodeAnnounceRefusal({ reason: 'x'.repeat(5_000) }))
    assert.ok(parsed.kind === 'refused' && parsed.refusal.reason.length === 400)
  })
})

describe('the text of a compact reply', () => {
  it('is the bytes of the reply, a character each', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.oneof(fc.ipV4(), fc.ipV6()), fc.integer({ min: 1, max: 65_535 })), {
          maxLength: 60,
        }),
        fc.nat(),
        fc.nat(),
        fc.boolean(),
        fc.boolean(),
        (ends, complete, incomplete, isSaid, isPacked) => {
          const peers = ends.map(([host, port]) => {
            const peer = { host: ipAddress(host), port }
            return isPacked ? { ...peer, packed: packedEndpoint(peer) } : peer
          })
          const reply = {
            intervalMs: millis(complete),
            complete,
            incomplete,
            peers,
            ...(isSaid && { minIntervalMs: millis(incomplete), externalIp: ipAddress('2001:db8::1') }),
          }
          const form = { compact: true, withFlags: false }
          const bytes = Buffer.from(encodeAnnounceReply(reply, form)).toString('latin1')
          assert.equal(announceReplyText(reply, form), bytes)
        },
      ),
    )
  })

  it('is that of the general encoder where there are flags, a warning or dictionaries', () => {
    const peer = {
      host: ipAddress('10.0.0.1'),
      port: 7,
      flags: { isOrigin: true, isMirror: false, isOurs: true },
    }
    const reply = { intervalMs: millis(1), complete: 1, incomplete: 2, peers: [peer], warning: 'mind' }
    for (const [compact, withFlags] of [
      [true, true],
      [true, false],
      [false, false],
    ] as const) {
      const bytes = Buffer.from(encodeAnnounceReply(reply, { compact, withFlags })).toString('latin1')
      assert.equal(announceReplyText(reply, { compact, withFlags }), bytes)
    }
  })
})

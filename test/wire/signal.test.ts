import assert from 'node:assert/strict'
import fc from 'fast-check'
import { ShoalError } from '../../src/core/errors.ts'
import { infoHash, peerId } from '../../src/core/ids.ts'
import { millis, minutes, seconds } from '../../src/core/units.ts'
import { limits } from '../../src/wire/limits.ts'
import { addressesIn, sdpOf, withFitCandidates, withSeenAddress } from '../../src/wire/sdp.ts'
import { formatSignal, offerIdOf, parseSignal, type SignalMessage } from '../../src/wire/signal.ts'
import {
  formatIntroduction,
  formatSignalRefusal,
  formatSignalReply,
  formatSignalScrape,
  parseSignalReply,
} from '../../src/wire/signal-reply.ts'
import { hostileInputs } from '../support/corpus.ts'

const HASH = infoHash('00ff'.repeat(10))
const PEER = peerId('80'.repeat(20))
const ID = '\u0000\u00ff'.repeat(10)
const SDP = 'v=0\r\ns=-\r\n'

const hex = fc.uint8Array({ minLength: 20, maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString('hex'))
const hashes = hex.map(infoHash)
const peers = hex.map(peerId)
const offerIds = hex.map((text) => offerIdOf(Buffer.from(text, 'hex').toString('latin1')))
const sdps = fc
  .string({ unit: 'grapheme', maxLength: 300 })
  .filter((text) => !/\p{Cc}/u.test(text))
  .map((text) => sdpOf(`v=0\r\ns=${text}\n`))
const offers = fc.uniqueArray(
  fc.record({ offerId: offerIds, sdp: sdps }).map((offer) => ({ ...offer })),
  { selector: ({ offerId }) => offerId, maxLength: limits.signalOffersMax },
)
const announces = fc
  .tuple(hashes, peers, fc.option(fc.constantFrom('started', 'stopped', 'completed')), fc.maxSafeNat(), fc.option(fc.nat(10)), offers)
  .map(
    ([hash, id, event, leftBytes, numWant, list]): SignalMessage => ({
      kind: 'announce',
      infoHash: hash,
      peerId: id,
      ...(event !== null && { event }),
      leftBytes,
      ...(numWant !== null && { numWant }),
      offers: list,
    }),
  ) // prettier-ignore
const answers = fc
  .tuple(hashes, peers, peers, offerIds, sdps)
  .map(([hash, id, to, offerId, sdp]): SignalMessage => ({
    kind: 'answer',
    infoHash: hash,
    peerId: id,
    toPeerId: to,
    offerId,
    sdp,
  }))
const scrapes = fc
  .uniqueArray(hashes, { minLength: 1, maxLength: limits.scrapeHashesMax })
  .map((infoHashes): SignalMessage => ({ kind: 'scrape', infoHashes }))
const leases = fc
  .tuple(hashes, fc.array(peers, { maxLength: limits.leasePeersMax }))
  .map(([hash, peerIds]): SignalMessage => ({ kind: 'leases', infoHash: hash, peerIds }))
const messages = fc.oneof(announces, answers, scrapes, leases)

/** The message that a client would send, with something else in it. */
const announce = (over: object): string =>
  JSON.stringify({ action: 'announce', info_hash: ID, peer_id: ID, left: 5, ...over })
const offer = (over: object = {}): object => ({ offer_id: ID, offer: { type: 'offer', sdp: SDP }, ...over })
const refused = (text: string, reason: RegExp): void => {
  assert.throws(() => parseSignal(text), (error) => error instanceof ShoalError && reason.test(error.message)) // prettier-ignore
}

describe('Messages of browsers to the tracker', () => {
  it('are of every kind in what these tests make', () => {
    const kinds = new Set(fc.sample(messages, { numRuns: 200, seed: 1 }).map(({ kind }) => kind))
    assert.deepEqual([...kinds].toSorted(), ['announce', 'answer', 'leases', 'scrape'])
  })

  it('survive being written and read', () => {
    fc.assert(
      fc.property(messages, (message) => {
        const text = formatSignal(message)
        fc.pre(text.length <= limits.signalFrameBytesMax)
        assert.deepEqual(parseSignal(text), message)
      }),
    )
  })

  it('are refused, never misread, when they are noise', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        assert.throws(() => parseSignal(text), ShoalError)
      }),
    )
  })

  it('are refused, never misread, when a value is another', () => {
    const keys = [
      'action',
      'info_hash',
      'peer_id',
      'left',
      'numwant',
      'event',
      'offers',
      'answer',
      'offer_id',
    ]
    fc.assert(
      fc.property(messages, fc.constantFrom(...keys), fc.jsonValue(), (message, key, value) => {
        const text = JSON.stringify({ ...(JSON.parse(formatSignal(message)) as object), [key]: value })
        try {
          const read = parseSignal(text)
          assert.deepEqual(parseSignal(formatSignal(read)), read)
        } catch (error) {
          assert.ok(error instanceof ShoalError, String(error))
        }
      }),
    )
  })

  it('are read or refused as they were when they first did harm', () => {
    const inputs = hostileInputs('signal')
    assert.ok(inputs.length >= 100)
    for (const { name, bytes, mustBeRead } of inputs) {
      const text = Buffer.from(bytes).toString('utf8')
      if (mustBeRead) assert.doesNotThrow(() => parseSignal(text), name)
      else assert.throws(() => parseSignal(text), ShoalError, name)
    }
  })

  it('name what is wrong with them', () => {
    refused('null', /object expected/)
    refused('{"action":"fly"}', /action/)
    refused('{', /JSON/)
    refused(announce({ info_hash: 0 }), /info_hash: 20 bytes/)
    refused(announce({ offers: [null] }), /offers: an object/)
    refused(announce({ offers: [offer({ offer_id: null })] }), /offer_id: 20 bytes/)
    refused(announce({ offers: Array.from({ length: 11 }, () => offer()) }), /at most 10 offers/)
    refused(announce({ offers: [offer(), offer()] }), /same offer_id/)
    refused(announce({ offers: [offer({ offer: { type: 'answer', sdp: SDP } })] }), /"type":"offer"/)
    refused(announce({ answer: { type: 'answer', sdp: SDP } }), /to_peer_id/)
    refused(announce({ left: 1.5 }), /left: a whole number/)
    refused(announce({ event: 'explode' }), /event/)
    refused('{"action":"scrape","offers":[]}', /info_hash/)
    refused(JSON.stringify({ action: 'scrape', info_hash: [] }), /info_hash is missing/)
  })

  it('may leave out what a client does not know', () => {
    const read = parseSignal(
      announce({ left: null, numwant: null, event: 'update', offers: null, answer: null }),
    )
    assert.deepEqual(read, { kind: 'announce', infoHash: HASH, peerId: infoHash('00ff'.repeat(10)), leftBytes: Number.MAX_SAFE_INTEGER, offers: [] }) // prettier-ignore
  })

  it('have no zero below zero', () => {
    const read = parseSignal(
      '{"action":"announce","info_hash":"aaaaaaaaaaaaaaaaaaaa","peer_id":"aaaaaaaaaaaaaaaaaaaa","left":-0}',
    )
    assert.ok(read.kind === 'announce' && Object.is(read.leftBytes, 0))
  })

  it('are bounded in all that is passed on', () => {
    const long = `${SDP}a=${'x'.repeat(limits.signalSdpCharsMax)}`
    refused(announce({ offers: [offer({ offer: { type: 'offer', sdp: long } })] }), /too long/)
    refused(' '.repeat(limits.signalFrameBytesMax + 1), /too long/)
  })
})

describe('Session descriptions', () => {
  it('begin as such, and have no control characters but tabs and line ends', () => {
    for (const text of ['', 'v=1\r\n', 'v=0', 'v=0\r', ' v=0\n', 'v=0\n\0', 'v=0\n\x1b[2J', 'v=0\na=x\ra=y', 'v=0\n\ud800'])
      assert.throws(() => sdpOf(text), ShoalError, JSON.stringify(text)) // prettier-ignore
    for (const text of ['v=0\n', 'v=0\r\n', 'v=0\na=\té\n']) assert.equal(sdpOf(text), text)
  })

  it('lose the candidates that are not fit, and those that cannot be read, and nothing else', () => {
    const line = (host: string, port: string): string => `a=candidate:1 1 udp 9 ${host} ${port} typ host\r\n`
    const kept = line('10.0.0.1', '5000')
    const lost =
      line('10.0.0.2', '5000') + line('10.0.0.1', '1e3') + 'a=candidate:\r\na=candidate:1 1 udp 9 x\n'
    const asked: unknown[] = []
    const fit = withFitCandidates(sdpOf(`${SDP}${lost}${kept}a=mid:0\r\n${lost}`), (candidate) => {
      asked.push(candidate)
      return candidate.host === '10.0.0.1'
    })
    assert.equal(fit, `${SDP}${kept}a=mid:0\r\n`)
    assert.deepEqual(asked[1], { host: '10.0.0.1', port: 5_000 })
  })
  it('name the address where their maker is seen, beside a name that only its own network can look up', () => {
    const name = '8d7e3c1a-0f2b-4c5d-9e8f-0a1b2c3d4e5f.local'
    const line = `a=candidate:1 1 udp 2113937151 ${name} 54321 typ host generation 0\r\n`
    const sdp = sdpOf(`v=0\r\n${line}a=end\r\n`)
    const seen = withSeenAddress(sdp, '10.4.1.7')
    assert.equal(seen, `v=0\r\n${line}${line.replace(name, '10.4.1.7')}a=end\r\n`)
    assert.deepEqual(addressesIn(seen), [name, '10.4.1.7'])
    assert.equal(withSeenAddress(seen, '10.4.1.7'), seen, 'once is enough')
    const plain = sdpOf(sdp.replace(name, '10.9.9.9'))
    assert.equal(withSeenAddress(plain, '10.4.1.7'), plain, 'an address needs no help')
    const many = sdpOf(`v=0\r\n${line.repeat(20)}`)
    assert.equal(addressesIn(withSeenAddress(many, '10.4.1.7')).length, 2)
    assert.equal(withSeenAddress(many, '10.4.1.7').split('10.4.1.7').length - 1, 8)
    const cut = sdpOf(`v=0\r\n${line.trimEnd()}`)
    assert.ok(withSeenAddress(cut, '10.4.1.7').includes('\n' + line.trimEnd().replace(name, '10.4.1.7')))
  })
})

describe('What the tracker tells browsers', () => {
  it('is what the trackers of WebTorrent say', () => {
    const said = (text: string): unknown => JSON.parse(text)
    assert.deepEqual(
      said(formatSignalReply({ infoHash: HASH, intervalMs: millis(119_001), complete: 1, incomplete: 2 })),
      { action: 'announce', info_hash: ID, interval: 120, complete: 1, incomplete: 2 },
    )
    const offered = { offerId: offerIdOf(ID), sdp: sdpOf(SDP) }
    assert.deepEqual(said(formatIntroduction('offer', { infoHash: HASH, peerId: PEER }, offered)), {
      action: 'announce',
      info_hash: ID,
      peer_id: '\x80'.repeat(20),
      offer_id: ID,
      offer: { type: 'offer', sdp: SDP },
    })
    assert.deepEqual(said(formatSignalScrape(new Map([[HASH, { complete: 1, incomplete: 2, downloaded: 3 }]]))), {
      action: 'scrape',
      files: { [ID]: { complete: 1, incomplete: 2, downloaded: 3 } },
    }) // prettier-ignore
  })

  it('gives the reason of a refusal, and when to try again', () => {
    const refusal = (over: object, hash = HASH): unknown =>
      JSON.parse(formatSignalRefusal('announce', { reason: 'no', ...over }, hash))
    const plain = { action: 'announce', info_hash: ID, 'failure reason': 'no' }
    assert.deepEqual(refusal({}), plain)
    assert.deepEqual(refusal({ retryInMs: 'never' }), { ...plain, 'retry in': 'never' })
    assert.deepEqual(refusal({ retryInMs: minutes(5) }), { ...plain, 'retry in': 5 })
    assert.deepEqual(refusal({ retryInMs: seconds(1) }), { ...plain, 'retry in': 1 })
    assert.deepEqual(JSON.parse(formatSignalRefusal('scrape', { reason: 'no' })), {
      action: 'scrape',
      'failure reason': 'no',
    })
  })

  it('is read by who signals like a browser', () => {
    const offer = { offerId: offerIdOf(ID), sdp: sdpOf(SDP) }
    const from = { infoHash: HASH, peerId: PEER }
    for (const kind of ['offer', 'answer'] as const)
      assert.deepEqual(parseSignalReply(formatIntroduction(kind, from, offer)), {
        kind,
        infoHash: HASH,
        from: PEER,
        ...offer,
      })
    const counts = { infoHash: HASH, intervalMs: seconds(120), complete: 2, incomplete: 5 }
    assert.deepEqual(parseSignalReply(formatSignalReply(counts)), { kind: 'counts', ...counts })
    assert.deepEqual(
      parseSignalReply(formatSignalRefusal('announce', { reason: 'no', retryInMs: minutes(2) })),
      {
        kind: 'refused',
        reason: 'no',
        retryInMs: minutes(2),
      },
    )
    assert.deepEqual(
      parseSignalReply(formatSignalRefusal('announce', { reason: 'no', retryInMs: 'never' }, HASH)),
      {
        kind: 'refused',
        reason: 'no',
        retryInMs: 'never',
      },
    )
    assert.deepEqual(parseSignalReply('{"action":"scrape","files":{}}'), { kind: 'other' })
  })

  it('is refused where it is none, whoever says it', () => {
    for (const text of [
      '',
      'null',
      '[]',
      '{"action":"announce"}',
      `{"action":"announce","info_hash":"short","interval":1}`,
      JSON.stringify({
        action: 'announce',
        info_hash: ID,
        peer_id: ID,
        offer_id: ID,
        offer: { type: 'answer', sdp: SDP },
      }),
      JSON.stringify({
        action: 'announce',
        info_hash: ID,
        peer_id: ID,
        offer_id: ID,
        offer: { type: 'offer', sdp: 'nonsense' },
      }),
      JSON.stringify({
        action: 'announce',
        info_hash: ID,
        peer_id: 0,
        offer_id: ID,
        offer: { type: 'offer', sdp: SDP },
      }),
      `{"action":"announce","info_hash":"${'x'.repeat(limits.signalFrameBytesMax)}"}`,
    ])
      assert.throws(() => parseSignalReply(text), ShoalError, text.slice(0, 80))
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        try {
          parseSignalReply(text)
        } catch (error) {
          assert.ok(error instanceof ShoalError)
        }
      }),
    )
  })
})

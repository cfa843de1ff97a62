import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addressOfBytes, ipAddress } from '../../src/core/address.ts'
import { infoHash } from '../../src/core/ids.ts'
import { encodeAnnounceRefusal } from '../../src/wire/announce.ts'
import { limits } from '../../src/wire/limits.ts'
import {
  encodeReachReply,
  parseReachQuery,
  parseReachReply,
  reachUrl,
  type ReachReply,
} from '../../src/wire/reach.ts'
import { hostileInputs } from '../support/corpus.ts'
import { mutated } from '../support/mutations.ts'
import { anyInfoHash } from './arbitraries.ts'
import { FUZZ_RUNS, orRefused, readsStablyOrRefuses } from './fuzz.ts'

const port = fc.integer({ min: 1, max: 65_535 })
const reply: fc.Arbitrary<ReachReply> = fc
  .tuple(
    fc.oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 })),
    fc.boolean(),
  )
  .map(([host, isReachable]) => ({ host: addressOfBytes(host), isReachable }))

describe('a question whether one can be reached', () => {
  it('is read as its URL was made', () => {
    fc.assert(
      fc.property(anyInfoHash, port, (infoHash_, port_) => {
        const url = reachUrl('http://10.0.0.1:8080/announce?g=a.b.c', { infoHash: infoHash_, port: port_ })
        const { pathname, search } = new URL(url ?? '')
        assert.equal(pathname, '/reach')
        assert.deepEqual(parseReachQuery(search), { infoHash: infoHash_, port: port_, grant: 'a.b.c' })
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('has a URL beside the announce URL of any tracker of ours, and of no other', () => {
    const question = { infoHash: infoHash('ab'.repeat(20)), port: 6_881 }
    assert.match(
      reachUrl('https://t.example/x/announce?g=1', question) ?? '',
      /^https:\/\/t\.example\/x\/reach\?g=1&/,
    )
    for (const url of [
      'http://t.example/a',
      'http://t.example/announce.php?g=/announce',
      'udp://t.example:80',
    ])
      assert.equal(reachUrl(url, question), undefined, url)
  })

  it('is refused, never misread, when it was changed on the way', () => {
    const valid = fc
      .tuple(anyInfoHash, port)
      .map(
        ([infoHash_, port_]) =>
          reachUrl('http://t/announce?g=a.b.c', { infoHash: infoHash_, port: port_ }) ?? '',
      )
      .map((url) => new Uint8Array(Buffer.from(url.slice(url.indexOf('?')))))
    fc.assert(
      fc.property(mutated(valid), (bytes) => {
        const read = orRefused(() => parseReachQuery(Buffer.from(bytes).toString('latin1')))
        assert.ok(read === undefined || (read.port >= 1 && read.port <= 65_535))
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  for (const { name, text, mustBeRead } of hostileInputs('reach-query'))
    it(`${mustBeRead ? 'is read from' : 'is refused for'} the hostile input ${name}`, () => {
      if (mustBeRead)
        assert.deepEqual(parseReachQuery(text), { infoHash: infoHash('aa'.repeat(20)), port: 6_881 })
      else assert.throws(() => parseReachQuery(text), { name: 'ShoalError' })
    })
})

describe('an answer whether one can be reached', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(reply, (made) => {
        assert.deepEqual(parseReachReply(encodeReachReply(made)), made)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('is refused when it is noise, and read the same each time when it was changed on the way', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
        assert.equal(
          orRefused(() => parseReachReply(noise)),
          undefined,
        )
      }),
      { numRuns: FUZZ_RUNS },
    )
    let count = 0
    fc.assert(
      fc.property(mutated(reply.map(encodeReachReply)), (bytes) => {
        if (readsStablyOrRefuses(bytes, parseReachReply, encodeReachReply)) count++
      }),
      { numRuns: 4 * FUZZ_RUNS },
    )
    assert.ok(count > 0, 'no changed answer was still one')
  })

  it('may be a refusal, whose sentence is told', () => {
    assert.throws(() => parseReachReply(encodeAnnounceRefusal({ reason: 'grant revoked' })), {
      code: 'not-granted',
      message: 'grant revoked',
    })
  })

  it('is refused when it is longer than a tracker may answer', () => {
    assert.throws(() => parseReachReply(new Uint8Array(limits.trackerReplyBytesMax + 1)), {
      code: 'over-limit',
    })
  })

  for (const { name, bytes, mustBeRead } of hostileInputs('reach-reply'))
    it(`${mustBeRead ? 'is read from' : 'is refused for'} the hostile input ${name}`, () => {
      if (mustBeRead)
        assert.deepEqual(parseReachReply(bytes), { host: ipAddress('10.0.0.1'), isReachable: false })
      else assert.throws(() => parseReachReply(bytes), { name: 'ShoalError' })
    })
})

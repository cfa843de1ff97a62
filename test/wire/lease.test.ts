import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addressOfBytes } from '../../src/core/address.ts'
import { infoHash } from '../../src/core/ids.ts'
import { addMillis, epochMillis, hours, millis, seconds } from '../../src/core/units.ts'
import { encodeAnnounceRefusal } from '../../src/wire/announce.ts'
import { newGrantId, signGrant } from '../../src/wire/grant.ts'
import {
  encodeLeaseReply,
  LEASE_QUERY_CHARS_MAX,
  leaseQuestionUrl,
  leaseUrlOf,
  parseLeaseQuery,
  parseLeaseReply,
  type PeerLease,
} from '../../src/wire/lease.ts'
import { limits } from '../../src/wire/limits.ts'
import { generateSigningKey } from '../../src/wire/signing-key.ts'
import { hostileInputs } from '../support/corpus.ts'
import { mutated } from '../support/mutations.ts'
import { anyInfoHash } from './arbitraries.ts'
import { FUZZ_RUNS, orRefused, readsStablyOrRefuses } from './fuzz.ts'

const host = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map(addressOfBytes)
const hosts = fc.array(host, { minLength: 1, maxLength: limits.leasePeersMax })
const lease: fc.Arbitrary<PeerLease> = fc
  .tuple(fc.nat(86_400), fc.string({ maxLength: 20, unit: 'binary' }), fc.boolean(), fc.boolean())
  .map(([left, site, isBridge, isOurs]) => ({ leftMs: seconds(left), site, isBridge, isOurs }))
const leases = fc.array(fc.oneof(fc.option(lease, { nil: undefined }), fc.constant('unsure' as const)), {
  maxLength: limits.leasePeersMax,
})

describe('a question about leases', () => {
  it('is read as its URL was made, however many addresses it names', () => {
    fc.assert(
      fc.property(anyInfoHash, hosts, (infoHash_, peers) => {
        const url = leaseQuestionUrl('http://10.0.0.1:8080/lease?g=abc', { infoHash: infoHash_, peers })
        const { search } = new URL(url)
        assert.ok(search.length <= LEASE_QUERY_CHARS_MAX)
        assert.deepEqual(parseLeaseQuery(search), { infoHash: infoHash_, peers, grant: 'abc' })
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('is refused, never misread, when it was changed on the way', () => {
    const valid = fc
      .tuple(anyInfoHash, hosts)
      .map(([infoHash_, peers]) => leaseQuestionUrl('http://t/lease?g=a.b.c', { infoHash: infoHash_, peers }))
      .map((url) => new Uint8Array(Buffer.from(url.slice(url.indexOf('?')))))
    fc.assert(
      fc.property(mutated(valid), (bytes) => {
        orRefused(() => parseLeaseQuery(Buffer.from(bytes).toString('latin1')))
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  for (const { name, text, mustBeRead } of hostileInputs('lease-query'))
    it(`${mustBeRead ? 'is read from' : 'is refused for'} the hostile input ${name}`, () => {
      if (mustBeRead) assert.equal(parseLeaseQuery(text).peers.length, 1)
      else assert.throws(() => parseLeaseQuery(text), { name: 'ShoalError' })
    })
})

describe('the lease URL of an announce URL', () => {
  it('is that of its tracker with its grant, when the grant is for this swarm', async () => {
    const { key } = await generateSigningKey('grant')
    const now = epochMillis(1_790_000_000_000)
    const swarm = infoHash('ab'.repeat(20))
    const claims = { infoHash: swarm, id: newGrantId(now), expiresAt: addMillis(now, hours(1)) }
    const token = await signGrant(claims, key)
    const at = `http://10.0.0.1:8080/announce?g=${token}`
    assert.equal(leaseUrlOf(at, swarm), `http://10.0.0.1:8080/lease?g=${token}`)
    assert.equal(leaseUrlOf(at, infoHash('cd'.repeat(20))), undefined)
  })

  it('does not exist for trackers that are not ours', () => {
    const swarm = infoHash('ab'.repeat(20))
    for (const url of [
      'http://t.example/announce',
      'http://t.example/announce?g=abc',
      'http://t.example/x/announce?g=a.b.c',
      'udp://t.example:80/announce?g=a.b.c',
      `http://t.example/announce?g=${'x'.repeat(5_000)}`,
      'http://t.example/announce?g=a&g=b',
      'no URL',
    ])
      assert.equal(leaseUrlOf(url, swarm), undefined, url)
  })
})

describe('an answer about leases', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(leases, (list) => {
        assert.deepEqual(parseLeaseReply(encodeLeaseReply(list), list.length), list)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('rounds what is left up to whole seconds', () => {
    const [read] = parseLeaseReply(
      encodeLeaseReply([{ leftMs: millis(1), site: 'x', isBridge: false, isOurs: false }]),
      1,
    )
    assert.ok(typeof read === 'object' && read.leftMs === 1_000)
  })

  it('is refused, or read the same each time, when it was changed on the way', () => {
    let count = 0
    fc.assert(
      fc.property(mutated(leases.map(encodeLeaseReply)), fc.nat(4), (bytes, asked) => {
        if (readsStablyOrRefuses(bytes, (raw) => parseLeaseReply(raw, asked), encodeLeaseReply)) count++
      }),
      { numRuns: 4 * FUZZ_RUNS },
    )
    assert.ok(count > 0, 'no changed answer was still one')
  })

  it('may be a refusal, whose sentence is told', () => {
    const refusal = encodeAnnounceRefusal({ reason: 'grant revoked' })
    assert.throws(() => parseLeaseReply(refusal, 1), { code: 'not-granted', message: 'grant revoked' })
  })

  for (const { name, bytes, mustBeRead } of hostileInputs('lease-reply'))
    it(`${mustBeRead ? 'is read from' : 'is refused for'} the hostile input ${name}`, () => {
      if (mustBeRead) assert.equal(parseLeaseReply(bytes, 2).length, 2)
      else assert.throws(() => parseLeaseReply(bytes, 2), { name: 'ShoalError' })
    })
})

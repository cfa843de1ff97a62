import assert from 'node:assert/strict'
import fc from 'fast-check'
import { bytesOf } from '../../src/core/ids.ts'
import {
  type AnnounceEvent,
  type AnnounceRequest,
  announceUrl,
  parseAnnounceQuery,
} from '../../src/wire/announce.ts'
import { limits } from '../../src/wire/limits.ts'
import { percentDecode, percentEncode } from '../../src/wire/query.ts'
import { hostileInputs } from '../support/corpus.ts'
import { mutatedText } from '../support/mutations.ts'
import { ANNOUNCE_EVENTS, anyAnnounce } from './arbitraries.ts'
import { FUZZ_RUNS, readsStablyOrRefuses } from './fuzz.ts'

const BASE = 'http://10.0.0.1:8080/announce'
const queryOf = (request: AnnounceRequest): string => announceUrl(BASE, request).slice(BASE.length + 1)
const [IH, ID] = [`info_hash=${'%AB'.repeat(20)}`, 'peer_id=-SH0100-abcdefghijkl']
const Q = `${IH}&${ID}&port=6881`

describe('an announce query', () => {
  it('is read back as it was written', () => {
    const seen = new Set<AnnounceEvent | undefined>()
    fc.assert(
      fc.property(anyAnnounce, (request) => {
        seen.add(request.event)
        assert.deepEqual(parseAnnounceQuery(queryOf(request)), request)
      }),
      { numRuns: FUZZ_RUNS },
    )
    assert.equal(seen.size, ANNOUNCE_EVENTS.length)
  })

  it('is refused, or read as what it can be written as again, when it is noise or nearly right', () => {
    let read = 0
    const input = fc.oneof(
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
      { weight: 4, arbitrary: mutatedText(anyAnnounce.map(queryOf)) },
    )
    fc.assert(
      fc.property(input, (text) => {
        if (readsStablyOrRefuses(text, parseAnnounceQuery, queryOf)) read++
      }),
      { numRuns: Math.max(500, FUZZ_RUNS) },
    )
    assert.ok(read > 0, 'no changed query was still one')
  })

  for (const { name, text, mustBeRead } of hostileInputs('announce')) {
    it(`${mustBeRead ? 'reads' : 'refuses'} the hostile input ${name}`, () => {
      if (mustBeRead) assert.equal(parseAnnounceQuery(text).port, 6_881)
      else assert.throws(() => parseAnnounceQuery(text), { name: 'ShoalError' })
    })
  }

  it('names the parameter that is wrong', () => {
    assert.throws(() => parseAnnounceQuery(`${IH}&${ID}&port=1.5`), { code: 'bad-input', message: /^port: / })
    assert.throws(() => parseAnnounceQuery(`${ID}&port=1`), { message: 'info_hash is missing' })
    assert.throws(() => parseAnnounceQuery(`${Q}&event=x`), { message: /^event: / })
  })

  it('is read as stock clients write it', () => {
    const libtorrent =
      `?g=a.b-c_d&info_hash=%124Vx%9a%bc%de%f1%23Eg%89%ab%cd%ef%124Vx%9a&peer_id=-LT2080-!abcdefghij(&port=6881` +
      `&uploaded=0&downloaded=0&left=16384&corrupt=0&key=4B3A2F10&event=started&numwant=200&compact=1&no_peer_id=1` +
      `&supportcrypto=1&redundant=0&ipv6=fe80::1&ipv6=2600::1`
    const read = parseAnnounceQuery(libtorrent)
    assert.equal(read.infoHash, '123456789abcdef123456789abcdef123456789a')
    assert.deepEqual(Buffer.from(bytesOf(read.peerId)).toString('latin1'), '-LT2080-!abcdefghij(')
    assert.equal(read.grant, 'a.b-c_d')
    assert.equal(read.event, 'started')
    assert.equal(read.numWant, limits.numWantMax)
    assert.ok(read.compact && !read.isOurs)
  })

  it('takes the raw bytes that aria2 sends as its key', () => {
    const read = parseAnnounceQuery(`${Q}&key=H%DBo%E4%7F6%AD%3D`)
    assert.equal(read.key, 'H\u00dbo\u00e4\u007f6\u00ad=')
    assert.equal(parseAnnounceQuery(queryOf(read)).key, read.key)
    assert.throws(() => parseAnnounceQuery(`${Q}&key=${'k'.repeat(65)}`), { message: 'key is too long' })
  })

  it('takes what a peer leaves out, or says in its own way, for the usual', () => {
    const read = parseAnnounceQuery(`${Q}&event=&numwant=-1&key=&g=&compact=`)
    assert.deepEqual(read, {
      infoHash: 'ab'.repeat(20),
      peerId: Buffer.from('-SH0100-abcdefghijkl').toString('hex'),
      port: 6_881,
      uploadedBytes: 0,
      downloadedBytes: 0,
      leftBytes: Number.MAX_SAFE_INTEGER,
      compact: true,
      isOurs: false,
    })
    assert.equal(parseAnnounceQuery(`${Q}&event=paused`).event, undefined)
    for (const left of ['-1', 'Infinity', '9223372036854775807', '18446744073709551615'])
      assert.equal(parseAnnounceQuery(`${Q}&left=${left}`).leftBytes, Number.MAX_SAFE_INTEGER)
  })

  it('takes the address from nowhere', () => {
    const read = parseAnnounceQuery(`${Q}&ip=10.0.0.7`)
    assert.ok(!JSON.stringify(read).includes('10.0.0.7'))
  })

  it('takes a plus for a plus', () => {
    const plus = parseAnnounceQuery(`info_hash=${'%2B'.repeat(19)}+&${ID}&port=1`)
    assert.equal(plus.infoHash, '2b'.repeat(20))
  })
})

describe('an announce URL', () => {
  const request: AnnounceRequest = parseAnnounceQuery(`${Q}&left=5`)

  it('goes behind a query that is there already', () => {
    assert.ok(announceUrl(`${BASE}?g=abc`, request).startsWith(`${BASE}?g=abc&info_hash=`))
    assert.ok(announceUrl(`${BASE}?`, request).startsWith(`${BASE}?info_hash=`))
    assert.ok(announceUrl(`${BASE}#x`, request).startsWith(`${BASE}?info_hash=`))
    assert.equal(parseAnnounceQuery(new URL(announceUrl(`${BASE}?g=abc`, request)).search).grant, 'abc')
  })

  it('fits within the bound on queries with the longest grant', () => {
    const longest = {
      ...request,
      grant: 'a'.repeat(limits.grantCharsMax),
      key: '~'.repeat(64),
      event: 'completed' as const,
    }
    assert.ok(queryOf(longest).length < limits.announceQueryCharsMax)
  })
})

describe('percent-encoding', () => {
  it('gives every byte back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        const text = percentEncode(bytes)
        assert.match(text, /^(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*$/)
        assert.deepEqual(percentDecode(text, 'x'), bytes)
        assert.deepEqual(percentDecode(text.toLowerCase(), 'x').length, bytes.length)
      }),
    )
  })

  it('is refused when cut, misspelt, or with characters that no URL has', () => {
    for (const text of ['%', '%a', '%g0', '%0g', 'a b', 'é', '\n', '%-1'])
      assert.throws(() => percentDecode(text, 'x'), { code: 'bad-input' }, text)
  })
})

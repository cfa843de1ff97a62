import assert from 'node:assert/strict'
import fc from 'fast-check'
import { infoHash } from '../../src/core/ids.ts'
import type { KeyDocument } from '../../src/wire/keys.ts'
import { limits } from '../../src/wire/limits.ts'
import {
  formatMagnet,
  type Magnet,
  parseMagnet,
  portalOfMagnet,
  undeclaredHosts,
} from '../../src/wire/magnet.ts'
import { hostileInputs } from '../support/corpus.ts'
import { mutatedText } from '../support/mutations.ts'
import { FUZZ_RUNS, readsStablyOrRefuses } from './fuzz.ts'

const HASH = infoHash('0123456789abcdef0123456789abcdef01234567')
const BARE = { infoHash: HASH, trackers: [], exactSources: [], webSeeds: [] }
const X = `magnet:?xt=urn:btih:${HASH}`

const url = (...schemes: readonly string[]): fc.Arbitrary<string> =>
  fc
    .tuple(
      fc.constantFrom(...schemes),
      fc.stringMatching(/^[a-z]{1,10}$/),
      fc.webQueryParameters({ size: 'small' }),
    )
    .map(([scheme, host, query]) => `${scheme}://${host}.example:8080/announce?${encodeURI(query)}`)
    .filter((text) => /^[\x21-\x7e]+$/.test(text) && text.length < 200)

const magnets: fc.Arbitrary<Magnet> = fc
  .record({
    name: fc.option(fc.stringMatching(/^[^\p{C}\s][^\p{C}\u2028\u2029]{0,20}[^\p{C}\s]$/u)),
    size: fc.option(fc.maxSafeNat()),
    trackers: fc.array(url('http', 'https', 'udp', 'ws', 'wss'), { maxLength: 2 }),
    exactSources: fc.array(url('http', 'https'), { maxLength: 1 }),
    webSeeds: fc.array(url('http', 'https'), { maxLength: 1 }),
    ranges: fc.option(
      fc.array(
        fc.tuple(fc.nat(999), fc.nat(99)).map(([first, more]): [number, number] => [first, first + more]),
        { minLength: 1, maxLength: 4 },
      ),
    ),
    signature: fc.option(fc.constant({ kid: 'abcd-_12', sig: 'A'.repeat(86) })),
  })
  .map((r) => ({
    infoHash: HASH,
    ...(r.name !== null && { displayName: r.name }),
    ...(r.size !== null && { sizeBytes: r.size }),
    trackers: r.trackers,
    exactSources: r.exactSources,
    webSeeds: r.webSeeds,
    ...(r.ranges !== null && { selectOnly: r.ranges }),
    ...(r.signature !== null && { signature: r.signature }),
  }))
  .filter((magnet) => magnet.trackers.length + magnet.exactSources.length + magnet.webSeeds.length < 4)

describe('a magnet', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(magnets, (magnet) => {
        assert.deepEqual(parseMagnet(formatMagnet(magnet)), magnet)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('is refused, or read as what it can be written as again, when it is noise or nearly right', () => {
    let read = 0
    const input = fc.oneof(
      {
        weight: 1,
        arbitrary: fc.string({ unit: 'binary', maxLength: 200 }).map((text) => `magnet:?${text}`),
      },
      { weight: 5, arbitrary: mutatedText(magnets.map(formatMagnet)) },
    )
    fc.assert(
      fc.property(input, (text) => {
        if (readsStablyOrRefuses(text, parseMagnet, formatMagnet)) read++
      }),
      { numRuns: Math.max(500, FUZZ_RUNS) },
    )
    assert.ok(read > 0, 'no changed magnet was still one')
  })

  for (const { name, text, mustBeRead } of hostileInputs('magnet')) {
    it(`${mustBeRead ? 'reads' : 'refuses'} the hostile input ${name}`, () => {
      if (!mustBeRead) {
        assert.throws(() => parseMagnet(text), { name: 'ShoalError' })
        return
      }
      const magnet = parseMagnet(text)
      const known = ['infoHash', 'displayName', 'trackers', 'exactSources', 'webSeeds']
      assert.deepEqual(
        Object.keys(magnet).filter((key) => !known.includes(key)),
        [],
      )
      // eslint-disable-next-line no-control-regex -- that there are none is the claim
      assert.doesNotMatch(magnet.displayName ?? '', /[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/)
      assert.ok((magnet.displayName ?? '').length <= 255)
    })
  }

  it('drops what it does not know', () => {
    const text = `${X}&path=/x&skipVerify=1&client=x&x.pe=10.0.0.1:22&mt=x&as=http%3A%2F%2Fa.example&=&&x`
    assert.deepEqual(parseMagnet(text), BARE)
    assert.equal(formatMagnet(parseMagnet(text)), X)
  })

  it('reads an infohash in base32 and in upper case', () => {
    const base32 = 'AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH'
    assert.deepEqual(parseMagnet(`magnet:?xt=urn:btih:${base32}`), BARE)
    assert.deepEqual(parseMagnet(`MAGNET:?xt=urn:btih:${base32.toLowerCase()}`), BARE)
    assert.deepEqual(parseMagnet(`magnet:?xt=urn:btih:${HASH.toUpperCase()}`), BARE)
  })

  it('takes the v1 infohash of a hybrid link', () => {
    assert.deepEqual(parseMagnet(`${X}&xt=urn:btmh:1220${'a'.repeat(64)}`), BARE)
  })

  it('reads the ranges of BEP 53', () => {
    assert.deepEqual(parseMagnet(`${X}&so=0,2,4,6-8`).selectOnly, [
      [0, 0],
      [2, 2],
      [4, 4],
      [6, 8],
    ])
  })

  it('reads a name with pluses for spaces, and escapes it one way', () => {
    const magnet = parseMagnet(`${X}&dn=Fire+safety%2B%27%22`)
    assert.equal(magnet.displayName, `Fire safety+'"`)
    assert.equal(formatMagnet(magnet), `${X}&dn=Fire%20safety%2B%27%22`)
  })

  it('is not written longer than its bound', () => {
    const long = { ...BARE, webSeeds: [`http://a.example/${'a'.repeat(limits.magnetCharsMax)}`] }
    assert.throws(() => formatMagnet(long), { code: 'over-limit' })
  })
})

describe('the hosts of a magnet', () => {
  const document: KeyDocument = {
    portal: 'https://media.example.com',
    hosts: ['tracker.example.com:8080', 'cdn.example.com'],
    keys: [],
    issuedAt: '2026-01-01T00:00:00Z',
  }
  const linkTo = (...trackers: readonly string[]): Magnet => ({
    ...BARE,
    trackers,
    exactSources: ['https://media.example.com/dl/x.torrent'],
  })

  it('name its portal by the origin of xs', () => {
    assert.equal(portalOfMagnet(linkTo()), 'https://media.example.com')
    assert.equal(
      portalOfMagnet({ ...BARE, exactSources: ['http://Media.Example.com:80/x'] }),
      'http://media.example.com',
    )
    assert.equal(portalOfMagnet(BARE), undefined)
  })

  it('are the portal and what its key document declares', () => {
    const own = ['https://media.example.com/announce', 'wss://MEDIA.example.com:443/announce']
    const declared = [
      'http://tracker.example.com:8080/announce',
      'udp://Tracker.Example.com:8080',
      'https://cdn.example.com/x',
    ]
    assert.deepEqual(undeclaredHosts(linkTo(...own, ...declared), document), [])
  })

  it('are found when they are anybody else, each once', () => {
    const magnet = linkTo(
      'http://evil.example/announce',
      'http://evil.example/other',
      'http://media.example.com/announce',
      'udp://tracker.example.com:81',
      'https://media.example.com.evil.example/announce',
    )
    assert.deepEqual(undeclaredHosts(magnet, document), [
      'evil.example:80',
      'media.example.com:80',
      'tracker.example.com:81',
      'media.example.com.evil.example:443',
    ])
  })

  it('are found in xs and ws as well', () => {
    const magnet = { ...BARE, exactSources: ['http://a.example/x'], webSeeds: ['http://b.example/x'] }
    assert.deepEqual(undeclaredHosts(magnet, document), ['a.example:80', 'b.example:80'])
  })

  it('are not hidden by another spelling of an address', () => {
    const local = { ...document, portal: 'http://10.0.0.1:8080' }
    const magnet = { ...BARE, trackers: ['http://0x0a.1:8080/announce', 'udp://167772161:8080'] }
    assert.deepEqual(undeclaredHosts(magnet, local), [])
    assert.deepEqual(undeclaredHosts({ ...BARE, trackers: ['udp://167772162:8080'] }, local), [
      '10.0.0.2:8080',
    ])
  })
})

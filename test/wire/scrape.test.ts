import assert from 'node:assert/strict'
import fc from 'fast-check'
import { limits } from '../../src/wire/limits.ts'
import { percentEncode } from '../../src/wire/query.ts'
import { encodeScrapeReply, parseScrapeQuery, parseScrapeReply, scrapeUrl } from '../../src/wire/scrape.ts'
import { mutated } from '../support/mutations.ts'
import { anyInfoHash } from './arbitraries.ts'
import { FUZZ_RUNS, orRefused } from './fuzz.ts'

const counts = fc
  .tuple(fc.nat(), fc.nat(), fc.nat())
  .map(([complete, incomplete, downloaded]) => ({ complete, incomplete, downloaded }))
const replies = fc.array(fc.tuple(anyInfoHash, counts), { maxLength: 8 }).map((entries) => new Map(entries))

describe('a scrape query', () => {
  it('names its torrents, as its URL was made', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyInfoHash, { minLength: 1, maxLength: limits.scrapeHashesMax }),
        (hashes) => {
          const url = scrapeUrl('http://10.0.0.1:8080/announce?g=abc', hashes) ?? ''
          assert.ok(url.startsWith('http://10.0.0.1:8080/scrape?g=abc&info_hash='))
          assert.deepEqual(parseScrapeQuery(new URL(url).search), { infoHashes: hashes, grant: 'abc' })
        },
      ),
      { numRuns: 50 },
    )
  })

  it('is refused without a torrent, with too many, or with one that is none', () => {
    const one = `info_hash=${'%AB'.repeat(20)}`
    assert.throws(() => parseScrapeQuery(''), { code: 'bad-input', message: /info_hash is missing/ })
    assert.throws(() => parseScrapeQuery('g=abc'), { code: 'bad-input' })
    assert.throws(() => parseScrapeQuery(`${one}&info_hash=abc`), { code: 'bad-input' })
    assert.throws(() => parseScrapeQuery(Array.from({ length: 65 }, () => one).join('&')), {
      code: 'over-limit',
    })
  })

  it('counts a torrent once, however often it is named', () => {
    const one = `info_hash=${percentEncode(new Uint8Array(20).fill(1))}`
    assert.equal(parseScrapeQuery(`${one}&${one}`).infoHashes.length, 1)
  })
})

describe('a scrape URL', () => {
  it('is made as BEP 48 says', () => {
    assert.equal(scrapeUrl('http://example.com/x/announce?a=b/c', []), 'http://example.com/x/scrape?a=b/c&')
    assert.equal(scrapeUrl('http://example.com/announce.php', []), 'http://example.com/scrape.php?')
  })

  it('does not exist where the last part of the path is another', () => {
    assert.equal(scrapeUrl('http://example.com/a', []), undefined)
    assert.equal(scrapeUrl('http://example.com/announce/x', []), undefined)
    assert.equal(scrapeUrl('http://example.com/?x=/announce', []), undefined)
  })
})

describe('a scrape reply', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(replies, (reply) => {
        const read = parseScrapeReply(encodeScrapeReply(reply))
        assert.deepEqual(read, reply)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it('is refused, or read as something that can be written again, when its bytes are nearly right', () => {
    fc.assert(
      fc.property(mutated(replies.map(encodeScrapeReply)), (bytes) => {
        const read = orRefused(() => parseScrapeReply(bytes))
        if (read !== undefined) assert.deepEqual(parseScrapeReply(encodeScrapeReply(read)), read)
      }),
      { numRuns: FUZZ_RUNS },
    )
  })

  it("gives the tracker's reason when it refused", () => {
    assert.throws(() => parseScrapeReply(Buffer.from('d14:failure reason13:grant refusede')), {
      code: 'not-granted',
      message: 'grant refused',
    })
    assert.throws(() => parseScrapeReply(Buffer.from('d5:filesd3:abcdeee')), { code: 'bad-input' })
    assert.throws(() => parseScrapeReply(new Uint8Array(limits.trackerReplyBytesMax + 1)), {
      code: 'over-limit',
    })
  })
})

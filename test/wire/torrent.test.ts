import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { refusalOfName } from '../../src/core/file-name.ts'
import type { Metainfo } from '../../src/core/metainfo.ts'
import { KiB } from '../../src/core/units.ts'
import { decodeBencodeParts, dictOf, encodeBencode, Encoded } from '../../src/wire/bencode.ts'
import { limits } from '../../src/wire/limits.ts'
import { encodeInfo, encodeTorrent, parseInfo, parseTorrent } from '../../src/wire/torrent.ts'
import { hostileInputs } from '../support/corpus.ts'
import { mutated } from '../support/mutations.ts'
import { FUZZ_RUNS, orRefused } from './fuzz.ts'

const name = fc
  .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
  .filter((n) => refusalOfName(n) === undefined)
const size = fc.oneof(fc.constant(0), fc.constant(1), fc.integer({ min: 1, max: 5_000_000 }))

/** Valid metainfo; paths differ by a number in front, so that none collide. */
const metainfo: fc.Arbitrary<Metainfo> = fc
  .record({
    name,
    isSingleFile: fc.boolean(),
    isPrivate: fc.boolean(),
    power: fc.integer({ min: 0, max: 10 }),
    files: fc.array(fc.tuple(fc.array(name, { minLength: 1, maxLength: 3 }), size), {
      minLength: 1,
      maxLength: 6,
    }),
    seed: fc.nat(255),
  })
  .map((r) => {
    const sizes = r.files.map(([, bytes]) => bytes)
    const kept = r.isSingleFile
      ? [Math.max(1, sizes[0] ?? 1)]
      : [...sizes.slice(0, -1), Math.max(1, sizes.at(-1) ?? 1)]
    const pieceLength = 16 * KiB * 2 ** r.power
    const total = kept.reduce((sum, bytes) => sum + bytes, 0)
    return {
      name: r.name,
      pieceLength,
      pieces: new Uint8Array(20 * Math.ceil(total / pieceLength)).fill(r.seed),
      isSingleFile: r.isSingleFile,
      files: kept.map((sizeBytes, i) => ({
        path: r.isSingleFile ? '' : [`${i}`, ...(r.files[i]?.[0] ?? [])].join('/'),
        sizeBytes,
      })),
      isPrivate: r.isPrivate,
    }
  })

const torrentOf = (info: Metainfo): Uint8Array =>
  encodeTorrent({ infoBytes: encodeInfo(info), announce: [['http://10.0.0.1:8080/announce?g=x']] })

describe('a torrent', () => {
  it('is read back as it was written, single file and folder, private and not', () => {
    const seen = new Set<string>()
    fc.assert(
      fc.property(metainfo, (info) => {
        seen.add(`${info.isSingleFile} ${info.isPrivate}`)
        const torrent = parseTorrent(torrentOf(info))
        assert.deepEqual(torrent.metainfo, info)
        assert.deepEqual(Uint8Array.from(torrent.infoBytes), encodeInfo(info))
        assert.deepEqual(parseInfo(torrent.infoBytes), { infoHash: torrent.infoHash, metainfo: info })
      }),
      { numRuns: FUZZ_RUNS },
    )
    assert.equal(seen.size, 4)
  })

  it('is refused, or read as something safe, when its bytes are nearly right', () => {
    let read = 0
    fc.assert(
      fc.property(mutated(metainfo.map(torrentOf)), (bytes) => {
        const torrent = orRefused(() => parseTorrent(bytes))
        if (torrent === undefined) return
        read++
        const { files, pieces, pieceLength } = torrent.metainfo
        const total = files.reduce((sum, file) => sum + file.sizeBytes, 0)
        assert.equal(pieces.length, 20 * Math.ceil(total / pieceLength))
        for (const part of [torrent.metainfo.name, ...files.flatMap((file) => file.path.split('/'))])
          assert.ok(part === '' || refusalOfName(part) === undefined)
        assert.equal(torrent.infoHash, createHash('sha1').update(torrent.infoBytes).digest('hex'))
      }),
      { numRuns: Math.max(500, FUZZ_RUNS) },
    )
    assert.ok(read > 0, 'no changed torrent was still one')
  })

  it('has the infohash of its raw bytes, keys of others included', () => {
    const info = decodeBencodeParts(Buffer.from('d6:lengthi5e4:name1:ae'))
    const foreign = new Map<string, Uint8Array | number>([
      ['length', 5],
      ['name', new Uint8Array(Buffer.from('a'))],
      ['piece length', 16 * KiB],
      ['pieces', new Uint8Array(20)],
      ['source', new Uint8Array(Buffer.from('somebody'))],
    ])
    assert.equal(info.size, 2)
    const infoBytes = encodeBencode(foreign)
    const torrent = parseTorrent(encodeTorrent({ infoBytes, announce: [] }))
    assert.equal(torrent.infoHash, createHash('sha1').update(infoBytes).digest('hex'))
    assert.notDeepEqual(encodeInfo(torrent.metainfo), infoBytes)
  })

  for (const { name: input, bytes, mustBeRead } of hostileInputs('torrent')) {
    it(`${mustBeRead ? 'reads' : 'refuses'} the hostile input ${input}`, () => {
      if (mustBeRead) assert.equal(parseTorrent(bytes).metainfo.name, 'a')
      else assert.throws(() => parseTorrent(bytes), { name: 'ShoalError' })
    })
  }

  it('says in one sentence why it is refused', () => {
    const because = new Map(hostileInputs('torrent').map(({ name: input, bytes }) => [input, bytes]))
    const sentences: readonly (readonly [string, RegExp])[] = [
      ['v2-only', /v2-only torrent \(BEP 52\)/],
      ['path-dot-dot', /"\.\.\/x" points outside/],
      ['symlink-attr', /"a" is a symbolic link/],
      ['pieces-not-multiple-of-20', /no multiple of 20/],
      ['pieces-too-many', /2 hashes for 1 pieces/],
      ['length-zero', /all its files are empty/],
      ['name-ansi', /the name "\\u001b\[31m" contains/],
      ['info-missing', /"info" is missing/],
    ]
    for (const [input, sentence] of sentences)
      assert.throws(() => parseTorrent(because.get(input) ?? new Uint8Array()), { message: sentence }, input)
  })

  it('is refused before it is read when it is longer than its bound, a million files for one', () => {
    const million = 'd6:lengthi0e4:pathl1:aee'.repeat(1_000_000)
    assert.throws(() => parseTorrent(Buffer.from(`d4:infod5:filesl${million}eee`)), { code: 'over-limit' })
    assert.throws(() => parseInfo(new Uint8Array(limits.torrentBytesMax + 1)), { code: 'over-limit' })
  })

  it('is refused with more files than fit, though its bytes do', () => {
    const files = new Encoded(
      Buffer.from(`l${'d6:lengthi1e4:pathl1:aee'.repeat(limits.torrentFilesMax + 1)}e`),
    )
    const info = encodeBencode(
      dictOf({ files, name: 'a', 'piece length': 16 * KiB, pieces: new Uint8Array(140) }),
    )
    assert.throws(() => parseInfo(info), { code: 'over-limit', message: /more than 100000 files/ })
  })

  it('takes piece lengths of others: multiples of 16 KiB up to 64 MiB', () => {
    for (const pieceLength of [16 * KiB, 48 * KiB, 65_536 * KiB]) {
      const info: Metainfo = {
        name: 'a',
        pieceLength,
        pieces: new Uint8Array(20),
        isSingleFile: true,
        files: [{ path: '', sizeBytes: 1 }],
        isPrivate: false,
      }
      assert.equal(parseInfo(encodeInfo(info)).metainfo.pieceLength, pieceLength)
    }
  })
})

describe('the trackers and web seeds of a torrent', () => {
  const info = encodeInfo({
    name: 'a',
    pieceLength: 16 * KiB,
    pieces: new Uint8Array(20),
    isSingleFile: true,
    files: [{ path: '', sizeBytes: 1 }],
    isPrivate: true,
  })
  const [A, B, C] = [
    'http://10.0.0.1/announce',
    'udp://10.0.0.2:6969',
    'wss://tracker.example.com/announce?g=x',
  ]
  const read = (top: Parameters<typeof dictOf>[0]): ReturnType<typeof parseTorrent> =>
    parseTorrent(encodeBencode(dictOf({ ...top, info: new Encoded(info) })))

  it('are tiers (BEP 12), which replace the single tracker', () => {
    assert.deepEqual(read({ announce: A, 'announce-list': [[B, C], [A]] }).announce, [[B, C], [A]])
    assert.deepEqual(read({ announce: A }).announce, [[A]])
    assert.deepEqual(read({ announce: A, 'announce-list': [[], ['']] }).announce, [[A]])
    assert.deepEqual(read({}).announce, [])
  })

  it('are one web seed or a list of them (BEP 19)', () => {
    assert.deepEqual(read({ 'url-list': A }).urlList, [A])
    assert.deepEqual(read({ 'url-list': [A, ''] }).urlList, [A])
  })

  it('are read back as they were written', () => {
    for (const announce of [[], [[A]], [[A, B]], [[A], [B, C]]]) {
      const bytes = encodeTorrent({ infoBytes: info, announce, urlList: [A], createdBy: 'Shoal' })
      const torrent = parseTorrent(bytes)
      assert.deepEqual(torrent.announce, announce)
      assert.deepEqual(torrent.urlList, [A])
      assert.equal(decodeBencodeParts(bytes).has('announce-list'), announce.flat().length > 1)
    }
  })
})

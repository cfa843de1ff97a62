/** `create-torrent` and `parse-torrent` must agree with our codecs for the same input. */
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { Readable } from 'node:stream'
import createTorrent from 'create-torrent'
import parseTorrentOracle, { toMagnetURI } from 'parse-torrent'
import { landingPath, type Metainfo, sizeOf } from '../../src/core/metainfo.ts'
import { KiB } from '../../src/core/units.ts'
import { formatMagnet, parseMagnet } from '../../src/wire/magnet.ts'
import { encodeInfo, encodeTorrent, parseInfo, parseTorrent } from '../../src/wire/torrent.ts'

const TRACKER = 'http://10.0.0.1:8080/announce?g=abc'

interface Input {
  readonly path: string
  readonly bytes: Uint8Array
}

const bytesFrom = (length: number, seed: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (i * 31 + seed * 7 + (i >> 8)) & 0xff)

/** The files of the interoperability tests: spaces, `#`, `%`, accents, an empty and a one-byte file. */
const FOLDER: readonly Input[] = [
  { path: 'Fire safety 2026.mp4', bytes: bytesFrom(70_001, 1) },
  { path: '#1 100%.txt', bytes: bytesFrom(16 * KiB, 2) },
  { path: 'été/Ångström & Söhne.bin', bytes: bytesFrom(40_000, 3) },
  { path: 'été/日本語.txt', bytes: bytesFrom(99, 4) },
  { path: 'empty', bytes: new Uint8Array() },
  { path: 'one byte', bytes: Uint8Array.of(7) },
  { path: "a+b=c;d@e!$'(),[]{}^`~", bytes: bytesFrom(20, 5) },
]

function metainfoOf(
  name: string,
  files: readonly Input[],
  isSingleFile: boolean,
  pieceLength: number,
): Metainfo {
  const whole = Buffer.concat(files.map((file) => file.bytes))
  const hashes: Buffer[] = []
  for (let at = 0; at < whole.length; at += pieceLength)
    hashes.push(
      createHash('sha1')
        .update(whole.subarray(at, at + pieceLength))
        .digest(),
    )
  return {
    name,
    pieceLength,
    pieces: new Uint8Array(Buffer.concat(hashes)),
    isSingleFile,
    files: files.map((file) => ({ path: isSingleFile ? '' : file.path, sizeBytes: file.bytes.length })),
    isPrivate: true,
  }
}

/**
 * Streams with names: of the forms that create-torrent takes, the one in which an empty file is a file and
 * has no bytes (folders lose it; an empty Buffer counts as a zero byte).
 */
function oracleTorrent(name: string, files: readonly Input[], pieceLength: number): Promise<Uint8Array> {
  const streams = files.map(({ path, bytes }) =>
    Object.assign(Readable.from(bytes.length === 0 ? [] : [bytes]), {
      name: path,
      fullPath: files.length === 1 ? path : `${name}/${path}`,
    }),
  )
  return new Promise((resolve, reject) => {
    const options = { name, private: true, pieceLength, announceList: [[TRACKER]] }
    createTorrent(streams, options, (error, torrent) => {
      if (error === null) resolve(torrent)
      else reject(error)
    })
  })
}

describe('a torrent of ours and one of create-torrent', () => {
  for (const pieceLength of [16 * KiB, 64 * KiB]) {
    it(`are the same release for a folder at ${pieceLength} bytes a piece`, async () => {
      const theirs = parseTorrent(await oracleTorrent('Cours été #1', FOLDER, pieceLength))
      const ours = metainfoOf('Cours été #1', FOLDER, false, pieceLength)
      assert.deepEqual(theirs.metainfo, ours)
      assert.equal(parseInfo(encodeInfo(ours)).infoHash, theirs.infoHash)
      assert.deepEqual(encodeInfo(ours), Uint8Array.from(theirs.infoBytes))
      assert.deepEqual(theirs.announce, [[TRACKER]])
    })
  }

  for (const length of [1, 16 * KiB, 16 * KiB + 1, 100_000]) {
    it(`are the same release for a single file of ${length} bytes`, async () => {
      const file = { path: '100% été #2.bin', bytes: bytesFrom(length, 9) }
      const ours = metainfoOf(file.path, [file], true, 16 * KiB)
      const theirs = parseTorrent(await oracleTorrent(file.path, [file], 16 * KiB))
      assert.deepEqual(theirs.metainfo, ours)
      assert.deepEqual(encodeInfo(ours), Uint8Array.from(theirs.infoBytes))
    })
  }
})

describe('a torrent of ours, read by parse-torrent', () => {
  it('has the same infohash, names, sizes, trackers and web seeds', async () => {
    const info = metainfoOf('Cours été #1', FOLDER, false, 16 * KiB)
    const infoBytes = encodeInfo(info)
    const urlList = ['http://10.0.0.1:8080/w/abc/']
    const bytes = encodeTorrent({
      infoBytes,
      announce: [[TRACKER], ['udp://10.0.0.2:6969']],
      urlList,
      createdBy: 'Shoal',
    })
    const read = await parseTorrentOracle(Buffer.from(bytes))
    assert.equal(read.infoHash, parseInfo(infoBytes).infoHash)
    assert.equal(read.name, info.name)
    assert.equal(read.length, sizeOf(info))
    assert.equal(read.pieceLength, info.pieceLength)
    assert.equal(read.private, true)
    assert.equal(read.createdBy, 'Shoal')
    assert.deepEqual(read.announce, [TRACKER, 'udp://10.0.0.2:6969'])
    assert.deepEqual(read.urlList, urlList)
    assert.deepEqual(
      read.files?.map((file) => ({ path: file.path, length: file.length })),
      info.files.map((file) => ({ path: landingPath(info, file), length: file.sizeBytes })),
    )
    assert.equal(read.pieces?.join(''), Buffer.from(info.pieces).toString('hex'))
  })
})

describe('a magnet of ours and one of parse-torrent', () => {
  const infoHash = parseInfo(
    encodeInfo(metainfoOf('a', [{ path: 'a', bytes: bytesFrom(5, 1) }], true, 16 * KiB)),
  ).infoHash
  const magnet = parseMagnet(
    `magnet:?xt=urn:btih:${infoHash}&dn=Cours%20%C3%A9t%C3%A9%20%231%20100%25&xl=5&tr=${encodeURIComponent(TRACKER)}` +
      `&xs=${encodeURIComponent('http://10.0.0.1:8080/dl/abc.torrent')}&ws=${encodeURIComponent('http://10.0.0.1:8080/w/abc/a b'.replace(' ', '%20'))}&so=0,2-4`,
  )

  it('say the same when they read ours', async () => {
    const read = await parseTorrentOracle(formatMagnet(magnet))
    assert.equal(read.infoHash, infoHash)
    assert.equal(read.name, 'Cours été #1 100%')
    assert.deepEqual(read.announce, magnet.trackers)
    assert.deepEqual(read.urlList, magnet.webSeeds)
    assert.equal(read.xs, magnet.exactSources[0])
    assert.equal(read.xl, '5')
    assert.deepEqual(read.so, [0, 2, 3, 4])
  })

  it('say the same when we read theirs', () => {
    const theirs = toMagnetURI({
      infoHash,
      name: 'Cours été #1 100%',
      announce: [...magnet.trackers],
      urlList: [...magnet.webSeeds],
    })
    const read = parseMagnet(theirs)
    assert.equal(read.infoHash, infoHash)
    assert.equal(read.displayName, magnet.displayName)
    assert.deepEqual(read.trackers, magnet.trackers)
    assert.deepEqual(read.webSeeds, magnet.webSeeds)
  })
})

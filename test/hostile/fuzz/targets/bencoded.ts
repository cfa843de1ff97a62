/** Parsers of bencode and of what is written in it. */
import { ipAddress } from '../../../../src/core/address.ts'
import { peerId, infoHash } from '../../../../src/core/ids.ts'
import { seconds } from '../../../../src/core/units.ts'
import {
  type AnnounceReply,
  encodeAnnounceRefusal,
  encodeAnnounceReply,
  parseAnnounceReply,
} from '../../../../src/wire/announce.ts'
import {
  decodeBencode,
  decodeBencodeParts,
  decodeBencodePrefix,
  dictOf,
  encodeBencode,
} from '../../../../src/wire/bencode.ts'
import { encodeScrapeReply, parseScrapeReply } from '../../../../src/wire/scrape.ts'
import { encodeInfo, encodeTorrent, parseInfo, parseTorrent } from '../../../../src/wire/torrent.ts'
import { passes, type Target } from '../target.ts'
import assert from 'node:assert/strict'

export const isBencode = (bytes: Uint8Array): boolean => passes(() => decodeBencode(bytes))
export const bencoded = (value: Parameters<typeof dictOf>[0]): Uint8Array => encodeBencode(dictOf(value))

const HASH = infoHash('0123456789abcdef0123456789abcdef01234567')
const PEER = peerId('2d5348303130302d303132333435363738396162')

/** BEP 47's keys and others that are only read past, and all that we know. */
const info = (more: Parameters<typeof dictOf>[0]): Parameters<typeof dictOf>[0] => ({
  name: 'Course',
  'piece length': 16_384,
  pieces: new Uint8Array(20).fill(7),
  private: 1,
  ...more,
})
const files = [
  dictOf({ length: 3, path: ['a', 'b.txt'], attr: 'x' }),
  dictOf({ length: 0, path: ['a', 'É é.txt'], sha1: new Uint8Array(20) }),
  dictOf({ length: 5, path: ['A2'], attr: 'p' }),
]
const INFOS = [
  info({ length: 9 }),
  info({ files }),
  info({ length: 9, attr: 'l' }),
  info({ length: 9, files }),
  info({ length: 0 }),
  info({ files: [...files, dictOf({ length: Number.MAX_SAFE_INTEGER, path: ['x'] })] }),
  info({ files: [dictOf({ length: 1, path: ['x'], 'symlink path': ['A2'] })] }),
  info({ files: [dictOf({ length: 1, path: Array.from({ length: 65 }, () => 'x') })] }),
  info({
    files: [dictOf({ length: 1, path: ['x'] })],
    private: undefined,
    source: 'here',
    'meta version': 2,
  }),
]
const TORRENT_WORDS = [
  'info', 'name', 'name.utf-8', 'path', 'path.utf-8', 'length', 'files', 'pieces', 'piece length', 'private', 'attr', 'l', 'symlink path',
  'meta version', 'file tree', 'announce', 'announce-list', 'url-list', 'a', 'A', 'b.txt', 'É é.txt', 'http://t.example/announce?g=x',
] // prettier-ignore

const REPLY: AnnounceReply = {
  intervalMs: seconds(60),
  minIntervalMs: seconds(30),
  complete: 3,
  incomplete: 4,
  externalIp: ipAddress('10.1.2.3'),
  site: { name: 'lyon', cidrs: ['10.4.0.0/16', '2001:db8::/32'], peering: 'off', wanBytesPerSecond: 9 },
  epoch: 5,
  warning: 'soon',
  peers: [
    { host: ipAddress('10.0.0.1'), port: 6_881, flags: { isOrigin: true, isMirror: false, isOurs: true } },
    { host: ipAddress('2001:db8::1'), port: 6_882, peerId: PEER },
  ],
}
const REPLIES = [
  encodeAnnounceReply(REPLY, { compact: true, withFlags: true }),
  encodeAnnounceReply(REPLY, { compact: false, withFlags: true }),
  encodeAnnounceReply(REPLY, { compact: false, withFlags: false }),
  encodeAnnounceReply({ intervalMs: seconds(9), complete: 0, incomplete: 0, peers: [] }, { compact: true, withFlags: false }),
  bencoded({ interval: 60, 'sh site': dictOf({ name: 'x', cidrs: Array.from({ length: 64 }, () => '10.0.0.0/8') }) }),
  encodeAnnounceRefusal({ reason: 'grant refused', retryInMs: seconds(90) }),
  encodeAnnounceRefusal({ reason: 'no', retryInMs: 'never' }),
] // prettier-ignore

export const bencodedTargets: readonly Target[] = [
  {
    name: 'bencode',
    files: ['wire/bencode.ts'],
    beside: ['encodeBencode', 'dictOf', 'bytesOfKey', 'decodeBencodeParts'],
    dialect: 'bencode',
    corpus: 'bencode',
    seeds: [
      bencoded({ a: 1, b: ['x', -5, []], c: dictOf({ d: '' }), __proto__x: 0 }),
      encodeBencode([0, 9_007_199_254_740_991, 'spam']),
      encodeBencode('text'),
      encodeBencode(7),
    ],
    frame: (bytes) => /^[dli0-9]/.test(String.fromCharCode(bytes[0] ?? 0)),
    read: (bytes) => {
      const value = decodeBencode(bytes)
      assert.ok(Buffer.from(encodeBencode(value)).equals(bytes), 'another spelling was read')
    },
  },
  {
    name: 'bencode, in parts',
    files: ['wire/bencode.ts'],
    beside: ['encodeBencode', 'dictOf', 'bytesOfKey', 'decodeBencode'],
    dialect: 'bencode',
    seeds: [
      bencoded({ a: 1, b: ['x', -5, []], c: dictOf({ d: '' }) }),
      bencoded({ info: dictOf({ name: 'x' }) }),
    ],
    frame: (bytes) => bytes[0] === 0x64,
    read: (bytes) => {
      const ends = passes(() => decodeBencode(bytes))
      const length = passes(() => decodeBencodePrefix(bytes)) ? decodeBencodePrefix(bytes).length : undefined
      assert.equal(ends, length === bytes.length)
      let raw = 2
      for (const [key, part] of decodeBencodeParts(bytes))
        raw += `${key.length}:${key}`.length + part.raw.length
      assert.equal(raw, bytes.length, 'the parts do not make up the whole')
    },
  },
  {
    name: 'torrent',
    files: ['wire/torrent.ts', 'wire/torrent-info.ts', 'wire/bencode-read.ts', 'core/file-name.ts'],
    beside: ['encodeTorrent', 'encodeInfo', 'parseInfo', 'displayText', 'withoutControls', 'dictAt'],
    dialect: 'bencode',
    corpus: 'torrent',
    words: TORRENT_WORDS,
    seeds: [
      ...INFOS.map((parts) => bencoded({ announce: 'http://t.example/announce?g=x', info: dictOf(parts) })),
      bencoded({
        announce: 'http://t.example/announce',
        'announce-list': [['http://a.example/announce', 'udp://b.example:80/announce'], ['']],
        info: dictOf(info({ files })),
        'url-list': ['http://w.example/x', ''],
      }),
      bencoded({ info: dictOf(info({ length: 9 })), 'url-list': 'https://w.example/x' }),
      bencoded({
        'announce-list': [Array.from({ length: 8 }, (_, i) => `http://t.example/announce?g=${i}`)],
        info: dictOf(info({ length: 9 })),
        'url-list': Array.from({ length: 8 }, (_, i) => `http://w.example/${i}`),
      }),
    ],
    frame: isBencode,
    read: (bytes) => {
      const torrent = parseTorrent(bytes)
      const again = parseTorrent(encodeTorrent(torrent))
      assert.equal(again.infoHash, torrent.infoHash)
      assert.deepEqual([again.announce, again.urlList], [torrent.announce, torrent.urlList])
    },
  },
  {
    name: 'info (metadata)',
    files: ['wire/torrent-info.ts'],
    beside: ['encodeInfo'],
    dialect: 'bencode',
    words: TORRENT_WORDS,
    seeds: INFOS.map(bencoded),
    frame: isBencode,
    read: (bytes) => {
      const { metainfo } = parseInfo(bytes)
      assert.deepEqual(parseInfo(encodeInfo(metainfo)).metainfo, metainfo)
    },
  },
  {
    name: 'announce reply',
    files: ['wire/announce-reply.ts', 'wire/announce-peers.ts', 'wire/compact-peers.ts'],
    beside: [
      'encodeAnnounceReply',
      'encodeAnnounceRefusal',
      'siteDict',
      'peerDict',
      'flagsByte',
      'encodeCompactV4',
      'encodeCompactV6',
      'splitByFamily',
    ],
    dialect: 'bencode',
    corpus: 'announce-reply',
    words: [
      'interval',
      'min interval',
      'complete',
      'incomplete',
      'peers',
      'peers6',
      'external ip',
      'sh site',
      'sh peers',
      'sh epoch',
      'name',
      'cidrs',
      'peering',
      'off',
      'wan',
      'peers',
      'failure reason',
      'retry in',
      'warning message',
      'ip',
      'port',
      'peer id',
      '10.0.0.1',
      'host.example',
      'never',
    ],
    seeds: REPLIES,
    frame: isBencode,
    read: (bytes) => {
      const parsed = parseAnnounceReply(bytes)
      if (parsed.kind === 'refused') return
      // As dictionaries, in which a peer id has a place.
      const written = encodeAnnounceReply(parsed.reply, { compact: false, withFlags: true })
      const again = parseAnnounceReply(written)
      assert.ok(again.kind === 'reply')
      assert.equal(again.reply.peers.length, parsed.reply.peers.length)
    },
  },
  {
    name: 'scrape reply',
    files: ['wire/scrape.ts'],
    beside: ['encodeScrapeReply', 'parseScrapeQuery', 'scrapeUrl'],
    dialect: 'bencode',
    words: ['files', 'complete', 'incomplete', 'downloaded', 'failure reason'],
    seeds: [
      encodeScrapeReply(new Map([[HASH, { complete: 1, incomplete: 2, downloaded: 3 }]])),
      bencoded({ 'failure reason': 'grant refused' }),
    ],
    frame: isBencode,
    read: (bytes) => {
      const counts = parseScrapeReply(bytes)
      assert.deepEqual(parseScrapeReply(encodeScrapeReply(counts)), counts)
    },
  },
]

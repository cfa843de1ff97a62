/** Parsers of URLs: what peers ask of the tracker, and magnet links. */
import assert from 'node:assert/strict'
import { ShoalError } from '../../../../src/core/errors.ts'
import { readSimpleGet } from '../../../../src/platform/simple-get.ts'
import { announceUrl, parseAnnounceQuery } from '../../../../src/wire/announce.ts'
import { foreignUrl, hostPortOf, TRACKER_SCHEMES } from '../../../../src/wire/foreign-url.ts'
import { formatMagnet, parseMagnet, portalOfMagnet, undeclaredHosts } from '../../../../src/wire/magnet.ts'
import { parseScrapeQuery, scrapeUrl } from '../../../../src/wire/scrape.ts'
import { bytesOfText, type Target, textOf } from '../target.ts'

const HASH = `info_hash=${'%aa'.repeat(20)}`
const ANNOUNCE = `${HASH}&peer_id=-SH0100-0123456789ab&port=6881&uploaded=0&downloaded=5&left=7`
const BTIH = 'xt=urn:btih:0123456789abcdef0123456789abcdef01234567'
const BASE32 = 'xt=urn:btih:AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH'
const SIGNATURE = `x.kid=abcd&x.sig=${'A'.repeat(86)}`
const URL_WORDS = [
  'http://t.example/announce', 'https://t.example:444/a?b#c', 'udp://t.example:80/announce', 'udp://t.example/', 'ws://t.example/', 'wss://t.example/',
  'http://169.254.1.1/', 'http://0x7f.1/', 'http://[::ffff:169.254.1.1]/', 'http://[2002:a9fe:101::]/', 'http://[fe80::1]/', 'http://a@b/', 'ftp://x/',
  'http://', 'http://%41/', 'http://x:99999/', 'http://x:080/', 'udp://x:1/', 'http://\\x', 'http://224.0.0.1/',
] // prettier-ignore

const DECLARED = {
  portal: 'https://p.example',
  hosts: ['t.example:80', 'w.example'],
  keys: [],
  issuedAt: '2026-01-01T00:00:00Z',
}

const HEAD = 'GET /announce?info_hash=%aa&port=1 HTTP/1.1\r\nHost: t\r\n'

export const queryTargets: readonly Target[] = [
  {
    name: 'plain GET',
    files: ['platform/simple-get.ts'],
    dialect: 'words',
    corpus: 'tracker-http',
    words: [
      'GET /', ' HTTP/1.1\r\n', ' HTTP/1.0\r\n', '\r\n', '\r\n\r\n', '\n', '\0', ':', 'Host: x\r\n', 'Connection: close\r\n', 'Connection: Upgrade\r\n',
      'Content-Length: 1\r\n', 'Transfer-Encoding: chunked\r\n', 'X-Forwarded-For: 10.0.0.1\r\n', 'Accept: */*\r\n', 'Via: 1.1 p\r\n', ' folded\r\n',
    ], // prettier-ignore
    seeds: [
      bytesOfText(
        `${HEAD}User-Agent: x\r\nAccept: */*\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n`,
      ),
      bytesOfText(
        `${HEAD}X-Forwarded-For: 10.0.0.1\r\nX-Forwarded-For: 10.0.0.2\r\nConnection: keep-alive\r\n\r\n`,
      ),
      bytesOfText('GET /scrape HTTP/1.0\r\n\r\n'),
    ],
    frame: (bytes) => textOf(bytes).startsWith('GET /'),
    read: (bytes) => {
      const text = textOf(bytes)
      const get = readSimpleGet(text, 0)
      if (typeof get === 'string') throw new ShoalError('bad-input', get)
      assert.ok(get.end <= text.length && text.slice(0, get.end).endsWith('\r\n\r\n'))
      assert.match(get.target, /^\/[!-~]*$/)
      assert.deepEqual(readSimpleGet(`${text.slice(0, get.end)}x`, 0), get)
    },
  },
  {
    name: 'announce query',
    files: ['wire/announce.ts', 'wire/query.ts'],
    beside: ['announceUrl', 'withQuery', 'percentEncode', 'SPELLING'],
    dialect: 'query',
    corpus: 'announce',
    words: [
      'info_hash',
      'peer_id',
      'port',
      'uploaded',
      'downloaded',
      'left',
      'event',
      'numwant',
      'key',
      'compact',
      'g',
      'sh',
      'ip',
      'started',
      'stopped',
      'completed',
      'paused',
      '-1',
      'Infinity',
      '%',
      '%4',
      '%zz',
      '%41',
      'aaaaaaaaaaaaaaaaaaaa',
      '%61'.repeat(20),
      'x'.repeat(231),
      'x'.repeat(700),
      '%41'.repeat(65),
      '1e3',
    ],
    seeds: [
      ANNOUNCE,
      `?${ANNOUNCE}&compact=1&event=started&numwant=50&key=abcd&g=aa.bb.cc&sh=1`,
      `${ANNOUNCE}&compact=0&event=stopped&numwant=-1&key=%01%02&sh=0&ip=1.2.3.4`,
      `${HASH}&peer_id=${'%41'.repeat(20)}&port=1&left=&event=paused&numwant=&key=&compact=&g=&trackerid=x`,
      `${HASH}&peer_id=${'%41'.repeat(20)}&port=1&left=-1&event=completed&g=a%2eb&key=${'x'.repeat(193)}`,
    ].map(bytesOfText),
    frame: (bytes) => bytes.length <= 2_048 && textOf(bytes).includes('info_hash='),
    read: (bytes) => {
      const request = parseAnnounceQuery(textOf(bytes))
      const url = announceUrl('http://t/announce', request)
      assert.deepEqual(parseAnnounceQuery(url.slice(url.indexOf('?'))), request)
    },
  },
  {
    name: 'scrape query',
    files: ['wire/scrape.ts', 'wire/query.ts'],
    beside: ['encodeScrapeReply', 'parseScrapeReply', 'countAt', 'scrapeUrl', 'percentEncode', 'SPELLING'],
    dialect: 'query',
    words: ['info_hash', 'g', '%bb'.repeat(20), 'aaaaaaaaaaaaaaaaaaaa', '%', '%a', '%zz', 'x'.repeat(62)],
    seeds: [
      HASH,
      `?${HASH}&info_hash=${'%bb'.repeat(20)}&g=aa.bb.cc`,
      Array.from({ length: 65 }, () => HASH).join('&'),
      `${HASH}&x=${'y'.repeat(5_400)}`,
    ].map(bytesOfText),
    frame: (bytes) => textOf(bytes).includes('info_hash='),
    read: (bytes) => {
      const { infoHashes } = parseScrapeQuery(textOf(bytes))
      const url = scrapeUrl('http://t/announce', infoHashes) ?? ''
      assert.deepEqual(parseScrapeQuery(url.slice(url.indexOf('?'))).infoHashes, infoHashes)
    },
  },
  {
    name: 'magnet',
    files: ['wire/magnet.ts', 'wire/magnet-trust.ts'],
    beside: ['formatMagnet', 'magnetParameters', 'escapeValue', 'formatRanges'],
    dialect: 'query',
    corpus: 'magnet',
    words: [
      'xt',
      'dn',
      'xl',
      'tr',
      'xs',
      'ws',
      'so',
      'x.kid',
      'x.sig',
      'x.pe',
      'kt',
      'urn:btih:',
      'urn:btmh:1220aa',
      '0-5',
      '3-1',
      '1,2-4',
      '0-5-6',
      '99999999',
      `urn:btih:${'a'.repeat(40)}`,
      `urn:btih:${'A'.repeat(32)}`,
      `urn:btih:${'1'.repeat(32)}`,
      ...URL_WORDS.map(encodeURIComponent),
      ...URL_WORDS,
    ],
    seeds: [
      `magnet:?${BTIH}&dn=Fire+safety%20%C3%A9&xl=1000&tr=http%3A%2F%2Ft.example%2Fannounce%3Fg%3Dx&xs=http%3A%2F%2Fp.example%2Fdl%2Fx.torrent&${SIGNATURE}`,
      `magnet:?${BASE32}&so=0,2-4&ws=https%3A%2F%2Fw.example%2Fx`,
      `MAGNET:?${BTIH}&${BTIH.replace('btih', 'btmh')}`,
      `magnet:?${BTIH}&${Array.from({ length: 9 }, (_, i) => `tr=http%3A%2F%2Fh${i}%2F`).join('&')}`,
      `magnet:?${BTIH}&${'x=y&'.repeat(33)}`,
      `magnet:?${BTIH}&so=${Array.from({ length: 65 }, (_, i) => i).join(',')}`,
    ].map(bytesOfText),
    frame: (bytes) => /^magnet:\?/i.test(textOf(bytes)),
    read: (bytes) => {
      const magnet = parseMagnet(textOf(bytes))
      portalOfMagnet(magnet)
      undeclaredHosts(magnet, DECLARED)
      assert.deepEqual(parseMagnet(formatMagnet(magnet)), magnet)
    },
  },
  {
    name: 'foreign URL',
    files: ['wire/foreign-url.ts'],
    dialect: 'words',
    words: [
      ...URL_WORDS,
      'http',
      'https',
      'udp',
      'ws',
      'wss',
      '169.254.1.1',
      '10.0.0.1',
      '0x7f.1',
      'user',
      ':80',
      '@',
      '[::1]',
      '[ff02::1]',
      'x'.repeat(1_030),
    ],
    seeds: [...URL_WORDS, `http://t.example/${'x'.repeat(1_010)}`].map(bytesOfText),
    frame: (bytes) => /^[a-z]+:\/\//i.test(textOf(bytes)),
    read: (bytes) => {
      const url = foreignUrl(textOf(bytes), TRACKER_SCHEMES, 'test')
      assert.match(hostPortOf(url), /:\d+$/)
    },
  },
]

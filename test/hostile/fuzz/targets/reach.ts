/** Parsers of the question whether one can be reached, and of its answer. */
import assert from 'node:assert/strict'
import { ipAddress } from '../../../../src/core/address.ts'
import { seconds } from '../../../../src/core/units.ts'
import { encodeAnnounceRefusal } from '../../../../src/wire/announce.ts'
import { encodeReachReply, parseReachQuery, parseReachReply, reachUrl } from '../../../../src/wire/reach.ts'
import { bytesOfText, type Target, textOf } from '../target.ts'
import { bencoded, isBencode } from './bencoded.ts'

const HASH = `info_hash=${'%aa'.repeat(20)}`

export const reachTargets: readonly Target[] = [
  {
    name: 'reach query',
    files: ['wire/reach.ts', 'wire/query.ts'],
    beside: ['reachUrl', 'encodeReachReply', 'parseReachReply', 'withQuery', 'percentEncode', 'SPELLING'],
    dialect: 'query',
    corpus: 'reach-query',
    words: ['info_hash', 'port', 'g', '22', '0', '65536', '-1', '1e3', '%', '%zz', '%41', 'x'.repeat(700)],
    seeds: [
      `${HASH}&port=6881`,
      `?${HASH}&port=65535&g=aa.bb.cc`,
      `${HASH}&port=1&ip=10.0.0.1`,
      `${HASH}&port=6881&x=${'y'.repeat(1_900)}`,
    ].map(bytesOfText),
    frame: (bytes) => textOf(bytes).includes('info_hash='),
    read: (bytes) => {
      const { infoHash, port } = parseReachQuery(textOf(bytes))
      const url = reachUrl('http://t/announce', { infoHash, port }) ?? ''
      assert.deepEqual(parseReachQuery(url.slice(url.indexOf('?'))), { infoHash, port })
    },
  },
  {
    name: 'reach reply',
    files: ['wire/reach.ts'],
    beside: ['parseReachQuery', 'reachUrl', 'encodeReachReply'],
    dialect: 'bencode',
    corpus: 'reach-reply',
    words: ['host', 'reachable', 'failure reason', '10.0.0.1', '::1', 'fe80::1%eth0', 'localhost'],
    seeds: [
      encodeReachReply({ host: ipAddress('10.0.0.1'), isReachable: true }),
      encodeReachReply({ host: ipAddress('2001:db8::1'), isReachable: false }),
      bencoded({ host: 'localhost', reachable: 2 }),
      encodeAnnounceRefusal({ reason: 'grant refused', retryInMs: seconds(90) }),
    ],
    frame: isBencode,
    read: (bytes) => {
      const reply = parseReachReply(bytes)
      assert.deepEqual(parseReachReply(encodeReachReply(reply)), reply)
    },
  },
]

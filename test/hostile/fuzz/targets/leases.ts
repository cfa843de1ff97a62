/** Parsers of the question about leases, and of its answer. */
import assert from 'node:assert/strict'
import { seconds } from '../../../../src/core/units.ts'
import { encodeAnnounceRefusal } from '../../../../src/wire/announce.ts'
import { dictOf } from '../../../../src/wire/bencode.ts'
import {
  encodeLeaseReply,
  leaseQuestionUrl,
  parseLeaseQuery,
  parseLeaseReply,
} from '../../../../src/wire/lease.ts'
import { bytesOfText, type Target, textOf } from '../target.ts'
import { bencoded, isBencode } from './bencoded.ts'

const HASH = `info_hash=${'%aa'.repeat(20)}`
const ASKED = 2
const LEASE = { leftMs: seconds(90), site: 'lyon', isBridge: true, isOurs: false }

export const leaseTargets: readonly Target[] = [
  {
    name: 'lease query',
    files: ['wire/lease.ts', 'wire/query.ts'],
    beside: [
      'leaseQuestionUrl',
      'encodeLeaseReply',
      'parseLeaseReply',
      'leaseOf',
      'bitAt',
      'leaseUrlOf',
      'carriesGrantFor',
      'percentEncode',
      'SPELLING',
    ],
    dialect: 'query',
    corpus: 'lease-query',
    words: [
      'info_hash',
      'peer',
      'g',
      '10.0.0.1',
      '10.0.0.256',
      '::1',
      '%3a%3a1',
      'fe80::1%25eth0',
      'localhost',
      '%',
      '%zz',
      'x'.repeat(231),
      'x'.repeat(71),
    ],
    seeds: [
      `${HASH}&peer=10.0.0.1`,
      `?${HASH}&peer=10.0.0.1&peer=2001%3Adb8%3A%3A1&g=aa.bb.cc`,
      `${HASH}&peer=::ffff:10.0.0.1&peer=10.0.0.1`,
      `${HASH}&${Array.from({ length: 65 }, () => 'peer=1.2.3.4').join('&')}`,
      `${HASH}&x=${'y'.repeat(5_000)}`,
    ].map(bytesOfText),
    frame: (bytes) => textOf(bytes).includes('info_hash='),
    read: (bytes) => {
      const { infoHash, peers } = parseLeaseQuery(textOf(bytes))
      const url = leaseQuestionUrl('http://t/lease', { infoHash, peers })
      assert.deepEqual(parseLeaseQuery(url.slice(url.indexOf('?'))), { infoHash, peers })
    },
  },
  {
    name: 'lease reply',
    files: ['wire/lease.ts'],
    beside: [
      'parseLeaseQuery',
      'addressOf',
      'leaseQuestionUrl',
      'encodeLeaseReply',
      'leaseUrlOf',
      'carriesGrantFor',
    ],
    dialect: 'bencode',
    corpus: 'lease-reply',
    words: ['leases', 'seconds', 'site', 'bridge', 'ours', 'failure reason', 'x'.repeat(65)],
    seeds: [
      encodeLeaseReply([LEASE, undefined]),
      encodeLeaseReply([undefined, undefined]),
      encodeLeaseReply([LEASE, { ...LEASE, isBridge: false, isOurs: true, site: 'é' }]),
      bencoded({ leases: [dictOf({ seconds: 5, site: 'x' }), dictOf({})] }),
      encodeAnnounceRefusal({ reason: 'grant refused', retryInMs: seconds(90) }),
    ],
    frame: isBencode,
    read: (bytes) => {
      const leases = parseLeaseReply(bytes, ASKED)
      assert.deepEqual(parseLeaseReply(encodeLeaseReply(leases), ASKED), leases)
    },
  },
]

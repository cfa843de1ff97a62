/** Parsers of what our own clients say to each other and keep of each other, for when no tracker answers. */
import assert from 'node:assert/strict'
import { ipAddress } from '../../../../src/core/address.ts'
import { infoHash } from '../../../../src/core/ids.ts'
import { epochMillis } from '../../../../src/core/units.ts'
import { decodeRemembered, encodeRemembered } from '../../../../src/swarm/remembered-peers.ts'
import {
  decodeExchangeMessage,
  encodeExchangeMessage,
  type ExchangeMessage,
} from '../../../../src/wire/peer-exchange.ts'
import { swarmKey } from '../../../../src/wire/swarm-key.ts'
import { bytesOfText, passes, type Target, utf8Of } from '../target.ts'
import { bencoded, isBencode } from './bencoded.ts'

const HASH = infoHash('0123456789abcdef0123456789abcdef01234567')
const NOW = epochMillis(1_790_000_000_000)
const ENDPOINTS = ['10.0.0.1', '192.168.1.2', '2001:db8::1'].map((host, i) => ({
  host: ipAddress(host),
  port: 6_881 + i,
}))
const MESSAGES: readonly Exclude<ExchangeMessage, { kind: 'unknown' }>[] = [
  { kind: 'challenge', nonce: new Uint8Array(32).fill(1) },
  { kind: 'proof', proofs: [new Uint8Array(32).fill(2)] },
  { kind: 'proof', proofs: [new Uint8Array(32).fill(2), new Uint8Array(32).fill(3)] },
  { kind: 'ask' },
  { kind: 'peers', endpoints: [] },
  { kind: 'peers', endpoints: ENDPOINTS },
]

export const withoutTrackerTargets: readonly Target[] = [
  {
    name: 'sh_peers',
    files: ['wire/peer-exchange.ts'],
    beside: ['encodeExchangeMessage', 'bodyOf'],
    dialect: 'bencode',
    corpus: 'peer-exchange',
    words: ['msg_type', 'nonce', 'proofs', 'peers', 'peers6'],
    seeds: [
      ...MESSAGES.map(encodeExchangeMessage),
      bencoded({ msg_type: 9 }),
      bencoded({ msg_type: 3, peers: new Uint8Array(51 * 6).fill(9) }),
      bencoded({ msg_type: 3, x: 'x'.repeat(2_100) }),
      bencoded({ nonce: new Uint8Array(32) }),
    ],
    frame: isBencode,
    read: (bytes) => {
      const message = decodeExchangeMessage(bytes)
      if (message.kind === 'unknown') return
      const written = encodeExchangeMessage(message)
      const again = decodeExchangeMessage(written)
      assert.ok(again.kind !== 'unknown' && Buffer.from(encodeExchangeMessage(again)).equals(written))
    },
  },
  {
    name: 'remembered peers',
    files: ['swarm/remembered-peers.ts'],
    beside: ['encodeRemembered'],
    dialect: 'json',
    corpus: 'remembered-peers',
    words: ['version', 'infoHash', 'peers', 'keys', HASH, '10.0.0.1', '::1', 'ab'.repeat(32)],
    seeds: [
      encodeRemembered(HASH, {
        peers: ENDPOINTS.map((endpoint) => ({ endpoint, seenAt: NOW })),
        keys: [swarmKey('ab'.repeat(32)), swarmKey('cd'.repeat(16))],
      }),
      encodeRemembered(HASH, { peers: [], keys: [] }),
      bytesOfText(' '.repeat(40_000)),
    ],
    frame: (bytes) => passes(() => JSON.parse(utf8Of(bytes))),
    read: (bytes) => {
      const read = decodeRemembered(bytes, HASH, NOW)
      assert.deepEqual(decodeRemembered(encodeRemembered(HASH, read), HASH, NOW), read)
    },
  },
]

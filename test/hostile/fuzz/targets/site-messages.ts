/** Parsers of what clients of one site tell each other. */
import assert from 'node:assert/strict'
import { peerId } from '../../../../src/core/ids.ts'
import { millis } from '../../../../src/core/units.ts'
import {
  decodeFetch,
  decodeHello,
  decodeUnfetch,
  encodeFetch,
  encodeHello,
  encodeUnfetch,
} from '../../../../src/wire/site-messages.ts'
import type { Target } from '../target.ts'

const ALL = ['encodeHello', 'encodeFetch', 'encodeUnfetch', 'rankSeed', 'rankScore'] as const
const isThere = (bytes: Uint8Array): boolean => bytes.length > 0

export const siteMessageTargets: readonly Target[] = [
  {
    name: 'sh_hello',
    files: ['wire/site-messages.ts'],
    beside: [...ALL, 'decodeFetch', 'decodeUnfetch'],
    dialect: 'records',
    seeds: [
      encodeHello([peerId('ab'.repeat(20)), peerId('cd'.repeat(20))]),
      encodeHello(Array.from({ length: 201 }, () => peerId('ef'.repeat(20)))),
    ],
    frame: isThere,
    read: (bytes) => assert.ok(Buffer.from(encodeHello(decodeHello(bytes))).equals(bytes)),
  },
  {
    name: 'sh_fetch',
    files: ['wire/site-messages.ts'],
    beside: [...ALL, 'decodeHello', 'decodeUnfetch'],
    dialect: 'records',
    seeds: [
      encodeFetch({ piece: 0, lease: millis(500) }),
      encodeFetch({ piece: 4_294_967_295, lease: millis(30_000) }),
      new Uint8Array(8),
    ],
    frame: isThere,
    read: (bytes) => assert.ok(Buffer.from(encodeFetch(decodeFetch(bytes))).equals(bytes)),
  },
  {
    name: 'sh_unfetch',
    files: ['wire/site-messages.ts'],
    beside: [...ALL, 'decodeHello', 'decodeFetch'],
    dialect: 'records',
    seeds: [encodeUnfetch(0), encodeUnfetch(4_294_967_295)],
    frame: isThere,
    read: (bytes) => assert.ok(Buffer.from(encodeUnfetch(decodeUnfetch(bytes))).equals(bytes)),
  },
]

/** Parsers of datagrams: what peers ask of the tracker over UDP, and what it answers. */
import assert from 'node:assert/strict'
import { ShoalError } from '../../../../src/core/errors.ts'
import { infoHash, peerId } from '../../../../src/core/ids.ts'
import type { AnnounceRequest } from '../../../../src/wire/announce.ts'
import { encodeUrlData } from '../../../../src/wire/udp-options.ts'
import { parseUdpReply } from '../../../../src/wire/udp-tracker-reply.ts'
import {
  encodeUdpAnnounce,
  encodeUdpConnect,
  encodeUdpScrape,
  parseUdpAnnounce,
  parseUdpScrape,
  udpActionOf,
  udpTransactionOf,
} from '../../../../src/wire/udp-tracker.ts'
import type { Target } from '../target.ts'

const HASHES = ['aa', 'bb', 'cc'].map((byte) => infoHash(byte.repeat(20)))
const HEAD = { connectionId: new Uint8Array(8).fill(7), transactionId: 9 }
const ANNOUNCE: AnnounceRequest = {
  infoHash: infoHash('aa'.repeat(20)),
  peerId: peerId('2d5348303130302d303132333435363738396162'),
  port: 6_881,
  uploadedBytes: 0,
  downloadedBytes: 2 ** 40,
  leftBytes: 3,
  compact: true,
  isOurs: false,
}
const announce = (over: Partial<AnnounceRequest> = {}): Buffer =>
  encodeUdpAnnounce(HEAD, { ...ANNOUNCE, ...over })
const withOptions = (...options: readonly Uint8Array[]): Buffer => Buffer.concat([announce(), ...options])
const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
const replyOf = (action: number, ...rest: readonly number[]): Uint8Array =>
  Uint8Array.of(0, 0, 0, action, 0, 0, 0, 9, ...rest)

/** As the tracker reads a datagram whose connection id is good. Read, written and read again it is the same. */
export function readUdpRequest(bytes: Uint8Array): void {
  const packet = bufferOf(bytes)
  const action = udpActionOf(packet)
  if (action === undefined) throw new ShoalError('bad-input', 'no request')
  const head = { connectionId: packet.subarray(0, 8), transactionId: udpTransactionOf(packet) }
  if (action === 'connect') assert.deepEqual(encodeUdpConnect(head.transactionId), packet)
  else if (action === 'scrape') assert.deepEqual(encodeUdpScrape(head, parseUdpScrape(packet)), packet)
  else {
    const request = parseUdpAnnounce(packet)
    const again = encodeUdpAnnounce(head, request)
    assert.deepEqual(parseUdpAnnounce(again), request)
    assert.ok(packet.subarray(0, 56).equals(again.subarray(0, 56)))
  }
}

export const udpTargets: readonly Target[] = [
  {
    name: 'UDP request',
    files: ['wire/udp-tracker.ts', 'wire/udp-options.ts'],
    beside: [
      'encodeUdpConnect',
      'encodeUdpAnnounce',
      'encodeUdpScrape',
      'encodeUrlData',
      'writeHead',
      'writeCount',
    ],
    dialect: 'records',
    corpus: 'udp-tracker',
    words: ['\x02\x05?g=ab', '\x01\x01\x00', '\x02\xff', '&g=', '\x09\x02xx', '/announce?g=', '\x00'],
    seeds: [
      encodeUdpConnect(9),
      announce(),
      announce({ event: 'started', numWant: 50, grant: 'aaaa.bbbb.cccc' }),
      announce({ event: 'stopped', numWant: 0, grant: 'x'.repeat(230) }),
      announce({ event: 'completed', leftBytes: 0 }),
      withOptions(Uint8Array.of(1, 9, 2, 0, 0), encodeUrlData('/announce?x=1&g=a.b.c'), Uint8Array.of(0, 2)),
      withOptions(encodeUrlData(`/${'long/'.repeat(60)}announce?g=a.b.c`)),
      encodeUdpScrape(HEAD, HASHES),
      encodeUdpScrape(HEAD, HASHES.slice(0, 1)),
    ],
    frame: (bytes) => udpActionOf(bufferOf(bytes)) !== undefined,
    read: readUdpRequest,
  },
  {
    name: 'UDP reply',
    files: ['wire/udp-tracker-reply.ts'],
    beside: [
      'writeUdpConnectReply',
      'writeUdpAnnounceReply',
      'writeUdpScrapeReply',
      'writeUdpError',
      'writeHead',
    ],
    dialect: 'records',
    corpus: 'udp-tracker-reply',
    seeds: [
      replyOf(0, 1, 2, 3, 4, 5, 6, 7, 8),
      replyOf(1, 0, 0, 7, 8, 0, 0, 0, 1, 0, 0, 0, 2, 10, 0, 0, 1, 26, 225, 10, 0, 0, 2, 26, 225),
      replyOf(1, ...new Array<number>(12 + 36).fill(1)),
      replyOf(2, ...new Array<number>(24).fill(3)),
      replyOf(3, ...Buffer.from('grant refused')),
      replyOf(4),
    ],
    frame: (bytes) => bytes.length >= 8 && bufferOf(bytes).readUInt32BE(0) <= 3,
    read: (bytes) => {
      const reply = parseUdpReply(bufferOf(bytes), 'v4')
      assert.equal(reply.transactionId, bufferOf(bytes).readUInt32BE(4))
      if (reply.kind === 'error') assert.ok(reply.reason.length <= 400)
      if (reply.kind === 'announce') assert.equal(reply.reply.peers.length, (bytes.length - 20) / 6)
    },
  },
]

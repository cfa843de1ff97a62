/** Parsers of what peers send, and of lists of peers. */
import assert from 'node:assert/strict'
import { ipAddress } from '../../../../src/core/address.ts'
import { Bitfield } from '../../../../src/core/bitfield.ts'
import { infoHash, peerId } from '../../../../src/core/ids.ts'
import { MessageReader } from '../../../../src/swarm/message-reader.ts'
import {
  decodeCompact,
  encodeCompactV4,
  encodeCompactV6,
  hasPort,
  splitByFamily,
} from '../../../../src/wire/compact-peers.ts'
import { decodeHandshake, encodeHandshake, mayBeHandshake } from '../../../../src/wire/handshake.ts'
import { encodeOpening, readOpening } from '../../../../src/wire/opening.ts'
import { decodePeerMessage, encodePeerMessage, type PeerMessage } from '../../../../src/wire/peer-message.ts'
import type { Target } from '../target.ts'

const MESSAGES: readonly PeerMessage[] = [
  { kind: 'keep-alive' },
  { kind: 'choke' },
  { kind: 'unchoke' },
  { kind: 'interested' },
  { kind: 'not-interested' },
  { kind: 'have-all' },
  { kind: 'have-none' },
  { kind: 'have', piece: 3 },
  { kind: 'suggest', piece: 4 },
  { kind: 'allowed-fast', piece: 5 },
  { kind: 'bitfield', bits: Uint8Array.of(0xff, 0xe0) },
  { kind: 'request', piece: 1, offset: 16_384, length: 16_384 },
  { kind: 'cancel', piece: 1, offset: 0, length: 16_384 },
  { kind: 'reject', piece: 1, offset: 0, length: 16_384 },
  { kind: 'piece', piece: 2, offset: 0, block: new Uint8Array(40).fill(9) },
  { kind: 'extended', id: 0, payload: Buffer.from('d1:md11:ut_metadatai2eee') },
  { kind: 'unknown', id: 9, payload: Uint8Array.of(26, 225) },
]
const frames = MESSAGES.map(encodePeerMessage)
const HANDSHAKE = {
  infoHash: infoHash('0123456789abcdef0123456789abcdef01234567'),
  peerId: peerId('2d5348303130302d303132333435363738396162'),
  hasExtensions: true,
  hasFast: true,
}
const PEERS = ['10.0.0.1', '192.168.1.2', '2001:db8::1', '::1'].map((host, i) => ({
  host: ipAddress(host),
  port: 6_881 + i,
}))

/** Compared as text: whether bytes come as a Buffer is nobody's business. */
const spelt = (message: PeerMessage): string =>
  Object.entries(message)
    .map(
      ([key, value]) => `${key}=${value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value}`,
    )
    .join(' ')

/** What the sink hears, and that it is never asked to hold more than a message may be. */
function heardFrom(bytes: Uint8Array, cuts: (at: number) => number): string[] {
  const heard: string[] = []
  let room: Uint8Array | undefined
  const reader = new MessageReader({
    onMessage: (message) => {
      assert.notEqual(message.kind, 'piece')
      heard.push(spelt(message))
    },
    onBlockBegin: (piece, offset, length) => {
      assert.ok(length > 0 && length <= 16_384)
      room = (piece & 1) === 0 ? new Uint8Array(length) : undefined
      heard.push(`block ${piece} ${offset} ${length}`)
      return room
    },
    onBlockEnd: () => void heard.push(`end ${room === undefined ? '' : Buffer.from(room).toString('hex')}`),
  })
  try {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + cuts(at))
      reader.push(bytes.subarray(at, end))
      at = end
    }
  } catch (error) {
    heard.push(String(error))
  }
  return heard
}

export const peerWireTargets: readonly Target[] = [
  {
    name: 'handshake',
    files: ['wire/handshake.ts'],
    beside: ['encodeHandshake'],
    dialect: 'records',
    words: ['BitTorrent protocol', '\x13'],
    seeds: [
      encodeHandshake(HANDSHAKE),
      encodeHandshake({ ...HANDSHAKE, hasExtensions: false, hasFast: false }),
    ],
    frame: (bytes) => mayBeHandshake(bytes),
    read: (bytes) => {
      const handshake = decodeHandshake(bytes)
      assert.deepEqual(decodeHandshake(encodeHandshake(handshake)), handshake)
    },
  },
  {
    name: 'opening',
    files: ['wire/opening.ts'],
    beside: ['encodeOpening'],
    dialect: 'records',
    words: ['BitTorrent protocol', '\x13', '\x14\xfb'],
    seeds: [
      encodeOpening({
        handshake: HANDSHAKE,
        permit: `${'A'.repeat(70)}.${'b'.repeat(140)}.${'C'.repeat(86)}`,
      }),
      encodeOpening({ handshake: HANDSHAKE, permit: '' }),
    ],
    frame: (bytes) => mayBeHandshake(bytes),
    read: (bytes) => {
      const read = readOpening(bytes)
      if (read !== undefined) assert.deepEqual(readOpening(encodeOpening(read.opening)), read)
    },
  },
  {
    name: 'peer message',
    files: ['wire/peer-message.ts'],
    beside: [
      'encodePeerMessage',
      'encodePieceHeader',
      'encodeBlockRanges',
      'frame',
      'frameWith',
      'KIND_OF_ID',
    ],
    dialect: 'records',
    seeds: [
      ...frames.map((frame) => frame.slice(4)),
      Buffer.concat([Uint8Array.of(7), new Uint8Array(16_393)]),
      new Uint8Array(0),
    ],
    frame: (bytes) => (bytes[0] ?? 0) <= 20,
    read: (bytes) => {
      const message = decodePeerMessage(bytes)
      assert.ok(Buffer.from(encodePeerMessage(message).subarray(4)).equals(bytes))
    },
  },
  {
    name: 'peer message reader',
    files: ['swarm/message-reader.ts'],
    beside: ['dropTarget', 'stop'],
    dialect: 'frames',
    seeds: [
      Buffer.concat(frames),
      Buffer.concat(frames.toReversed()),
      ...frames.map((frame) => Buffer.concat([frame, frame])),
    ],
    frame: (bytes) => bytes.length >= 4 && Buffer.from(bytes).readUInt32BE() <= bytes.length - 4,
    read: (bytes) => {
      const whole = heardFrom(bytes, () => bytes.length)
      assert.deepEqual(
        heardFrom(bytes, () => 1),
        whole,
        'byte by byte it reads something else',
      )
      assert.deepEqual(
        heardFrom(bytes, (at) => 1 + ((at * 7) % 23)),
        whole,
        'in parts it reads something else',
      )
    },
  },
  {
    name: 'bitfield',
    files: ['core/bitfield.ts'],
    beside: [
      'full',
      'constructor',
      'count',
      'isFull',
      'has',
      'add',
      'delete',
      'toBytes',
      'clone',
      'lacksSomeOf',
      '[Symbol.iterator]',
    ],
    dialect: 'records',
    seeds: [Uint8Array.of(0xff, 0xe0), Uint8Array.of(0, 0), Uint8Array.of(0x80, 0x20)],
    frame: (bytes) => bytes.length === 2,
    read: (bytes) => {
      const field = Bitfield.parse(bytes, 11)
      if (field !== undefined) assert.ok(Buffer.from(field.toBytes()).equals(bytes))
    },
  },
  {
    name: 'compact peers',
    files: ['wire/compact-peers.ts'],
    beside: ['encodeCompactV4', 'encodeCompactV6', 'splitByFamily', 'hasPort'],
    dialect: 'records',
    seeds: [encodeCompactV4(PEERS.slice(0, 2)), encodeCompactV6(PEERS.slice(2)), new Uint8Array(36)],
    frame: (bytes) => bytes.length % 6 === 0,
    read: (bytes) => {
      const v4 = decodeCompact(bytes, 'v4')
      assert.ok(Buffer.from(encodeCompactV4(v4)).equals(bytes))
      const v6 = splitByFamily(decodeCompact(bytes, 'v6').filter(hasPort)).v6
      assert.deepEqual(decodeCompact(encodeCompactV6(v6), 'v6'), v6)
    },
  },
]

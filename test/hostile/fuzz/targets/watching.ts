/** What a page hears that plays: the bytes of its colleagues, and the words of the tracker. */
import assert from 'node:assert/strict'
import { messageOf } from '../../../../src/core/errors.ts'
import { infoHash, peerId } from '../../../../src/core/ids.ts'
import { millis } from '../../../../src/core/units.ts'
import { MessageStream } from '../../../../src/web/engine/message-stream.ts'
import { encodeHandshake } from '../../../../src/wire/handshake.ts'
import { encodePeerMessage, type PeerMessage } from '../../../../src/wire/peer-message.ts'
import { sdpOf } from '../../../../src/wire/sdp.ts'
import {
  formatIntroduction,
  formatSignalRefusal,
  formatSignalReply,
  formatSignalScrape,
  parseSignalReply,
} from '../../../../src/wire/signal-reply.ts'
import { offerIdOf } from '../../../../src/wire/signal.ts'
import { bytesOfJson, bytesOfText, passes, type Target, utf8Of } from '../target.ts'

const HASH = infoHash('6162'.repeat(10))
const PEER = peerId('2d5357303130302d303132333435363738396162')
const HELLO = encodeHandshake({ infoHash: HASH, peerId: PEER, hasExtensions: false, hasFast: true })
const MESSAGES: readonly PeerMessage[] = [
  { kind: 'have-none' },
  { kind: 'bitfield', bits: Uint8Array.of(0xff, 0xe0) },
  { kind: 'have', piece: 3 },
  { kind: 'suggest', piece: 4 },
  { kind: 'request', piece: 1, offset: 16_384, length: 16_384 },
  { kind: 'reject', piece: 1, offset: 0, length: 16_384 },
  { kind: 'piece', piece: 2, offset: 0, block: new Uint8Array(40).fill(9) },
  { kind: 'keep-alive' },
  { kind: 'unknown', id: 77, payload: Uint8Array.of(26, 225) },
]
const frames = MESSAGES.map(encodePeerMessage)

/** As text, since what is heard is good until the next call only; and the refusal, when there is one. */
function heardBy(bytes: Uint8Array, cutAt: (at: number) => number): { heard: string[]; refusal: string } {
  const stream = new MessageStream()
  const heard: string[] = []
  try {
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + cutAt(at))
      for (const message of stream.take(new Uint8Array(bytes.slice(at, end))))
        heard.push(JSON.stringify(message))
      at = end
    }
    return { heard, refusal: '' }
  } catch (error) {
    return { heard, refusal: messageOf(error) }
  }
}

export const watchingTargets: readonly Target[] = [
  {
    name: 'message stream of a page',
    files: ['web/engine/message-stream.ts'],
    dialect: 'frames',
    seeds: [Buffer.concat(frames), Buffer.concat(frames.toReversed()), ...frames, Buffer.from(HELLO)],
    frame: (bytes) => bytes.length >= 4 && Buffer.from(bytes).readUInt32BE() <= bytes.length - 4,
    read: (bytes) => {
      // One in four begins with no greeting: the handshake is a parser, too.
      const all = (bytes.at(-1) ?? 0) % 4 === 0 ? bytes : new Uint8Array(Buffer.concat([HELLO, bytes]))
      const bit = heardBy(all, () => 1)
      for (const cutAt of [(at: number) => 1 + ((at * 7) % 23), () => all.length]) {
        const { heard, refusal } = heardBy(all, cutAt)
        assert.equal(refusal, bit.refusal, 'in parts it is refused otherwise')
        if (refusal === '') assert.deepEqual(heard, bit.heard, 'in parts it reads something else')
      }
      new MessageStream().take(all) // its refusal is a ShoalError
    },
  },
  {
    name: 'signal reply of the tracker',
    files: ['wire/signal-reply.ts'],
    beside: ['formatSignalReply', 'formatIntroduction', 'formatSignalScrape', 'formatSignalRefusal'],
    dialect: 'json',
    words: [
      'action', 'announce', 'scrape', 'info_hash', 'peer_id', 'offer', 'answer', 'offer_id', 'sdp', 'type', 'interval', 'complete', 'incomplete',
      'failure reason', 'retry in', 'never', 'files', 'x'.repeat(20), 'v=0\r\n',
    ], // prettier-ignore
    seeds: [
      formatSignalReply({ infoHash: HASH, intervalMs: millis(120_000), complete: 2, incomplete: 3 }),
      ...(['offer', 'answer'] as const).map((type) =>
        formatIntroduction(type, { infoHash: HASH, peerId: PEER }, { offerId: offerIdOf('o'.repeat(20)), sdp: sdpOf('v=0\r\n') }),
      ),
      formatSignalScrape(new Map([[HASH, { complete: 1, incomplete: 2, downloaded: 3 }]])),
      formatSignalRefusal('announce', { reason: 'no grant', retryInMs: 'never' }, HASH),
      formatSignalRefusal('announce', { reason: 'busy', retryInMs: millis(300_000) }),
      formatSignalRefusal('announce', { reason: 'later' }),
    ]
      .map(bytesOfText)
      .concat([bytesOfJson({ 'failure reason': 'x'.repeat(2_000), 'retry in': -1 }), bytesOfJson({ action: 'announce', info_hash: 'ab'.repeat(10) })]),
    frame: (bytes) => passes(() => JSON.parse(utf8Of(bytes))),
    read: (bytes) => {
      const reply = parseSignalReply(utf8Of(bytes))
      if (reply.kind === 'counts') assert.deepEqual(parseSignalReply(formatSignalReply(reply)), reply)
      if (reply.kind === 'offer' || reply.kind === 'answer') {
        const from = { infoHash: reply.infoHash, peerId: reply.from }
        const text = formatIntroduction(reply.kind, from, reply)
        // Each character of an id may take six when it is written.
        if (text.length <= 65_536) assert.deepEqual(parseSignalReply(text), reply)
      }
    },
  },
] // prettier-ignore

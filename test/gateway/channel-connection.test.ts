import assert from 'node:assert/strict'
import type { DataChannel } from 'node-datachannel'
import { ipAddress } from '../../src/core/address.ts'
import { infoHash, peerId } from '../../src/core/ids.ts'
import { ChannelConnection, FRAME_BYTES } from '../../src/gateway/channel-connection.ts'
import { encodeHandshake } from '../../src/wire/handshake.ts'

const FILM = infoHash('aa'.repeat(20))
const handshakeFor = (hash: typeof FILM): Uint8Array =>
  encodeHandshake({ infoHash: hash, peerId: peerId('cc'.repeat(20)), hasExtensions: false, hasFast: true })

/** A channel that keeps what it is given until it is told that it has left. */
class FakeChannel {
  readonly frames: Uint8Array[] = []
  buffered = 0
  sendMessageBinary(bytes: Uint8Array): boolean {
    this.frames.push(Uint8Array.from(bytes))
    this.buffered += bytes.length
    return true
  }
  bufferedAmount = (): number => this.buffered
  isOpen = (): boolean => true
  setBufferedAmountLowThreshold = (): void => undefined
}

describe('a data channel as a connection', () => {
  let channel: FakeChannel
  let connection: ChannelConnection
  let ended: string[]
  let heard: Buffer
  let drains: number
  let closes: number

  beforeEach(() => {
    channel = new FakeChannel()
    ended = []
    heard = Buffer.alloc(0)
    drains = 0
    closes = 0
    connection = new ChannelConnection({
      channel: channel as unknown as DataChannel,
      remote: { host: ipAddress('10.0.0.1'), port: 4_000 },
      infoHash: FILM,
      messageBytesMax: 262_144,
      onEnd: (reason) => ended.push(reason),
    })
    connection.setHandler({
      onData: (bytes) => (heard = Buffer.concat([heard, bytes])),
      onDrain: () => drains++,
      onClose: () => closes++,
    })
  })
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

  it('gives on nothing before its handshake has named the release, and then all of it', () => {
    const bytes = handshakeFor(FILM)
    connection.onMessage(bytes.subarray(0, 30))
    connection.onMessage(bytes.subarray(30, 47))
    assert.equal(heard.length, 0)
    connection.onMessage(bytes.subarray(47))
    assert.deepEqual(heard, Buffer.from(bytes))
  })

  it('ends when its handshake is for another release, whatever its grant', () => {
    connection.onMessage(handshakeFor(infoHash('bb'.repeat(20))))
    assert.equal(heard.length, 0)
    assert.deepEqual(ended, ['its handshake is for another release, or none'])
    assert.equal(closes, 1)
  })

  it('ends at text, and at zero bytes without a handshake', () => {
    connection.onMessage('hello')
    assert.equal(ended.length, 1)
    connection.onMessage(new Uint8Array(96)) // nothing is called after the end
    assert.equal(heard.length + closes, 1)
  })

  it('sends what is written in one turn together, in messages that every browser takes', async () => {
    for (let n = 0; n < 12; n++) {
      connection.write(new Uint8Array(13).fill(n))
      connection.write(new Uint8Array(16_384).fill(n))
    }
    assert.equal(channel.frames.length, 0)
    await turn()
    assert.deepEqual(
      channel.frames.map(({ length }) => length),
      [FRAME_BYTES, FRAME_BYTES, FRAME_BYTES, 156],
    )
    const whole = Buffer.concat(channel.frames)
    for (let n = 0; n < 12; n++) assert.equal(whole[n * 16_397 + 20], n)
  })

  it('holds back what the library has no room for, and says when there is room', async () => {
    const pieces = Array.from({ length: 40 }, () => connection.write(new Uint8Array(16_384)))
    await turn()
    assert.ok(channel.buffered <= 256 * 1_024)
    assert.ok(pieces.includes(false))
    assert.equal(connection.queuedBytes, 40 * 16_384)
    channel.buffered = 0
    connection.onLow()
    assert.equal(drains, 0) // what was held back fills it again
    channel.buffered = 0
    connection.onLow()
    assert.equal(drains, 1)
    assert.equal(Buffer.concat(channel.frames).length, 40 * 16_384)
  })

  it('says that there is room also when all was taken at once', async () => {
    channel.sendMessageBinary = () => true // it has left already
    for (let n = 0; n < 40; n++) connection.write(new Uint8Array(16_384))
    assert.equal(drains, 0)
    await turn()
    assert.equal(connection.queuedBytes, 0)
    assert.equal(drains, 1)
  })

  it('ends rather than keep what nobody takes', () => {
    for (let n = 0; n < 400 && ended.length === 0; n++) connection.write(new Uint8Array(16_384))
    assert.deepEqual(ended, ['it does not read'])
    assert.equal(connection.queuedBytes, 0)
  })

  it('keeps some of what comes while it is paused, and ends beyond that', () => {
    connection.onMessage(handshakeFor(FILM))
    connection.pause()
    connection.onMessage(new Uint8Array(1_000))
    assert.equal(heard.length, 68)
    connection.resume()
    assert.equal(heard.length, 1_068)
    connection.pause()
    for (let n = 0; n < 3; n++) connection.onMessage(new Uint8Array(262_144))
    assert.deepEqual(ended, ['it sent on while it was not read'])
  })
})

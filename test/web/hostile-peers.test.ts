/** What a hostile colleague may do to one who watches: it costs bounded memory and time, ends its connection, and nothing else. */
import assert from 'node:assert/strict'
import { PieceLayout } from '../../src/core/piece-layout.ts'
import { MiB } from '../../src/core/units.ts'
import type { Channel, ChannelHandler } from '../../src/web/engine/channel.ts'
import { Exchange } from '../../src/web/engine/exchange.ts'
import { MessageStream } from '../../src/web/engine/message-stream.ts'
import { ViewerPeer } from '../../src/web/engine/viewer-peer.ts'
import { encodeHandshake } from '../../src/wire/handshake.ts'
import { limits } from '../../src/wire/limits.ts'
import { type BlockRange, encodePeerMessage, type PeerMessage } from '../../src/wire/peer-message.ts'
import { Film, type SimulatedViewer, ViewersWorld } from '../support/simulated-viewers.ts'

const PIECE = 16 * 1_024
const film = new Film({ seconds: 120, bytesPerSecond: 250_000, pieceLength: PIECE })
const LINKS = { server: 2_000_000, viewer: 2_500_000, delayMs: 2 }
/** Promise 1: no input holds the event loop for longer. */
const CPU_MS_MAX = 200
const FRAME_BYTES = 64 * 1_024

/** Whoever is at its other end says what it likes, and reads nothing. */
class Unread implements Channel {
  readonly isOffered = false
  queuedBytes = 0
  queuedBytesMax = 0
  isClosed = false
  readonly asked: BlockRange[] = []
  readonly #heard = new MessageStream()
  readonly addresses: readonly string[]
  #handler: ChannelHandler | undefined

  constructor(...addresses: readonly string[]) {
    this.addresses = addresses
  }

  setHandler(handler: ChannelHandler): void {
    this.#handler = handler
  }

  send(bytes: Uint8Array): void {
    if (this.isClosed) return
    this.queuedBytes += bytes.length
    this.queuedBytesMax = Math.max(this.queuedBytesMax, this.queuedBytes)
    for (const message of this.#heard.take(bytes)) if (message.kind === 'request') this.asked.push(message)
  }

  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#handler?.onClose()
  }

  /** In frames as browsers send them. Gives the CPU time of the longest. */
  say(bytes: Uint8Array, frameBytes = FRAME_BYTES): number {
    let longest = 0
    for (let at = 0; at < bytes.length && !this.isClosed; at += frameBytes) {
      const began = process.threadCpuUsage()
      this.#handler?.onBytes(bytes.subarray(at, at + frameBytes))
      const { user, system } = process.threadCpuUsage(began)
      longest = Math.max(longest, (user + system) / 1_000)
    }
    return longest
  }
}

const messages = (...all: readonly PeerMessage[]): Buffer => Buffer.concat(all.map(encodePeerMessage))

describe('A hostile colleague of one who watches', () => {
  let world: ViewersWorld
  let viewer: SimulatedViewer

  beforeEach(async () => {
    world = new ViewersWorld(film, LINKS)
    viewer = world.add()
    viewer.viewer.acquainted()
    await world.run(5_000)
  })
  afterEach(async () => {
    await world.run(20_000)
    assert.equal(viewer.stalledMs, 0, 'it plays on')
    assert.ok(viewer.playedMs > 20_000)
    viewer.leave()
  })

  function meet(prefix?: string, ...addresses: readonly string[]): Unread {
    const channel = new Unread(...addresses)
    viewer.viewer.meet(channel)
    const { infoHash } = film.watched
    channel.say(encodeHandshake({ infoHash, peerId: world.newPeerId(prefix), hasExtensions: false, hasFast: true })) // prettier-ignore
    return channel
  }

  it('is hung up on when it asks and asks and does not read', () => {
    const channel = meet()
    channel.say(messages({ kind: 'interested' }))
    const request = encodePeerMessage({ kind: 'request', piece: 0, offset: 0, length: PIECE })
    const frame = Buffer.concat(Array<Uint8Array>(3_800).fill(request))
    for (let i = 0; i < 200; i++) assert.ok(channel.say(frame) < CPU_MS_MAX)
    assert.ok(channel.isClosed)
    assert.ok(channel.queuedBytesMax < 6 * MiB, `${channel.queuedBytesMax} bytes are kept for it`)
  })

  it('gets nothing but a few blocks ahead of what it has taken', async () => {
    const channel = meet()
    channel.say(messages({ kind: 'interested' }))
    for (let piece = 0; piece < 200; piece++)
      channel.say(messages({ kind: 'request', piece, offset: 0, length: PIECE }))
    await world.run(1_000)
    assert.ok(channel.queuedBytesMax > 0 && channel.queuedBytesMax < MiB / 2, String(channel.queuedBytesMax))
    assert.ok(!channel.isClosed, 'a slow colleague is no enemy')
  })

  it('is hung up on when it sends what it was not asked for', () => {
    const channel = meet()
    const block = new Uint8Array(PIECE)
    let sent = 0
    while (!channel.isClosed && sent < 10_000) {
      channel.say(messages({ kind: 'piece', piece: sent % film.watched.layout.count, offset: 0, block }))
      sent++
    }
    assert.ok(channel.isClosed)
    assert.ok(sent * PIECE <= 2 * MiB, `${sent} blocks`)
  })

  it('costs little by saying again and again that it has everything', () => {
    const others = Array.from({ length: 14 }, () => meet())
    const channel = meet()
    const { layout } = film.watched
    const haves = messages(...[...layout.indices()].map((piece) => ({ kind: 'have' as const, piece })))
    const frame = Buffer.concat(Array<Uint8Array>(4).fill(haves)).subarray(0, FRAME_BYTES - (FRAME_BYTES % 9))
    for (let i = 0; i < 5; i++) {
      const cpuMs = channel.say(frame)
      assert.ok(cpuMs < CPU_MS_MAX, `${cpuMs} ms of CPU`)
    }
    for (const other of others) assert.ok(!other.isClosed)
  })

  it('costs little by choking and unchoking, and by changing its mind', () => {
    const channel = meet()
    const turns = messages({ kind: 'choke' }, { kind: 'unchoke' }, { kind: 'interested' }, { kind: 'not-interested' }) // prettier-ignore
    const frame = Buffer.concat(Array<Uint8Array>(Math.floor(FRAME_BYTES / turns.length)).fill(turns))
    for (let i = 0; i < 5; i++) {
      const cpuMs = channel.say(frame)
      assert.ok(cpuMs < CPU_MS_MAX, `${cpuMs} ms of CPU`)
    }
  })

  it('is hung up on at the second bitfield', () => {
    const channel = meet()
    const bitfield = messages({
      kind: 'bitfield',
      bits: new Uint8Array(Math.ceil(film.watched.layout.count / 8)),
    })
    channel.say(bitfield)
    assert.ok(!channel.isClosed)
    channel.say(bitfield)
    assert.ok(channel.isClosed)
  })

  it('is banned by its name, and by its address when several were there, though it calls itself the gateway', async () => {
    const address = '10.6.6.6'
    for (let i = 0; i < 3; i++) {
      assert.ok(!viewer.viewer.isBanned(world.newPeerId(), [address]), `after ${i} of them`)
      const channel = meet('-SG0100-', address)
      channel.say(messages({ kind: 'have-all' }, { kind: 'unchoke' }))
      for (let turn = 0; turn < 100 && !channel.isClosed; turn++) {
        await world.run(100)
        for (const { piece, offset, length } of channel.asked.splice(0))
          channel.say(messages({ kind: 'piece', piece, offset, block: new Uint8Array(length) }))
      }
      assert.ok(channel.isClosed)
    }
    assert.ok(viewer.viewer.isBanned(world.newPeerId(), [address]))
    const wasted = viewer.viewer.figures().gatewayBytes
    assert.ok(wasted <= MiB, `${wasted} bytes of noise were taken`)
  })
})

describe('What a hostile colleague sends', () => {
  it('byte by byte costs no more than at once', () => {
    const stream = new MessageStream()
    const { infoHash } = film.watched
    const world = new ViewersWorld(film, LINKS)
    stream.take(encodeHandshake({ infoHash, peerId: world.newPeerId(), hasExtensions: false, hasFast: true }))
    const long = encodePeerMessage({ kind: 'bitfield', bits: new Uint8Array(limits.peerMessageBytesMax - 1) })
    const began = process.threadCpuUsage()
    let heard = 0
    for (let at = 0; at < long.length; at += 16) heard += stream.take(long.subarray(at, at + 16)).length
    const { user, system } = process.threadCpuUsage(began)
    assert.equal(heard, 1)
    assert.ok((user + system) / 1_000 < 2_000, `${(user + system) / 1_000} ms of CPU for 1 MiB`)
  })

  it('is told to the portal by addresses only, and by no more of them than a report may hold', () => {
    const exchange = new Exchange()
    const world = new ViewersWorld(film, LINKS)
    const layout = new PieceLayout(PIECE, PIECE)
    const from = (address: string): ViewerPeer =>
      new ViewerPeer(new Unread(address), {
        id: world.newPeerId(),
        hasFast: true,
        pieces: layout.count,
        now: 0,
      })
    for (const odd of ['999.1.1.1', ':', '1.2.3.4.5', 'fe80::1%eth0', 'a'.repeat(1_000), '2f6b4c1e.local'])
      exchange.received(from(odd), 1)
    assert.deepEqual(
      exchange.ends().map(({ address }) => address),
      [undefined],
    )
    for (let i = 0; i < 1_000; i++) exchange.received(from(`10.0.${i >> 8}.${i & 255}`), 1)
    assert.ok(exchange.ends().length <= limits.transferEndsMax)
    assert.equal(
      exchange.ends().reduce((sum, end) => sum + end.receivedBytes, 0),
      1_006,
      'none of it is lost',
    )
  })
})

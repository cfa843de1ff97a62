/**
 * A peer that takes a torrent from one other and gives nothing, over a real socket from an address of its own: it sees
 * by HAVE what is there, keeps a bounded queue of requests as stock clients do, checks each piece, and tells HAVE for it.
 */
import { createHash } from 'node:crypto'
import type { Endpoint, IpAddress } from '../../src/core/address.ts'
import type { PeerId } from '../../src/core/ids.ts'
import { pieceHashOf, pieceLayoutOf, type Torrent } from '../../src/core/metainfo.ts'
import { MessageReader } from '../../src/swarm/message-reader.ts'
import type { Connection, Network } from '../../src/swarm/network.ts'
import { encodeHandshake, HANDSHAKE_BYTES } from '../../src/wire/handshake.ts'
import { type BlockRange, encodePeerMessage, type PeerMessage } from '../../src/wire/peer-message.ts'
import { BlockQueue } from './block-queue.ts'

export interface FetchParts {
  readonly network: Network
  readonly random: () => number
  /** Milliseconds of a clock that goes on evenly. */
  readonly now: () => number
}

export interface FetchOptions {
  readonly torrent: Torrent
  readonly to: Endpoint
  readonly from: IpAddress
  readonly id: PeerId
  /** Requests on their way at once. */
  readonly requestsMax: number
  /** It asks, and never reads what comes. */
  readonly isStuck?: boolean
}

/** Readings of `now`. */
export interface FetchTimes {
  /** The handshake was sent. */
  shookAt: number
  unchokedAt: number | undefined
  /** The first byte of content came. */
  firstByteAt: number | undefined
  /** Every piece was there, and right. */
  doneAt: number | undefined
}

export class FetchingPeer {
  readonly times: FetchTimes
  receivedBytes = 0
  readonly #parts: FetchParts
  readonly #options: FetchOptions
  readonly #connection: Connection
  readonly #queue: BlockQueue
  readonly #reader: MessageReader
  readonly #pieces = new Map<number, Uint8Array>()
  readonly #ended = Promise.withResolvers<undefined>()
  #arriving: BlockRange | undefined
  #headLeft = HANDSHAKE_BYTES
  #isInterested = false
  #isChoked = true

  private constructor(parts: FetchParts, options: FetchOptions, connection: Connection) {
    this.#parts = parts
    this.#options = options
    this.#connection = connection
    this.#queue = new BlockQueue(pieceLayoutOf(options.torrent.metainfo), parts.random)
    this.times = { shookAt: parts.now(), unchokedAt: undefined, firstByteAt: undefined, doneAt: undefined }
    this.#reader = new MessageReader({
      onMessage: (message) => this.#onMessage(message),
      onBlockBegin: (piece, offset, length) => this.#begin({ piece, offset, length }),
      onBlockEnd: () => this.#onBlock(),
    })
    connection.setHandler({
      onData: (bytes) => this.#onData(bytes),
      onDrain: () => undefined,
      onClose: () => this.#ended.reject(new Error('the other side hung up')),
    })
    const { infoHash } = options.torrent
    connection.write(encodeHandshake({ infoHash, peerId: options.id, hasExtensions: false, hasFast: true }))
  }

  /** @throws ShoalError `unavailable` when nobody answers there. */
  static async dial(parts: FetchParts, options: FetchOptions, signal: AbortSignal): Promise<FetchingPeer> {
    const connection = await parts.network.dial(options.to, options.from, signal)
    const peer = new FetchingPeer(parts, options, connection)
    peer.#ended.promise.catch(() => undefined)
    return peer
  }

  /** Resolves when it has everything. @throws Error when it was hung up on before, or a piece is wrong. */
  get done(): Promise<void> {
    return this.#ended.promise
  }

  hangUp(): void {
    this.#connection.destroy()
  }

  #onData(bytes: Uint8Array): void {
    const skip = Math.min(this.#headLeft, bytes.length)
    this.#headLeft -= skip
    try {
      if (bytes.length > skip) this.#reader.push(bytes.subarray(skip))
    } catch (error) {
      this.#ended.reject(error)
      this.hangUp()
    }
  }

  #onMessage(message: PeerMessage): void {
    const { kind } = message
    if (kind === 'have') this.#queue.offered(message.piece)
    else if (kind === 'have-all') this.#queue.offeredAll()
    else if (kind === 'bitfield') this.#queue.offeredBits(message.bits)
    else if (kind === 'reject') this.#queue.refused(message)
    else if (kind === 'choke') this.#isChoked = true
    else if (kind === 'unchoke') {
      this.#isChoked = false
      this.times.unchokedAt ??= this.#parts.now()
    }
    this.#ask()
  }

  #ask(): void {
    if (!this.#isInterested && this.#queue.isAnythingOpen) {
      this.#isInterested = true
      this.#connection.write(encodePeerMessage({ kind: 'interested' }))
    }
    if (this.#isChoked) return
    const { requestsMax, isStuck = false } = this.#options
    const requests: Uint8Array[] = []
    for (
      let block = this.#queue.next(requestsMax);
      block !== undefined;
      block = this.#queue.next(requestsMax)
    )
      requests.push(encodePeerMessage({ kind: 'request', ...block }))
    if (requests.length > 0) this.#connection.write(Buffer.concat(requests))
    if (isStuck && requests.length > 0) this.#connection.pause()
  }

  #begin(block: BlockRange): Uint8Array | undefined {
    this.times.firstByteAt ??= this.#parts.now()
    this.#arriving = block
    const layout = this.#queue.layout
    const index = layout.index(block.piece)
    if (index === undefined) return undefined
    const bytes = this.#pieces.get(index) ?? Buffer.allocUnsafe(layout.pieceBytes(index))
    this.#pieces.set(index, bytes)
    return bytes.subarray(block.offset, block.offset + block.length)
  }

  #onBlock(): void {
    const block = this.#arriving
    if (block === undefined) return
    this.receivedBytes += block.length
    const whole = this.#queue.arrived(block)
    if (whole !== undefined) {
      const bytes = this.#pieces.get(whole) ?? new Uint8Array()
      this.#pieces.delete(whole)
      const hash = createHash('sha1').update(bytes).digest()
      if (!hash.equals(pieceHashOf(this.#options.torrent.metainfo, whole)))
        throw new Error(`piece ${whole} is wrong`)
      this.#connection.write(encodePeerMessage({ kind: 'have', piece: whole }))
    }
    if (!this.#queue.isDone) {
      this.#ask()
      return
    }
    this.times.doneAt = this.#parts.now()
    this.#ended.resolve(undefined)
    this.hangUp()
  }
}

/**
 * One connected peer after the handshake: its stream cut into messages, what it said about itself, and what we
 * owe each other. It decides nothing: everything that happens becomes an event for the swarm.
 */
import type { Endpoint, IpAddress } from '../core/address.ts'
import type { PeerId } from '../core/ids.ts'
import { MiB, type Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { ExtensionName } from '../wire/extension.ts'
import { limits } from '../wire/limits.ts'
import {
  type BlockRange,
  encodePeerMessage,
  encodePieceHeader,
  type PeerMessage,
} from '../wire/peer-message.ts'
import type { LeaseOfPeer } from './admission.ts'
import { DownloadSide } from './download-side.ts'
import type { PeerSource } from './engine-types.ts'
import type { PeerPass } from './guard.ts'
import { KeyedSide } from './keyed-side.ts'
import { MessageReader, type MessageSink } from './message-reader.ts'
import type { Connection, ConnectionHandler } from './network.ts'
import type { CachedPiece, PieceCache } from './piece-cache.ts'
import { PeerPieces } from './peer-pieces.ts'
import { RateMeter } from './rate-meter.ts'
import { SentPins } from './sent-pins.ts'

export type PeerEvent =
  | { readonly kind: 'message'; readonly peer: Peer; readonly message: PeerMessage }
  | { readonly kind: 'block-arrived'; readonly peer: Peer }
  /** One read is worked through: time to ask for more and to send. */
  | { readonly kind: 'read-done'; readonly peer: Peer }
  | { readonly kind: 'drained'; readonly peer: Peer }
  | { readonly kind: 'peer-closed'; readonly peer: Peer }

export interface PeerOwner {
  handle(event: PeerEvent): void
  /** Where the block shall go; undefined: nowhere. */
  placeFor(peer: Peer, piece: number, offset: number, length: number): Uint8Array | undefined
  /** What it sent cannot be read: it is to be closed. */
  onBroken(peer: Peer, error: unknown): void
}

export interface PeerParts {
  readonly connection: Connection
  readonly clock: Clock
  readonly cache: PieceCache
  readonly owner: PeerOwner
}

export interface PeerOptions {
  readonly id: PeerId
  readonly hasFast: boolean
  readonly hasExtensions: boolean
  /** Where we dialled it; absent when it dialled us. */
  readonly dialled?: Endpoint
  readonly source: PeerSource
  /** What it has shown, on a release that is for our clients only. */
  readonly pass?: PeerPass
  /** Pieces of the torrent, where known. */
  readonly pieces: number | undefined
}

/** What {@link Uploader} keeps with each peer. */
class UploadSide {
  queue: BlockRange[] = []
  readonly meter = new RateMeter()
  readonly pins: SentPins
  isNewcomer = false
  turnChangedAt: Millis

  constructor(cache: PieceCache, now: Millis) {
    this.pins = new SentPins(cache)
    this.turnChangedAt = now
  }
}

/** What a peer may leave unread before it is dropped: blocks stop earlier, small messages add up. */
const UNREAD_BYTES_MAX = 2 * limits.sendQueueBytesMax

/** Nobody pushes this much that was never asked for by mistake. */
const UNASKED_BYTES_MAX = 4 * MiB

export class Peer implements ConnectionHandler, MessageSink {
  readonly connection: Connection
  readonly id: PeerId
  readonly hasFast: boolean
  readonly hasExtensions: boolean
  readonly dialled: Endpoint | undefined
  readonly has: PeerPieces
  readonly down: DownloadSide
  readonly up: UploadSide
  readonly keyed = new KeyedSide()
  readonly connectedAt: Millis
  readonly pass: PeerPass | undefined
  /** It has said what it has, or shown that it says nothing. */
  hasToldPieces = false
  /** It was told of each piece that we have got. */
  isToldAll = true
  source: PeerSource
  listenPort: number | undefined
  /** What the tracker said of its address when it was last asked; see `admission.ts`. */
  lease: LeaseOfPeer | undefined
  client = ''
  extensionIds: ReadonlyMap<string, number> = new Map()
  metadataBytes: number | undefined
  requestsInMax: number = limits.requestsInMax
  isChokingUs = true
  chokingUsSince: Millis
  isInterested = false
  wasInterested = false
  isChoked = true
  areWeInterested = false
  lastReceivedAt: Millis
  lastSentAt: Millis
  isClosed = false
  readonly #clock: Clock
  readonly #owner: PeerOwner
  readonly #reader: MessageReader

  constructor(parts: PeerParts, options: PeerOptions) {
    const now = parts.clock.now()
    this.connection = parts.connection
    this.#clock = parts.clock
    this.#owner = parts.owner
    this.#reader = new MessageReader(this)
    this.id = options.id
    this.hasFast = options.hasFast
    this.hasExtensions = options.hasExtensions
    this.dialled = options.dialled
    this.listenPort = options.dialled?.port
    this.source = options.source
    this.has = new PeerPieces(options.pieces)
    this.down = new DownloadSide()
    this.up = new UploadSide(parts.cache, now)
    this.connectedAt = now
    this.chokingUsSince = now
    this.pass = options.pass
    this.lastReceivedAt = now
    this.lastSentAt = now
  }

  /** It is one of our own clients that holds a key of this swarm (`peer-exchange.ts`). */
  get hasProvenKey(): boolean {
    return this.keyed.isProven
  }

  get address(): IpAddress {
    return this.connection.remote.host
  }

  /** Our id for the extension at its side; undefined when it does not speak it. */
  extensionId(name: ExtensionName): number | undefined {
    return this.extensionIds.get(name)
  }

  send(message: PeerMessage): void {
    this.sendBytes(encodePeerMessage(message))
  }

  sendBytes(bytes: Uint8Array): void {
    if (this.isClosed) return
    this.lastSentAt = this.#clock.now()
    this.connection.write(bytes)
    this.up.pins.wrote(bytes.length)
    if (this.connection.queuedBytes > UNREAD_BYTES_MAX) this.close()
  }

  /** Sends from verified memory, which stays untouched until the last byte has left. */
  sendBlock(range: BlockRange, piece: CachedPiece): void {
    this.sendBytes(encodePieceHeader(range.piece, range.offset, range.length))
    if (this.isClosed) return
    this.connection.write(piece.bytes.subarray(range.offset, range.offset + range.length))
    this.up.pins.wrotePiece(piece, range.length)
  }

  /** A block came that nobody asked for. */
  sentUnasked(bytes: number): void {
    this.down.unaskedBytes += bytes
    if (this.down.unaskedBytes > UNASKED_BYTES_MAX) this.close()
  }

  /** The room given for the block that is arriving is no longer ours. */
  dropRoom(): void {
    this.#reader.dropTarget()
  }

  /** Ends it; `peer-closed` follows. Harmless when repeated. */
  close(): void {
    if (this.isClosed) return
    this.#reader.stop()
    this.connection.destroy()
    this.onClose()
  }

  onData(bytes: Uint8Array): void {
    if (this.isClosed) return
    this.lastReceivedAt = this.#clock.now()
    try {
      this.#reader.push(bytes)
    } catch (error) {
      this.#owner.onBroken(this, error)
      return
    }
    this.#owner.handle({ kind: 'read-done', peer: this })
  }

  onDrain(): void {
    if (!this.isClosed) this.#owner.handle({ kind: 'drained', peer: this })
  }

  onClose(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.#reader.stop()
    this.up.pins.releaseAll()
    this.#owner.handle({ kind: 'peer-closed', peer: this })
  }

  onMessage(message: PeerMessage): void {
    this.#owner.handle({ kind: 'message', peer: this, message })
  }

  onBlockBegin(piece: number, offset: number, length: number): Uint8Array | undefined {
    return this.#owner.placeFor(this, piece, offset, length)
  }

  onBlockEnd(): void {
    this.#owner.handle({ kind: 'block-arrived', peer: this })
  }
}

/** What one peer says, message by message, and who has to know. Whoever breaks the protocol is hung up on, without a word. */
import { Bitfield } from '../../core/bitfield.ts'
import { ShoalError, unreachable } from '../../core/errors.ts'
import type { PieceIndex, PieceLayout } from '../../core/piece-layout.ts'
import type { Handshake } from '../../wire/handshake.ts'
import { limits } from '../../wire/limits.ts'
import type { BlockRange, PeerMessage } from '../../wire/peer-message.ts'
import type { Channel, ChannelHandler } from './channel.ts'
import type { Fetching } from './fetching.ts'
import { MessageStream } from './message-stream.ts'
import type { Uploads } from './uploads.ts'
import type { ViewerPeer } from './viewer-peer.ts'

export interface ConversationParts {
  readonly channel: Channel
  readonly layout: PieceLayout
  /** Undefined: it is not welcome. */
  readonly onHandshake: (theirs: Handshake) => ViewerPeer | undefined
  /** With the peer that it was, once. */
  readonly onGone: (peer: ViewerPeer | undefined) => void
  readonly now: () => number
  readonly fetching: Fetching
  readonly uploads: Uploads
  readonly has: (piece: PieceIndex) => boolean
  /** What it has, or whether it sends, is not what it was. */
  readonly onChanged: (peer: ViewerPeer) => void
}

/** Nobody sends so much by mistake that was never asked for. */
const UNASKED_BYTES_MAX = 1_024 * 1_024

export class Conversation implements ChannelHandler {
  readonly #parts: ConversationParts
  readonly #stream = new MessageStream()
  #peer: ViewerPeer | undefined
  #isOver = false
  /** To be acted upon when all that came together was heard: a thousand messages are one change. */
  #hasChanged = false
  #isToReview = false

  constructor(parts: ConversationParts) {
    this.#parts = parts
    parts.channel.setHandler(this)
  }

  onBytes(bytes: Uint8Array): void {
    try {
      for (const heard of this.#stream.take(bytes)) {
        if (this.#isOver) return
        if (heard.kind === 'handshake') this.#peer = this.#parts.onHandshake(heard.handshake)
        else if (this.#peer !== undefined) this.#hear(this.#peer, heard)
        if (this.#peer === undefined) throw breach('not welcome')
      }
      if (this.#peer !== undefined && !this.#isOver) this.#act(this.#peer)
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      this.#parts.channel.close()
    }
  }

  onDrain(): void {
    if (this.#peer !== undefined) this.#parts.uploads.serve(this.#peer)
  }

  onClose(): void {
    this.#isOver = true
    this.#parts.onGone(this.#peer)
  }

  #act(peer: ViewerPeer): void {
    if (this.#isToReview) this.#parts.uploads.review()
    if (this.#hasChanged && !this.#isOver) this.#parts.onChanged(peer)
    this.#hasChanged = false
    this.#isToReview = false
  }

  /** @throws ShoalError `bad-input`: it breaks the protocol. */
  #hear(peer: ViewerPeer, message: PeerMessage): void {
    const { fetching, uploads } = this.#parts
    const isFirst = !peer.hasSpoken
    peer.hasSpoken = true
    peer.heardAt = this.#parts.now()
    switch (message.kind) {
      case 'choke':
        peer.isChokingUs = true
        if (!peer.hasFast) fetching.dropped(peer)
        return
      case 'unchoke':
        peer.isChokingUs = false
        this.#hasChanged = true
        return
      case 'interested':
      case 'not-interested':
        peer.isInterested = message.kind === 'interested'
        this.#isToReview = true
        return
      case 'have':
        if (peer.has.add(this.#pieceOf(message.piece))) this.#hasChanged = true
        return
      case 'bitfield':
        if (!isFirst) throw breach('a bitfield in mid-talk')
        this.#takeBits(peer, message.bits)
        return
      case 'have-all':
        if (!isFirst || !peer.hasFast) throw breach('have-all in mid-talk')
        for (const piece of this.#parts.layout.indices()) peer.has.add(piece)
        this.#hasChanged = true
        return
      case 'request':
        this.#asked(peer, message)
        return
      case 'cancel':
        uploads.cancelled(peer, message)
        return
      case 'piece':
        if (!fetching.block(peer, this.#pieceOf(message.piece), message.offset, message.block))
          this.#cameUnasked(peer, message.block.length)
        return
      case 'reject':
        fetching.rejected(peer, this.#pieceOf(message.piece), message.offset)
        return
      case 'suggest':
        fetching.promised(peer, this.#pieceOf(message.piece))
        return
      case 'keep-alive':
      case 'have-none':
      case 'allowed-fast':
      case 'extended':
      case 'unknown':
        return
      default:
        unreachable(message)
    }
  }

  #takeBits(peer: ViewerPeer, bits: Uint8Array): void {
    const has = Bitfield.parse(bits, this.#parts.layout.count)
    if (has === undefined) throw breach('a bitfield of another torrent')
    for (const piece of has) peer.has.add(piece)
    this.#hasChanged = true
  }

  /** What was taken back may have been on its way. */
  #cameUnasked(peer: ViewerPeer, bytes: number): void {
    const late = Math.min(bytes, peer.lateBytes)
    peer.lateBytes -= late
    peer.unaskedBytes += bytes - late
    if (peer.unaskedBytes > UNASKED_BYTES_MAX) throw breach('blocks that nobody asked for')
  }

  #asked(peer: ViewerPeer, range: BlockRange): void {
    const piece = this.#pieceOf(range.piece)
    if (range.length > limits.blockRequestBytesDrop) throw breach('a request of this length')
    const isThere =
      range.length <= limits.blockRequestBytesMax &&
      this.#parts.layout.holds(piece, range.offset, range.length)
    if (!isThere) throw breach('a request beyond the piece')
    this.#parts.uploads.asked(peer, range)
  }

  #pieceOf(index: number): PieceIndex {
    const piece = this.#parts.layout.index(index)
    if (piece === undefined) throw breach('a piece that there is not')
    return piece
  }
}

const breach = (what: string): ShoalError => new ShoalError('bad-input', what)

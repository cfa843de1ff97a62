/** What is known of one peer, and what it was sent. Decides nothing. */
import { Bitfield } from '../../core/bitfield.ts'
import type { PeerId } from '../../core/ids.ts'
import type { PieceIndex } from '../../core/piece-layout.ts'
import { encodePeerMessage, type BlockRange, type PeerMessage } from '../../wire/peer-message.ts'
import type { Channel } from './channel.ts'
import { RateMeter } from './rate-meter.ts'

/** How the bridge of the server names itself: what it sends is the server's. A liar who does so is only asked later. */
const GATEWAY = hexOfText('-SG')

/** Beyond the blocks that wait for room: a message for each piece of a long film, some times over. */
const UNREAD_BYTES_MAX = 4 * 1_024 * 1_024

/** A request of ours that was not answered yet. */
export interface Outstanding {
  readonly piece: PieceIndex
  readonly block: number
  readonly at: number
}

export class ViewerPeer {
  readonly id: PeerId
  readonly channel: Channel
  readonly hasFast: boolean
  readonly has: Bitfield
  readonly isGateway: boolean
  readonly down = new RateMeter()
  /** By piece and block, in the order of asking. */
  readonly outstanding = new Map<string, Outstanding>()
  /** What it asked of us and was not sent yet. */
  readonly wanted: BlockRange[] = []
  /** Taken back after it was asked for: it may come all the same. */
  lateBytes = 0
  unaskedBytes = 0
  isChokingUs = true
  isChoked = true
  isInterested = false
  areWeInterested = false
  /** What came after the handshake was read: a bitfield may only be the first message. */
  hasSpoken = false
  /** When it was asked and has sent nothing since. */
  waitingSince: number | undefined
  /** It kept us waiting: others are asked first until then. */
  slowUntil = 0
  heardAt: number
  sentAt: number

  constructor(channel: Channel, of: { id: PeerId; hasFast: boolean; pieces: number; now: number }) {
    this.channel = channel
    this.id = of.id
    this.hasFast = of.hasFast
    this.has = new Bitfield(of.pieces)
    this.isGateway = of.id.startsWith(GATEWAY)
    this.heardAt = of.now
    this.sentAt = of.now
  }

  send(message: PeerMessage, now: number): void {
    this.sendBytes(encodePeerMessage(message), now)
  }

  sendBytes(bytes: Uint8Array, now: number): void {
    this.sentAt = now
    // It asks and asks, and takes nothing of what it is answered.
    if (this.channel.queuedBytes > UNREAD_BYTES_MAX) this.channel.close()
    else this.channel.send(bytes)
  }
}

function hexOfText(text: string): string {
  return Array.from(text, (char) => char.charCodeAt(0).toString(16).padStart(2, '0')).join('')
}

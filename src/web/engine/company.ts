/** The peers of one who watches: who is greeted, who is banned, who hears of what, and who is gone. */
import type { Bitfield } from '../../core/bitfield.ts'
import type { PeerId } from '../../core/ids.ts'
import type { PieceIndex } from '../../core/piece-layout.ts'
import { encodeHandshake, type Handshake } from '../../wire/handshake.ts'
import { limits } from '../../wire/limits.ts'
import type { Channel, EngineClock } from './channel.ts'
import { Conversation } from './conversation.ts'
import type { Fetching } from './fetching.ts'
import { PeerBans } from './peer-bans.ts'
import type { Uploads } from './uploads.ts'
import { ViewerPeer } from './viewer-peer.ts'
import type { Watched } from './watched.ts'

export interface CompanyParts {
  readonly clock: EngineClock
  readonly watched: Watched
  readonly self: PeerId
  readonly have: Bitfield
  readonly fetching: () => Fetching
  readonly uploads: () => Uploads
  readonly onGreeted: (peer: ViewerPeer) => void
  readonly onNote: (sentence: string) => void
}

/** More colleagues than this give nothing that these do not. */
export const PEERS_MAX = 16
const KEEP_ALIVE_AFTER = 60_000

export class Company {
  readonly #parts: CompanyParts
  readonly #peers = new Map<PeerId, ViewerPeer>()
  /** Not greeted yet. */
  readonly #strangers = new Set<Channel>()
  readonly #bans = new PeerBans()
  #isClosed = false

  constructor(parts: CompanyParts) {
    this.#parts = parts
  }

  get peers(): Iterable<ViewerPeer> {
    return this.#peers.values()
  }

  /** The gateway is none. */
  get colleagues(): number {
    return [...this.#peers.values()].filter((peer) => !peer.isGateway).length
  }

  /** How many more connections are worth having. */
  get room(): number {
    return Math.max(0, PEERS_MAX - this.#peers.size - this.#strangers.size)
  }

  /** The gateway too. */
  get met(): readonly PeerId[] {
    return [...this.#peers.keys()]
  }

  hangUpOn(peers: readonly PeerId[]): void {
    for (const peer of peers) this.#peers.get(peer)?.channel.close()
  }

  isKnown(peer: PeerId): boolean {
    return this.#peers.has(peer)
  }

  isBanned(peer: PeerId, addresses: readonly string[]): boolean {
    return this.#bans.has(peer) || addresses.some((address) => this.#bans.hasAddress(address))
  }

  /** Greets whoever is at the other end, and takes it in if it is in the same swarm. */
  meet(channel: Channel): void {
    const { clock, have, self, watched } = this.#parts
    if (this.#isClosed || this.room === 0) {
      channel.close()
      return
    }
    this.#strangers.add(channel)
    const timer = clock.after(limits.handshakeTimeout, () => {
      if (this.#strangers.has(channel)) channel.close()
    })
    const settled = (): void => {
      timer.cancel()
      this.#strangers.delete(channel)
    }
    // Before what may be here already is heard, and answered.
    channel.send(
      encodeHandshake({ infoHash: watched.infoHash, peerId: self, hasExtensions: false, hasFast: true }),
    )
    new Conversation({
      channel,
      layout: watched.layout,
      onHandshake: (theirs) => {
        settled()
        return this.#greet(channel, theirs)
      },
      onGone: (peer) => {
        settled()
        if (peer !== undefined) this.#left(peer)
      },
      now: () => clock.now(),
      fetching: this.#parts.fetching(),
      uploads: this.#parts.uploads(),
      has: (piece) => have.has(piece),
      onChanged: (peer) => {
        this.#showInterest(peer)
        this.#parts.fetching().plan()
      },
    })
  }

  /** We have a piece that we had not. */
  tell(piece: PieceIndex, isUploading: boolean): void {
    const now = this.#parts.clock.now()
    for (const peer of this.#peers.values()) {
      if (isUploading) peer.send({ kind: 'have', piece }, now)
      this.#showInterest(peer)
    }
  }

  /** Whoever came while nothing was to be had from us was told that there is nothing. */
  tellAll(): void {
    const { clock, have } = this.#parts
    for (const peer of this.#peers.values())
      for (const piece of have) peer.send({ kind: 'have', piece }, clock.now())
  }

  /** It sent what was not published. */
  strike(peer: ViewerPeer): void {
    if (!this.#bans.strike(peer.id, peer.channel.addresses)) return
    this.#parts.onNote('a colleague’s machine sent what was not published, and is asked for nothing any more')
    peer.channel.close()
  }

  /** Each second: hangs up on the silent, and shows the others that we are here. */
  review(): void {
    const now = this.#parts.clock.now()
    for (const peer of [...this.#peers.values()])
      if (now - peer.heardAt > limits.peerSilenceMax) peer.channel.close()
      else if (now - peer.sentAt > KEEP_ALIVE_AFTER) peer.send({ kind: 'keep-alive' }, now)
  }

  close(): void {
    this.#isClosed = true
    const channels = [...this.#peers.values()].map((peer) => peer.channel)
    for (const channel of [...this.#strangers, ...channels]) channel.close()
  }

  #greet(channel: Channel, { infoHash, peerId, hasFast }: Handshake): ViewerPeer | undefined {
    const { clock, have, onGreeted, self, uploads, watched } = this.#parts
    const isWelcome =
      infoHash === watched.infoHash && peerId !== self && !this.isBanned(peerId, channel.addresses)
    if (!isWelcome) return undefined
    const before = this.#peers.get(peerId)
    if (before !== undefined) {
      if (!isBetter(channel, before.channel, self < peerId)) return undefined
      before.channel.close()
    }
    const now = clock.now()
    const peer = new ViewerPeer(channel, { id: peerId, hasFast, pieces: watched.layout.count, now })
    this.#peers.set(peerId, peer)
    if (have.count > 0 && uploads().isOn) peer.send({ kind: 'bitfield', bits: have.toBytes() }, now)
    else if (hasFast) peer.send({ kind: 'have-none' }, now)
    onGreeted(peer)
    return peer
  }

  #left(peer: ViewerPeer): void {
    if (this.#peers.get(peer.id) !== peer) return
    this.#peers.delete(peer.id)
    this.#parts.fetching().dropped(peer)
    this.#parts.uploads().review()
    if (!this.#isClosed) this.#parts.fetching().plan()
  }

  #showInterest(peer: ViewerPeer): void {
    const isInterested = this.#parts.have.lacksSomeOf(peer.has)
    if (isInterested === peer.areWeInterested) return
    peer.areWeInterested = isInterested
    peer.send({ kind: isInterested ? 'interested' : 'not-interested' }, this.#parts.clock.now())
  }
}

/**
 * Two connections to one peer. Of two that crossed both sides keep the one that the lower peer id offered; of two by the same side
 * the newer counts, since that side has lost the other.
 */
function isBetter(fresh: Channel, old: Channel, isOursLower: boolean): boolean {
  return fresh.isOffered === old.isOffered || fresh.isOffered === isOursLower
}

/** One connection to a browser, from the first description to the end: one data channel, within a time, or none. */
import type { DataChannel, PeerConnection } from 'node-datachannel'
import { tryIpAddress, type Endpoint, type IpAddress } from '../core/address.ts'
import { ShoalError } from '../core/errors.ts'
import type { InfoHash, PeerId } from '../core/ids.ts'
import { seconds } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { formatSession, sessionOf } from '../wire/sdp-session.ts'
import { sdpOf, type Sdp } from '../wire/sdp.ts'
import { ChannelConnection } from './channel-connection.ts'
import type { Rtc } from './rtc.ts'

/** From the first description to an open channel. An offer of ours waits for its answer within it. */
const OPEN_WITHIN = seconds(20)
/** A STUN server that does not answer keeps nobody waiting: what is known by then is said. */
const GATHER_WITHIN = seconds(1)

export interface PeerLinkParts {
  readonly clock: Clock
  readonly log: Logger
  readonly rtc: Rtc
  readonly infoHash: InfoHash
  /** The channel is open. */
  readonly onOpen: (link: PeerLink, connection: ChannelConnection) => void
  /** Once. */
  readonly onEnd: (link: PeerLink) => void
}

export class PeerLink {
  readonly infoHash: InfoHash
  /** Whom the tracker named: of an offer of ours, once it is answered. */
  peerId: PeerId | undefined
  remote: Endpoint | undefined
  /** The address of ours that it reaches. */
  local: IpAddress | undefined
  isOpen = false
  /** How often in a row the tracker did not know it. */
  misses = 0
  readonly #parts: PeerLinkParts
  readonly #pc: PeerConnection
  readonly #late: Timer
  #channel: DataChannel | undefined
  #connection: ChannelConnection | undefined
  #isEnded = false
  #described: (() => void) | undefined
  #messageBytesMax = 0

  private constructor(parts: PeerLinkParts, peerId: PeerId | undefined) {
    this.#parts = parts
    this.infoHash = parts.infoHash
    this.peerId = peerId
    this.#pc = parts.rtc.connection('gateway')
    this.#late = parts.clock.after(OPEN_WITHIN, () => this.end('it did not open in time'))
    this.#pc.onGatheringStateChange(
      this.#guarded((state: string) => {
        if (state === 'complete') this.#described?.()
      }),
    )
    this.#pc.onStateChange(
      this.#guarded((state: string) => {
        if (state === 'failed' || state === 'closed' || state === 'disconnected') this.end('it has gone')
      }),
    )
    this.#pc.onDataChannel(this.#guarded((channel: DataChannel) => this.#take(channel)))
    this.#pc.onTrack(this.#guarded(() => this.end('it sent media')))
  }

  /** One that answers an offer. @throws ShoalError `bad-input` for a description that is none. */
  static answering(parts: PeerLinkParts, from: PeerId, offer: Sdp): PeerLink {
    const session = sessionOf(offer)
    const link = new PeerLink(parts, from)
    link.#tell('offer', formatSession(session), session.messageBytesMax)
    return link
  }

  /** One that offers. */
  static offering(parts: PeerLinkParts): PeerLink {
    const link = new PeerLink(parts, undefined)
    link.#take(link.#pc.createDataChannel('shoal'))
    return link
  }

  /** What the other side is to be told: with all addresses. @throws ShoalError `unavailable` when it has ended. */
  async description(): Promise<Sdp> {
    const { clock } = this.#parts
    if (this.#pc.gatheringState() !== 'complete') {
      const described = new Promise<void>((resolve) => (this.#described = resolve))
      const timer = clock.after(GATHER_WITHIN, () => this.#described?.())
      await described
      timer.cancel()
    }
    const said = this.#isEnded ? null : this.#pc.localDescription()
    if (said === null) throw new ShoalError('unavailable', 'the connection has ended')
    return sdpOf(said.sdp)
  }

  /** An offer of ours was answered. @throws ShoalError `bad-input`. */
  answered(by: PeerId, answer: Sdp): void {
    const session = sessionOf(answer)
    if (session.setup === 'actpass') throw new ShoalError('bad-input', 'an answer leaves nothing open')
    this.peerId = by
    this.#tell('answer', formatSession(session), session.messageBytesMax)
  }

  /** Harmless when repeated. */
  end(reason: string): void {
    if (this.#isEnded) return
    this.#parts.log.debug(`a connection to a browser ends: ${reason}`)
    this.#isEnded = true
    this.#late.cancel()
    this.#described?.()
    this.#connection?.onClosed()
    try {
      this.#channel?.close()
      this.#pc.close()
    } catch {
      // it was closed by the other side in the same moment
    }
    this.#parts.onEnd(this)
  }

  #tell(type: 'offer' | 'answer', sdp: string, messageBytesMax: number): void {
    this.#messageBytesMax = messageBytesMax
    try {
      this.#pc.setRemoteDescription(sdp, type)
    } catch (cause) {
      this.end('its description was refused')
      throw new ShoalError('bad-input', 'the description was refused', { cause })
    }
  }

  #take(channel: DataChannel): void {
    if (this.#channel !== undefined || this.#isEnded) {
      channel.close()
      this.end('it opened a second channel')
      return
    }
    this.#channel = channel
    channel.onMessage(this.#guarded((message: string | Buffer | ArrayBuffer) => this.#heard(message)))
    channel.onClosed(this.#guarded(() => this.end('it has gone')))
    channel.onError(this.#guarded(() => this.end('it failed')))
    channel.onBufferedAmountLow(this.#guarded(() => this.#connection?.onLow()))
    channel.onOpen(this.#guarded(() => this.#opened(channel)))
    if (channel.isOpen()) this.#opened(channel)
  }

  #heard(message: string | Buffer | ArrayBuffer): void {
    if (this.#connection === undefined && this.#channel !== undefined) this.#opened(this.#channel)
    this.#connection?.onMessage(message)
  }

  #opened(channel: DataChannel): void {
    if (this.isOpen || this.#isEnded) return
    const pair = this.#pc.getSelectedCandidatePair()
    const host = tryIpAddress(pair?.remote.address ?? '')
    if (pair === null || host === undefined) {
      this.end('it has no address')
      return
    }
    this.isOpen = true
    this.#late.cancel()
    this.remote = { host, port: pair.remote.port }
    this.local = tryIpAddress(pair.local.address)
    const { infoHash, onOpen } = this.#parts
    const connection = new ChannelConnection({
      channel,
      remote: this.remote,
      infoHash,
      messageBytesMax: this.#messageBytesMax,
      onEnd: (reason) => this.end(reason),
    })
    this.#connection = connection
    onOpen(this, connection)
  }

  #guarded<A extends unknown[]>(action: (...args: A) => void): (...args: A) => void {
    return this.#parts.rtc.guarded(
      () => this.end('it failed'),
      (...args: A) => {
        if (!this.#isEnded) action(...args)
      },
    )
  }
}

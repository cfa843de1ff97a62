/**
 * How viewers meet: offers and answers of WebRTC by the tracker's WebSocket (`wire/signal.ts`), as WebTorrent does it. Each
 * announce brings a few offers, which the tracker hands to colleagues, the nearest first.
 */
import { messageOf, ShoalError } from '../../core/errors.ts'
import type { InfoHash, PeerId } from '../../core/ids.ts'
import type { Random } from '../../core/random.ts'
import { millis } from '../../core/units.ts'
import { limits } from '../../wire/limits.ts'
import { formatSignal, offerIdOf, type Offer, type OfferId } from '../../wire/signal.ts'
import { formatSignalLeases, parseSignalLeasesReply } from '../../wire/signal-lease.ts'
import { parseSignalReply, type SignalReply } from '../../wire/signal-reply.ts'
import { addressesIn, type Sdp } from '../../wire/sdp.ts'
import type { Channel, EngineClock } from './channel.ts'
import { PeerLeases } from './leases.ts'

/** Half a connection: it waits for the other side's word. */
export interface Offered {
  readonly sdp: Sdp
  /** @throws when the two do not come together. */
  accept(answer: Sdp): Promise<Channel>
  close(): void
}

export interface Rtc {
  /** With all addresses of this machine in it. */
  offer(): Promise<Offered>
  answer(offer: Sdp): Promise<{ readonly sdp: Sdp; readonly channel: Promise<Channel> }>
}

/** A WebSocket, as far as it is used. */
export interface Line {
  send(text: string): void
  close(): void
}

export interface LineHandler {
  onOpen(): void
  onText(text: string): void
  /** Once, also when it never opened. */
  onClose(): void
}

export interface MeetingParts {
  readonly clock: EngineClock
  readonly random: Random
  readonly infoHash: InfoHash
  readonly self: PeerId
  readonly rtc: Rtc
  readonly open: (handler: LineHandler) => Line
  /** What is still missing of the release, in bytes. */
  readonly leftBytes: () => number
  /** How many more connections would be welcome. */
  readonly wanted: () => number
  readonly isBanned: (peer: PeerId, addresses: readonly string[]) => boolean
  /** It is connected already. */
  readonly isKnown: (peer: PeerId) => boolean
  /** Who is connected, the gateway too. */
  readonly met: () => readonly PeerId[]
  /** They are in the swarm no more. */
  readonly onGone: (peers: readonly PeerId[]) => void
  readonly onChannel: (channel: Channel) => void
  /** The tracker knows of nobody else. */
  readonly onAlone: () => void
  /** The tracker lets us in no more, for this reason: true when there is another grant to come with. */
  readonly renew: (reason: string) => Promise<boolean>
  readonly onNote?: (sentence: string) => void
}

const OFFERS_MAX = 5
/** While others are there whom we have not met; and else as the tracker says. */
const SEARCH_EVERY = 10_000
/** An offer that nobody took: the tracker forgets it after a minute. */
const OFFER_LIFE = 50_000
const RETRY_FIRST = 1_000
const RETRY_MOST = 60_000
/** Being answered at a time: each is a connection half made. */
const ANSWERS_MAX = 8

export class Meeting {
  readonly #parts: MeetingParts
  readonly #offers = new Map<OfferId, Offered>()
  readonly #leases = new PeerLeases()
  #line: Line | undefined
  #isOpen = false
  #isClosed = false
  #retryMs = RETRY_FIRST
  #answering = 0
  /** The last word of the tracker, where that was a refusal. */
  #refusal: string | undefined
  #next: { cancel(): void } | undefined
  #hasStarted = false
  /** Others in the swarm, by the tracker's last word. */
  #others = 0

  constructor(parts: MeetingParts) {
    this.#parts = parts
    this.#connect()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#next?.cancel()
    if (this.#isOpen) this.#say('stopped', [])
    this.#line?.close()
    this.#forgetOffers()
  }

  #connect(): void {
    this.#hasStarted = false
    this.#line = this.#parts.open({
      onOpen: () => {
        this.#isOpen = true
        this.#leases.restart()
        void this.#announce()
      },
      onText: (text) => {
        this.#hear(text)
      },
      onClose: () => {
        this.#isOpen = false
        this.#forgetOffers()
        if (!this.#isClosed) this.#reconnect()
      },
    })
  }

  #reconnect(): void {
    const wait = this.#retryMs * (0.5 + this.#parts.random())
    this.#retryMs = Math.min(RETRY_MOST, 2 * this.#retryMs)
    this.#in(wait, () => void this.#comeBack())
  }

  /** Where it was refused and shown out, with another grant or not at all; of what else is the matter the grant is not to blame. */
  async #comeBack(): Promise<void> {
    const reason = this.#refusal
    this.#refusal = undefined
    if (reason !== undefined && !(await this.#parts.renew(reason))) {
      this.#refusal = reason
      if (!this.#isClosed) this.#reconnect()
      return
    }
    if (!this.#isClosed) this.#connect()
  }

  #in(ms: number, action: () => void): void {
    this.#next?.cancel()
    this.#next = this.#parts.clock.after(millis(ms), action)
  }

  async #announce(): Promise<void> {
    const unmet = this.#hasStarted ? Math.max(0, this.#others - this.#parts.met().length) : OFFERS_MAX
    const wanted = Math.min(OFFERS_MAX, this.#parts.wanted(), unmet, limits.signalOffersMax)
    const offers = await this.#makeOffers(wanted)
    if (!this.#isOpen) return
    this.#say(this.#hasStarted ? undefined : 'started', offers)
    this.#hasStarted = true
    this.#askForLeases()
    this.#in(SEARCH_EVERY, () => void this.#announce())
  }

  #say(event: 'started' | 'stopped' | undefined, offers: readonly Offer[]): void {
    const { infoHash, leftBytes, self } = this.#parts
    this.#line?.send(
      formatSignal({
        kind: 'announce',
        infoHash,
        peerId: self,
        ...(event !== undefined && { event }),
        leftBytes: leftBytes(),
        numWant: offers.length,
        offers,
      }),
    )
  }

  async #makeOffers(count: number): Promise<Offer[]> {
    const made = await Promise.allSettled(Array.from({ length: count }, () => this.#parts.rtc.offer()))
    const offers: Offer[] = []
    for (const result of made) {
      if (result.status === 'rejected') {
        this.#parts.onNote?.(`no offer could be made: ${messageOf(result.reason)}`)
        continue
      }
      const offered = result.value
      if (this.#isClosed) {
        offered.close()
        continue
      }
      const offerId = this.#newOfferId()
      this.#offers.set(offerId, offered)
      this.#parts.clock.after(millis(OFFER_LIFE), () => {
        if (this.#offers.delete(offerId)) offered.close()
      })
      offers.push({ offerId, sdp: offered.sdp })
    }
    return offers
  }

  #newOfferId(): OfferId {
    const byte = (): string => String.fromCharCode(Math.floor(256 * this.#parts.random()))
    return offerIdOf(Array.from({ length: 20 }, byte).join(''))
  }

  #askForLeases(): void {
    const peerIds = this.#leases.ask(this.#parts.met())
    if (peerIds.length > 0) this.#line?.send(formatSignalLeases({ infoHash: this.#parts.infoHash, peerIds }))
  }

  #hear(text: string): void {
    let reply: SignalReply
    try {
      const leases = parseSignalLeasesReply(text)
      if (leases !== undefined) {
        this.#parts.onGone(this.#leases.answered(leases.gone))
        return
      }
      reply = parseSignalReply(text)
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      this.#parts.onNote?.(`the tracker said what cannot be understood: ${error.message}`)
      return
    }
    switch (reply.kind) {
      case 'counts':
        this.#refusal = undefined
        this.#retryMs = RETRY_FIRST
        this.#others = Math.max(0, reply.complete + reply.incomplete - 1)
        // Nobody else: the next who comes makes offers of their own.
        if (this.#others > 0) return
        this.#parts.onAlone()
        this.#in(reply.intervalMs, () => void this.#announce())
        return
      case 'offer':
        void this.#answer(reply.from, reply)
        return
      case 'answer':
        void this.#accept(reply.from, reply)
        return
      case 'refused':
        this.#refused(reply)
        return
      case 'other':
        return
    }
  }

  #refused({ reason, retryInMs }: Extract<SignalReply, { kind: 'refused' }>): void {
    this.#parts.onNote?.(`the tracker refuses: ${reason}`)
    this.#refusal = reason
    if (typeof retryInMs === 'number')
      this.#retryMs = Math.max(this.#retryMs, Math.min(RETRY_MOST, retryInMs))
  }

  async #answer(from: PeerId, { offerId, sdp }: Offer): Promise<void> {
    const { infoHash, isBanned, onNote, rtc, self, wanted } = this.#parts
    if (wanted() <= 0 || this.#answering >= ANSWERS_MAX) return
    if (isBanned(from, addressesIn(sdp)) || this.#parts.isKnown(from)) return
    this.#answering++
    try {
      const { sdp: answer, channel } = await rtc.answer(sdp)
      this.#line?.send(
        formatSignal({ kind: 'answer', infoHash, peerId: self, toPeerId: from, offerId, sdp: answer }),
      )
      this.#came(await channel)
    } catch (error) {
      onNote?.(`a colleague could not be reached: ${messageOf(error)}`)
    } finally {
      this.#answering--
    }
  }

  async #accept(from: PeerId, { offerId, sdp }: Offer): Promise<void> {
    const offered = this.#offers.get(offerId)
    if (offered === undefined) return
    this.#offers.delete(offerId)
    if (this.#parts.isBanned(from, addressesIn(sdp)) || this.#parts.isKnown(from)) {
      offered.close()
      return
    }
    try {
      this.#came(await offered.accept(sdp))
    } catch (error) {
      offered.close()
      this.#parts.onNote?.(`a colleague could not be reached: ${messageOf(error)}`)
    }
  }

  #came(channel: Channel): void {
    if (this.#isClosed) channel.close()
    else this.#parts.onChannel(channel)
  }

  #forgetOffers(): void {
    for (const offered of this.#offers.values()) offered.close()
    this.#offers.clear()
  }
}

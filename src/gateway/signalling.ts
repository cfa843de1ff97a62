/**
 * The gateway in one swarm of browsers: a WebSocket of the tracker, on which it announces itself as a browser would,
 * answers offers, and asks whether those it met are still in the swarm. When it comes it offers itself once to those
 * who wait: their own offers found nobody, and their next ones are minutes away.
 */
import { randomBytes } from 'node:crypto'
import { WebSocket, type ClientOptions, type RawData } from 'ws'
import { messageOf, ShoalError } from '../core/errors.ts'
import type { InfoHash, PeerId } from '../core/ids.ts'
import type { Random } from '../core/random.ts'
import { millis, minutes, seconds, type Millis } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { limits } from '../wire/limits.ts'
import { formatSignalLeases, parseSignalLeasesReply } from '../wire/signal-lease.ts'
import { parseSignalReply, type SignalReply } from '../wire/signal-reply.ts'
import { formatSignal, offerIdOf, type Offer, type OfferId } from '../wire/signal.ts'
import { Acquaintances } from './acquaintances.ts'
import type { Link, Links } from './links.ts'

export interface SignallingParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly links: Links
  readonly infoHash: InfoHash
  readonly peerId: PeerId
  /** With the grant of the moment; the next one when one does not answer. */
  readonly urls: () => readonly string[]
  readonly leftBytes: () => number
  /** The tracker said no for good: with this grant there is nothing to be had. */
  readonly onRefused: (reason: string) => void
}

/** Bounds that the types of `ws` do not know yet. */
const SOCKET_OPTIONS: ClientOptions & Record<string, unknown> = {
  perMessageDeflate: false,
  followRedirects: false,
  handshakeTimeout: 10_000,
  maxPayload: limits.signalFrameBytesMax,
  maxFragments: limits.signalFragmentsMax,
}
const RETRY_FIRST = seconds(1)
const RETRY_MAX = seconds(30)
/** Who is told twice that it is gone leaves: within 20 s of the tracker's knowing, and within the minute promised. */
const LEASES_EVERY = seconds(8)
/** A page answers in a second or two; an offer that nobody answers holds a place that another needs. */
const ANSWER_WITHIN = seconds(5)
/** A tracker that says no for longer is asked all the same: the grant is another by then, maybe. */
const REFUSED_MAX = minutes(5)
/** Trackers ping each 20 s. */
const SILENCE_MAX = seconds(60)

export class Signalling implements Disposable {
  readonly #parts: SignallingParts
  readonly #offers = new Map<OfferId, Link>()
  readonly #timers = new Set<Timer>()
  #socket: WebSocket | undefined
  #attempts = 0
  #hasOffered = false
  #isOver = false
  #announcing: Timer | undefined
  #lastHeard: Millis
  /** Not to be announced before, after a refusal. */
  #notBefore: Millis
  readonly #acquaintances: Acquaintances
  #asked: readonly PeerId[] = []
  /** Where among those that do not fit into one question the next begins. */
  #askFrom = 0

  constructor(parts: SignallingParts) {
    this.#parts = parts
    this.#lastHeard = parts.clock.now()
    this.#notBefore = this.#lastHeard
    this.#acquaintances = new Acquaintances(parts.clock)
    this.#timers.add(
      parts.clock.every(LEASES_EVERY, () => {
        this.#asked = [] // what has not been answered by now will not be
        this.#askLeases()
      }),
    )
    this.#connect()
  }

  /** Also when all of it is here: from then on it is a seed. */
  announce(): void {
    this.#send(formatSignal({ ...this.#announcement(), offers: [] }))
  }

  /** Comes again with the grant of the moment: a socket is as good as the grant that it began with. */
  renew(): void {
    const socket = this.#socket
    if (socket?.readyState !== WebSocket.OPEN) return
    this.#send(formatSignal({ ...this.#announcement(), event: 'stopped', offers: [] }))
    this.#socket = undefined
    socket.once('close', () => this.#connect())
    socket.close()
  }

  /** Asks about everybody who is connected, in turn where they are many. */
  #askLeases(): void {
    const { clock, links, infoHash } = this.#parts
    if (this.#socket?.readyState === WebSocket.OPEN && clock.now() - this.#lastHeard > SILENCE_MAX)
      this.#socket.terminate()
    const all = links.peerIdsOf(infoHash)
    if (all.length === 0 || this.#asked.length > 0 || !this.#acquaintances.hasJoined) return
    const from = this.#askFrom < all.length ? this.#askFrom : 0
    this.#asked = all.slice(from, from + limits.leasePeersMax)
    this.#askFrom = from + this.#asked.length
    if (!this.#send(formatSignalLeases({ infoHash, peerIds: this.#asked }))) this.#asked = []
  }

  [Symbol.dispose](): void {
    if (this.#isOver) return
    this.#send(formatSignal({ ...this.#announcement(), event: 'stopped', offers: [] }))
    this.#isOver = true
    for (const timer of this.#timers) timer.cancel()
    this.#announcing?.cancel()
    this.#socket?.close()
  }

  #announcement(): { kind: 'announce'; infoHash: InfoHash; peerId: PeerId; leftBytes: number } {
    const { infoHash, peerId, leftBytes } = this.#parts
    return { kind: 'announce', infoHash, peerId, leftBytes: leftBytes() }
  }

  #connect(): void {
    if (this.#isOver) return
    const { urls, log } = this.#parts
    const all = urls()
    const url = (all[this.#attempts % all.length] ?? '').replace(/^http/i, 'ws')
    let socket: WebSocket
    try {
      socket = new WebSocket(url, SOCKET_OPTIONS)
    } catch (error) {
      log.warn(`the tracker's address cannot be read: ${messageOf(error)}`)
      this.#retry()
      return
    }
    this.#socket = socket
    this.#acquaintances.beginAnew()
    socket.on('open', () => {
      this.#lastHeard = this.#parts.clock.now()
      this.#asked = []
      this.announce()
    })
    socket.on('ping', () => (this.#lastHeard = this.#parts.clock.now()))
    socket.on('message', (data) => this.#hear(data))
    socket.on('error', (error) => log.debug(`the tracker: ${messageOf(error)}`)) // 'close' follows
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#socket = undefined
      this.#announcing?.cancel()
      this.#retry()
    })
  }

  #retry(): void {
    if (this.#isOver) return
    const { clock, random } = this.#parts
    const full = Math.min(RETRY_MAX, RETRY_FIRST * 2 ** Math.min(this.#attempts++, 8))
    const wait = Math.max(full * (0.5 + random() / 2), this.#notBefore - clock.now())
    const timer = clock.after(millis(wait), () => {
      this.#timers.delete(timer)
      this.#connect()
    })
    this.#timers.add(timer)
  }

  /** False: it is not connected. */
  #send(text: string): boolean {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false
    if (this.#socket.bufferedAmount > limits.signalSendQueueBytesMax) this.#socket.terminate()
    else this.#socket.send(text)
    return true
  }

  #hear(data: RawData): void {
    if (this.#isOver) return // what was on its way
    this.#lastHeard = this.#parts.clock.now()
    try {
      const text = (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer)).toString('utf8')
      const leases = parseSignalLeasesReply(text)
      if (leases === undefined) this.#apply(parseSignalReply(text))
      else if (leases.infoHash === this.#parts.infoHash) this.#heardLeases(leases.gone)
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      this.#parts.links.refused++
      this.#parts.log.debug(`a message of the tracker was dropped: ${error.message}`)
    }
  }

  #apply(reply: SignalReply): void {
    if (reply.kind === 'refused') {
      this.#refused(reply)
      return
    }
    if (reply.kind === 'other' || reply.infoHash !== this.#parts.infoHash) return
    if (reply.kind !== 'counts') {
      this.#acquaintances.met(reply.from)
      const link = this.#offers.get(reply.offerId)
      this.#offers.delete(reply.offerId)
      if (reply.kind === 'offer') void this.#answer(reply.from, reply)
      else link?.answered(reply.from, reply.sdp)
    } else {
      this.#attempts = 0
      this.#acquaintances.joined()
      this.#announceIn(millis(Math.min(Math.max(reply.intervalMs, seconds(30)), minutes(10))))
      if (!this.#hasOffered && reply.incomplete > 0) void this.#offer(reply.incomplete)
      this.#hasOffered = true
    }
  }

  /** Whoever is connected stays: they play, whatever the tracker says now. */
  #refused({ reason, retryInMs }: Extract<SignalReply, { kind: 'refused' }>): void {
    const { clock, log, onRefused } = this.#parts
    if (retryInMs === 'never') {
      onRefused(reason)
      return
    }
    if (clock.now() < this.#notBefore) return // said already
    log.warn(`the tracker refuses the gateway for now: ${reason}`)
    const wait = millis(Math.max(RETRY_MAX, Math.min(REFUSED_MAX, retryInMs ?? 0)))
    this.#notBefore = millis(clock.now() + wait)
    this.#announceIn(wait) // where the socket stays open
  }

  #announceIn(delay: Millis): void {
    this.#announcing?.cancel()
    this.#announcing = this.#parts.clock.after(delay, () => this.announce())
  }

  #heardLeases(gone: readonly PeerId[]): void {
    const { links, infoHash } = this.#parts
    const asked = this.#asked
    this.#asked = []
    links.gone(infoHash, this.#acquaintances.counting(asked, gone), gone)
    if (this.#askFrom < this.#parts.links.peerIdsOf(this.#parts.infoHash).length) this.#askLeases()
    else this.#askFrom = 0
  }

  async #answer(from: PeerId, { offerId, sdp }: Offer): Promise<void> {
    const { links, infoHash, peerId, log } = this.#parts
    try {
      const link = links.answer(infoHash, from, sdp)
      if (link === undefined) return
      const answer = await link.description()
      this.#send(formatSignal({ kind: 'answer', infoHash, peerId, toPeerId: from, offerId, sdp: answer }))
    } catch (error) {
      links.refused++
      log.debug(`an offer was refused: ${messageOf(error)}`)
    }
  }

  async #offer(count: number): Promise<void> {
    const { links, infoHash } = this.#parts
    const made = Array.from({ length: Math.min(count, limits.signalOffersMax) }, async () => {
      const link = links.offer(infoHash)
      if (link === undefined) return []
      const offerId = offerIdOf(randomBytes(20).toString('latin1'))
      const sdp = await link.description()
      this.#offers.set(offerId, link)
      return [{ offerId, sdp }]
    })
    const offers = (await Promise.allSettled(made)).flatMap((one) =>
      one.status === 'fulfilled' ? one.value : [],
    )
    const takeBack = (): void => {
      for (const { offerId } of offers) {
        this.#offers.get(offerId)?.end('nobody answered')
        this.#offers.delete(offerId)
      }
    }
    if (offers.length === 0) return
    const announce = formatSignal({ ...this.#announcement(), numWant: offers.length, offers })
    if (this.#isOver || !this.#send(announce)) {
      takeBack()
      return
    }
    const timer = this.#parts.clock.after(ANSWER_WITHIN, () => {
      this.#timers.delete(timer)
      takeBack()
    })
    this.#timers.add(timer)
  }
}

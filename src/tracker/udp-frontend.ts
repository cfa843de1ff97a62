/**
 * Announce and scrape over UDP (BEP 15, 41), without sockets: a datagram and where it came from go in, what to send
 * back comes out. Until a connection id has proved the address nothing is remembered and no answer is longer than
 * its question; until then nothing is looked up, parsed or logged either.
 *
 * A refusal is an error packet with its reason. UDP cannot say when to come back; libtorrent shows people the text.
 */
import { messageOf, ShoalError } from '../core/errors.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { UdpSend, UdpSender } from '../platform/udp-listener.ts'
import type { AnnounceReply } from '../wire/announce.ts'
import { limits } from '../wire/limits.ts'
import {
  type UdpFamily,
  UDP_PEERS_MAX,
  writeUdpAnnounceReply,
  writeUdpConnectReply,
  writeUdpError,
  writeUdpScrapeReply,
} from '../wire/udp-tracker-reply.ts'
import { parseUdpAnnounce, parseUdpScrape, udpActionOf, udpTransactionOf } from '../wire/udp-tracker.ts'
import type { AddressBook, AddressFacts } from './address-book.ts'
import { ConnectionIds } from './connection-ids.ts'
import { refusals, type Refusal } from './refusals.ts'
import type { Answer, TrackerCore } from './tracker-core.ts'

export interface UdpFrontendParts {
  readonly clock: Clock
  readonly core: TrackerCore
  readonly addresses: AddressBook
  readonly log: Logger
}

export interface UdpFrontendOptions {
  /** Answers that wait for a signature at a time; beyond it requests are dropped, and peers ask again. */
  readonly waitingMax: number
}

/** Datagrams since the start. */
export interface UdpCounts {
  readonly connects: number
  /** With a bad or expired connection id. */
  readonly unproved: number
  /** No request at all. */
  readonly ignored: number
  /** No room to wait for a signature. */
  readonly dropped: number
}

/** Whom to answer, and how. */
interface Asked {
  readonly transactionId: number
  readonly from: UdpSender
  readonly send: UdpSend
}

/** Shorter than any announce or scrape that has an infohash in it. */
const UNPROVED = 'connection id expired'

export class UdpFrontend {
  readonly #parts: UdpFrontendParts
  readonly #waitingMax: number
  readonly #ids: ConnectionIds
  readonly #counts = { connects: 0, unproved: 0, ignored: 0, dropped: 0 }
  /** Every reply is written here. */
  #room = Buffer.alloc(limits.udpReplyBytesMax)
  #waiting = 0

  constructor(parts: UdpFrontendParts, options: UdpFrontendOptions) {
    this.#parts = parts
    this.#waitingMax = options.waitingMax
    this.#ids = new ConnectionIds(parts)
  }

  get counts(): UdpCounts {
    return { ...this.#counts }
  }

  /** Answers that wait for a signature. */
  get waiting(): number {
    return this.#waiting
  }

  handle(packet: Buffer, from: UdpSender, send: UdpSend): void {
    const action = udpActionOf(packet)
    if (action === undefined || from.port === 0) {
      this.#counts.ignored++ // nobody can be answered at port 0
      return
    }
    const asked: Asked = { transactionId: udpTransactionOf(packet), from, send }
    if (action === 'connect') this.#connect(asked)
    else if (!this.#ids.isGood(packet, 0, from.address)) this.#refuseUnproved(packet, asked)
    else if (this.#waiting >= this.#waitingMax) this.#counts.dropped++
    else this.#answer(action, packet, asked)
  }

  #connect(asked: Asked): void {
    this.#counts.connects++
    const length = writeUdpConnectReply(this.#room, asked.transactionId)
    this.#ids.write(this.#room, 8, asked.from.address)
    this.#send(asked, length)
  }

  /** Says so, since a client that knows connects again at once; nothing where that were longer than the question. */
  #refuseUnproved(packet: Buffer, asked: Asked): void {
    this.#counts.unproved++
    const length = writeUdpError(this.#room, asked.transactionId, UNPROVED)
    if (length <= packet.length) this.#send(asked, length)
  }

  #answer(action: 'announce' | 'scrape', packet: Buffer, asked: Asked): void {
    const { addresses, core } = this.#parts
    try {
      const facts = addresses.lookUp(asked.from.address)
      if (facts === undefined) this.#refuse(asked, core.refuse(refusals.addressUnknown))
      else if (action === 'announce') this.#announce(packet, facts, asked)
      else this.#scrape(packet, facts, asked)
    } catch (error) {
      if (error instanceof ShoalError) this.#refuse(asked, core.refuse(refusals.badRequest(error.message)))
      else this.#fail(asked, error)
    }
  }

  #announce(packet: Buffer, facts: AddressFacts, asked: Asked): void {
    const family = familyOf(asked.from)
    const peersMax = UDP_PEERS_MAX[family]
    const request = parseUdpAnnounce(packet)
    const { numWant = 0 } = request
    const answer = this.#parts.core.announce(
      numWant > peersMax ? { ...request, numWant: peersMax } : request,
      facts,
      family,
    )
    if (!(answer instanceof Promise)) {
      this.#sendAnnounced(asked, answer)
      return
    }
    this.#waiting++
    answer
      .then((done) => {
        this.#sendAnnounced(asked, done)
      })
      .catch((error: unknown) => {
        this.#fail(asked, error)
      })
      .finally(() => this.#waiting--)
  }

  #sendAnnounced(asked: Asked, answer: Answer<AnnounceReply>): void {
    if ('refusal' in answer) this.#refuse(asked, answer.refusal)
    else {
      const { transactionId, from } = asked
      this.#send(asked, writeUdpAnnounceReply(this.#room, transactionId, answer.reply, familyOf(from)))
    }
  }

  #scrape(packet: Buffer, facts: AddressFacts, asked: Asked): void {
    const infoHashes = parseUdpScrape(packet)
    const answer = this.#parts.core.scrapeAsPeer(infoHashes, facts, asked.from.port)
    if ('refusal' in answer) this.#refuse(asked, answer.refusal)
    else this.#send(asked, writeUdpScrapeReply(this.#room, asked.transactionId, infoHashes, answer.reply))
  }

  #refuse(asked: Asked, { reason }: Refusal): void {
    this.#send(asked, writeUdpError(this.#room, asked.transactionId, reason))
  }

  /** A bug: the client learns no more than that. */
  #fail(asked: Asked, error: unknown): void {
    this.#parts.log.error({ err: error }, `tracker: ${messageOf(error)}`)
    this.#send(asked, writeUdpError(this.#room, asked.transactionId, 'internal error'))
  }

  #send({ send, from }: Asked, length: number): void {
    if (!send(this.#room, length, from)) this.#room = Buffer.alloc(limits.udpReplyBytesMax)
  }
}

const familyOf = (sender: UdpSender): UdpFamily => (sender.family === 'IPv6' ? 'v6' : 'v4')

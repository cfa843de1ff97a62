/**
 * Announces over UDP, so many under way at a time, each sent again when its answer does not come. Works with any
 * tracker of BEP 15. The load is this process's; what it costs the tracker is for the caller to measure.
 */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { parseUdpReply, type UdpReply } from '../../src/wire/udp-tracker-reply.ts'
import { encodeUdpAnnounce, encodeUdpConnect } from '../../src/wire/udp-tracker.ts'
import type { AnnounceRequest } from '../../src/wire/announce.ts'

export interface UdpLoadOptions {
  /** Under way at a time. */
  readonly window?: number
  /** Of 127.0.0.0/8: whose announces these are. */
  readonly localAddress?: string
}

export interface UdpLoadFigures {
  /** Answers that were read in full, one for each request of each round. */
  readonly replies: number
  /** Of these with at least one peer. */
  readonly withPeers: number
  readonly peers: number
  /** Datagrams sent again. */
  readonly resent: number
}

const LOST_AFTER_MS = 500
const TRIES_MAX = 20
/** BEP 15: a connection id may be used for a minute. */
const CONNECTED_MS = 45_000
const RECEIVE_QUEUE_BYTES = 4 * 1_024 * 1_024

interface UnderWay {
  readonly request: number
  sentAt: number
  tries: number
}

/**
 * Sends all requests, `rounds` times, in turn.
 * @throws Error for an answer that is none, a refusal, or a tracker that does not answer at all.
 */
export async function loadUdp(
  port: number,
  requests: readonly AnnounceRequest[],
  rounds: number,
  options: UdpLoadOptions = {},
): Promise<UdpLoadFigures> {
  const { window = 64, localAddress = '127.0.0.1' } = options
  const socket = createSocket({
    type: 'udp4',
    recvBufferSize: RECEIVE_QUEUE_BYTES,
    lookup: (address, _options, callback) => {
      callback(null, address, 4)
    },
  })
  const listening = once(socket, 'listening')
  socket.bind(0, localAddress)
  await listening
  try {
    return await new Load(socket, port, requests, rounds * requests.length, window).run()
  } finally {
    socket.close()
  }
}

class Load {
  readonly #socket: Socket
  readonly #port: number
  readonly #packets: readonly Buffer[]
  readonly #total: number
  readonly #window: number
  readonly #underWay = new Map<number, UnderWay>()
  readonly #figures = { replies: 0, withPeers: 0, peers: 0, resent: 0 }
  #next = 0
  #connectedAt = 0
  /** Until its answer has come nothing else is sent. */
  #connecting: UnderWay | undefined

  constructor(
    socket: Socket,
    port: number,
    requests: readonly AnnounceRequest[],
    total: number,
    window: number,
  ) {
    const head = { connectionId: new Uint8Array(8), transactionId: 0 }
    this.#socket = socket
    this.#port = port
    this.#packets = requests.map((request) => encodeUdpAnnounce(head, request))
    this.#total = total
    this.#window = window
  }

  async run(): Promise<UdpLoadFigures> {
    const done = Promise.withResolvers<undefined>()
    const guarded = (work: () => void): void => {
      try {
        work()
        if (this.#figures.replies === this.#total) done.resolve(undefined)
      } catch (error) {
        done.reject(error)
      }
    }
    this.#socket.on('error', done.reject)
    this.#socket.on('message', (packet) => {
      guarded(() => {
        this.#take(packet)
      })
    })
    const timer = setInterval(() => {
      guarded(() => {
        this.#resend(performance.now())
      })
    }, LOST_AFTER_MS / 2)
    guarded(() => {
      this.#fill()
    })
    try {
      await done.promise
    } finally {
      clearInterval(timer)
    }
    return this.#figures
  }

  #fill(): void {
    const now = performance.now()
    if (this.#connectedAt === 0 || now - this.#connectedAt > CONNECTED_MS) this.#connect(now)
    while (this.#connecting === undefined && this.#underWay.size < this.#window && this.#next < this.#total) {
      const transactionId = this.#next++
      const sent = { request: transactionId % this.#packets.length, sentAt: now, tries: 1 }
      this.#underWay.set(transactionId, sent)
      this.#send(transactionId, sent)
    }
  }

  #connect(now: number): void {
    if (this.#connecting !== undefined || this.#total === 0) return
    this.#connecting = { request: -1, sentAt: now, tries: 1 }
    this.#socket.send(encodeUdpConnect(0), this.#port, '127.0.0.1')
  }

  #send(transactionId: number, { request }: UnderWay): void {
    const packet = this.#packets[request] ?? Buffer.alloc(0)
    packet.writeUInt32BE(transactionId, 12)
    this.#socket.send(packet, this.#port, '127.0.0.1')
  }

  #take(packet: Buffer): void {
    if (packet.readUInt32BE(0) !== 1) {
      this.#takeOther(parseUdpReply(packet, 'v4'))
      return
    }
    // Parsing every peer would make this process the slow one; that they are whole is seen from the length.
    const peers = (packet.length - 20) / 6
    if (!Number.isInteger(peers) || peers < 0) throw new Error(`an answer of ${packet.length} bytes`)
    if (!this.#underWay.delete(packet.readUInt32BE(4))) return // of a datagram that was sent twice
    this.#figures.replies++
    this.#figures.peers += peers
    if (peers > 0) this.#figures.withPeers++
    if (this.#underWay.size <= this.#window / 2) this.#fill()
  }

  #takeOther(reply: UdpReply): void {
    if (reply.kind === 'error') throw new Error(`refused: ${reply.reason}`)
    if (reply.kind !== 'connect') throw new Error(`an answer to nothing: ${reply.kind}`)
    if (this.#connecting === undefined) return
    this.#connecting = undefined
    this.#connectedAt = performance.now()
    for (const packet of this.#packets) packet.set(reply.connectionId, 0)
    this.#fill()
  }

  #resend(now: number): void {
    const isLost = (sent: UnderWay): boolean => {
      if (now - sent.sentAt < LOST_AFTER_MS) return false
      if (sent.tries === TRIES_MAX) throw new Error(`no answer to ${TRIES_MAX} datagrams`)
      sent.sentAt = now
      sent.tries++
      this.#figures.resent++
      return true
    }
    if (this.#connecting !== undefined && isLost(this.#connecting))
      this.#socket.send(encodeUdpConnect(0), this.#port, '127.0.0.1')
    for (const [transactionId, sent] of this.#underWay) if (isLost(sent)) this.#send(transactionId, sent)
  }
}

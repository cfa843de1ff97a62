/** A client of the tracker over UDP, at any loopback address. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import type { AnnounceRequest } from '../../src/wire/announce.ts'
import { parseUdpReply, type UdpReply } from '../../src/wire/udp-tracker-reply.ts'
import { encodeUdpAnnounce, encodeUdpConnect, encodeUdpScrape } from '../../src/wire/udp-tracker.ts'
import type { InfoHash } from '../../src/core/ids.ts'
import { announceRequest } from './support.ts'

export class UdpAsker implements AsyncDisposable {
  readonly #socket: Socket
  readonly #server: { readonly port: number; readonly host: string }
  readonly #waiting: ((packet: Buffer) => void)[] = []
  readonly #arrived: Buffer[] = []
  #transactionId = 1_000

  private constructor(socket: Socket, server: { readonly port: number; readonly host: string }) {
    this.#socket = socket
    this.#server = server
    socket.on('message', (packet) => {
      const next = this.#waiting.shift()
      if (next === undefined) this.#arrived.push(packet)
      else next(packet)
    })
  }

  /** Listens at `host`, an address of this machine, and asks the tracker at `port` of `server`. */
  static async open(host: string, port: number, server = host): Promise<UdpAsker> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.bind(0, host)
    await once(socket, 'listening')
    return new UdpAsker(socket, { port, host: server })
  }

  get port(): number {
    return this.#socket.address().port
  }

  /**
   * Sends these bytes and then a connect: the packets that come before its answer are the answers to the bytes,
   * since the tracker takes datagrams in turn.
   */
  async raw(bytes: Uint8Array): Promise<readonly Buffer[]> {
    const mark = this.#nextTransaction()
    this.#send(bytes)
    this.#send(encodeUdpConnect(mark))
    const answers: Buffer[] = []
    for (;;) {
      const packet = await this.#packet()
      if (packet.length === 16 && packet.readUInt32BE(4) === mark) return answers
      answers.push(packet)
    }
  }

  async connect(): Promise<Uint8Array> {
    const reply = await this.ask(encodeUdpConnect(this.#nextTransaction()))
    if (reply.kind !== 'connect') throw new Error(JSON.stringify(reply))
    return reply.connectionId
  }

  async announce(over: Partial<AnnounceRequest>): Promise<UdpReply> {
    const head = { connectionId: await this.connect(), transactionId: this.#nextTransaction() }
    return this.ask(encodeUdpAnnounce(head, announceRequest({ port: this.port, ...over })))
  }

  async scrape(...infoHashes: readonly InfoHash[]): Promise<UdpReply> {
    const head = { connectionId: await this.connect(), transactionId: this.#nextTransaction() }
    return this.ask(encodeUdpScrape(head, infoHashes))
  }

  async ask(packet: Buffer): Promise<UdpReply> {
    this.#send(packet)
    return parseUdpReply(await this.#packet(), this.#server.host.includes(':') ? 'v6' : 'v4')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = once(this.#socket, 'close')
    this.#socket.close()
    await closed
  }

  #send(bytes: Uint8Array): void {
    this.#socket.send(bytes, this.#server.port, this.#server.host)
  }

  #packet(): Promise<Buffer> {
    const next = this.#arrived.shift()
    return next === undefined ? new Promise((resolve) => this.#waiting.push(resolve)) : Promise.resolve(next)
  }

  #nextTransaction(): number {
    return ++this.#transactionId
  }
}

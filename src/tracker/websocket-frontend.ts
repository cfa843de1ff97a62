/**
 * Announce and scrape over WebSockets (RFC 6455), as browsers do: the tracker of WebTorrent. This file opens,
 * counts and ends the sockets; `signal-core.ts` answers what they say.
 *
 * The grant in the URL is the only authority. No cookie and no address gives a page of another origin any right
 * here, so there is nothing that a check of `Origin` would keep from it; and a company's player may stand on any
 * of its pages.
 *
 * Whoever has no good grant may open a socket, since a browser learns the reason of a refusal from a message only:
 * it is closed with the refusal of its first announce, or after `limits.signalIdleTimeout` of saying nothing.
 */
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type RawData, type ServerOptions, type WebSocket } from 'ws'
import { networkOf, tryIpAddress, type IpAddress } from '../core/address.ts'
import { messageOf, ShoalError } from '../core/errors.ts'
import { millis, seconds } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { grantOf } from '../wire/announce.ts'
import { limits } from '../wire/limits.ts'
import { parseQuery } from '../wire/query.ts'
import { parseSignal } from '../wire/signal.ts'
import type { AddressRanges } from './address-ranges.ts'
import { clientAddress } from './client-address.ts'
import { FIRST_SOCKET } from './grant-uses.ts'
import { refusals, type Refusal } from './refusals.ts'
import type { SignalCore } from './signal-core.ts'
import { SignalSocket, type SendQueues } from './signal-socket.ts'
import type { TrackerCore } from './tracker-core.ts'

export interface WebSocketFrontendParts {
  readonly clock: Clock
  readonly log: Logger
  readonly core: TrackerCore
  readonly signals: SignalCore
  /** Ours to fill; `signals` looks others up in it. */
  readonly sockets: Map<number, SignalSocket>
}

export interface WebSocketFrontendOptions {
  readonly trustedProxies: AddressRanges
  readonly socketsMax: number
  readonly socketsPerAddressMax: number
}

/** Sockets are inspected in so many groups, one after the other: 20,000 at once would stall the loop. */
const GROUPS = 20
/** For the other side to say goodbye, when we stop. */
const GOODBYE = seconds(1)

const STATUS = {
  400: 'Bad Request',
  414: 'URI Too Long',
  429: 'Too Many Requests',
  503: 'Service Unavailable',
} as const

/** Bounds that the types of `ws` do not know yet. */
const SERVER_OPTIONS: ServerOptions & Record<string, unknown> = {
  noServer: true,
  clientTracking: false,
  perMessageDeflate: false, // takes 300 kB a socket, and lets a small frame become a large one
  maxPayload: limits.signalFrameBytesMax,
  maxFragments: limits.signalFragmentsMax,
  maxBufferedChunks: 1_024,
  maxPendingAutoPongs: 8,
  closeTimeout: 5_000,
}

export class WebSocketFrontend implements AsyncDisposable {
  readonly #parts: WebSocketFrontendParts
  readonly #options: WebSocketFrontendOptions
  readonly #server = new WebSocketServer(SERVER_OPTIONS)
  readonly #groups = Array.from({ length: GROUPS }, () => new Set<SignalSocket>())
  /** Open sockets by the network that they come from. */
  readonly #perNetwork = new Map<string, number>()
  readonly #queues: SendQueues = { totalBytes: 0 }
  readonly #idle = new Set<SignalSocket>()
  readonly #inspecting: Timer
  #nextNumber = FIRST_SOCKET
  #nextGroup = 0
  /** Called when the last socket is gone. */
  #onEmpty: (() => void) | undefined
  #isStopping = false

  constructor(parts: WebSocketFrontendParts, options: WebSocketFrontendOptions) {
    this.#parts = parts
    this.#options = options
    const period = millis(limits.signalPingInterval / GROUPS)
    this.#inspecting = parts.clock.every(period, () => {
      this.#inspectGroup()
    })
  }

  /** False, with nothing done, when the path is not the tracker's. */
  handleUpgrade(req: IncomingMessage, socket: Duplex, head: Buffer): boolean {
    const url = req.url ?? ''
    const mark = url.indexOf('?')
    if ((mark === -1 ? url : url.slice(0, mark)) !== '/announce') return false
    const query = mark === -1 ? '' : url.slice(mark + 1)
    if (query.length > limits.announceQueryCharsMax) answer(socket, 414, 'the query is too long')
    else this.#accept(req, query, socket, head)
    return true
  }

  /** Says goodbye to all, and cuts whoever does not answer in time. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true
    this.#inspecting.cancel()
    const { clock, sockets } = this.#parts
    if (sockets.size === 0) return
    const empty = new Promise<void>((resolve) => {
      this.#onEmpty = resolve
    })
    const cutting = clock.after(GOODBYE, () => {
      for (const socket of [...sockets.values()]) socket.cut()
    })
    for (const socket of [...sockets.values()]) socket.close('goingAway')
    await empty
    cutting.cancel()
  }

  #accept(req: IncomingMessage, query: string, socket: Duplex, head: Buffer): void {
    const { core } = this.#parts
    const refuse = (status: keyof typeof STATUS, refusal: Refusal): void => {
      answer(socket, status, core.refuse(refusal).reason)
    }
    try {
      const token = grantOf(parseQuery(query))
      const host = this.#hostOf(req)
      if (host === undefined) refuse(400, refusals.addressUnknown)
      else if (this.#isStopping || !this.#hasRoom()) refuse(503, refusals.tooManySockets)
      else if ((this.#perNetwork.get(networkOf(host)) ?? 0) >= this.#options.socketsPerAddressMax)
        refuse(429, refusals.tooManySockets)
      else
        this.#server.handleUpgrade(req, socket, head, (webSocket) => {
          this.#open(webSocket, host, token)
        })
    } catch (error) {
      if (!(error instanceof ShoalError)) throw error
      refuse(400, refusals.badRequest(error.message))
    }
  }

  /** When all are taken, the one that has been in no swarm for longest makes room: strangers keep nobody out. */
  #hasRoom(): boolean {
    const { socketsMax } = this.#options
    if (this.#parts.sockets.size < socketsMax) return true
    const [idle] = this.#idle
    if (socketsMax === 0 || idle === undefined) return false
    idle.cut()
    return true
  }

  #hostOf(req: IncomingMessage): IpAddress | undefined {
    const header = req.headers['x-forwarded-for']
    const forwardedFor = Array.isArray(header) ? header.join(',') : header
    const connection = tryIpAddress(req.socket.remoteAddress ?? '')
    return clientAddress(connection, forwardedFor, this.#options.trustedProxies)
  }

  #open(webSocket: WebSocket, host: IpAddress, token: string | undefined): void {
    const { clock, signals, sockets } = this.#parts
    const number = this.#nextNumber++
    const onClosing = (closing: SignalSocket): void => {
      signals.leave(closing)
    }
    const socket = new SignalSocket(
      { clock, webSocket, queues: this.#queues, idle: this.#idle, onClosing },
      { number, host, token },
    )
    const group = this.#groups[number % GROUPS]
    sockets.set(number, socket)
    group?.add(socket)
    this.#count(host, 1)
    webSocket.on('message', (data, isBinary) => {
      this.#receive(socket, data, isBinary)
    })
    webSocket.on('pong', () => {
      socket.lives()
    })
    webSocket.on('error', ignore) // what is no WebSocket frame; it closes itself
    webSocket.on('close', () => {
      socket.onClosed()
      sockets.delete(number)
      group?.delete(socket)
      this.#count(host, -1)
      if (sockets.size === 0) this.#onEmpty?.()
    })
    if (this.#isStopping) socket.close('goingAway')
  }

  #receive(socket: SignalSocket, data: RawData, isBinary: boolean): void {
    if (!socket.isOpen) return
    const bytes = bytesOf(data)
    if (!socket.mayCost(1 + Math.floor(bytes.length / 8_192))) {
      this.#refuse(socket, refusals.tooManyMessages)
      socket.close()
      return
    }
    try {
      const message = parseSignal(isBinary ? textOf(bytes) : bytes.toString('utf8'))
      if (message.kind === 'announce') socket.mayCost(message.offers.length)
      this.#parts.signals.receive(message, socket)?.catch((error: unknown) => {
        this.#fail(socket, error)
      })
    } catch (error) {
      if (error instanceof ShoalError) this.#refuse(socket, refusals.badRequest(error.message))
      else this.#fail(socket, error)
    }
  }

  #refuse(socket: SignalSocket, refusal: Refusal): void {
    socket.refuse('announce', this.#parts.core.refuse(refusal))
  }

  /** A bug: the client learns no more than that. */
  #fail(socket: SignalSocket, error: unknown): void {
    this.#parts.log.error({ err: error }, `tracker: ${messageOf(error)}`)
    socket.close()
  }

  #inspectGroup(): void {
    const group = this.#groups[this.#nextGroup]
    this.#nextGroup = (this.#nextGroup + 1) % GROUPS
    for (const socket of [...(group ?? [])]) if (this.#parts.signals.inspect(socket)) socket.inspect()
  }

  #count(host: IpAddress, by: 1 | -1): void {
    const network = networkOf(host)
    const count = (this.#perNetwork.get(network) ?? 0) + by
    if (count === 0) this.#perNetwork.delete(network)
    else this.#perNetwork.set(network, count)
  }
}

const ignore = (): void => undefined

/** `ws` gives one Buffer unless it is told to give something else. */
function bytesOf(data: RawData): Buffer {
  if (Array.isArray(data)) return Buffer.concat(data)
  return Buffer.isBuffer(data) ? data : Buffer.from(data)
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true })

function textOf(bytes: Buffer): string {
  try {
    return UTF_8.decode(bytes)
  } catch {
    throw new ShoalError('bad-input', 'the message is no text')
  }
}

function answer(socket: Duplex, status: keyof typeof STATUS, text: string): void {
  const head = `HTTP/1.1 ${status} ${STATUS[status]}\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n`
  const body = `${text}\n`
  socket.on('error', ignore)
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`, () => {
    socket.destroy()
  })
}

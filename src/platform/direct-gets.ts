/**
 * Plain GETs answered straight from the socket. For a small answer node:http's request and response, which are
 * streams with all that belongs to them, cost more than the answer itself (`bench/tracker.ts`). So a connection
 * begins here, and stays for as long as it sends what `readSimpleGet` knows and `answer` takes; with the first
 * request that is anything else it goes over to node:http, with every byte that was not answered yet.
 *
 * A connection holds one head of at most `headBytesMax`, is read no further while it does not take its answers,
 * and is closed when a head, the next request or the other side's goodbye does not come in time.
 */
import type { Socket } from 'node:net'
import type { Millis } from '../core/units.ts'
import { readSimpleGet, type SimpleGet } from './simple-get.ts'

/** Body of a 200 answer of text/plain, a character a byte. Undefined: node:http is to answer, nothing was done. */
export type DirectAnswer = (
  get: SimpleGet,
  remoteAddress: string | undefined,
) => string | Promise<string> | undefined

export interface DirectGetsOptions {
  /** A connection's first bytes, and a head from its first byte to its last. */
  readonly headersTimeout: Millis
  readonly keepAliveTimeout: Millis
  readonly headBytesMax: number
  /** Takes over a connection; its unread bytes come from it as if just arrived. */
  readonly handOver: (socket: Socket) => void
  readonly onError?: ((error: unknown) => void) | undefined
}

/** More than any answer: who has this much unread takes nothing. */
const UNREAD_BYTES_MAX = 64 * 1_024
/** For the other side to close after `Connection: close`, or to take its answers. */
const LINGER_MS = 5_000
/** How often the overdue are closed. */
const CHECK_MS = 2_000

const HEAD = 'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: '
const INTERNAL_ERROR =
  'HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 15\r\n\r\ninternal error\n'

export class DirectGets {
  readonly options: DirectGetsOptions
  readonly #connections = new Set<DirectConnection>()
  readonly #checking: NodeJS.Timeout
  answer: DirectAnswer = () => undefined
  isClosing = false

  constructor(options: DirectGetsOptions) {
    this.options = options
    this.#checking = setInterval(() => {
      const now = performance.now()
      for (const connection of this.#connections) if (connection.closeBy < now) connection.socket.destroy()
    }, CHECK_MS)
    this.#checking.unref()
  }

  take(socket: Socket): void {
    this.#connections.add(new DirectConnection(socket, this))
  }

  forget(connection: DirectConnection): void {
    this.#connections.delete(connection)
  }

  /** Closes those that wait for a request; the others after their answer. */
  close(): void {
    this.isClosing = true
    clearInterval(this.#checking)
    for (const connection of this.#connections) if (!connection.isAnswering) connection.socket.destroy()
  }

  closeAll(): void {
    for (const { socket } of this.#connections) socket.destroy()
  }
}

class DirectConnection {
  readonly socket: Socket
  readonly #owner: DirectGets
  /** Reading of `performance.now()`; a number to compare is all the timer that it costs. */
  closeBy: number
  isAnswering = false
  #isLast = false
  #hasPartialHead = false
  /** Bytes of a head that is not whole yet, or of requests behind the one that is being answered. */
  #rest = ''

  constructor(socket: Socket, owner: DirectGets) {
    this.socket = socket
    this.#owner = owner
    this.closeBy = performance.now() + owner.options.headersTimeout
    ;(socket as DirectSocket)[CONNECTION] = this
    for (const [event, listener] of LISTENERS) socket.on(event, listener)
  }

  arrived(chunk: Buffer): void {
    if (this.#isLast) return // behind what was to be the last request
    const text = chunk.toString('latin1')
    this.#rest = this.#rest === '' ? text : this.#rest + text
    this.#work()
  }

  drained(): void {
    if (this.#isLast) return
    this.closeBy = performance.now() + this.#owner.options.keepAliveTimeout
    if (!this.isAnswering) this.socket.resume()
    this.#work()
  }

  /** The other side sends no more. */
  ended(): void {
    this.#isLast = true
    if (!this.isAnswering && !this.socket.writableEnded) this.socket.end()
  }

  closed(): void {
    this.#owner.forget(this)
  }

  /** Answers what is whole, in order. */
  #work(): void {
    let at = 0
    while (at < this.#rest.length && !this.isAnswering && !this.#isLast && !this.socket.writableNeedDrain) {
      const get = readSimpleGet(this.#rest, at)
      if (get === 'incomplete') break
      const body = get === 'other' ? undefined : this.#answer(get)
      if (get === 'other' || body === undefined) {
        this.#handOver(at)
        return
      }
      at = get.end
      if (typeof body === 'string') this.#send(body, get.keepsAlive)
      else this.#sendLater(body, get.keepsAlive)
    }
    this.#keep(at)
  }

  #answer(get: SimpleGet): string | Promise<string> | undefined {
    try {
      return this.#owner.answer(get, this.socket.remoteAddress)
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #keep(at: number): void {
    const { options } = this.#owner
    this.#rest = this.#rest.slice(at)
    const isBlocked = this.isAnswering || this.socket.writableNeedDrain
    if (this.#rest.length >= options.headBytesMax) {
      if (isBlocked) this.socket.pause()
      else this.#handOver(0)
      return
    }
    const isPartial = this.#rest !== '' && !isBlocked
    if (isPartial && (at > 0 || !this.#hasPartialHead))
      this.closeBy = performance.now() + options.headersTimeout
    this.#hasPartialHead = isPartial
  }

  #send(body: string, keepsAlive: boolean): void {
    const { options, isClosing } = this.#owner
    const length = String(body.length)
    if (keepsAlive && !isClosing && !this.#isLast) {
      this.closeBy = performance.now() + options.keepAliveTimeout
      this.socket.write(`${HEAD}keep-alive\r\nContent-Length: ${length}\r\n\r\n${body}`, 'latin1')
      if (this.socket.writableNeedDrain) this.socket.once('drain', onDrain)
      if (this.socket.writableLength > UNREAD_BYTES_MAX) this.socket.pause()
    } else {
      this.#sendLast(`${HEAD}close\r\nContent-Length: ${length}\r\n\r\n${body}`)
    }
  }

  #sendLater(body: Promise<string>, keepsAlive: boolean): void {
    this.isAnswering = true
    body.then(
      (text) => {
        this.isAnswering = false
        if (this.socket.destroyed) return
        this.#send(text, keepsAlive)
        this.socket.resume()
        this.#work()
      },
      (error: unknown) => {
        this.isAnswering = false
        this.#owner.options.onError?.(error)
        this.#sendLast(INTERNAL_ERROR)
      },
    )
  }

  /** And closes when it is out, as node:http does. */
  #sendLast(text: string): void {
    const { socket } = this
    this.#isLast = true
    this.#rest = ''
    this.closeBy = performance.now() + LINGER_MS
    socket.write(text, 'latin1', () => {
      // Not in here: a stream that is destroyed by who wrote to it makes an error, with its stack, that nobody hears.
      process.nextTick(destroy, socket)
    })
  }

  #handOver(at: number): void {
    const { socket } = this
    const unread = Buffer.from(this.#rest.slice(at), 'latin1')
    this.#rest = ''
    this.#owner.forget(this)
    for (const [event, listener] of LISTENERS) socket.off(event, listener)
    socket.off('drain', onDrain)
    ;(socket as DirectSocket)[CONNECTION] = undefined
    socket.pause()
    socket.unshift(unread)
    this.#owner.options.handOver(socket)
    socket.resume()
  }
}

/** On the socket itself: a weak map of all that come and go would be work for the collector each time. */
const CONNECTION = Symbol('connection')

interface DirectSocket extends Socket {
  [CONNECTION]?: DirectConnection | undefined
}

const destroy = (socket: Socket): void => void socket.destroy()

// One function for all sockets and each event: ten thousand idle ones hold no closures.

function onData(this: DirectSocket, chunk: Buffer): void {
  this[CONNECTION]?.arrived(chunk)
}

function onDrain(this: DirectSocket): void {
  this[CONNECTION]?.drained()
}

function onEnd(this: DirectSocket): void {
  this[CONNECTION]?.ended()
}

/** It is the other side's to care. */
function onError(this: Socket): void {
  this.destroy()
}

function onClose(this: DirectSocket): void {
  this[CONNECTION]?.closed()
}

const LISTENERS = [
  ['data', onData],
  ['end', onEnd],
  ['error', onError],
  ['close', onClose],
] as const

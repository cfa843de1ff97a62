/**
 * A network in memory whose links have rates: what is sent waits its turn at each link on its way, connection by
 * connection in turn, as fair queues and TCP together bring it about. On a clock that the test moves.
 */
import type { Endpoint, IpAddress } from '../../src/core/address.ts'
import { ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { KiB, type Millis, millis } from '../../src/core/units.ts'
import type { Clock } from '../../src/platform/clock.ts'
import type { Connection, ConnectionHandler, Network, NetworkListener } from '../../src/swarm/network.ts'
import { MemoryListeners } from './memory-listeners.ts'

/** What is between two hosts, from the sender's side to the receiver's. */
export interface Route {
  readonly links: readonly ShapedLink[]
  readonly latency: Millis
}

export interface ShapedNetworkOptions {
  readonly routeOf: (from: IpAddress, to: IpAddress) => Route
  /** False: nobody can dial that host. */
  readonly accepts?: (host: IpAddress) => boolean
}

interface Parcel {
  readonly bytes: number
  readonly onThrough: () => void
}

/** One direction of one line. */
export class ShapedLink {
  readonly name: string
  /** Payload that has gone through. */
  bytes = 0
  /** False: what comes waits, as where a router is down and TCP tries again. */
  isUp = true
  readonly #clock: Clock
  readonly rateBps: number
  /** By connection, in the order of their turns. */
  readonly #queues = new Map<unknown, Parcel[]>()
  #isBusy = false

  constructor(clock: Clock, options: { readonly name: string; readonly rateBps: number }) {
    this.#clock = clock
    this.name = options.name
    this.rateBps = options.rateBps
  }

  send(flow: unknown, parcel: Parcel): void {
    const queue = this.#queues.get(flow)
    if (queue === undefined) this.#queues.set(flow, [parcel])
    else queue.push(parcel)
    this.#serve()
  }

  setUp(isUp: boolean): void {
    this.isUp = isUp
    this.#serve()
  }

  #serve(): void {
    if (this.#isBusy || !this.isUp) return
    const [next] = this.#queues
    if (next === undefined) return
    const [flow, queue] = next
    const parcel = queue.shift()
    this.#queues.delete(flow)
    if (queue.length > 0) this.#queues.set(flow, queue)
    if (parcel === undefined) return
    this.#isBusy = true
    this.#clock.after(millis((parcel.bytes / this.rateBps) * 1_000), () => {
      this.#isBusy = false
      this.bytes += parcel.bytes
      parcel.onThrough()
      this.#serve()
    })
  }
}

export class ShapedNetwork implements Network {
  readonly #clock: Clock
  readonly #options: ShapedNetworkOptions
  readonly #listeners = new MemoryListeners()
  readonly #open = new Set<ShapedConnection>()

  constructor(clock: Clock, options: ShapedNetworkOptions) {
    this.#clock = clock
    this.#options = options
  }

  listen(
    at: { readonly host: string; readonly port: number },
    onConnection: (connection: Connection) => void,
  ): Promise<NetworkListener> {
    return this.#listeners.listen(at, onConnection)
  }

  /** The machine is gone from one moment to the next: nobody is told but by silence and closed connections. */
  kill(host: IpAddress): void {
    this.#listeners.dropHost(host)
    for (const connection of [...this.#open]) if (connection.localHost === host) connection.destroy()
  }

  dial(to: Endpoint, from: IpAddress | undefined, signal: AbortSignal): Promise<Connection> {
    const host = from ?? ipAddress('127.0.0.1')
    const there = this.#options.routeOf(host, to.host)
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new ShoalError('unavailable', 'no answer from a peer'))
      const timer = this.#clock.after(millis(2 * there.latency), () => {
        const accept = this.#listeners.get(to)
        const isOpen = this.#options.accepts?.(to.host) !== false && there.links.every((link) => link.isUp)
        if (signal.aborted || accept === undefined || !isOpen) {
          fail()
          return
        }
        const [ours, theirs] = this.#pair({ host, port: this.#listeners.freePort() }, to, there)
        resolve(ours)
        accept(theirs)
      })
      signal.addEventListener('abort', () => {
        timer.cancel()
        fail()
      })
    })
  }

  #pair(dialler: Endpoint, listener: Endpoint, there: Route): [ShapedConnection, ShapedConnection] {
    const back = this.#options.routeOf(listener.host, dialler.host)
    const onClosed = (connection: ShapedConnection): void => void this.#open.delete(connection)
    const common = { clock: this.#clock, onClosed }
    const ours = new ShapedConnection({ ...common, route: there, local: dialler, remote: listener }, false)
    const theirs = new ShapedConnection({ ...common, route: back, local: listener, remote: dialler }, true)
    ours.other = theirs
    theirs.other = ours
    this.#open.add(ours).add(theirs)
    return [ours, theirs]
  }
}

const HIGH_WATER_BYTES = 256 * KiB
/** What one write of a connection may keep a link busy with. */
const PARCEL_BYTES_MAX = 16 * KiB
/** A TCP window: sent, and not arrived. */
const WINDOW_BYTES = 128 * KiB

interface ShapedParts {
  readonly clock: Clock
  readonly route: Route
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly onClosed: (connection: ShapedConnection) => void
}

class ShapedConnection implements Connection {
  readonly isIncoming: boolean
  other: ShapedConnection | undefined
  readonly #parts: ShapedParts
  #handler: ConnectionHandler | undefined
  readonly #queue: Uint8Array[] = []
  #queuedBytes = 0
  #inFlight = 0
  #isFull = false
  #isPaused = false
  #isClosed = false
  /** Came while nobody took it. */
  readonly #waiting: Uint8Array[] = []

  constructor(parts: ShapedParts, isIncoming: boolean) {
    this.#parts = parts
    this.isIncoming = isIncoming
  }

  get remote(): Endpoint {
    return this.#parts.remote
  }

  get localHost(): IpAddress {
    return this.#parts.local.host
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  setHandler(handler: ConnectionHandler): void {
    this.#handler = handler
    if (this.#isClosed) this.#parts.clock.after(millis(1), () => handler.onClose())
    else this.#parts.clock.after(millis(0), () => this.#deliver())
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed) return false
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    this.#isFull ||= this.#queuedBytes >= HIGH_WATER_BYTES
    // What is written in one turn of the loop leaves together.
    if (this.#queue.length === 1) this.#parts.clock.after(millis(0), () => this.#send())
    return !this.#isFull
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#deliver()
  }

  destroy(): void {
    if (this.#isClosed) return
    this.#closed()
    const { other } = this
    if (other !== undefined) this.#parts.clock.after(this.#parts.route.latency, () => other.#closed())
  }

  #send(): void {
    while (!this.#isClosed && this.#queuedBytes > 0 && this.#inFlight < WINDOW_BYTES) {
      const bytes = this.#take(PARCEL_BYTES_MAX)
      this.#inFlight += bytes.length
      this.#pass(bytes, 0)
    }
    if (this.#isFull && this.#queuedBytes === 0 && !this.#isClosed) {
      this.#isFull = false
      this.#handler?.onDrain()
    }
  }

  #take(most: number): Uint8Array {
    const parts: Uint8Array[] = []
    let left = most
    while (left > 0) {
      const first = this.#queue.shift()
      if (first === undefined) break
      parts.push(first.subarray(0, left))
      if (first.length > left) this.#queue.unshift(first.subarray(left))
      left -= Math.min(left, first.length)
    }
    const bytes = Buffer.concat(parts)
    this.#queuedBytes -= bytes.length
    return bytes
  }

  /** Through the link at that place of the route, and then the next. */
  #pass(bytes: Uint8Array, at: number): void {
    const { clock, route } = this.#parts
    const link = route.links[at]
    if (link !== undefined) {
      link.send(this, { bytes: bytes.length, onThrough: () => this.#pass(bytes, at + 1) })
      return
    }
    clock.after(route.latency, () => {
      this.#inFlight -= bytes.length
      if (this.#isClosed) return
      this.other?.take(bytes)
      this.#send()
    })
  }

  /** The other side's bytes are here. */
  take(bytes: Uint8Array): void {
    this.#waiting.push(bytes)
    this.#deliver()
  }

  #deliver(): void {
    while (!this.#isPaused && !this.#isClosed && this.#handler !== undefined) {
      const bytes = this.#waiting.shift()
      if (bytes === undefined) return
      this.#handler.onData(bytes)
      // Lent for the call: whoever keeps a view of it notices.
      bytes.fill(0xee)
    }
  }

  #closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#queue.length = 0
    this.#queuedBytes = 0
    this.#parts.onClosed(this)
    this.#handler?.onClose()
  }
}

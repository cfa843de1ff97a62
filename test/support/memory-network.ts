/**
 * A network in memory, on a clock that the test moves. Data arrives after the latency, cut where chance wants,
 * in memory that is overwritten after the call: whoever keeps a view of it notices.
 */
import type { Endpoint, IpAddress } from '../../src/core/address.ts'
import { ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { type Random, seededRandom } from '../../src/core/random.ts'
import { type Millis, millis } from '../../src/core/units.ts'
import type { Clock } from '../../src/platform/clock.ts'
import type { Connection, ConnectionHandler, Network, NetworkListener } from '../../src/swarm/network.ts'
import { MemoryListeners } from './memory-listeners.ts'

export interface MemoryNetworkOptions {
  readonly latency?: Millis
  /** Bytes a second of each direction of each connection. */
  readonly rateBps?: number
  readonly random?: Random
}

const HIGH_WATER_BYTES = 256 * 1024
const CHUNK_BYTES_MAX = 64 * 1024

export class MemoryNetwork implements Network {
  readonly #clock: Clock
  readonly #latency: Millis
  readonly #rateBps: number
  readonly #random: Random
  readonly #listeners = new MemoryListeners()

  constructor(clock: Clock, options: MemoryNetworkOptions = {}) {
    this.#clock = clock
    this.#latency = options.latency ?? millis(1)
    this.#rateBps = options.rateBps ?? 1e9
    this.#random = options.random ?? seededRandom(1)
  }

  listen(
    at: { readonly host: string; readonly port: number },
    onConnection: (connection: Connection) => void,
  ): Promise<NetworkListener> {
    return this.#listeners.listen(at, onConnection)
  }

  /** Nothing can be dialled there any more. */
  unplug(endpoint: Endpoint): void {
    this.#listeners.drop(endpoint)
  }

  dial(to: Endpoint, from: IpAddress | undefined, signal: AbortSignal): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const fail = (): void => reject(new ShoalError('unavailable', 'no answer from a peer'))
      if (signal.aborted) {
        fail()
        return
      }
      const timer = this.#clock.after(millis(2 * this.#latency), () => {
        const accept = this.#listeners.get(to)
        if (signal.aborted || accept === undefined) {
          fail()
          return
        }
        const dialler: Endpoint = { host: from ?? ipAddress('127.0.0.1'), port: this.#listeners.freePort() }
        const [ours, theirs] = this.#pair(to, dialler)
        resolve(ours)
        accept(theirs)
      })
      signal.addEventListener('abort', () => {
        timer.cancel()
        fail()
      })
    })
  }

  #pair(listener: Endpoint, dialler: Endpoint): [MemoryConnection, MemoryConnection] {
    const link = {
      clock: this.#clock,
      latency: this.#latency,
      rateBps: this.#rateBps,
      random: this.#random,
    }
    const outgoing = new MemoryConnection(link, { remote: listener, isIncoming: false })
    const incoming = new MemoryConnection(link, { remote: dialler, isIncoming: true })
    outgoing.other = incoming
    incoming.other = outgoing
    return [outgoing, incoming]
  }
}

interface Link {
  readonly clock: Clock
  readonly latency: Millis
  readonly rateBps: number
  readonly random: Random
}

class MemoryConnection implements Connection {
  readonly remote: Endpoint
  readonly isIncoming: boolean
  other: MemoryConnection | undefined
  readonly #link: Link
  #handler: ConnectionHandler | undefined
  #queue: Uint8Array[] = []
  #queuedBytes = 0
  #isSending = false
  #isFull = false
  #isPaused = false
  #isClosed = false

  constructor(link: Link, parts: { readonly remote: Endpoint; readonly isIncoming: boolean }) {
    this.#link = link
    this.remote = parts.remote
    this.isIncoming = parts.isIncoming
  }

  setHandler(handler: ConnectionHandler): void {
    this.#handler = handler
    // A test's clock may have run on before the promise of the dialler did.
    if (this.#isClosed) this.#link.clock.after(this.#link.latency, () => handler.onClose())
    else if (this.other !== undefined) this.other.#send()
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isClosed) return false
    this.#queue.push(bytes)
    this.#queuedBytes += bytes.length
    this.#isFull ||= this.#queuedBytes >= HIGH_WATER_BYTES
    this.#send()
    return !this.#isFull
  }

  get queuedBytes(): number {
    return this.#queuedBytes
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    if (this.other !== undefined) this.other.#send()
  }

  destroy(): void {
    if (this.#isClosed) return
    this.#closed()
    const { other } = this
    if (other === undefined) return
    this.#link.clock.after(this.#link.latency, () => other.#closed())
  }

  #send(): void {
    if (this.#isSending || this.#isClosed || this.#queuedBytes === 0) return
    if (this.other === undefined || this.other.#isPaused || this.other.#handler === undefined) return
    this.#isSending = true
    const part = Math.min(this.#queuedBytes, CHUNK_BYTES_MAX)
    const took = (part / this.#link.rateBps) * 1_000
    this.#link.clock.after(millis(this.#link.latency + took), () => this.#arrive(part))
  }

  #arrive(part: number): void {
    this.#isSending = false
    if (this.#isClosed || this.other === undefined) return
    const bytes = Buffer.concat(this.#queue)
    this.#queue = part < bytes.length ? [bytes.subarray(part)] : []
    this.#queuedBytes -= part
    this.other.#deliver(bytes.subarray(0, part))
    if (this.#isFull && this.#queuedBytes === 0) {
      this.#isFull = false
      this.#handler?.onDrain()
    }
    this.#send()
  }

  #deliver(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) {
      const length = Math.min(bytes.length - at, 1 + Math.floor(this.#link.random() * CHUNK_BYTES_MAX))
      const lent = Uint8Array.prototype.slice.call(bytes, at, at + length)
      if (!this.#isClosed) this.#handler?.onData(lent)
      lent.fill(0xee)
      at += length
    }
  }

  #closed(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#queue = []
    this.#queuedBytes = 0
    this.#handler?.onClose()
  }
}

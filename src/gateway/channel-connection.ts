/**
 * A data channel as the engine sees it: a stream of bytes. Nothing of it reaches the engine before its handshake names
 * the very release for which the tracker introduced it: a grant for one opens no other.
 *
 * Its small writes leave together, and at most {@link FRAME_BYTES} in one message: each message costs the library
 * about the same, whatever its size.
 */
import type { DataChannel } from 'node-datachannel'
import type { Endpoint } from '../core/address.ts'
import { type InfoHash, infoHashIn } from '../core/ids.ts'
import { KiB, MiB } from '../core/units.ts'
import type { Connection, ConnectionHandler } from '../swarm/index.ts'

/** Measured on loopback: 16 KiB 1.5 MB/s, 64 KiB 5 MB/s. Every browser takes 64 KiB; some, no more. */
export const FRAME_BYTES = 64 * KiB
/** What the library holds of one connection at most; beyond, bytes wait here, and `write` answers false. */
const HIGH_WATER_BYTES = 256 * KiB
const LOW_WATER_BYTES = 64 * KiB
/** The engine stops at a MiB: more means that something is broken. */
const WAITING_BYTES_MAX = 4 * MiB
/** What may arrive while nobody reads: the library cannot be told to stop. */
const PAUSED_BYTES_MAX = 512 * KiB
/** Of a handshake, until its infohash is whole. */
const NAMED_AFTER = 48
const INFO_HASH_AT = 28

export interface ChannelParts {
  readonly channel: DataChannel
  readonly remote: Endpoint
  readonly infoHash: InfoHash
  /** The largest message that the other side takes. */
  readonly messageBytesMax: number
  /** Once; the peer connection is to be closed. */
  readonly onEnd: (reason: string) => void
}

export class ChannelConnection implements Connection {
  readonly remote: Endpoint
  readonly isIncoming = true
  readonly isVouchedFor = true
  readonly #parts: ChannelParts
  readonly #frameBytes: number
  #handler: ConnectionHandler | undefined
  #waiting: Uint8Array[] = []
  #waitingBytes = 0
  #isFlushing = false
  #mustDrain = false
  #head: Buffer | undefined = Buffer.alloc(0)
  #isPaused = false
  #arrived: Uint8Array[] = []
  #arrivedBytes = 0
  #isEnded = false

  constructor(parts: ChannelParts) {
    this.#parts = parts
    this.remote = parts.remote
    this.#frameBytes = Math.min(FRAME_BYTES, parts.messageBytesMax)
    parts.channel.setBufferedAmountLowThreshold(LOW_WATER_BYTES)
  }

  setHandler(handler: ConnectionHandler): void {
    this.#handler = handler
    this.#deliver()
  }

  /** The library has room again. */
  onLow(): void {
    if (this.#isEnded) return
    this.#flush()
  }

  onMessage(message: string | Uint8Array | ArrayBuffer): void {
    if (this.#isEnded) return
    if (typeof message === 'string') {
      this.#end('it sent text')
      return
    }
    const bytes = message instanceof ArrayBuffer ? new Uint8Array(message) : message
    const named = this.#head === undefined ? bytes : this.#name(bytes)
    if (named === undefined || named.length === 0) return
    this.#arrived.push(named)
    this.#arrivedBytes += named.length
    if (this.#arrivedBytes > PAUSED_BYTES_MAX && (this.#isPaused || this.#handler === undefined))
      this.#end('it sent on while it was not read')
    else this.#deliver()
  }

  write(bytes: Uint8Array): boolean {
    if (this.#isEnded) return false
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (this.#waitingBytes > WAITING_BYTES_MAX) {
      this.#end('it does not read')
      return false
    }
    if (!this.#isFlushing) {
      this.#isFlushing = true
      process.nextTick(() => {
        this.#isFlushing = false
        this.#flush()
      })
    }
    if (this.queuedBytes < HIGH_WATER_BYTES) return true
    this.#mustDrain = true
    return false
  }

  get queuedBytes(): number {
    return this.#waitingBytes + (this.#isEnded ? 0 : this.#parts.channel.bufferedAmount())
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#deliver()
  }

  destroy(): void {
    this.#end('it was hung up on')
  }

  /** The other side, or the network, has ended it. */
  onClosed(): void {
    this.#end('it has gone')
  }

  /** What may be delivered of it; undefined while it has not said which release it is for. */
  #name(bytes: Uint8Array): Uint8Array | undefined {
    const head = Buffer.concat([this.#head ?? Buffer.alloc(0), bytes])
    this.#head = head
    if (head.length < NAMED_AFTER) return undefined
    this.#head = undefined
    if (infoHashIn(head, INFO_HASH_AT) === this.#parts.infoHash) return head
    this.#end('its handshake is for another release, or none')
    return undefined
  }

  #deliver(): void {
    while (!this.#isPaused && !this.#isEnded && this.#handler !== undefined) {
      const bytes = this.#arrived.shift()
      if (bytes === undefined) return
      this.#arrivedBytes -= bytes.length
      this.#handler.onData(bytes)
    }
  }

  /** Never within a `write`: what drains may write again. The library tells nothing of what it took at once. */
  #flush(): void {
    this.#send()
    if (this.#isEnded || !this.#mustDrain || this.queuedBytes >= HIGH_WATER_BYTES) return
    this.#mustDrain = false
    this.#handler?.onDrain()
  }

  #send(): void {
    const { channel } = this.#parts
    try {
      while (!this.#isEnded && this.#waitingBytes > 0 && channel.bufferedAmount() < HIGH_WATER_BYTES) {
        if (!channel.isOpen()) {
          this.#end('it has gone')
          return
        }
        channel.sendMessageBinary(this.#nextFrame())
      }
    } catch {
      this.#end('it has gone') // the library throws at what closed a moment ago
    }
  }

  #nextFrame(): Uint8Array {
    const parts: Uint8Array[] = []
    let left = Math.min(this.#frameBytes, this.#waitingBytes)
    this.#waitingBytes -= left
    while (left > 0) {
      const first = this.#waiting[0] ?? new Uint8Array(left)
      if (first.length <= left) this.#waiting.shift()
      else this.#waiting[0] = first.subarray(left)
      const part = first.subarray(0, left)
      left -= part.length
      parts.push(part)
    }
    const [only] = parts
    return only !== undefined && parts.length === 1 ? only : Buffer.concat(parts)
  }

  #end(reason: string): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#waiting = []
    this.#waitingBytes = 0
    this.#arrived = []
    this.#parts.onEnd(reason)
    this.#handler?.onClose()
  }
}

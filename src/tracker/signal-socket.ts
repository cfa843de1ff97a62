/**
 * One WebSocket: what it may say in a second, what may wait for it to be read, and whether it is alive. What its
 * messages mean is `signal-core.ts`.
 */
import type { WebSocket } from 'ws'
import type { IpAddress } from '../core/address.ts'
import type { InfoHash, PeerId } from '../core/ids.ts'
import type { Clock } from '../platform/clock.ts'
import { limits } from '../wire/limits.ts'
import { formatSignalRefusal } from '../wire/signal-reply.ts'
import type { Refusal } from './refusals.ts'
import type { SignalSession } from './signal-session.ts'
import type { SignalPeer } from './signal-swarms.ts'

/** Close codes of RFC 6455. */
const CLOSE = { goingAway: 1_001, policy: 1_008 } as const

/** Bytes that wait in all sockets together. */
export interface SendQueues {
  totalBytes: number
}

export interface SignalSocketParts {
  readonly clock: Clock
  readonly webSocket: WebSocket
  readonly queues: SendQueues
  /** Open sockets that are in no swarm, the longest idle first. */
  readonly idle: Set<SignalSocket>
  readonly onClosing: (socket: SignalSocket) => void
}

export interface SignalSocketOptions {
  readonly number: number
  readonly host: IpAddress
  readonly token: string | undefined
}

export class SignalSocket implements SignalSession {
  readonly number: number
  readonly host: IpAddress
  readonly token: string | undefined
  peerId: PeerId | undefined = undefined
  #peer: SignalPeer<SignalSession> | undefined = undefined
  readonly #parts: SignalSocketParts
  #isOpen = true
  #isAwaited = false
  #idleSince: number
  #queuedBytes = 0
  #tokens: number = limits.signalMessagesBurst
  #tokensAt: number

  constructor(parts: SignalSocketParts, options: SignalSocketOptions) {
    this.#parts = parts
    this.number = options.number
    this.host = options.host
    this.token = options.token
    this.#idleSince = parts.clock.now()
    this.#tokensAt = this.#idleSince
    parts.idle.add(this)
  }

  get isOpen(): boolean {
    return this.#isOpen
  }

  get peer(): SignalPeer<SignalSession> | undefined {
    return this.#peer
  }

  set peer(peer: SignalPeer<SignalSession> | undefined) {
    this.#peer = peer
    this.#parts.idle.delete(this)
    if (peer !== undefined || !this.#isOpen) return
    this.#parts.idle.add(this)
    this.#idleSince = this.#parts.clock.now()
  }

  /** False when it has said too much, and only time will help. */
  mayCost(messages: number): boolean {
    const now = this.#parts.clock.now()
    const gained = ((now - this.#tokensAt) / 1_000) * limits.signalMessagesPerSecond
    this.#tokens = Math.min(limits.signalMessagesBurst, this.#tokens + gained) - messages
    this.#tokensAt = now
    return this.#tokens >= 0
  }

  send(text: string): boolean {
    if (!this.#isOpen) return false
    const waiting = this.#noteQueue()
    const isOver =
      waiting > limits.signalSendQueueBytesMax ||
      (waiting > limits.signalSendQueueBytesFair &&
        this.#parts.queues.totalBytes > limits.signalSendQueueTotalBytesMax)
    if (isOver) {
      this.cut()
      return false
    }
    this.#parts.webSocket.send(text, this.#onSent)
    this.#noteQueue()
    return true
  }

  refuse(action: 'announce' | 'scrape', refusal: Refusal, infoHash?: InfoHash): void {
    this.send(formatSignalRefusal(action, refusal, infoHash))
  }

  close(code: keyof typeof CLOSE = 'policy'): void {
    if (this.#end()) this.#parts.webSocket.close(CLOSE[code])
  }

  /** Without a word: it does not read, or is not there any more. */
  cut(): void {
    this.#end()
    this.#parts.webSocket.terminate()
  }

  /** To be called now and then. It has until the next time to show that it lives. */
  inspect(): void {
    const isIdle =
      this.#peer === undefined && this.#parts.clock.now() - this.#idleSince >= limits.signalIdleTimeout
    if (this.#isAwaited) this.cut()
    else if (isIdle) this.close()
    else if (this.#isOpen) {
      this.#isAwaited = true
      this.#parts.webSocket.ping()
    }
  }

  /** It answered a ping. */
  lives(): void {
    this.#isAwaited = false
  }

  /** The connection is over. */
  onClosed(): void {
    this.#end()
    this.#parts.queues.totalBytes -= this.#queuedBytes
    this.#queuedBytes = 0
  }

  /** False when it was at its end before. */
  #end(): boolean {
    if (!this.#isOpen) return false
    this.#isOpen = false
    this.#parts.idle.delete(this)
    this.#parts.onClosing(this)
    return true
  }

  readonly #onSent = (): void => {
    if (this.#isOpen) this.#noteQueue()
  }

  #noteQueue(): number {
    const waiting = this.#parts.webSocket.bufferedAmount
    this.#parts.queues.totalBytes += waiting - this.#queuedBytes
    this.#queuedBytes = waiting
    return waiting
  }
}

/**
 * A connection before its handshake is whole: who is silent, says something else or takes too long is hung up
 * on. Afterwards it passes everything on to the handler that took the connection over.
 */
import type { Clock, Timer } from '../platform/clock.ts'
import { decodeHandshake, HANDSHAKE_BYTES, type Handshake, mayBeHandshake } from '../wire/handshake.ts'
import { limits } from '../wire/limits.ts'
import type { Connection, ConnectionHandler } from './network.ts'

export interface HandshakerParts {
  readonly connection: Connection
  readonly clock: Clock
  /** Answers who takes over, or undefined to hang up. */
  readonly onHandshake: (handshake: Handshake) => ConnectionHandler | undefined
  /** It begins with TLS, not with a handshake, and goes on elsewhere; absent: it is hung up on. */
  readonly onTls?: (first: Uint8Array) => void
  /** Once: it was taken over, or it is closed. Not after `onTls`. */
  readonly onSettled: (wasTaken: boolean) => void
}

/** The first byte of a TLS connection: a record of the type "handshake" (RFC 8446, 5.1). */
const TLS_HANDSHAKE = 0x16

export class Handshaker implements ConnectionHandler {
  readonly #parts: HandshakerParts
  readonly #head = new Uint8Array(HANDSHAKE_BYTES)
  readonly #timer: Timer
  #bytes = 0
  #next: ConnectionHandler | undefined
  #isSettled = false

  constructor(parts: HandshakerParts) {
    this.#parts = parts
    this.#timer = parts.clock.after(limits.handshakeTimeout, () => this.#hangUp())
    parts.connection.setHandler(this)
  }

  onData(bytes: Uint8Array): void {
    if (this.#next !== undefined) {
      this.#next.onData(bytes)
      return
    }
    if (this.#isSettled) return
    if (this.#bytes === 0 && bytes[0] === TLS_HANDSHAKE && this.#parts.onTls !== undefined) {
      this.#isSettled = true
      this.#timer.cancel()
      this.#parts.onTls(bytes)
      return
    }
    const part = bytes.subarray(0, HANDSHAKE_BYTES - this.#bytes)
    this.#head.set(part, this.#bytes)
    this.#bytes += part.length
    if (!mayBeHandshake(this.#head.subarray(0, this.#bytes))) this.#hangUp()
    else if (this.#bytes === HANDSHAKE_BYTES) this.#takeOver(bytes.subarray(part.length))
  }

  onDrain(): void {
    this.#next?.onDrain()
  }

  onClose(): void {
    this.#settle(false)
    this.#next?.onClose()
  }

  #takeOver(rest: Uint8Array): void {
    const next = this.#parts.onHandshake(decodeHandshake(this.#head))
    if (next === undefined) {
      this.#hangUp()
      return
    }
    this.#next = next
    this.#settle(true)
    if (rest.length > 0) next.onData(rest)
  }

  #hangUp(): void {
    this.#parts.connection.destroy()
    this.#settle(false)
  }

  #settle(wasTaken: boolean): void {
    if (this.#isSettled) return
    this.#isSettled = true
    this.#timer.cancel()
    this.#parts.onSettled(wasTaken)
  }
}

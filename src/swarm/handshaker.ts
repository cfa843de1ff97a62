/**
 * A connection before its handshake is whole: who is silent, says something else or takes too long is hung up
 * on. Afterwards it passes everything on to the handler that took the connection over.
 */
import { KiB, seconds } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import { decodeHandshake, HANDSHAKE_BYTES, type Handshake, mayBeHandshake } from '../wire/handshake.ts'
import { limits } from '../wire/limits.ts'
import type { Connection, ConnectionHandler } from './network.ts'

export interface HandshakerParts {
  readonly connection: Connection
  readonly clock: Clock
  /**
   * Asked first: may it come in at all? Undefined: there is nothing to ask. Until the answer it hears nothing, and
   * when the answer is no, it is hung up on as late as when there is none: nothing tells it why.
   */
  readonly mayEnter?: (handshake: Handshake) => Promise<boolean> | undefined
  /** Answers who takes over, or undefined to hang up. */
  readonly onHandshake: (handshake: Handshake) => ConnectionHandler | undefined
  /** It begins with TLS, not with a handshake, and goes on elsewhere; absent: it is hung up on. */
  readonly onTls?: (first: Uint8Array) => void
  /** Once: it was taken over, or it is closed. Not after `onTls`. */
  readonly onSettled: (wasTaken: boolean) => void
}

/** Longer than a tracker takes to answer, and within the patience of all clients. */
const REFUSED_AFTER = seconds(5)
/** The first messages of any client, and what one read brings. */
const EARLY_BYTES_MAX = 256 * KiB
/** The first byte of a TLS connection: a record of the type "handshake" (RFC 8446, 5.1). */
const TLS_HANDSHAKE = 0x16

export class Handshaker implements ConnectionHandler {
  readonly #parts: HandshakerParts
  readonly #head = new Uint8Array(HANDSHAKE_BYTES)
  #timer: Timer
  #bytes = 0
  #next: ConnectionHandler | undefined
  #isSettled = false
  /** While it waits for the decision: what it has sent since its handshake. */
  #early: Uint8Array | undefined

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
    if (this.#early !== undefined) {
      this.#keepEarly(bytes)
      return
    }
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
    else if (this.#bytes === HANDSHAKE_BYTES) this.#decide(bytes.subarray(part.length))
  }

  onDrain(): void {
    this.#next?.onDrain()
  }

  onClose(): void {
    this.#settle(false)
    this.#next?.onClose()
  }

  #decide(rest: Uint8Array): void {
    const handshake = decodeHandshake(this.#head)
    const decision = this.#parts.mayEnter?.(handshake)
    if (decision === undefined) {
      this.#takeOver(handshake, rest)
      return
    }
    const { connection, clock } = this.#parts
    this.#timer.cancel()
    this.#timer = clock.after(REFUSED_AFTER, () => this.#hangUp())
    connection.pause()
    this.#early = rest.slice()
    void decision.then((mayEnter) => {
      if (!mayEnter || this.#isSettled) return
      const early = this.#early ?? new Uint8Array()
      this.#early = undefined
      this.#takeOver(handshake, early)
      if (this.#next !== undefined) connection.resume()
    })
  }

  /** What came before it was told to wait. */
  #keepEarly(bytes: Uint8Array): void {
    const early = Buffer.concat([this.#early ?? new Uint8Array(), bytes])
    if (early.length > EARLY_BYTES_MAX) this.#hangUp()
    else this.#early = early
  }

  #takeOver(handshake: Handshake, rest: Uint8Array): void {
    const next = this.#parts.onHandshake(handshake)
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

/**
 * A connection on its way to a release that is for our clients only: TLS, then both certificates, then handshake and
 * permit (`wire/opening.ts`). Bounded in time and bytes; at the first thing that is not right it is hung up on,
 * without a word. Afterwards it passes everything on to the handler that took the connection over.
 */
import { ShoalError } from '../core/errors.ts'
import { KiB } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import { type CertifiedDevice, certifiedDevice, readCertificate } from '../wire/certified-device.ts'
import type { Handshake } from '../wire/handshake.ts'
import { limits } from '../wire/limits.ts'
import { OPENING_BYTES_MAX, readOpening } from '../wire/opening.ts'
import type { PeerGuard, PeerPass } from './guard.ts'
import type { Connection, ConnectionHandler, SecureConnection } from './network.ts'

export interface GuardedHandshakerParts {
  /** Still plain. */
  readonly connection: Connection
  readonly clock: Clock
  readonly guard: PeerGuard
  /** What arrived before it was known that this is TLS. */
  readonly first?: Uint8Array
  /** We dialled: what we say as soon as it is known who is there. */
  readonly opening?: () => Uint8Array
  /** Answers who takes over, or undefined to hang up. */
  readonly onHandshake: (
    handshake: Handshake,
    connection: Connection,
    pass: PeerPass,
  ) => ConnectionHandler | undefined
  /** Once: it was taken over, or it is closed. */
  readonly onSettled: (wasTaken: boolean) => void
}

/** Who was dialled goes on as soon as it believes us: its bitfield may be here before we have checked its permit. */
const KEPT_BYTES_MAX = 256 * KiB

export class GuardedHandshaker implements ConnectionHandler {
  readonly #parts: GuardedHandshakerParts
  readonly #timer: Timer
  #secured: SecureConnection | undefined
  #device: CertifiedDevice | undefined
  #kept: Buffer = Buffer.alloc(0)
  #isChecking = false
  #next: ConnectionHandler | undefined
  #isSettled = false

  constructor(parts: GuardedHandshakerParts) {
    this.#parts = parts
    this.#timer = parts.clock.after(limits.handshakeTimeout, () => this.#hangUp())
    this.#secure().catch(() => this.#hangUp())
  }

  async #secure(): Promise<void> {
    const { connection, guard, first, opening, clock } = this.#parts
    const { identity } = guard
    if (connection.secure === undefined)
      throw new ShoalError('unavailable', 'there is no TLS on this network')
    const secured = await connection.secure(identity, first)
    this.#secured = secured
    if (this.#isSettled) {
      secured.connection.destroy()
      return
    }
    this.#device = certifiedDevice(secured.certificate, readCertificate(identity.ca), clock.epoch())
    secured.connection.setHandler(this)
    if (opening !== undefined) secured.connection.write(opening())
  }

  onData(bytes: Uint8Array): void {
    if (this.#next !== undefined) {
      this.#next.onData(bytes)
      return
    }
    if (this.#isSettled) return
    if (this.#kept.length + bytes.length > KEPT_BYTES_MAX) {
      this.#hangUp()
      return
    }
    this.#kept = Buffer.concat([this.#kept, bytes])
    if (!this.#isChecking) this.#read()
  }

  #read(): void {
    try {
      const read = readOpening(this.#kept)
      if (read === undefined) {
        if (this.#kept.length > OPENING_BYTES_MAX) this.#hangUp()
        return
      }
      this.#kept = this.#kept.subarray(read.length)
      this.#isChecking = true
      this.#check(read.opening.handshake, read.opening.permit).catch(() => this.#hangUp())
    } catch {
      this.#hangUp()
    }
  }

  async #check(handshake: Handshake, permit: string): Promise<void> {
    const { guard, onHandshake } = this.#parts
    if (this.#device === undefined || this.#secured === undefined)
      throw new TypeError('read before it was secured')
    const { connection } = this.#secured
    const pass = await guard.admit(this.#device, handshake.infoHash, permit)
    if (this.#isSettled) return
    const next = pass === undefined ? undefined : onHandshake(handshake, connection, pass)
    if (next === undefined) {
      this.#hangUp()
      return
    }
    this.#next = next
    this.#settle(true)
    const rest = this.#kept
    this.#kept = Buffer.alloc(0)
    if (rest.length > 0) next.onData(rest)
  }

  onDrain(): void {
    this.#next?.onDrain()
  }

  onClose(): void {
    this.#settle(false)
    this.#next?.onClose()
  }

  /** For who must end it before it has settled. */
  abandon(): void {
    this.#hangUp()
  }

  #hangUp(): void {
    if (this.#isSettled) return
    this.#secured?.connection.destroy()
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

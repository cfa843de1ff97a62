/**
 * Connection ids of BEP 15: what a client must have received from us before it is answered at length, so that the
 * address it writes on its datagrams is its own. Nothing is kept a client: an id is a time slot (8 bits) and a keyed
 * hash (56 bits) of address and slot, under a key that this process drew and nobody else knows. So one hash says
 * whether an id is good, whatever its age, and a restart makes all ids bad, which costs clients a connect.
 *
 * The port is not in it: a client that is behind address translation, or opens a second socket, keeps its id.
 */
import { randomBytes } from 'node:crypto'
import { seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { limits } from '../wire/limits.ts'
import { SipHash } from './sip-hash.ts'

/** So exact is the life of an id. */
const SLOT = seconds(10)
/** An id of the slot that is this many back is still good; the 8 bits tell 256 slots apart. */
const SLOTS_BACK_MAX = limits.udpConnectionLife / SLOT
/** Longer texts are no IP address with a zone. */
const ADDRESS_CHARS_MAX = 59

export class ConnectionIds {
  readonly #clock: Clock
  readonly #hash = new SipHash(randomBytes(16))

  constructor(parts: { readonly clock: Clock }) {
    this.#clock = parts.clock
  }

  /** Writes the 8 bytes of an id for `address` into `packet`. */
  write(packet: Buffer, at: number, address: string): void {
    const slot = this.#slot()
    this.#sign(address, slot)
    packet.writeUInt32BE((((slot & 0xff) << 24) | (this.#hash.high & 0xff_ffff)) >>> 0, at)
    packet.writeUInt32BE(this.#hash.low, at + 4)
  }

  /** Whether the 8 bytes at `at` are an id that we gave to `address` and that still works. */
  isGood(packet: Buffer, at: number, address: string): boolean {
    const high = packet.readUInt32BE(at)
    const now = this.#slot()
    const slotsBack = (now - (high >>> 24)) & 0xff
    if (slotsBack > SLOTS_BACK_MAX || slotsBack > now || address.length > ADDRESS_CHARS_MAX) return false
    this.#sign(address, now - slotsBack)
    return (
      (high & 0xff_ffff) === (this.#hash.high & 0xff_ffff) && packet.readUInt32BE(at + 4) === this.#hash.low
    )
  }

  #slot(): number {
    return Math.floor(this.#clock.now() / SLOT)
  }

  #sign(address: string, slot: number): void {
    this.#hash.begin().word(slot).text(address).end()
  }
}

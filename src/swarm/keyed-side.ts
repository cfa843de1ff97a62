/** What {@link peer-exchange.ts} keeps with each peer. */
import type { Millis } from '../core/units.ts'

export class KeyedSide {
  /** Our fresh number, once it was sent. */
  ourNonce: Uint8Array | undefined
  theirNonce: Uint8Array | undefined
  /** It holds a key of this swarm. */
  isProven = false
  /** Our keys for which it was sent proofs, as one text. */
  provenWith = ''
  /** Its newest proofs, that may fit a key which we have not heard of yet. */
  theirProofs: readonly Uint8Array[] = []
  /** How often it sent proofs. */
  proofs = 0
  /** Readings of the clock: when it was asked for addresses, and when it was given some. */
  askedAt: Millis | undefined
  answeredAt: Millis | undefined
  /** It was asked, and has not answered yet. */
  isAsked = false
  /** Endpoints that it was told of on this connection. */
  readonly told = new Set<string>()
}

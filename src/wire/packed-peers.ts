/** Peers as compact replies name them (BEP 23, BEP 7): so a tracker hands them on, without an object for each. */

export interface PackedPeers {
  /** How many. */
  readonly length: number
  /** Address and port of each, a character a byte. */
  readonly v4: string
  readonly v6: string
}

/** What each takes. */
export const PACKED_BYTES = { v4: 6, v6: 18 } as const

export const NO_PACKED_PEERS: PackedPeers = { length: 0, v4: '', v6: '' }

/** Peers of one family, and those of them that are packed behind the others. */
export const withPacked = (bytes: Uint8Array, packed = ''): Uint8Array =>
  packed === '' ? bytes : Buffer.concat([bytes, Buffer.from(packed, 'latin1')])

/** A list that is empty is left out. */
export const someOf = (bytes: Uint8Array): Uint8Array | undefined => (bytes.length > 0 ? bytes : undefined)

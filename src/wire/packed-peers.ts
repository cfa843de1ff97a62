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

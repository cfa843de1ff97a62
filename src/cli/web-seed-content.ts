/** Where the portal's web seed finds bytes and copies: in the origin and the tracker of the same process. */
import type { WebSeedContent } from '../portal/index.ts'
import type { Engine } from '../swarm/index.ts'
import type { Tracker } from '../tracker/index.ts'

export interface WebSeedRoles {
  /** Absent while the process starts. */
  readonly engine?: Engine
  readonly tracker?: Tracker
}

/** `roles`: those that run at the moment. */
export function webSeedContentOf(roles: () => WebSeedRoles): WebSeedContent {
  return {
    read: async (infoHash, stretch, gone) => await roles().engine?.get(infoHash)?.readPiece(stretch, gone),
    seeds: (infoHash) => roles().tracker?.seeds(infoHash) ?? 0,
  }
}

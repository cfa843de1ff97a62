/** When nothing moves: which part failed, in words, and what to do. */
import type { TorrentEvent } from '../swarm/index.ts'
import { seconds, type Millis } from '../core/units.ts'

/** How long nothing may move before we say why. */
export const STALL_AFTER: Millis = seconds(10)

/** What is known when it stands still. */
export interface StallFacts {
  /** The last word of or about the tracker. */
  readonly tracker: TorrentEvent | undefined
  readonly storage: TorrentEvent | undefined
  readonly hasMetadata: boolean
  /** Connected peers. */
  readonly peers: number
}

/** Pure: facts to a sentence. */
export function explainStall(facts: StallFacts): string {
  if (facts.storage?.kind === 'storage-failed') return `paused: ${facts.storage.reason}`
  if (facts.tracker?.kind === 'announce-refused') return `the tracker refuses us: ${facts.tracker.reason}`
  if (facts.tracker?.kind === 'announce-failed') {
    return `the tracker does not answer (${facts.tracker.reason}): is the portal running, and is its address reachable from here?`
  }
  if (facts.tracker === undefined) return 'no word from the tracker yet'
  if (facts.peers === 0)
    return 'the tracker knows no peer that we can reach: is the origin running, and its peer port open?'
  if (!facts.hasMetadata) return 'waiting for somebody to send the description of the release'
  return 'connected, but nobody has sent anything for a while: their uploads may be limited, or they wait for the same pieces'
}

/** Everything that can happen to a torrent, as data. `swarm.ts` names what each leads to. */
import type { Endpoint } from '../core/address.ts'
import type { PieceIndex } from '../core/piece-layout.ts'
import type { AnnounceOutcome } from './announcer.ts'
import type { CheckResult } from './content-check.ts'
import type { Way } from './limiting/engine-limits.ts'
import type { Peer, PeerEvent } from './peer.ts'
import type { LoadOutcome } from './piece-loader.ts'
import type { WebSeedNews } from './web-seeding.ts'

export type SwarmEvent =
  | PeerEvent
  | { readonly kind: 'peer-connected'; readonly peer: Peer }
  | { readonly kind: 'dial-failed'; readonly endpoint: Endpoint }
  | { readonly kind: 'peers-named'; readonly endpoints: readonly Endpoint[] }
  /** What an earlier run left of peers and keys. */
  | { readonly kind: 'peers-recalled'; readonly bytes: Uint8Array }
  | { readonly kind: 'announce-over'; readonly outcome: AnnounceOutcome }
  | { readonly kind: 'metadata-fetched'; readonly infoBytes: Uint8Array }
  | { readonly kind: 'content-checked'; readonly result: CheckResult }
  | {
      readonly kind: 'piece-verified'
      readonly piece: PieceIndex
      readonly bytes: Uint8Array
      readonly givers: readonly Peer[]
    }
  | { readonly kind: 'piece-stored'; readonly piece: PieceIndex; readonly bytes: Uint8Array }
  | {
      readonly kind: 'piece-not-stored'
      readonly piece: PieceIndex
      readonly bytes: Uint8Array
      readonly error: unknown
    }
  | { readonly kind: 'piece-loaded'; readonly piece: PieceIndex; readonly outcome: LoadOutcome }
  | { readonly kind: 'web-seed'; readonly news: WebSeedNews }
  /** Somebody reads from elsewhere, or does not read any more. */
  | { readonly kind: 'readers-changed' }
  | { readonly kind: 'all-synced' }
  /** The peer waited for a rate limit, and it is its turn. */
  | { readonly kind: 'limit-lifted'; readonly peer: Peer; readonly way: Way }
  /** Once a second while anything is going on. */
  | { readonly kind: 'tick' }
  /** Several times a second while pieces are revealed. */
  | { readonly kind: 'reveal-due' }
  /** Other sites are to hear of new pieces. */
  | { readonly kind: 'tell-due' }
  /** Several times a second while the work of a site is divided. */
  | { readonly kind: 'site-due' }
  | { readonly kind: 'failed'; readonly error: unknown }

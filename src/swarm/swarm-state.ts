/** One torrent's state. `Swarm` owns it; the handlers, each in the file of its subject, read and change it. */
import type { IpAddress } from '../core/address.ts'
import type { Bitfield } from '../core/bitfield.ts'
import type { PeerId } from '../core/ids.ts'
import type { Torrent } from '../core/metainfo.ts'
import type { FileLayout, PieceIndex, PieceLayout } from '../core/piece-layout.ts'
import type { Random } from '../core/random.ts'
import type { Site } from '../core/site.ts'
import type { Millis } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { Admission } from './admission.ts'
import type { Announcer } from './announcer.ts'
import type { Bans } from './bans.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Content, Storage } from './content.ts'
import type { Downloader } from './downloader.ts'
import type { AddTorrent, PeerSource, TorrentEvent } from './engine-types.ts'
import type { PeerGuard } from './guard.ts'
import type { KnownPeers } from './known-peers.ts'
import type { LeaseAsker } from './lease-asker.ts'
import type { EngineLimits } from './limiting/engine-limits.ts'
import type { TorrentLimits } from './limiting/torrent-limits.ts'
import type { Whereabouts } from './limiting/whereabouts.ts'
import type { MetadataFetch } from './metadata-fetch.ts'
import type { Network } from './network.ts'
import type { Peer, PeerOwner } from './peer.ts'
import type { PieceCache } from './piece-cache.ts'
import type { PieceLoader } from './piece-loader.ts'
import type { RateMeter } from './rate-meter.ts'
import type { Readers } from './readers.ts'
import type { RevealPlan } from './reveal/reveal-plan.ts'
import type { SendBudget } from './send-budget.ts'
import type { SiteWork } from './site/site-work.ts'
import type { Spender } from './spending.ts'
import type { SourceMap } from './peer-source.ts'
import type { SwarmEvent } from './swarm-event.ts'
import type { SwarmMemory } from './swarm-memory.ts'
import type { FetchAnnounce } from './tracker-http.ts'
import type { Trackers } from './trackers.ts'
import type { TrafficLedger } from './traffic-ledger.ts'
import type { Uploader } from './uploader.ts'
import type { FetchRange } from './web-seed-request.ts'
import type { WebSeeding } from './web-seeding.ts'

/** What all torrents of an engine share. */
export interface Shared {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly network: Network
  readonly storage: Storage
  readonly fetchAnnounce: FetchAnnounce
  readonly fetchRange: FetchRange
  readonly leases: LeaseAsker
  readonly trackers: Trackers
  readonly pool: BufferPool
  readonly cache: PieceCache
  readonly loader: PieceLoader
  readonly bans: Bans
  readonly guard: PeerGuard | undefined
  readonly budget: SendBudget
  readonly limits: EngineLimits
  readonly whereabouts: Whereabouts
  readonly peerId: PeerId
  readonly bindAddress: IpAddress | undefined
  readonly ownAddresses: readonly IpAddress[]
  readonly port: () => number
  /** What we seed is shown bit by bit: an origin's way. */
  readonly isRevealing: boolean
  /** The site of an address, where the map is known. */
  readonly siteOf: ((host: IpAddress) => Site) | undefined
  /** A tracker has told a torrent where we are: the budget of that site holds from now on, not from the next tick. */
  readonly onSiteTold: () => void
}

/** What is known once the metadata is. */
export interface Loaded {
  readonly torrent: Torrent
  readonly layout: PieceLayout
  readonly files: FileLayout
  readonly isWanted: (file: number) => boolean
  readonly wantedBytes: number
  readonly content: Content
  /** Pieces whose wanted parts are in place. */
  done: Bitfield
  /** Pieces that can be given to others. */
  have: Bitfield
  /** Nothing of these is to be fetched: done, or not wanted. */
  closed: Bitfield
  haveBytes: number
  /** By file: made by us or found equal, so that it may be written over. */
  ours: readonly boolean[]
  readonly uploader: Uploader
  downloader: Downloader | undefined
}

/**
 * `asleep`: a seed that nobody has asked for. `metadata`: only the infohash is known. `checking`: what is there is being looked at. `active`: pieces move.
 * `finishing`: all is written, but not yet on the disk. `complete`, then `stopped`.
 */
export type Phase = 'asleep' | 'metadata' | 'checking' | 'active' | 'finishing' | 'complete' | 'stopped'

export interface SwarmState {
  readonly shared: Shared
  readonly spec: AddTorrent
  readonly owner: PeerOwner
  readonly aborter: AbortController
  readonly peers: Map<PeerId, Peer>
  readonly known: KnownPeers
  readonly sources: SourceMap
  readonly limits: TorrentLimits<Peer | Spender>
  /** What is read by those who are no peers. */
  readonly reading: Spender
  readonly meterDown: RateMeter
  readonly meterUp: RateMeter
  readonly from: Record<PeerSource, number>
  readonly traffic: TrafficLedger
  phase: Phase
  torrent: Torrent | undefined
  loaded: Loaded | undefined
  metadata: MetadataFetch | undefined
  announcer: Announcer | undefined
  /** By `admissionOf`. */
  admission: Admission | undefined
  readonly memory: SwarmMemory
  /** Absent where there is no web seed. */
  readonly webSeeding: WebSeeding | undefined
  readonly readers: Readers
  uploadedBytes: number
  wastedBytes: number
  failedHashes: number
  /** Verified pieces that the disk has not taken yet. */
  writing: number
  readonly writes: Set<Promise<void>>
  /** Verified pieces that the disk refused. */
  readonly refused: { readonly piece: PieceIndex; readonly bytes: Uint8Array }[]
  isStorageFailing: boolean
  /** What the disk holds is not known any more: the state claims nothing. */
  isStorageLost: boolean
  /** Written since the last sync began. */
  unsyncedBytes: number
  /** A sync that is under way while pieces go on arriving. */
  syncing: Promise<void> | undefined
  retryTimer: Timer | undefined
  /** The state file is behind. */
  isStateDirty: boolean
  isSavingState: Promise<void> | undefined
  stateSavedAt: Millis
  rechokedAt: Millis
  newcomerAt: Millis
  /** Blocks became free: peers with room shall be asked. */
  needsFill: boolean
  /** What of our site's work is ours; while pieces are being fetched. */
  site: SiteWork | undefined
  siteTimer: Timer | undefined
  /** Those of our site are not told yet whom else of it we see. */
  isHelloDue: boolean
  /** Pieces of which other sites have not heard yet. */
  readonly untold: PieceIndex[]
  tellTimer: Timer | undefined
  /** Whom to show what; absent while nobody is there, and where all is shown to all. */
  reveal: RevealPlan<Peer> | undefined
  revealTimer: Timer | undefined
  /** Something has happened that may let more be shown. */
  needsReveal: boolean
  readonly post: (event: SwarmEvent) => void
  readonly emit: (event: TorrentEvent) => void
}

/** Key of a piece in the engine's cache. */
export const cacheKey = (s: SwarmState, piece: PieceIndex): string => `${s.spec.infoHash}/${piece}`

export const isFetching = (s: SwarmState): boolean =>
  s.spec.mode === 'download' && (s.phase === 'metadata' || s.phase === 'checking' || s.phase === 'active')

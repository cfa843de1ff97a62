/** What seeder and client say to the engine, and what they hear from it. Entered through `index.ts`. */
import type { Endpoint, IpAddress } from '../core/address.ts'
import type { InfoHash, PeerId } from '../core/ids.ts'
import type { Torrent } from '../core/metainfo.ts'
import type { Random } from '../core/random.ts'
import type { RateLimit, WallTime } from '../core/rate-schedule.ts'
import type { Site } from '../core/site.ts'
import type { EpochMillis, Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { Storage } from './content.ts'
import type { LeaseOfPeer } from './admission.ts'
import type { PeerGuard } from './guard.ts'
import type { Network } from './network.ts'
import type { FetchAnnounce } from './tracker-http.ts'
import type { FetchRange } from './web-seed-request.ts'

export interface EngineParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly network: Network
  /** Files on the disk, when absent. */
  readonly storage?: Storage
  /** HTTP by Node, when absent. */
  readonly fetchAnnounce?: FetchAnnounce
  /** HTTP by Node, when absent. */
  readonly fetchRange?: FetchRange
  /** The site of an address, for who knows the map, as an origin does; without it a site is a /24 of a private range. */
  readonly siteOf?: (host: IpAddress) => Site
  /** The clock on the wall, for limits by the hour; that of this machine, when absent. */
  readonly wallTime?: (epoch: EpochMillis) => WallTime
  /** Without it no release that is for our clients only can be added. */
  readonly guard?: PeerGuard
}

export interface EngineOptions {
  /** Where peers dial us. A taken port is passed over for the next free one when `portsToTry` > 1; 0: any. */
  readonly listen: { readonly host: string; readonly port: number; readonly portsToTry: number }
  /** The local address to dial and announce from; without it the system chooses. */
  readonly bindAddress?: IpAddress
  /** Our address in the eyes of others, where it is none that the system tells. */
  readonly knownAs?: IpAddress
  /** Without it a random one: `-SH0100-` and 12 random characters. */
  readonly peerId?: PeerId
  /** Of all torrents together; none when absent. */
  readonly limitDown?: RateLimit
  readonly limitUp?: RateLimit
  /** Of each torrent that has none of its own. */
  readonly releaseLimitDown?: RateLimit
  readonly releaseLimitUp?: RateLimit
  /** What goes to and comes from machines of our own site is under none of these. */
  readonly isLanExempt?: boolean
  /** What is seeded is shown to peers piece by piece, site by site: each byte leaves the origin once (BEP 16). */
  readonly reveal?: boolean
}

/** Where a peer is, seen from here, by its address and the tracker's word; never by its own. */
export type PeerSource = 'site' | 'otherSites' | 'origin'
export type BytesBySource = Readonly<Record<PeerSource, number>>

/** A web seed, and within which hosts it may send us from one to the other. */
export interface WebSeedAt {
  /** Of a folder with the release in it, where it ends in `/`. It may hold a grant. */
  readonly url: string
  /** As `host:port`; its own is among them. */
  readonly hosts: ReadonlySet<string>
}

export interface AddTorrent {
  readonly infoHash: InfoHash
  /** Absent: fetched from peers first (BEP 9). */
  readonly torrent?: Torrent
  /** `ours`: only to and from devices that the guard lets in, by TLS. `any`, when absent. */
  readonly admit?: 'any' | 'ours'
  /** Our own permit for it, read at each new connection; an origin needs none. */
  readonly permit?: () => string | undefined
  /** Content lies at `folder/name` or `folder/name/path`. */
  readonly folder: string
  /**
   * `download`: resume from the state file, else check what is there, then fetch what is missing.
   * `seed`: all files are there, hashed by us; nothing is ever written.
   */
  readonly mode: 'download' | 'seed'
  /** Where progress is kept across restarts; required in `download` mode. */
  readonly statePath?: string
  /** Write over files that are there, are not ours and differ; without it they fail the torrent. */
  readonly overwrite?: boolean
  /** Where peers that worked and the swarm's keys are kept across restarts; nowhere, when absent. */
  readonly peersPath?: string
  /** Which files to fetch, by landing path. All, when absent. */
  readonly wants?: (landingPath: string) => boolean
  /** Its files are read through the handle, while they come. What cannot be verified from the disk is fetched again. */
  readonly isRead?: boolean
  /** Tracker URLs with their grants, tier by tier; read again before each announce, so that a renewal counts. */
  readonly announceUrls?: () => readonly (readonly string[])[]
  /**
   * Who follows a portal's control feed and announces nothing: where the tracker tells who has a lease, with the
   * serving grant of the moment; undefined while there is none. Its presence guards the torrent.
   */
  readonly leaseUrl?: () => string | undefined
  /** Asked last, for what peers do not give (BEP 19). Whoever adds them vouches for their hosts. */
  readonly webSeeds?: readonly WebSeedAt[]
  /** Of this torrent alone, besides those of the engine. */
  readonly limitDown?: RateLimit
  readonly limitUp?: RateLimit
  /** Peers known beforehand. */
  readonly peers?: readonly Endpoint[]
  readonly onEvent?: (event: TorrentEvent) => void
}

export type TorrentEvent =
  | { readonly kind: 'metadata'; readonly torrent: Torrent }
  | { readonly kind: 'checking'; readonly bytes: number; readonly total: number }
  /** What was there is known; downloading or seeding begins. */
  | { readonly kind: 'checked'; readonly haveBytes: number }
  /** All wanted files are whole, in place and on disk. Once. */
  | { readonly kind: 'complete' }
  | { readonly kind: 'announced'; readonly url: string; readonly peers: number }
  /** The tracker said no; `reason` is its sentence. */
  | {
      readonly kind: 'announce-refused'
      readonly url: string
      readonly reason: string
      readonly retryIn: Millis
    }
  /** The tracker could not be reached or talked nonsense. */
  | {
      readonly kind: 'announce-failed'
      readonly url: string
      readonly reason: string
      readonly retryIn: Millis
    }
  | { readonly kind: 'peer-banned'; readonly address: IpAddress; readonly reason: string }
  /** Seeding: what lies on the disk is no longer what was published; the piece was not sent. */
  | { readonly kind: 'content-changed'; readonly landingPath: string; readonly reason: string }
  /** It is asked no more; `origin` is all of its URL that may be shown. */
  | { readonly kind: 'web-seed-dropped'; readonly origin: string; readonly reason: string }
  /** The disk refused (full, say): paused; tried again every few seconds. */
  | { readonly kind: 'storage-failed'; readonly reason: string }
  | { readonly kind: 'storage-resumed' }
  /** It cannot go on at all; the torrent has stopped itself. */
  | { readonly kind: 'failed'; readonly error: Error }

export interface TorrentStats {
  /** Verified bytes of wanted files, and how many there will be. */
  readonly haveBytes: number
  readonly wantedBytes: number
  /** Over the last few seconds. */
  readonly downBps: number
  readonly upBps: number
  /** Payload received and kept, by where it came from; and payload sent. */
  readonly from: BytesBySource
  /** The same from web seeds. */
  readonly fromWebSeeds: number
  /** What was there at the beginning is known: `haveBytes` tells. */
  readonly isChecked: boolean
  readonly uploadedBytes: number
  /** Payload of every kind, kept or not: grows as long as anything comes in. */
  readonly receivedBytes: number
  /** Received and thrown away: duplicates and pieces that failed their hash. */
  readonly wastedBytes: number
  /** Connected peers by where they are. */
  readonly peers: BytesBySource
  readonly hasFailedHashes: number
}

export interface PeerStats {
  readonly remote: Endpoint
  readonly source: PeerSource
  readonly client: string
  readonly isIncoming: boolean
  /** What the tracker said of its address. */
  readonly lease?: LeaseOfPeer | undefined
  /** Pieces it says to have. */
  readonly pieces: number
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** Payload exchanged with one address. */
export interface EndTraffic {
  readonly at: IpAddress
  readonly from: PeerSource
  /** Verified and kept. */
  readonly receivedBytes: number
  readonly sentBytes: number
}

/** Bytes of one file, by its place in the torrent; `end` is exclusive. */
export interface FileRange {
  readonly file: number
  readonly start: number
  readonly end: number
}

export interface TorrentHandle {
  readonly infoHash: InfoHash
  /** Undefined until metadata is there. */
  readonly torrent: Torrent | undefined
  stats(): TorrentStats
  peers(): readonly PeerStats[]
  /** Payload by the other end since this was last called: for one who adds it up. */
  takeTraffic(): readonly EndTraffic[]
  addPeers(peers: readonly Endpoint[]): void
  /**
   * Bytes of one piece, for somebody who is no peer: a copy of what was hashed and found good. Undefined when we have
   * not that piece, what lies on the disk is something else, or `gone` says that nobody waits for it any more. Within
   * the limit of uploads.
   */
  readPiece(
    of: {
      readonly piece: number
      readonly offset: number
      readonly length: number
    },
    gone?: AbortSignal,
  ): Promise<Uint8Array | undefined>
  /** Announce now (a fresh grant came, say). */
  announceNow(): void
  /**
   * Verified bytes of a wanted file, in order, each chunk the receiver's own. What is not there is waited for, and
   * fetched before everything else. Needs `isRead`. Rejects with ShoalError `not-found` for what is no part of a wanted
   * file, `unavailable` when it cannot go on, and with what `signal` is aborted with.
   */
  read(range: FileRange, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void>
  /** Fetches this as if it were read in `dueIn`, until it is here or the result is disposed of. @throws ShoalError as {@link read}. */
  hurry(range: FileRange, dueIn: Millis): Disposable
  /** Announces `stopped` (bounded, 3 s), closes its peers and files, saves its state. Idempotent. */
  stop(): Promise<void>
}

export interface Engine extends AsyncDisposable {
  readonly port: number
  readonly peerId: PeerId
  /** @throws ShoalError `conflict` when the infohash is already there. */
  add(spec: AddTorrent): TorrentHandle
  get(infoHash: InfoHash): TorrentHandle | undefined
  /** The portal took grants back: asks the tracker about every connected peer of a guarded torrent. */
  reconsiderPeers(): void
  /** Trackers begin anew (the portal's epoch rose): every torrent announces within 45 s. */
  reannounce(): void
}

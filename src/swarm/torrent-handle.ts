/** A torrent as its owner sees it. */
import type { Endpoint } from '../core/address.ts'
import type { InfoHash } from '../core/ids.ts'
import type { Torrent } from '../core/metainfo.ts'
import type { Millis } from '../core/units.ts'
import type {
  EndTraffic,
  FileRange,
  PeerSource,
  PeerStats,
  TorrentHandle,
  TorrentStats,
} from './engine-types.ts'
import { type PiecePart, readVerified } from './piece-reading.ts'
import { hurry, readFile } from './reading.ts'
import type { Swarm } from './swarm.ts'

export class SwarmHandle implements TorrentHandle {
  readonly #swarm: Swarm
  readonly #onStop: () => Promise<void>

  constructor(swarm: Swarm, onStop: () => Promise<void>) {
    this.#swarm = swarm
    this.#onStop = onStop
  }

  get infoHash(): InfoHash {
    return this.#swarm.state.spec.infoHash
  }

  get torrent(): Torrent | undefined {
    return this.#swarm.state.torrent
  }

  stats(): TorrentStats {
    const s = this.#swarm.state
    const now = s.shared.clock.now()
    const peers: Record<PeerSource, number> = { site: 0, otherSites: 0, origin: 0 }
    for (const peer of s.peers.values()) peers[peer.source]++
    return {
      haveBytes: s.loaded?.haveBytes ?? 0,
      wantedBytes: s.loaded?.wantedBytes ?? 0,
      downBps: s.meterDown.rate(now),
      upBps: s.meterUp.rate(now),
      from: { ...s.from },
      fromWebSeeds: s.webSeeding?.keptBytes ?? 0,
      isChecked: s.loaded !== undefined && s.phase !== 'checking',
      uploadedBytes: s.uploadedBytes,
      receivedBytes: s.meterDown.totalBytes,
      wastedBytes: s.wastedBytes,
      peers,
      hasFailedHashes: s.failedHashes,
    }
  }

  peers(): readonly PeerStats[] {
    return [...this.#swarm.state.peers.values()].map((peer) => ({
      remote: peer.connection.remote,
      source: peer.source,
      client: peer.client,
      isIncoming: peer.connection.isIncoming,
      lease: peer.lease,
      pieces: peer.has.count,
      receivedBytes: peer.down.meter.totalBytes,
      sentBytes: peer.up.meter.totalBytes,
    }))
  }

  takeTraffic(): readonly EndTraffic[] {
    return this.#swarm.state.traffic.take()
  }

  addPeers(peers: readonly Endpoint[]): void {
    this.#swarm.addPeers(peers)
  }

  readPiece(of: PiecePart, gone?: AbortSignal): Promise<Uint8Array | undefined> {
    return readVerified(this.#swarm.state, of, gone)
  }

  announceNow(): void {
    this.#swarm.state.announcer?.announce()
  }

  read(range: FileRange, signal: AbortSignal): AsyncGenerator<Uint8Array, void, void> {
    return readFile(this.#swarm.state, range, signal)
  }

  hurry(range: FileRange, dueIn: Millis): Disposable {
    return hurry(this.#swarm.state, range, dueIn)
  }

  stop(): Promise<void> {
    return this.#onStop()
  }
}

/** A peer engine without peers: a test says what happens to its torrents. */
import { ShoalError } from '../../../src/core/errors.ts'
import { peerId, type InfoHash } from '../../../src/core/ids.ts'
import type { AddTorrent, Engine, TorrentEvent, TorrentHandle } from '../../../src/swarm/index.ts'

const NONE = { site: 0, otherSites: 0, origin: 0 }

export class MemoryEngine implements Engine {
  readonly port = 16_881
  readonly peerId = peerId('2d5348303130302d'.padEnd(40, '0'))
  readonly torrents = new Map<InfoHash, AddTorrent>()
  isDisposed = false
  /** How often it was told that grants were taken back. */
  reconsidered = 0
  /** How often all torrents were told to announce again. */
  reannounced = 0

  add(spec: AddTorrent): TorrentHandle {
    if (this.torrents.has(spec.infoHash)) throw new ShoalError('conflict', 'it is there already')
    this.torrents.set(spec.infoHash, spec)
    return {
      infoHash: spec.infoHash,
      torrent: spec.torrent,
      stats: () => ({
        haveBytes: 0,
        wantedBytes: 0,
        downBps: 0,
        upBps: 0,
        from: NONE,
        fromWebSeeds: 0,
        isChecked: true,
        uploadedBytes: 0,
        wastedBytes: 0,
        peers: NONE,
        receivedBytes: 0,
        hasFailedHashes: 0,
      }),
      peers: () => [],
      takeTraffic: () => [],
      addPeers: () => undefined,
      readPiece: () => Promise.resolve(undefined),
      announceNow: () => undefined,
      read: () => {
        throw new ShoalError('unavailable', 'there is nobody to read from')
      },
      hurry: () => ({ [Symbol.dispose]: () => undefined }),
      stop: () => {
        this.torrents.delete(spec.infoHash)
        return Promise.resolve()
      },
    }
  }

  get(): undefined {
    return undefined
  }

  reconsiderPeers(): void {
    this.reconsidered++
  }

  reannounce(): void {
    this.reannounced++
  }

  /** What the engine tells of a torrent. */
  tell(hash: InfoHash, event: TorrentEvent): void {
    this.torrents.get(hash)?.onEvent?.(event)
  }

  /** Infohashes that are seeded. */
  seeded(): InfoHash[] {
    return [...this.torrents].filter(([, spec]) => spec.mode === 'seed').map(([hash]) => hash)
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.isDisposed = true
    return Promise.resolve()
  }
}
